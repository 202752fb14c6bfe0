"""`graphdaemon run`: keep a database in step with the directory, for ever."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FolderName, load_settings
from graphdaemon.cli.stored_options import complete_stored, written_store_options
from graphdaemon.cli.sync_arguments import (
    add_store,
    read_words,
    select_collections,
)
from graphdaemon.cli.watch_options import read_watch, watch_options
from graphdaemon.errors import UsageError

if TYPE_CHECKING:
    from graphdaemon.daemon.options import TenantFiles
    from graphdaemon.settings.model import Settings
    from graphdaemon.sync.options import SyncOptions

_LEVELS = ("debug", "info", "warning", "error")


@click.command(cls=StrictCommand)
@click.argument(
    "words", nargs=-1, metavar="[PARAMETERS] [COLLECTION]...", shell_complete=complete_stored
)
@click.option(
    "--tenants",
    type=FolderName(),
    metavar="FOLDER",
    help="Keep several tenants in step: a folder with a settings file for each of them.",
)
@written_store_options
@click.option(
    "--every",
    metavar="TIME",
    default="5m",
    show_default=True,
    help="The time from one sync of a collection to the next, such as 30s, 5m or 1h.",
)
@click.option(
    "--slots",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="How many tenants to sync at the same time.",
)
@click.option("--allow-unproved", is_flag=True, help="Also store what is not proved complete.")
@click.option(
    "--chains", type=click.IntRange(1, 64), help="How many pages to request at the same time."
)
@click.option(
    "--polite",
    metavar="PERCENT",
    help="Use only this share of the throttle budget, such as 30%, and leave the rest to others.",
)
@watch_options
@click.option("--quiet", "-q", is_flag=True, help="Print only failures.")
@options.verbose_option
def run(**arguments: Any) -> int:
    """
    Keep a database in step with the directory, continuously.

    COLLECTION is as for `graphdaemon sync`; by default, everything that the app may read.
    PARAMETERS is the settings file. Any number of daemons with the same PostgreSQL database share
    the work. SIGTERM ends the daemon. SIGHUP makes it read the settings again.
    """
    from graphdaemon.cli.run_daemon import run_daemon
    from graphdaemon.daemon.options import DaemonOptions
    from graphdaemon.store.location import DEFAULT

    watched = read_watch(arguments)
    tell = watched.tell
    file, names = read_words(arguments["words"])
    selections = select_collections(names, arguments["selects"])
    every = _read_every(arguments["every"])
    share = options.read_share(arguments["polite"])
    files, store = _find_files(arguments["tenants"], file)
    store = arguments["store"] or store or DEFAULT
    add_store(click.get_current_context(), store)
    return run_daemon(
        DaemonOptions(
            store,
            every,
            files,
            tuple(selections),
            named=bool(names),
            sync=_read_sync(arguments),
            share=share,
            slots=arguments["slots"],
            beside=watched.beside,
        ),
        tell,
        watched.note_reload,
    )


def _read_every(text: str) -> float:
    return options.read_length("--every", text, "5m, 30s or 1h")


def _read_sync(arguments: Mapping[str, Any]) -> "SyncOptions":
    from graphdaemon.listing.options import ListingOptions
    from graphdaemon.sync.options import SyncOptions

    chains = arguments["chains"]
    return SyncOptions(
        allow_unproved=arguments["allow_unproved"],
        listing=ListingOptions() if chains is None else ListingOptions(chains=chains),
    )


def _find_files(folder: Path | None, file: Path | None) -> "tuple[TenantFiles, str | None]":
    """
    Return where the settings of the tenants are, and which store they name.

    Raises:
        SettingsError: The settings of the only tenant cannot be used.
        UsageError: Both a folder and a file are named.
    """
    import os

    from graphdaemon.daemon.options import TenantFiles
    from graphdaemon.settings.tenants import read_folder, read_tenant_file

    if folder is None:
        settings = load_settings(file)
        return _only(file, settings), _store_of(settings)
    if file is not None:
        raise UsageError(
            f"{file} is the settings file of one tenant, and --tenants {folder} names several",
            code="option_invalid",
            hint="Put the file into the folder, or leave out one of the two.",
        )
    return (
        TenantFiles(
            lambda: read_folder(folder),
            lambda one: read_tenant_file(one.path),
        ),
        os.environ.get("GRAPHDAEMON_STORE"),
    )


def _only(file: Path | None, first: "Settings") -> "TenantFiles":
    """The settings of a single tenant, which may come from the environment alone."""
    from graphdaemon.daemon.options import TenantFiles
    from graphdaemon.errors import SettingsError
    from graphdaemon.settings.read import read_settings
    from graphdaemon.settings.tenants import TenantFile

    path = next((path for label, path in first.files if label == "the settings file"), None)
    name = path.stem if path is not None else "environment"

    def read() -> TenantFile:
        try:
            settings: Settings | SettingsError = read_settings(file)
        except SettingsError as error:
            settings = error
        return TenantFile(name, settings, path or Path())

    return TenantFiles(lambda: [read()], lambda _: read())


def _store_of(settings: "Settings") -> str | None:
    return settings.sync.store.reveal() if settings.sync.store is not None else None
