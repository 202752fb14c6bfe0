"""`graphdaemon list`: every record of a collection."""

from typing import Any

import click

from graphdaemon.cli import options, output_options, stored_options
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.tenants.folder import tenants_option
from graphdaemon.errors import UsageError


@click.command("list", cls=StrictCommand)
@options.collection_argument
@options.settings_argument
@tenants_option
@options.api_options
@options.group_option
@options.query_options
@output_options.output_options
@options.explode_options
@options.order_options
@options.proof_options
@stored_options.listing_options
@options.quiet_option
@options.verbose_option
def list_(*, collection: str, group: str | None, **arguments: Any) -> int:
    """
    List a collection of the directory.

    COLLECTION is users, groups, devices, applications, servicePrincipals, members (of the group
    that --of names), or a path such as groups/{id}/owners. It reads every page, and the
    last line says what proves the list complete. PARAMETERS is the settings file, found as for
    `graphdaemon users`.

    An API of your own is read page by page: a list, or an object with `value`. It is sent no query
    options except those given here. Several pages are read twice where that proves them complete.

    With --store nothing is requested from Graph: COLLECTION is one that `graphdaemon sync` keeps,
    such as groups/members, as it is now or as it was at a given time.

    With --tenants every record begins with the name of its tenant's file, as `tenant`. Nothing is
    written of a tenant whose listing is not proved complete, and the exit code is that of the first
    tenant, by name, that failed.
    """
    if arguments["store"] is not None:
        from graphdaemon.cli.run_stored_listing import run_stored_listing

        if arguments["tenants"] is not None:
            raise UsageError(
                "--tenants lists what Graph answers, and --store what a store has",
                code="option_invalid",
                hint="Leave --tenants out, and name a tenant of the store with --tenant.",
            )
        run_stored_listing(collection, {**arguments, "group": group})
        return 0
    stored_options.refuse_without_store(arguments)
    if arguments["tenants"] is not None:
        from graphdaemon.cli.tenants.listings import list_tenants

        return list_tenants(collection, arguments, group)
    from graphdaemon.cli.run_listing import run_listing

    run_listing(collection, arguments, group)
    return 0
