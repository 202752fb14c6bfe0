"""`graphdaemon export`: what a store holds, as Parquet or Delta Lake."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FolderName
from graphdaemon.cli.stored_options import (
    complete_stored,
    find_stored,
    read_store,
    store_option,
)

if TYPE_CHECKING:
    from graphdaemon.output.export.export import ExportFormat


@click.command(cls=StrictCommand)
@click.argument("collections", nargs=-1, metavar="[COLLECTION]...", shell_complete=complete_stored)
@store_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "delta"]),
    default="parquet",
    show_default=True,
    help="A Parquet file for each collection, or a Delta Lake table.",
)
@click.option(
    "--to",
    "folder",
    type=FolderName(),
    required=True,
    help="The folder to write to. If it does not exist, it is created so that only you can read "
    "it.",
)
@options.quiet_option
def export(
    *,
    collections: tuple[str, ...],
    store: str | None,
    format_: "ExportFormat",
    folder: Path,
    quiet: bool,
) -> None:
    """
    Write what a store holds to files that other programs read.

    COLLECTION is one that was synced; by default, all of them. Properties, including nested ones,
    have the types that Microsoft publishes. A Parquet file appears only when it is complete. A
    Delta Lake table is brought into step in one commit, which writes only what has changed since
    the last export.
    """
    from graphdaemon.output.export.export import export_store
    from graphdaemon.store.store import open_store

    names = [find_stored(name) for name in collections]
    with open_store(store or read_store(), create=False) as opened:
        for one in export_store(opened, names, format_, folder):
            done = "in step already" if one.records is None else f"{one.records:,} records"
            if not quiet:
                terminal.say(f"{one.collection}: {done}, {one.path}")
