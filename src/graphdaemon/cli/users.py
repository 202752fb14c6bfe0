"""``graphdaemon users``: the quickstart's job."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import click

from graphdaemon import log
from graphdaemon.catalog import CATALOG
from graphdaemon.cli.interrupt import run_async
from graphdaemon.client import Client, load
from graphdaemon.output import FORMATS, Writer, open_writer
from graphdaemon.page import Page


@click.command()
@click.argument("parameters", required=False, type=click.Path(), metavar="[PARAMETERS]")
@click.option(
    "--format",
    "-f",
    "format_",
    type=click.Choice(FORMATS),
    default="json",
    show_default=True,
    help="json: one object with value; ndjson: one record a line; table: for reading.",
)
@click.option("--select", "-s", help="Properties to return, comma-separated; id is added.")
@click.option("--filter", "filter_", help="OData filter, such as \"startswith(displayName,'A')\".")
@click.option("--search", help='Such as "displayName:ana".')
@click.option("--orderby", help='Such as "displayName desc".')
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many users.")
@click.option("--verbose", "-v", count=True, help="Say what is done; twice: everything.")
def users(
    *,
    parameters: str | None,
    format_: str,
    select: str | None,
    filter_: str | None,
    search: str | None,
    orderby: str | None,
    limit: int | None,
    verbose: int,
) -> None:
    """
    List the users of the directory.

    Every page is read, to the last. PARAMETERS is the settings file: the sample's parameters.json,
    or TOML. Without it, $GRAPHDAEMON_CONFIG names the file, or it is ./parameters.json, or the
    environment (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET) says it all.
    """
    log.configure(verbose)
    properties = tuple(name.strip() for name in (select or "").split(",") if name.strip())
    columns = properties or CATALOG["users"].columns
    client = load(parameters)
    pages = client.pages(
        "users",
        select=properties,
        filter=filter_,
        search=search,
        orderby=orderby,
        limit=limit,
    )
    writer = open_writer(format_, sys.stdout, columns)
    listed = run_async(write_pages(client, pages, writer))
    limited = " (there may be more: --limit)" if limit is not None and listed == limit else ""
    click.echo(f"{listed} user{'' if listed == 1 else 's'}{limited}", err=True)


async def write_pages(client: Client, pages: AsyncIterator[Page], writer: Writer) -> int:
    """Write every record of ``pages``, close ``client``, and return how many there were."""
    listed = 0
    async with client:
        async for page in pages:
            writer.write(page.records)
            listed += len(page.records)
    writer.finish()
    return listed
