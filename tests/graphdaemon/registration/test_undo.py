"""A registration is undone: the app and the files go, and both can come back."""

import pytest

from tests.support.register_tenant import Site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


def test_it_is_undone_and_made_again(site: Site) -> None:
    """The app goes to the recycle bin and the files away; registered again, it is the same one."""
    done = site.register()
    (site.folder / "hers.txt").write_text("mine")

    assert site.undo()

    assert site.apps == []
    assert [path.name for path in site.folder.iterdir()] == ["hers.txt"]
    assert not site.undo()
    again = site.register()
    assert again.client_id == done.client_id
    assert len(site.app["keyCredentials"]) == 1
    assert site.prove(again)


def test_it_is_deleted_for_good(site: Site) -> None:
    """Also when it was in the recycle bin already; registered again, it is another app."""
    done = site.register()
    site.undo()

    assert site.undo(purge=True)

    assert not site.undo(purge=True)
    assert site.register().client_id != done.client_id
    assert site.undo(purge=True)
