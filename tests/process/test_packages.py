"""What is shipped: no file is left out, none is in it that nobody put there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.shipped_package import run
from tools.release.distributions import list_sdist, list_sources, list_wheel
from tools.release.step import Unavailable


@pytest.fixture(scope="module")
def sources() -> set[str]:
    try:
        return list_sources()
    except Unavailable as reason:
        pytest.skip(str(reason))


def test_the_source_distribution_has_all_that_its_tests_need(
    sources: set[str], tmp_path: Path
) -> None:
    """It is the repository as it stands, without what says how that is run."""
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path)
    (sdist,) = tmp_path.iterdir()

    # What is new and not committed yet is in it too.
    assert sources - list_sdist(sdist) == {name for name in sources if not (ROOT / name).exists()}
    assert {name.partition("/")[0] for name in list_sdist(sdist)} == {
        name.partition("/")[0] for name in sources
    }


def test_the_wheel_has_the_programs_and_their_man_pages(sources: set[str], wheel: Path) -> None:
    """And nothing else: no test, no source in C, nothing that was lying about."""
    shipped = {
        name
        for name in sources
        if name.startswith(("src/", "docs/man/")) and not name.endswith(".c")
    }

    assert shipped <= list_wheel(wheel)
    assert {name for name in list_wheel(wheel) - shipped if not (ROOT / name).exists()} == set()


# What builds it in the image, and is taken away there again.
BUILDERS = {
    *("editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"),
}


def read_pins(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text("utf-8").splitlines()
    pins = {line.partition(" ")[0] for line in lines if line[:1].isalnum()}
    return {pin for pin in pins if pin.partition("==")[0] not in BUILDERS}


def test_a_package_has_what_the_image_and_the_emulator_have() -> None:
    """Three locks of one program: what is needed is in each, at one version."""
    assert read_pins("package.txt") == read_pins("image.txt") | read_pins("emulator.txt")
