"""A package's modules without its own first lines, and the whole package afterwards."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdaemon.auth.msal_import import import_msal_parts, import_parts

NAME = "house_of_cards"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose first lines note that they ran."""
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "__init__.py").write_text("from house_of_cards.cellar import wine\nkey = 'gold'\n")
    (folder / "cellar.py").write_text("wine = ['red']\n")
    (folder / "attic.py").write_text(
        "import house_of_cards\nfrom .beam import wood\ndef look(): return house_of_cards.key\n"
    )
    (folder / "beam.py").write_text("wood = 'oak'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


@pytest.mark.usefixtures("house")
def test_a_part_comes_without_the_whole() -> None:
    """Its neighbours are imported, the package's first lines are not, and nothing is left."""
    (attic,) = import_parts(NAME, "attic")

    assert attic.wood == "oak"
    assert not [name for name in sys.modules if name.startswith(NAME)]


@pytest.mark.usefixtures("house")
def test_whoever_imports_it_afterwards_gets_all_of_it() -> None:
    """The stand-in does not outlive its use."""
    import_parts(NAME, "beam")

    whole = importlib.import_module(NAME)

    assert (whole.key, whole.wine) == ("gold", ["red"])


@pytest.mark.usefixtures("house")
def test_a_part_that_needs_the_whole_gets_it() -> None:
    """What the stand-in lacks is looked up in the package itself."""
    (attic,) = import_parts(NAME, "attic")

    assert attic.look() == "gold"


@pytest.mark.usefixtures("house")
def test_what_is_imported_already_is_used() -> None:
    """There are never two of a module where one would do."""
    whole = importlib.import_module(f"{NAME}.cellar")

    assert import_parts(NAME, "cellar") == (whole,)


def test_a_part_that_cannot_stand_alone_comes_with_the_whole(house: Path) -> None:
    """Slower, and right: another version may be built differently."""
    (house / "attic.py").write_text("from house_of_cards import key\n")
    (house / "__init__.py").write_text("key = 'gold'\n")

    assert import_parts(NAME, "attic")[0].key == "gold"


def test_one_copy_of_msal_serves_every_request() -> None:
    """Another would not know the exceptions of the first."""
    import_msal_parts.cache_clear()

    assert import_msal_parts() is import_msal_parts()


def test_a_package_that_is_not_there_is_missed() -> None:
    """As by any import."""
    with pytest.raises(ImportError):
        import_parts("no_such_package_anywhere", "attic")
