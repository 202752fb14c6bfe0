"""Pages of a log: entries in the order of time, and where a page ended."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from entra_emulator.directory.object_collections import Position
from entra_emulator.directory.steps import Steps
from entra_emulator.graph.answer import RecordPage, answer_page, describe_set, open_page
from entra_emulator.graph.audit_logs.log_query import LogQuery
from entra_emulator.graph.call import Call
from entra_emulator.model.records import Record

_encode = msgspec.json.Encoder().encode

# How many entries one step looks at; other requests wait for no longer than that.
CHUNK = 500


class LogEntry(NamedTuple):
    """
    An entry, whose record is made only when it is needed.

    Args:
        at: its moment, in seconds since 1970.
        tie: distinguishes it from other entries of the same moment.
        describe: makes its record.
    """

    at: float
    tie: str
    describe: Callable[[], Record]


def answer_log(
    call: Call, fragment: str, query: LogQuery, entries: Iterable[LogEntry], hidden: Iterable[str]
) -> Steps[Response]:
    """
    In steps, a page of the entries that match, which come in the order of the query.

    Properties that are `hidden` are not shown unless they are selected.
    """
    after = open_page(call, query.page)
    end = _read_end(after)
    names = frozenset(hidden)
    parts: list[bytes] = []
    last: LogEntry | None = None
    more = False
    for number, entry in enumerate(entries, 1):
        if number % CHUNK == 0:
            yield
        if end is not None and not _is_behind(entry, end, ascending=query.ascending):
            continue
        record = entry.describe()
        if query.match is not None and not query.match(_encode(record)):
            continue
        if len(parts) == query.page.top:
            more = True
            break
        parts.append(_encode(_pick(record, query.page.select, names)))
        last = entry
    position = None
    if more and last is not None:
        # No object has the number 0, by which a token would mean the beginning.
        position = Position(f"{last.at!r} {last.tie}", 1)
    page = RecordPage(b",".join(parts), position)
    return answer_page(call, describe_set(fragment, query.page.select), query.page, page)


def narrow(call: Call, query: LogQuery) -> LogQuery:
    """The query, about nothing before the place where its page begins."""
    end = _read_end(open_page(call, query.page))
    if end is None:
        return query
    if query.ascending:
        return replace(query, since=max(query.since, end[0]))
    return replace(query, until=min(query.until, end[0]))


def _read_end(after: Position | None) -> tuple[float, str] | None:
    if after is None or after.value is None:
        return None
    at, _, tie = after.value.partition(" ")
    return float(at), tie


def _is_behind(entry: LogEntry, end: tuple[float, str], *, ascending: bool) -> bool:
    here = (entry.at, entry.tie)
    return here > end if ascending else here < end


def _pick(record: Record, select: tuple[str, ...] | None, hidden: frozenset[str]) -> dict[str, Any]:
    if select is None:
        return {name: value for name, value in record.items() if name not in hidden}
    return {name: record.get(name) for name in select}
