"""A folder of settings files: each its own tenant, whatever the others and the environment say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import TenantFile, read_folder, read_tenant_file
from tests.support.settings_files import GOOD, write


def settings_of(file: TenantFile) -> Settings:
    assert isinstance(file.settings, Settings), file.settings
    return file.settings


def error_of(file: TenantFile) -> SettingsError:
    assert isinstance(file.settings, SettingsError), file.settings
    return file.settings


def test_every_file_is_a_tenant_called_as_the_file(tmp_path: Path) -> None:
    """JSON and TOML, in the order of the names; hidden and other files and folders are left out."""
    write(tmp_path, GOOD, "fabrikam.json")
    write(tmp_path, 'tenant = "contoso.example"\nclient_id = "a"\nsecret = "s"', "contoso.toml")
    write(tmp_path, GOOD, ".fabrikam.json")
    write(tmp_path, "for people", "README.md")
    (tmp_path / "old.json").mkdir()

    files = read_folder(tmp_path, {})

    assert [file.name for file in files] == ["contoso", "fabrikam"]
    assert [settings_of(file).client_id for file in files] == ["a", GOOD["client_id"]]
    assert files[0].path == tmp_path / "contoso.toml"


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    """It stands in the list with its reason, and the others are read."""
    write(tmp_path, GOOD, "contoso.json")
    write(tmp_path, "{", "broken.json")
    write(tmp_path, GOOD, "fabrikam.json")

    broken, *others = read_folder(tmp_path, {})

    assert broken.name == "broken"
    assert error_of(broken).code == "settings_malformed"
    assert [settings_of(file).client_id for file in others] == [GOOD["client_id"]] * 2


def test_what_a_file_says_beats_the_environment(tmp_path: Path) -> None:
    """Variables of one app would turn every file into that app's; they fill in what is absent."""
    write(tmp_path, GOOD, "contoso.json")
    without = {name: value for name, value in GOOD.items() if name != "secret"}
    write(tmp_path, without, "fabrikam.json")
    environment = {
        "AZURE_TENANT_ID": "other.example",
        "AZURE_CLIENT_ID": "other",
        "GRAPHDAEMON_CLIENT_ID": "another",
        "AZURE_CLIENT_SECRET": "shared~secret",
    }

    contoso, fabrikam = map(settings_of, read_folder(tmp_path, environment))

    assert contoso.authority == fabrikam.authority == GOOD["authority"]
    assert contoso.client_id == fabrikam.client_id == GOOD["client_id"]
    assert contoso.source("secret") == "contoso.json"
    assert fabrikam.source("secret") == "AZURE_CLIENT_SECRET"


def test_options_beat_every_file(tmp_path: Path) -> None:
    """What the command line says is said of all."""
    path = write(tmp_path, GOOD, "contoso.json")

    file = read_tenant_file(path, {}, {"timeout": 7})

    assert settings_of(file).timeout == 7


def test_of_two_files_of_one_name_the_second_is_refused(tmp_path: Path) -> None:
    """Nobody could tell which of them a line of the log is about, and case does not tell either."""
    write(tmp_path, json.dumps(GOOD), "Contoso.json")
    write(tmp_path, 'tenant = "contoso.example"\nclient_id = "a"\nsecret = "s"', "contoso.toml")

    first, second = read_folder(tmp_path, {})

    assert settings_of(first).client_id == GOOD["client_id"]
    assert second.name == "contoso.toml"
    assert error_of(second).code == "tenant_repeated"


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_without_tenants_is_refused(tmp_path: Path, *, make: bool) -> None:
    """A mistyped name, and a folder that was not filled, are no fleet of none."""
    folder = tmp_path / "tenants"
    if make:
        folder.mkdir()

    with pytest.raises(SettingsError) as caught:
        read_folder(folder, {})

    assert caught.value.code == ("no_settings" if make else "settings_unreadable")
    assert str(folder) in str(caught.value)
