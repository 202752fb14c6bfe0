"""`graphdaemon list`: every record of a collection."""

from typing import Any

import click

from graphdaemon.cli import options, output_options
from graphdaemon.cli.command import StrictCommand


@click.command("list", cls=StrictCommand)
@options.collection_argument
@options.settings_argument
@options.api_options
@options.group_option
@options.query_options
@output_options.output_options
@options.order_options
@options.proof_options
@options.verbose_option
def list_(*, collection: str, group: str | None, **arguments: Any) -> None:
    """
    List a collection of the directory.

    COLLECTION is users, groups, devices, applications, servicePrincipals, members (of the group
    that --of names), or a path such as groups/{id}/owners. Every page is read, and the last line
    says what proves it. PARAMETERS is the settings file, found as for `graphdaemon users`.

    An API of your own is read page by page: a list, or an object with `value`; and nothing is asked
    of it that is not an option here.
    """
    from graphdaemon.cli.run_listing import run_listing

    run_listing(collection, arguments, group)
