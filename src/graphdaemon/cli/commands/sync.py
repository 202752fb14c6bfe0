"""`graphdaemon sync`: bring a database into step with the directory."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FileName, load_settings
from graphdaemon.cli.stored_options import complete_stored
from graphdaemon.cli.sync_arguments import (
    add_store,
    read_feed,
    read_options,
    read_words,
    select_collections,
)
from graphdaemon.errors import DeleteGuardError, Error

if TYPE_CHECKING:
    from graphdaemon.client.client import Client
    from graphdaemon.sync.feed import Feed
    from graphdaemon.sync.options import SyncOptions
    from graphdaemon.sync.record import Drift
    from graphdaemon.sync.run import SyncReport
    from graphdaemon.sync.session import Selected
    from graphdaemon.sync.tenant import Tenant

DEFAULT_STORE = "sqlite:graphdaemon.db"
REPORT_BEGINNING = b'{\n  "tenant":'


@click.command(cls=StrictCommand)
@click.argument(
    "words", nargs=-1, metavar="[PARAMETERS] [COLLECTION]...", shell_complete=complete_stored
)
@click.option(
    "--store",
    metavar="URL",
    help="The database: sqlite:FILE or postgresql://user@host/database; by default the setting, "
    f"else {DEFAULT_STORE}.",
)
@click.option(
    "--select",
    "-s",
    "selects",
    multiple=True,
    metavar="COLLECTION=NAMES",
    help="Properties to keep, such as users=displayName,mail; id is kept always. Repeatable.",
)
@click.option(
    "--reconcile", is_flag=True, help="Read everything, compare, repair, and report drift."
)
@click.option(
    "--reconcile-every",
    metavar="TIME",
    help="Do that by itself after so long, such as 12h, or never; by default the setting, else 7d.",
)
@click.option(
    "--allow-deletes",
    metavar="N|N%",
    help="Let more rows go at once than the delete guard does: a number, or a part such as 25%.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="How long to wait for another sync of the same store.",
)
@click.option(
    "--allow-unproved", is_flag=True, help="Keep also what nothing proves to be complete."
)
@click.option(
    "--feed",
    metavar="FILE|-|URL",
    help="Tell every change, after it was committed: in a file or on stdout, as lines of JSON, or "
    "to an https address (signed; the setting feed_secret).",
)
@click.option(
    "--dead-letters",
    type=FileName(written=True),
    default="dead-letters.ndjson",
    show_default=True,
    help="Where changes go that the address did not take.",
)
@click.option(
    "--feed-patience",
    metavar="TIME",
    default="3d",
    show_default=True,
    help="How long a change is offered to the address before it goes there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--proof", type=FileName(written=True), help="Write the report to this file, as JSON."
)
@click.option("--chains", type=click.IntRange(1, 64), help="How many pages to ask for at a time.")
@click.option(
    "--polite",
    metavar="PERCENT",
    help="Use this part of the throttle budget, such as 30%, and leave the rest to others.",
)
@options.verbose_option
def sync(**arguments: Any) -> None:
    """
    Bring a database into step with the directory.

    COLLECTION is users, groups, groups/members, groups/owners, users/manager, devices,
    applications, servicePrincipals or servicePrincipals/appRoleAssignedTo; by default all that
    the app may read. PARAMETERS is the settings file. Killed at any moment and run again, it ends
    with what the directory has.
    """
    from graphdaemon.cli.interrupt import run_async
    from graphdaemon.client.client import Client

    terminal.configure_log(arguments["verbose"])
    file, names = read_words(arguments["words"])
    selections = select_collections(names, arguments["selects"])
    made, share = read_options(arguments), options.read_share(arguments["polite"])
    make_feed = read_feed(arguments)
    settings = load_settings(file)
    made = made._replace(retention=settings.sync.retention)
    if arguments["reconcile_every"] is None:
        made = made._replace(reconcile_every=settings.sync.reconcile_every)
    store = settings.sync.store.reveal() if settings.sync.store is not None else DEFAULT_STORE
    store = arguments["store"] or store
    add_store(click.get_current_context(), store)
    with ExitStack() as stack:
        feed = make_feed(settings, stack)
        client = Client(settings, share=share)
        work = _sync(client, selections, made, store, feed, named=bool(names))
        report, failures = run_async(work)
    _report(report, failures, arguments)


async def _sync(
    client: "Client",
    selections: "Sequence[Selected]",
    made: "SyncOptions",
    store: str,
    feed: "Feed | None",
    *,
    named: bool,
) -> "tuple[SyncReport, list[Error]]":
    from graphdaemon.store.store import open_store
    from graphdaemon.sync.run import open_session, sync_collections

    settings = client.settings
    async with client:
        tenant = await _find_tenant(client)
        async with open_session(
            client.graph,
            settings.graph_root,
            tenant,
            made,
            lambda: open_store(store),
            owner=settings.authority or settings.oidc_authority or "",
        ) as session:
            return await sync_collections(session, tenant, selections, named=named, feed=feed)


async def _find_tenant(client: "Client") -> "Tenant":
    """The tenant, by its ID in the settings, or by asking for it."""
    from graphdaemon.http.transport import Transport
    from graphdaemon.sync.tenant import ask_tenant, read_tenant

    settings = client.settings
    tenant = read_tenant(settings)
    if tenant is not None:
        return tenant
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return await ask_tenant(settings, transport, client.graph.tokens)
    finally:
        transport.close()


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

    if arguments["as_json"]:
        terminal.print_lines(report.to_json().decode().rstrip())
    for record in report.collections:
        for note in record.notes:
            terminal.say(f"{record.collection}: {note}")
        if record.drift is not None and record.drift.rows:
            _say_drift(record.collection, record.drift)
        terminal.say(record.summary())
    for name, reason in report.left_out.items():
        terminal.say(f"{name}: left out, {reason}")
    _write_proof(report, arguments["proof"])
    for failure in failures[::-1]:
        if isinstance(failure, DeleteGuardError):
            _say_gone(failure)
        if failure is not failures[0]:
            show(failure)
    if failures:
        raise failures[0]


def _say_drift(collection: str, drift: "Drift") -> None:
    rows = f"{drift.rows:,} rows had drifted, and were"
    if drift.rows == 1:
        rows = "1 row had drifted, and was"
    kinds = f"{drift.missing:,} missing, {drift.surplus:,} too many, {drift.different:,} different"
    more = " …" if drift.rows > len(drift.ids) else ""
    terminal.say(f"{collection}: {rows} repaired ({kinds}): {', '.join(drift.ids)}{more}")


def _say_gone(failure: DeleteGuardError) -> None:
    """List what the delete guard kept."""
    for row in failure.first:
        terminal.say(row, indent="  ")
    more = failure.gone - len(failure.first)
    if more:
        terminal.say(f"… and {more:,} more", indent="  ")


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
