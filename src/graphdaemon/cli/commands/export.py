"""`graphdaemon export`: what a store holds, as Parquet or Delta Lake."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FolderName

if TYPE_CHECKING:
    from graphdaemon.output.export.export import ExportFormat

DEFAULT_STORE = "sqlite:graphdaemon.db"


def _complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    return [name for name in STORED_COLLECTIONS if name.startswith(incomplete)]


@click.command(cls=StrictCommand)
@click.argument("collections", nargs=-1, metavar="[COLLECTION]...", shell_complete=_complete)
@click.option(
    "--store",
    metavar="URL",
    envvar="GRAPHDAEMON_STORE",
    default=DEFAULT_STORE,
    show_default=True,
    help="The database: sqlite:FILE or postgresql://user@host/database.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "delta"]),
    default="parquet",
    show_default=True,
    help="A Parquet file for each collection, or a Delta Lake table.",
)
@click.option("--to", "folder", type=FolderName(), required=True, help="The folder, which exists.")
def export(collections: tuple[str, ...], store: str, format_: "ExportFormat", folder: Path) -> None:
    """
    Write what a store holds to files that other programs read.

    COLLECTION is one that was synced; by default all are. Properties have the types that Microsoft
    publishes, nested ones too. A Parquet file takes its place when it is whole; a Delta Lake table
    is brought into step in one commit, which writes only what has changed since the last.
    """
    from graphdaemon.output.export.export import export_store
    from graphdaemon.store.store import open_store

    with open_store(store, create=False) as opened:
        for one in export_store(opened, collections, format_, folder):
            done = "in step already" if one.records is None else f"{one.records:,} records"
            terminal.say(f"{one.collection}: {done}, {one.path}")
