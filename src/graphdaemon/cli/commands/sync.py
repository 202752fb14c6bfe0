"""`graphdaemon sync`: bring a database into step with the directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FileName, load_settings
from graphdaemon.cli.stored_options import complete_stored, written_store_options
from graphdaemon.cli.sync_arguments import (
    add_store,
    read_feed,
    read_options,
    read_words,
    select_collections,
)
from graphdaemon.cli.tenants.folder import tenants_option
from graphdaemon.errors import Error

if TYPE_CHECKING:
    from graphdaemon.sync.run import SyncReport

REPORT_BEGINNING = b'{\n  "tenant":'

_AFTER_INTERRUPT = "Run it again: what was committed stays, and the rest is read again."


@click.command(cls=StrictCommand)
@click.argument(
    "words", nargs=-1, metavar="[PARAMETERS] [COLLECTION]...", shell_complete=complete_stored
)
@tenants_option
@written_store_options
@click.option(
    "--reconcile",
    is_flag=True,
    help="Read the whole directory, compare it with the store, "
    "repair the differences and report them.",
)
@click.option(
    "--reconcile-every",
    metavar="TIME",
    help="How often to do this, such as 12h, or never; by default the setting reconcile_every, or "
    "else 7d.",
)
@click.option(
    "--allow-deletes",
    metavar="N|N%",
    help="Allow that more rows are deleted at once than the delete guard allows: a number, or a "
    "share such as 25%.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="How long to wait if another sync is using the store.",
)
@click.option("--allow-unproved", is_flag=True, help="Also store what is not proved complete.")
@click.option(
    "--feed",
    metavar="FILE|-|URL",
    help="Deliver every change after it was committed: as lines of JSON to a file or, with -, to "
    "stdout, or to an https address (signed with the setting feed_secret).",
)
@click.option(
    "--dead-letters",
    type=FileName(written=True),
    default="dead-letters.ndjson",
    show_default=True,
    help="A file for changes that the address did not accept.",
)
@click.option(
    "--feed-patience",
    metavar="TIME",
    default="3d",
    show_default=True,
    help="How long to try to deliver a change to the address before it goes to that file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--proof", type=FileName(written=True), help="Write the report to this file, as JSON."
)
@click.option(
    "--chains", type=click.IntRange(1, 64), help="How many pages to request at the same time."
)
@click.option(
    "--polite",
    metavar="PERCENT",
    help="Use only this share of the throttle budget, such as 30%, and leave the rest to others.",
)
@options.quiet_option
@options.verbose_option
def sync(**arguments: Any) -> int:
    """
    Bring a database into step with the directory.

    COLLECTION is users, groups, groups/members, groups/owners, users/manager, devices,
    applications, servicePrincipals, servicePrincipals/appRoleAssignedTo, oauth2PermissionGrants,
    directoryRoles, directoryRoles/members, directory/administrativeUnits or
    directory/administrativeUnits/members. By default, everything that the app may read is kept.
    PARAMETERS is the settings file. You can stop the command at any moment, even by killing it,
    and run it again: in the end, the database holds what the directory holds.

    With --tenants, the directories of several tenants are kept in one database, or each in the
    database that its settings name. If one tenant fails, the others are synced all the same. The
    exit code is that of the first tenant, by name, that failed.
    """
    from graphdaemon.cli.interrupt import advising, run_async
    from graphdaemon.cli.run_sync import SyncOrder, sync_by_settings

    terminal.configure_log(arguments["verbose"])
    file, names = read_words(arguments["words"])
    selections = select_collections(names, arguments["selects"])
    made, share = read_options(arguments), options.read_share(arguments["polite"])
    order = SyncOrder(arguments, selections, bool(names), made, share, read_feed(arguments))
    if arguments["tenants"] is not None:
        from graphdaemon.cli.tenants.syncs import sync_tenants

        with advising(_AFTER_INTERRUPT):
            return sync_tenants(arguments["tenants"], file, order)
    settings = load_settings(file)
    add_store(click.get_current_context(), order.choose_store(settings))
    with advising(_AFTER_INTERRUPT):
        report, failures = run_async(sync_by_settings(settings, order))
    _report(report, failures, arguments)
    return 0


def _report(
    report: "SyncReport",
    failures: Sequence[Error],
    arguments: Mapping[str, Any],
) -> None:
    """
    Say what was done, and raise the first failure.

    Raises:
        Error: A collection could not be brought into step.
    """
    # Not at the top: the package loads this module.
    from graphdaemon.cli import show
    from graphdaemon.cli.run_sync import describe_gone, describe_report

    if arguments["as_json"]:
        terminal.print_lines(report.to_json().decode().rstrip())
    if failures or not arguments["quiet"]:
        for line in describe_report(report):
            terminal.say(line, hang=2)
    _write_proof(report, arguments["proof"])
    for failure in failures[::-1]:
        for line in describe_gone(failure):
            terminal.say(line, indent="  ", hang=2)
        if failure is not failures[0]:
            show(failure)
    if failures:
        raise failures[0]


def _write_proof(report: "SyncReport", path: Path | None) -> None:
    if path is None:
        return
    from graphdaemon.output.atomic_file import AtomicFile

    file = AtomicFile(path, beginning=REPORT_BEGINNING)
    try:
        file.write(report.to_json())
        file.commit()
    finally:
        file.discard()
