"""
Small sets that are no directory objects: tenant, domains, licences, grants, assignments.

Their records are put together for each request; the options work on them all the same.
"""

from collections.abc import Iterable

import msgspec
from starlette.responses import Response

from entra_emulator.directory.object_rows import Position
from entra_emulator.errors import deny
from entra_emulator.graph.answer import (
    Page,
    answer_number,
    answer_object,
    answer_page,
    describe_set,
    open_page,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.query.options import parse_options
from entra_emulator.graph.query.select import read_select
from entra_emulator.model.records import Record

_encode = msgspec.json.Encoder().encode


def answer_records(call: Call, kind: str, fragment: str, records: Iterable[Record]) -> Response:
    """A page of these records, filtered and cut as the query options say."""
    query = call.read_query(kind)
    after = open_page(call, query)
    match = query.match or (lambda _: True)
    matching = [record for record in records if match(_encode(record))]
    start = after.seq if after else 0
    shown = matching[start : start + query.top]
    end = start + len(shown)
    last = Position(None, end) if end < len(matching) else None
    total = len(matching) if query.count and after is None else None
    items = [_encode(_pick(record, query.select)) for record in shown]
    page = Page(b",".join(items), last, total)
    return answer_page(call, describe_set(fragment, query.select), query, page)


def count_records(call: Call, kind: str, records: Iterable[Record]) -> Response:
    """How many of these records match."""
    if not call.eventual:
        raise deny("count_refused")
    query = call.read_query(kind, counting=True)
    match = query.match or (lambda _: True)
    return answer_number(call, sum(match(_encode(record)) for record in records))


def answer_record(
    call: Call,
    kind: str,
    fragment: str,
    record: Record,
    *,
    status: int = 200,
    location: str | None = None,
) -> Response:
    """One record."""
    options = parse_options(call.query_string)
    select = read_select(kind, options.get("$select", ""), collection=False)
    body = _encode(_pick(record, select))
    context = describe_set(fragment, select) + "/$entity"
    return answer_object(call, context, body, status=status, location=location)


def _pick(record: Record, select: tuple[str, ...] | None) -> Record:
    return record if select is None else {name: record.get(name) for name in select}
