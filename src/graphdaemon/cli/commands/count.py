"""`graphdaemon count`: the service's own count."""

from typing import Any

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand


@click.command(cls=StrictCommand)
@options.collection_argument
@options.settings_argument
@options.group_option
@options.condition_options
@options.verbose_option
def count(*, collection: str, group: str | None, **arguments: Any) -> None:
    """
    Print how many records a collection has.

    This is Graph's own count, which comes from an index that lags behind by minutes. `graphdaemon
    list` counts the records themselves. COLLECTION and PARAMETERS are as for `graphdaemon list`.
    """
    from graphdaemon.cli.collection_argument import check_collection, find_members
    from graphdaemon.cli.interrupt import run_async
    from graphdaemon.cli.named_files import load_settings
    from graphdaemon.client.client import Client
    from graphdaemon.errors import UsageError
    from graphdaemon.graph.address import choose_root
    from graphdaemon.graph.catalog import find_collection
    from graphdaemon.graph.query import Query, count_url

    terminal.configure_log(arguments["verbose"])
    client = Client(load_settings(arguments["parameters"]))
    if not client.settings.is_graph:
        raise UsageError(
            "only Microsoft Graph can count, and the scope is that of another API",
            code="option_invalid",
            hint="Count the records of `graphdaemon list`. If the API supports OData, use "
            "`graphdaemon request GET 'orders/$count'`.",
        )
    path = check_collection(collection, group)
    query = Query(filter=arguments["filter_"], search=arguments["search"])

    async def ask() -> int:
        async with client:
            named = path if group is None else await find_members(client, group)
            row = find_collection(named)
            url = count_url(choose_root(client.settings.graph_root, named), row, query)
            return await client.graph.count(url, needs=row.role)

    terminal.print_line(f"{run_async(ask())}")
