"""The options of the commands that read a store, and what they stand for."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli.named_files import add_file
from graphdaemon.cli.options import combine
from graphdaemon.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from graphdaemon.store.store import Store
    from graphdaemon.store.tenant_history import TenantHistory


def complete_stored(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Complete the name of a stored collection."""
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    return [name for name in STORED_COLLECTIONS if name.startswith(incomplete)]


def check_store(
    _context: click.Context, _parameter: click.Parameter, url: str | None
) -> str | None:
    """
    Take a store's URL from the command line.

    Raises:
        UsageError: It holds a password: whoever is on the machine can read the process list.
    """
    if url is None:
        return None
    from graphdaemon.store.location import holds_password

    if holds_password(url):
        raise UsageError(
            "--store contains a password, and everybody on this machine can read it in the "
            "process list",
            code="option_invalid",
            hint="Put the whole URL into GRAPHDAEMON_STORE or the setting store. Or leave out the "
            "password, and put it into ~/.pgpass or PGPASSWORD.",
        )
    return url


tenant_option = click.option(
    "--tenant", metavar="NAME", help="The ID or name of the tenant, if the store contains several."
)

store_option = click.option(
    "--store",
    metavar="URL",
    callback=check_store,
    help="The store to read: sqlite:FILE or postgresql://USER@HOST/DATABASE; by default the "
    "setting, or else sqlite:graphdaemon.db.",
)

store_options = combine(store_option, tenant_option)

written_store_options = combine(
    click.option(
        "--store",
        metavar="URL",
        callback=check_store,
        help="The database: sqlite:FILE or postgresql://USER@HOST/DATABASE; by default the "
        "setting, or else sqlite:graphdaemon.db.",
    ),
    click.option(
        "--select",
        "-s",
        "selects",
        multiple=True,
        metavar="COLLECTION=NAMES",
        help="The properties to keep, such as users=displayName,mail; id is always kept. "
        "Repeatable.",
    ),
)

listing_options = combine(
    click.option(
        "--store",
        metavar="URL",
        callback=check_store,
        help="List what this store contains, without requests to Graph.",
    ),
    click.option(
        "--as-of",
        metavar="TIME",
        help="Show the collection as it was at this time, such as 2026-11-01T00:00Z.",
    ),
    click.option(
        "--where",
        metavar="SQL",
        help="List only the rows that match this SQL condition, such as \"department = 'Sales'\".",
    ),
    tenant_option,
)


def refuse_without_store(arguments: Mapping[str, Any]) -> None:
    """
    Refuse what only a store can answer.

    Raises:
        UsageError: It is asked for.
    """
    for name, option in (("as_of", "--as-of"), ("where", "--where"), ("tenant", "--tenant")):
        if arguments[name] is not None:
            raise UsageError(
                f"{option} works only together with --store",
                code="option_invalid",
                hint="Name the store, such as --store sqlite:graphdaemon.db. For a listing from "
                "Graph, use --filter.",
            )


@contextmanager
def open_history(arguments: Mapping[str, Any]) -> Generator["TenantHistory"]:
    """
    Open the store that `--store` names, and read one state of it in the block.

    Raises:
        StoreError: There is none, or it cannot be read.
        UsageError: It holds several tenants, and `--tenant` names none of them.
    """
    from graphdaemon.store.tenant_history import TenantHistory

    with open_named(arguments["store"]) as store:
        history = TenantHistory(store, arguments["tenant"])
        with history.reading():
            yield history


@contextmanager
def open_named(url: str | None) -> Generator["Store"]:
    """
    Open the store of this URL, or the one that the settings name.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    from graphdaemon.store.location import read_location
    from graphdaemon.store.store import open_store

    url = url or read_store()
    path = read_location(url).path
    if path is not None:
        context = click.get_current_context()
        for ending in ("", "-wal", "-shm", "-lock"):
            place = path.with_name(path.name + ending)
            add_file(context, "--store", place, written=False)
    with open_store(url, create=False) as store:
        yield store


def read_store() -> str:
    """
    Return the store that the settings name, if there are any: nothing else is needed of them.

    Raises:
        SettingsError: There are settings, and something is wrong in them.
    """
    from graphdaemon.settings.read import read_settings
    from graphdaemon.store.location import DEFAULT

    try:
        store = read_settings(None).sync.store
    except SettingsError as error:
        if error.code != "no_settings":
            raise
        return os.environ.get("GRAPHDAEMON_STORE") or DEFAULT
    return DEFAULT if store is None else store.reveal()


def find_stored(name: str) -> str:
    """
    Return the name of a stored collection, whatever the case it is written in.

    Raises:
        UsageError: No store has a collection of that name.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    known = {one.casefold(): one for one in STORED_COLLECTIONS}
    known |= {row.table: row.name for row in STORED_COLLECTIONS.values()}
    known_name = known.get(name.strip("/").casefold())
    if known_name is None:
        from graphdaemon.settings.known_names import find_near

        near = find_near(name, known)
        raise UsageError(
            f"a store does not keep a collection {name}",
            code="option_invalid",
            hint=f"Did you mean {known[near]}?"
            if near
            else f"It keeps {', '.join(STORED_COLLECTIONS)}.",
        )
    return known_name


def read_spans(
    history: "TenantHistory", names: tuple[str, ...], since: str, until: str | None
) -> dict[str, tuple[str, str]]:
    """
    Return for each collection the times to compare, as the store writes them.

    Of `names`, or of all that the store knew at the earlier time.

    Raises:
        UsageError: The store knows nothing of one of them at that time, or of any; or the times are
            in the wrong order.
    """
    from graphdaemon.store.times import read_time

    begin = read_time(since)
    # Later than any time: what is current.
    end = read_time(until) if until is not None else "9999"
    if end < begin:
        raise UsageError(
            f"--until {until} is before --since", code="option_invalid", hint="Exchange them."
        )
    chosen = [find_stored(name) for name in names] or [
        name for name in history.collections() if history.known_from(name) <= begin
    ]
    # Where it knew none of them, the first one says from when on it does.
    for name in chosen or history.collections()[:1]:
        history.check_time(name, begin, option="--since")
        if until is not None:
            history.check_time(name, end, option="--until")
    return dict.fromkeys(chosen, (begin, end))
