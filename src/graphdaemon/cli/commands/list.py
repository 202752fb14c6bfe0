"""`graphdaemon list`: every record of a collection."""

from typing import Any

import click

from graphdaemon.cli import options, output_options, stored_options
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
@stored_options.listing_options
@options.verbose_option
def list_(*, collection: str, group: str | None, **arguments: Any) -> None:
    """
    List a collection of the directory.

    COLLECTION is users, groups, devices, applications, servicePrincipals, members (of the group
    that --of names), or a path such as groups/{id}/owners. Every page is read, and the last line
    says what proves it. PARAMETERS is the settings file, found as for `graphdaemon users`.

    An API of your own is read page by page: a list, or an object with `value`; and nothing is asked
    of it that is not an option here.

    With --store nothing is fetched: COLLECTION is one that `graphdaemon sync` keeps, such as
    groups/members, as it is now or was at a time.
    """
    if arguments["store"] is not None:
        from graphdaemon.cli.run_stored_listing import run_stored_listing

        run_stored_listing(collection, {**arguments, "group": group})
        return
    stored_options.refuse_without_store(arguments)
    from graphdaemon.cli.run_listing import run_listing

    run_listing(collection, arguments, group)
