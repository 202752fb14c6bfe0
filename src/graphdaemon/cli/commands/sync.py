"""`graphdaemon sync`: bring a database into step with the directory."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FileName, add_file, load_settings
from graphdaemon.errors import DeleteGuardError, Error, UsageError

if TYPE_CHECKING:
    from graphdaemon.client.client import Client
    from graphdaemon.sync.options import SyncOptions
    from graphdaemon.sync.record import Drift
    from graphdaemon.sync.run import SyncReport
    from graphdaemon.sync.session import Selected
    from graphdaemon.sync.tenant import Tenant

DEFAULT_STORE = "sqlite:graphdaemon.db"
REPORT_BEGINNING = b'{\n  "tenant":'

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def _complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    return [name for name in STORED_COLLECTIONS if name.startswith(incomplete)]


@click.command(cls=StrictCommand)
@click.argument("words", nargs=-1, metavar="[PARAMETERS] [COLLECTION]...", shell_complete=_complete)
@click.option(
    "--store",
    metavar="URL",
    default=DEFAULT_STORE,
    show_default=True,
    help="The database: sqlite:FILE or postgresql://user@host/database.",
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
    default="7d",
    show_default=True,
    help="Do that by itself after so long, such as 12h; never.",
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
    selections = _select(names, arguments["selects"])
    add_store(click.get_current_context(), arguments["store"])
    made, share = _read_options(arguments), options.read_share(arguments["polite"])
    client = Client(load_settings(file), share=share)
    report, failures = run_async(
        _sync(client, selections, made, arguments["store"], named=bool(names))
    )
    _report(report, failures, arguments)


def read_words(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """
    Tell the settings file from the collections.

    Raises:
        UsageError: There are two that are no collections.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    known = {name.casefold(): name for name in STORED_COLLECTIONS}
    names = [known[word.casefold()] for word in words if word.casefold() in known]
    others = [word for word in words if word.casefold() not in known]
    unknown = [word for word in others if not Path(word).is_file()]
    if len(others) > 1 or (unknown and _find_near(unknown[0])):
        raise _refuse_name((unknown or others[1:])[0])
    if not others:
        return None, list(dict.fromkeys(names))
    path = Path(others[0])
    add_file(click.get_current_context(), "PARAMETERS", path, written=False)
    return path, list(dict.fromkeys(names))


def _find_near(name: str) -> str:
    import difflib

    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    known = {one.casefold(): one for one in STORED_COLLECTIONS}
    near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
    return known[near[0]] if near else ""


def _refuse_name(name: str) -> UsageError:
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    near = _find_near(name)
    return UsageError(
        f"{name} is no collection that can be kept in a database, and no settings file",
        code="option_invalid",
        hint=f"Did you mean {near}?" if near else f"There are {', '.join(STORED_COLLECTIONS)}.",
    )


def _select(names: Sequence[str], selects: Sequence[str]) -> "list[Selected]":
    """
    What to keep: the collections that were named, or all, each with its properties.

    Raises:
        UsageError: A `--select` names no collection, or one that has no properties to choose.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
    from graphdaemon.sync.session import Selected

    chosen = read_selects(selects)
    for name in chosen:
        if names and name not in names:
            raise UsageError(
                f"--select {name}=…: {name} is not synced",
                code="option_invalid",
                hint=f"Add {name} to the collections, or leave the option out.",
            )
    return [
        Selected(stored, chosen.get(name, stored.select))
        for name, stored in STORED_COLLECTIONS.items()
        if not names or name in names
    ]


def read_selects(selects: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """
    Read `users=displayName,mail`; of one collection several add up.

    Raises:
        UsageError: One is of another form, or of a collection without properties to choose.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    known = {name.casefold(): name for name in STORED_COLLECTIONS}
    chosen: dict[str, tuple[str, ...]] = {}
    for text in selects:
        name, equals, properties = text.partition("=")
        if not equals or not options.split_names(properties):
            raise UsageError(
                f"--select {text}: which properties of which collection?",
                code="option_invalid",
                hint="Say --select users=displayName,mail.",
            )
        if name.casefold() not in known:
            raise _refuse_name(name)
        stored = STORED_COLLECTIONS[known[name.casefold()]]
        if stored.parent:
            raise UsageError(
                f"--select {text}: the rows of {stored.name} are kept as they are",
                code="option_invalid",
                hint="Leave the option out.",
            )
        before = chosen.get(stored.name, ("id",))
        chosen[stored.name] = tuple(dict.fromkeys((*before, *options.split_names(properties))))
    return chosen


def add_store(context: click.Context, url: str) -> None:
    """Note the file of a store, which must not be that of another option."""
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and path:
        add_file(context, "--store", Path(path), written=True)


def read_duration(option: str, text: str) -> float | None:
    """
    Read `7d`, `12h`, `30m`, `90s` or `never`.

    Raises:
        UsageError: It is none of these.
    """
    if text == "never":
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{option} {text}: that is no time",
            code="option_invalid",
            hint=f"Say {option} 7d, or 12h, 30m, 90s, never.",
        )
    return int(match[1]) * _SECONDS[match[2]]


def _read_options(arguments: Mapping[str, Any]) -> "SyncOptions":
    from graphdaemon.listing.options import ListingOptions
    from graphdaemon.sync.guard import read_allowance
    from graphdaemon.sync.options import SyncOptions

    allowance, chains = arguments["allow_deletes"], arguments["chains"]
    return SyncOptions(
        wait=arguments["wait"],
        allowance=None if allowance is None else read_allowance(allowance),
        reconcile=arguments["reconcile"],
        reconcile_every=read_duration("--reconcile-every", arguments["reconcile_every"]),
        allow_unproved=arguments["allow_unproved"],
        listing=ListingOptions() if chains is None else ListingOptions(chains=chains),
    )


async def _sync(
    client: "Client",
    selections: "Sequence[Selected]",
    made: "SyncOptions",
    store: str,
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
            return await sync_collections(session, tenant, selections, named=named)


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
    terminal.say(
        f"{collection}: {drift.rows:,} rows had drifted, and were repaired ({drift.missing:,} "
        f"missing, {drift.surplus:,} too many, {drift.different:,} different): "
        + ", ".join(drift.ids)
        + (" …" if drift.rows > len(drift.ids) else "")
    )


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
