"""The settings file and the key file: made again, kept, or somebody else's."""

import json
import tomllib
from pathlib import Path

import pytest

from graphdaemon.auth.key_files import make_key_pair, read_key_pair
from graphdaemon.errors import SettingsError
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.local_files import LocalFiles
from tests.support.foreign_files import look_at
from tests.support.full_disk import no_file_larger_than
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


def test_what_people_added_to_settings_in_toml_stays(tmp_path: Path) -> None:
    """Tables and emoji, too."""
    path = tmp_path / "parameters.toml"
    files = LocalFiles(path, DesiredState("app"))
    files.write({"client_id": "c", "secret": "s😀"})
    added = 'timeout = 20\n[[credentials]]\nsecret_file = "mine"\n'
    path.write_text(path.read_text("utf-8") + added, "utf-8")

    LocalFiles(path, DesiredState("app")).write({"client_id": "d", "secret": "t😀"})

    read = tomllib.loads(path.read_text("utf-8"))
    assert (read["client_id"], read["secret"], read["timeout"]) == ("d", "t😀", 20)
    assert read["credentials"] == [{"secret_file": "mine"}]


@pytest.mark.parametrize("length", [1, 43, 44, 100])
def test_a_key_file_is_known_by_the_apps_name_however_long(tmp_path: Path, length: int) -> None:
    """A certificate's common name holds 64 characters, and an app's name a hundred."""
    path = tmp_path / "parameters.json"
    names = ("a" * length, "a" * (length - 1) + "b")
    files, others = (LocalFiles(path, DesiredState(name)) for name in names)
    pem, der = make_key_pair(files.title)

    files.write_key(pem)

    assert files.certificate == der
    assert read_key_pair(files.key_file).certificate.chain == (der,)
    assert LocalFiles(path, DesiredState(names[0])).read_state().thumbprint is not None
    with pytest.raises(SettingsError, match="written by somebody else"):
        others.read_state()


def test_a_link_to_the_settings_is_followed_and_stays(tmp_path: Path) -> None:
    """What it leads to is written, and removed; the link is somebody else's."""
    target, link = tmp_path / "elsewhere" / "settings.json", tmp_path / "parameters.json"
    target.parent.mkdir()
    link.symlink_to(target)

    LocalFiles(link, DesiredState("app")).write({"client_id": "c"})

    assert json.loads(target.read_text())["client_id"] == "c"
    assert LocalFiles(link, DesiredState("app")).remove() == [link]
    assert link.is_symlink()
    assert not target.exists()


@pytest.mark.parametrize("room", [0, 30])
def test_a_full_disk_is_one_error_and_the_old_settings_stay(tmp_path: Path, room: int) -> None:
    """Graph shows a secret once: the file that holds the last one is whole."""
    path = tmp_path / "parameters.json"
    files = LocalFiles(path, DesiredState("app"))
    files.write({"client_id": "c", "secret": "old"})
    before = look_at(path)

    with (
        no_file_larger_than(room),
        pytest.raises(SettingsError, match="cannot be written: File too large") as caught,
    ):
        files.write({"client_id": "c", "secret": "new"})

    assert caught.value.code == "file_unwritable"
    assert look_at(path) == before
    assert [path] == list(tmp_path.iterdir())
