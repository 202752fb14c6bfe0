"""The settings file: what is said where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.read import read_settings
from tests.support.settings_files import write


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
