"""Where settings come from, which source beats which, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.read import read_settings
from tests.support.settings_files import CLIENT, GOOD, write


def test_caller_beats_environment_beats_file(tmp_path: Path) -> None:
    """Flag over environment over file; GRAPHDAEMON_ over AZURE_."""
    path = write(tmp_path, GOOD)
    azure = {"AZURE_CLIENT_ID": "from-azure"}
    own = azure | {"GRAPHDAEMON_CLIENT_ID": "from-graphdaemon"}

    assert read_settings(path, azure).client_id == "from-azure"
    assert read_settings(path, own).client_id == "from-graphdaemon"
    assert read_settings(path, own, {"client_id": "given"}).client_id == "given"


def test_secret_in_the_environment_replaces_the_files_certificate(tmp_path: Path) -> None:
    """A stronger source's credential replaces a weaker one's, it does not clash with it."""
    path = write(tmp_path, GOOD | {"secret": None, "private_key_file": "k.pem"})

    settings = read_settings(path, {"AZURE_CLIENT_SECRET": "s"})

    assert [credential.kind for credential in settings.credentials] == ["secret"]
    assert settings.source("secret") == "AZURE_CLIENT_SECRET"


def test_the_environment_says_when_it_beats_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Variables set long ago surprise nobody: names and sources are said, values are not."""
    path = write(tmp_path, GOOD)

    read_settings(path, {"AZURE_CLIENT_SECRET": "another~secret", "AZURE_CLIENT_ID": CLIENT})

    assert caplog.messages == ["secret: AZURE_CLIENT_SECRET beats parameters.json"]


def test_config_variable_names_the_file(tmp_path: Path) -> None:
    """GRAPHDAEMON_CONFIG stands in for the argument."""
    path = write(tmp_path, GOOD, "other.json")

    assert read_settings(None, {"GRAPHDAEMON_CONFIG": str(path)}).client_id == CLIENT


def test_toml_error_names_the_line(tmp_path: Path) -> None:
    """A TOML file that does not parse says where."""
    with pytest.raises(SettingsError, match="line 2, column 1") as caught:
        read_settings(write(tmp_path, 'client_id = "x"\n!', "s.toml"), {})

    assert caught.value.code == "settings_malformed"


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is repeated."""
    with pytest.raises(SettingsError, match=r"nowhere\.json does not exist") as caught:
        read_settings(tmp_path / "nowhere.json", {})

    assert caught.value.code == "no_settings"


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    """A folder, or a file that is no text, is said to be unreadable."""
    binary = tmp_path / "parameters.json"
    binary.write_bytes(b"\xff\xfe\x00")

    for path in (tmp_path, binary, Path("/dev/zero")):
        with pytest.raises(SettingsError) as caught:
            read_settings(path, {})
        assert caught.value.code == "settings_unreadable"


def test_a_folder_in_place_of_the_file_is_said_to_be_one(tmp_path: Path) -> None:
    """With the name that a file in it would have."""
    with pytest.raises(SettingsError, match="is a folder, not a settings file") as caught:
        read_settings(tmp_path, {})

    assert str(tmp_path / "parameters.json") in str(caught.value.hint)


def test_files_that_others_can_read_are_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A settings file with a secret in it, and the command that closes it."""
    path = write(tmp_path, GOOD)
    path.chmod(0o644)
    for _ in range(2):
        read_settings(path, {})

    assert caplog.messages == [
        f"{path} holds a secret, and others can read it (mode 644): chmod 600 {path}"
    ]


def test_a_file_without_a_secret_may_be_read_by_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing in it is private."""
    path = write(tmp_path, GOOD | {"secret": None, "private_key_file": "k.pem"})
    path.chmod(0o644)

    read_settings(path, {})

    assert caplog.messages == []
