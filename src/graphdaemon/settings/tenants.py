"""
A folder with a settings file for each tenant, whose name (without its ending) names the tenant.

Here a file takes precedence over the environment, which only fills in what the file leaves open.
Otherwise a variable that was set for one app would apply to the tenants of all files.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from graphdaemon.errors import SettingsError
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.text import quote

_SUFFIXES = (".json", ".toml")


class TenantFile(NamedTuple):
    """
    One settings file of a folder.

    Attributes:
        name: What the tenant is called: the file's name without its ending.
        settings: What the file says, or the reason why it cannot be used.
        path: The file.
    """

    name: str
    settings: Settings | SettingsError
    path: Path


def read_folder(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> list[TenantFile]:
    """
    Read every `*.json` and `*.toml` of a folder, in the order of the names.

    Hidden files and subfolders are left out. A file that cannot be used is in the list too, with
    the reason in place of its settings, and the other files are read all the same.

    Args:
        folder: The folder.
        environment: The variables that fill in what a file leaves open; by default the process's.
        overrides: Settings by name that take precedence over every file.

    Raises:
        SettingsError: The folder cannot be read, or has no such file.
    """
    files: list[TenantFile] = []
    names: dict[str, Path] = {}
    for path in _list_files(folder):
        # Also where the file system tells apart what another one does not.
        other = names.setdefault(path.stem.casefold(), path)
        if other is path:
            files.append(read_tenant_file(path, environment, overrides))
        else:
            files.append(TenantFile(path.name, _refuse_name(path, other), path))
    return files


def read_tenant_file(
    path: Path,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> TenantFile:
    """Read one file of such a folder. The arguments are those of `read_folder`."""
    try:
        settings = read_settings(path, environment, overrides, file_first=True)
    except SettingsError as error:
        return TenantFile(path.stem, error, path)
    return TenantFile(path.stem, settings, path)


def _list_files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.is_dir())
    except OSError as error:
        raise SettingsError(
            f"the folder of tenants {quote(str(folder))} cannot be read: {error.strerror}",
            code="settings_unreadable",
            hint="Name a folder that holds a settings file for each tenant, and that this user may "
            "read.",
        ) from None
    paths = [folder / name for name in names if not name.startswith(".")]
    files = [path for path in paths if path.suffix in _SUFFIXES]
    if not files:
        raise SettingsError(
            f"the folder of tenants {quote(str(folder))} has no settings file",
            code="no_settings",
            hint="Put a file for each tenant into it, such as contoso.json, with the same content "
            "as parameters.json.",
        )
    return files


def _refuse_name(path: Path, other: Path) -> SettingsError:
    return SettingsError(
        f"{path} has the same name as another tenant's file, {other.name}",
        code="tenant_repeated",
        hint="Give one of the two files another name, or remove it.",
    )
