"""Write the records of a collection as a store has them, now or at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from graphdaemon.cli import terminal
from graphdaemon.cli.options import split_names
from graphdaemon.cli.output_options import read_spec
from graphdaemon.cli.reading import describe_kept, plan_reading
from graphdaemon.cli.run_listing import count_rows
from graphdaemon.cli.stored_options import find_stored, open_history
from graphdaemon.errors import UsageError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.output.fields import make_picker
from graphdaemon.output.sink import Sink
from graphdaemon.settings.known_names import suggest
from graphdaemon.store.tenant_history import TenantHistory
from graphdaemon.store.times import read_time

# What only Graph can answer, and what to say instead.
_LIVE = {
    "parameters": ("PARAMETERS", "A store is read without settings: leave the file out."),
    "group": ("--of", "Use graphdaemon list groups/members --where \"parent = 'GROUP_ID'\"."),
    "filter_": ("--filter", "Use --where, such as --where \"department = 'Sales'\", or --query."),
    "search": ("--search", "Use --where, such as --where \"displayName LIKE '%Ana%'\"."),
    "orderby": ("--orderby", "Say --sort."),
    "with_": (
        "--with",
        "List the relations in the store as collections of their own, such as users/manager.",
    ),
    "proof": ("--proof", "The table runs of the store contains the record of each listing."),
    "allow_unproved": (
        "--allow-unproved",
        "Leave it out: the store contains only what was proved complete.",
    ),
    "resume": ("--resume", "Leave it out: a store is read without requests to Graph."),
    "within": ("--within", "Leave it out: a store is read without requests to Graph."),
    "attempts": ("--attempts", "Leave it out: a store is read without requests to Graph."),
    "chains": ("--chains", "Leave it out: a store is read without requests to Graph."),
    "polite": ("--polite", "Leave it out: a store is read without requests to Graph."),
    "endpoint": ("--endpoint", "Leave it out: a store is read without requests to Graph."),
    "scope": ("--scope", "Leave it out: a store is read without requests to Graph."),
}


def run_stored_listing(text: str, arguments: Mapping[str, Any]) -> None:
    """
    List the collection that `text` names from the store that the options name.

    Raises:
        StoreError: The store cannot be read.
        UsageError: It has no such collection, knows nothing of that time, or an option is Graph's.
    """
    terminal.configure_log(arguments["verbose"])
    _refuse_live(arguments)
    collection = find_stored(text)
    row = STORED_COLLECTIONS[collection]
    select = tuple(map(row.spell, split_names(arguments["select"])))
    with open_history(arguments) as history:
        at = _read_at(history, collection, arguments["as_of"])
        kept = history.properties(collection)
        _check_select(collection, select, kept)
        reading = plan_reading(
            describe_kept(collection, kept),
            select,
            read_spec(arguments, (), path=collection.replace("/", "/-/")),
        )
        first = () if row.is_edge else ("id",)
        names = tuple(dict.fromkeys((*first, *reading.select))) if reading.select else ()
        count = 0
        with Sink(reading.spec, terminal.open_output()) as sink:
            limit = None if reading.spec.sort else arguments["limit"]
            for records in _read(history, collection, at, arguments["where"], limit):
                count += len(records)
                sink.write(_narrow(records, names))
            sink.finish()
        if not arguments["quiet"]:
            written = f"; {count_rows(sink.rows)}" if sink.rows != count else ""
            described = _describe(history, collection, arguments)
            terminal.say(f"{_count(count)} of {collection}, {described}{written}", hang=2)


def _read(
    history: TenantHistory, collection: str, at: str, where: str | None, left: int | None
) -> Iterator[list[msgspec.Raw]]:
    """Yield so many records of a collection, or all of them."""
    for records in history.records(collection, at, where):
        batch = [msgspec.Raw(record.document) for record in records[:left]]
        yield batch
        left = None if left is None else left - len(batch)
        if left == 0:
            return


def _read_at(history: TenantHistory, collection: str, text: str | None) -> str:
    if text is None:
        # Later than any time: what is current.
        history.known_from(collection)
        return "9999"
    at = read_time(text)
    history.check_time(collection, at, option="--as-of")
    return at


def _check_select(collection: str, select: tuple[str, ...], kept: tuple[str, ...]) -> None:
    missing = [name for name in select if name not in kept]
    if missing:
        raise UsageError(
            f"--select {missing[0]}: the store does not keep that of {collection}",
            code="option_invalid",
            hint=suggest(missing[0], kept)
            or f"It keeps {', '.join(kept)}. To keep others, use graphdaemon sync --select.",
        )


def _narrow(records: list[msgspec.Raw], names: tuple[str, ...]) -> list[msgspec.Raw]:
    if not names:
        return records
    pick = make_picker(names)
    return [
        msgspec.Raw(
            msgspec.json.encode(dict(zip(names, map(msgspec.Raw, pick(record)), strict=True)))
        )
        for record in records
    ]


def _describe(history: TenantHistory, collection: str, arguments: Mapping[str, Any]) -> str:
    if arguments["as_of"] is not None:
        return f"as they were at {arguments['as_of']}"
    return f"as the directory was at {history.checked(collection)[:19]}Z"


def _count(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"


def _refuse_live(arguments: Mapping[str, Any]) -> None:
    given = [one for name, one in _LIVE.items() if arguments.get(name)]
    if arguments["method"] != "auto":
        given.append(("--method", "Leave it out: a store is read without requests to Graph."))
    for name, hint in given:
        raise UsageError(f"{name} does not go with --store", code="option_invalid", hint=hint)
