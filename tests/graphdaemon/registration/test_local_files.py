"""The settings file and the key file: made again, kept, or somebody else's."""

import json

import pytest

from graphdaemon.errors import SettingsError
from tests.support.register_tenant import Site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


def test_missing_files_are_made_again(site: Site) -> None:
    """Lost settings are written; a lost key is replaced, and its certificate goes."""
    site.register()
    (site.folder / "parameters.json").unlink()
    site.register()
    (site.folder / "parameters.pem").unlink()

    done = site.register()

    assert len(site.app["keyCredentials"]) == 1
    assert site.prove(done)


def test_what_people_added_to_the_settings_stays(site: Site) -> None:
    """Keys of theirs, and an endpoint of their choice."""
    site.register()
    path = site.folder / "parameters.json"
    mine = site.settings | {"timeout": 20, "endpoint": f"{site.emulator.url}/beta/users"}
    path.write_text(json.dumps(mine))

    assert not site.register().changed
    site.register(kind="secret")

    assert site.settings["timeout"] == 20
    assert site.settings["endpoint"].endswith("/beta/users")


@pytest.mark.parametrize("name", ["parameters.json", "parameters.pem"])
@pytest.mark.parametrize("content", ["{", '{"client_id": "hers", "note": "mine"}', "key"])
def test_a_file_of_somebody_elses_is_not_overwritten(site: Site, name: str, content: str) -> None:
    """Nothing is sent before that is said; --force does."""
    path = site.folder / name
    path.write_text(content)

    with pytest.raises(SettingsError) as caught:
        site.register()

    assert caught.value.code == "file_foreign"
    assert "--force" in (caught.value.hint or "")
    assert (path.read_text(), site.apps) == (content, [])
    assert site.prove(site.register(force=True))


def test_settings_of_another_app_or_tenant_are_somebody_elses(site: Site) -> None:
    """One file, one app."""
    site.register()
    name = site.name
    site.name = "another"
    with pytest.raises(SettingsError, match=f"for the app {name}"):
        site.register()

    site.name = name
    moved = site.settings | {"authority": "https://login.microsoftonline.com/elsewhere"}
    (site.folder / "parameters.json").write_text(json.dumps(moved))
    with pytest.raises(SettingsError, match="for another tenant"):
        site.register()
