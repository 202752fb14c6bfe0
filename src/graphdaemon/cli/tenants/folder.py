"""The option `--tenants`, and the settings files of the folder that it names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdaemon.cli.named_files import FolderName, add_settings

if TYPE_CHECKING:
    from graphdaemon.settings.tenants import TenantFile

tenants_option = click.option(
    "--tenants",
    type=FolderName(),
    metavar="DIR",
    help="Do this for every settings file in this folder. If one tenant fails, the others are "
    "still done.",
)


def load_folder(
    folder: Path, parameters: Path | None, overrides: Mapping[str, object] | None = None
) -> "list[TenantFile]":
    """
    Read the settings files of a folder, and compare the files that they name with all others.

    Raises:
        SettingsError: There is no such file.
        UsageError: `parameters` was given as well; or one file has two names, and one of them is
            written.
    """
    from graphdaemon.settings.tenants import read_folder

    if parameters is not None:
        raise click.UsageError(
            "--tenants names a folder of settings files, and PARAMETERS a single file. Give only "
            "one of them."
        )
    files = read_folder(folder, overrides=overrides)
    _add_files(files)
    return files


def _add_files(files: "Sequence[TenantFile]") -> None:
    """Note each file that settings name once: what one tenant may share, any number may."""
    from dataclasses import replace

    from graphdaemon.settings.model import Settings

    context = click.get_current_context()
    seen: set[tuple[str, Path]] = set()
    for file in files:
        if not isinstance(file.settings, Settings):
            continue
        named = [(label.split()[0], path, label) for label, path in file.settings.files]
        new = tuple((label, path) for word, path, label in named if (word, path) not in seen)
        seen |= {(word, path) for word, path, _ in named}
        add_settings(context, replace(file.settings, files=new))
