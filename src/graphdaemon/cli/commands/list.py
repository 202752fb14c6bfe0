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

    COLLECTION is users, groups, devices, applications, servicePrincipals, directoryRoles,
    directory/administrativeUnits, oauth2PermissionGrants, members (of the group that --of names),
    or another path such as groups/{id}/owners. Every page is read, and the last line says what
    proves the list complete. PARAMETERS is the settings file, which is found as for `graphdaemon
    users`.

    Your own API is read page by page. A page is a list, or an object with `value`. Only the query
    options that you give here are sent. If there are several pages and a second reading can prove
    them complete, they are read twice.

    With --store, nothing is requested from Graph. COLLECTION is then one that `graphdaemon sync`
    keeps, such as groups/members, as it is now or as it was at a given time.

    With --tenants, every record begins with `tenant`, the name of its tenant's file. If the listing
    of a tenant is not proved complete, none of its records is written. The exit code is that of the
    first tenant, by name, that failed.
    """
    if arguments["store"] is not None:
        from graphdaemon.cli.run_stored_listing import run_stored_listing

        if arguments["tenants"] is not None:
            raise UsageError(
                "--tenants lists from Graph, and --store from a store",
                code="option_invalid",
                hint="Leave out --tenants, and name a tenant of the store with --tenant.",
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
