"""Lists of objects of one type: `GET /users`, and how many there are."""

import heapq
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TypeVar

from starlette.responses import Response

from entra_emulator.directory.object_collections import (
    CHUNK,
    EVERYTHING,
    INDEXED_ORDERS,
    Documents,
    Joined,
    Position,
    Span,
)
from entra_emulator.directory.representation import choose_content, is_summary
from entra_emulator.directory.steps import Steps, finish, in_one_step
from entra_emulator.graph.access.activity_reports import check_report_reader
from entra_emulator.graph.answer import (
    RecordPage,
    answer_number,
    answer_page,
    describe_set,
    open_page,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.expansion import expand_objects
from entra_emulator.graph.objects.find import find_known, list_behind
from entra_emulator.graph.objects.replica import find_position, rank, scan_stale
from entra_emulator.graph.objects.sign_in_activity import count_active, find_active, render_active
from entra_emulator.graph.query.options import MAX_PAGE, Query
from entra_emulator.graph.query.sign_in_activity import NAME as ACTIVITY
from entra_emulator.graph.render import render_joined, render_objects
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS

# How many documents properties are cut out of at once. Larger pieces of memory go back to the
# system after each use, and to get them again costs more than the work done in them.
PIECE = 200

T = TypeVar("T")


async def list_objects(call: Call, *, kind: str) -> Response:
    """`GET /{collection}`: a page of objects, or at `/$count` their number as plain text."""
    query = call.read_query(kind, linked=partial(list_behind, call, kind))
    if query.reports_activity:
        check_report_reader(call.directory, call.caller)
    if call.counting:
        steps = _count(call, query)
        plain = _is_plain(call, query)
        return answer_number(call, finish(steps) if plain else await call.read(steps))
    after = open_page(call, query)
    if _is_plain(call, query):
        if query.plan.order == "seq":
            # This takes less than a millisecond; to hand it to a thread would cost a part of that.
            page = _read_plain(call, query, after)
        else:
            page = await call.read(in_one_step(_read_plain, call, query, after))
    else:
        page = await call.read(_read_page(call, query, after))
    expanded = query.expand.navigation if query.expand else None
    fragment = describe_set(KINDS[kind].collection, query.select, expanded)
    return answer_page(call, fragment, query, page)


def _is_plain(call: Call, query: Query) -> bool:
    """Whether an index holds the page as it is: nothing is filtered, expanded or hidden."""
    plain = query.match is None and query.plan.ids is None and query.expand is None
    plain = plain and query.plan.order in INDEXED_ORDERS and not query.reports_activity
    # The number of all objects is kept; those of a range must be counted one by one.
    kept = not (call.counting or query.count) or _is_whole(query)
    return plain and kept and not (call.permit.basic or call.lag or call.effects)


def _is_whole(query: Query) -> bool:
    """Whether the query is about every object of its type."""
    plan = query.plan
    unbounded = plan.ids is None and plan.low is None and plan.high is None
    return query.match is None and query.activity is None and unbounded


def _read_plain(call: Call, query: Query, after: Position | None) -> RecordPage:
    """A page of prepared representations, or of properties cut out of the documents."""
    if query.select is None or is_summary(query.kind, query.select):
        body, last = _join(call, query, "summary", after, query.top)
    else:
        body, last = _cut(call, query, query.select, after)
    # A full page has to look: the database cannot join all rows but the last one that it reads.
    if last is not None and not call.directory.collections.has_more(
        call.tenant, query.kind, _span(query), last
    ):
        last = None
    total = finish(_count(call, query)) if query.count and after is None else None
    return RecordPage(body, last, total)


def _cut(call: Call, query: Query, select: tuple[str, ...], after: Position | None) -> Joined:
    parts, missing, what = [], query.top, _choose_content(query)
    while missing:
        size = min(missing, PIECE)
        body, after = _join(call, query, what, after, size)
        parts.append(render_joined(query.kind, select, body))
        if after is None:
            break
        missing -= size
    return Joined(b",".join(filter(None, parts)), after)


def _join(call: Call, query: Query, what: str, after: Position | None, limit: int) -> Joined:
    return call.directory.collections.read_joined(
        call.tenant, query.kind, what, _span(query), after=after, limit=limit
    )


def _read_page(call: Call, query: Query, after: Position | None) -> Steps[RecordPage]:
    """A page that must be searched: documents are read in order until it is full."""
    docs, last = yield from _find(call, query, after, _shorten(call, query.top))
    if query.select and ACTIVITY in query.select:
        body = render_active(call, query.select, docs, basic=call.permit.basic)
    else:
        body = render_objects(query.kind, query.select, docs, basic=call.permit.basic)
    if query.expand is not None:
        body = yield from expand_objects(call, query.kind, query.expand, body, docs)
    total = (yield from _count(call, query)) if query.count and after is None else None
    return RecordPage(body, last, total)


def _shorten(call: Call, top: int) -> int:
    """The size of the page: below `top` where a fault orders a short page or an empty one."""
    if "empty_page" in call.effects:
        return 0
    # A third is short enough to notice; an empty page is another fault.
    return max(1, top // 3) if "short_page" in call.effects else top


def _count(call: Call, query: Query) -> Steps[int]:
    plan = query.plan
    if query.activity is not None:
        return (yield from count_active(call, query))
    if _is_whole(query) and not call.lag:
        return call.directory.collections.count(call.tenant, query.kind)
    if plan.ids is None and not call.lag:
        what = choose_content(query.kind, query.matched)
        return (
            yield from call.directory.collections.count_matching(
                call.tenant, query.kind, query.match, what=what, span=_span(query)
            )
        )
    number = 0
    for row in _list_others(call, query, None):
        if row is None:
            yield
        else:
            number += 1
    return number


def _find(call: Call, query: Query, after: Position | None, limit: int) -> Steps[Documents]:
    """The first documents behind `after` that the query is about, up to `limit`."""
    if query.activity is not None:
        return (yield from find_active(call, query, after, limit))
    if query.plan.order not in INDEXED_ORDERS:
        return (yield from _find_sorted(call, query, after, limit))
    if query.plan.ids is None and not call.lag:
        return (
            yield from call.directory.collections.list_matching(
                call.tenant,
                query.kind,
                query.match,
                what=_choose_content(query),
                span=_span(query),
                after=after,
                limit=limit,
            )
        )
    rows: list[tuple[Position, bytes]] = []
    for row in _list_others(call, query, after):
        if row is None:
            yield
            continue
        rows.append(row)
        # One row too many tells whether another page follows.
        if len(rows) > limit:
            break
    last = None
    if len(rows) > limit:
        # An empty page ends where it begins, so that the next one misses nothing.
        last = rows[limit - 1][0] if limit else after or Position(None, 0)
    return Documents([doc for _, doc in rows[:limit]], last)


def _find_sorted(call: Call, query: Query, after: Position | None, limit: int) -> Steps[Documents]:
    """The same in an order without an index: every object is looked at for each page."""
    descending = query.plan.descending
    choose = heapq.nlargest if descending else heapq.nsmallest
    end = rank(after) if after is not None else None
    first: list[tuple[Position, bytes]] = []
    for row in _list_others(call, query, None):
        if row is not None:
            position = find_position(query.kind, query.plan.order, row[0].seq, row[1])
            here = rank(position)
            if end is None or (here < end if descending else here > end):
                first.append((position, row[1]))
        # Now and then all but the first are let go, so that no page holds the whole directory.
        if row is None or len(first) > MAX_PAGE * 2:
            first = choose(limit + 1, first, key=lambda entry: rank(entry[0]))
            yield
    first = choose(limit + 1, first, key=lambda entry: rank(entry[0]))
    last = None
    if len(first) > limit:
        # An empty page ends where it begins, so that the next one misses nothing.
        last = first[limit - 1][0] if limit else after or Position(None, 0)
    return Documents([doc for _, doc in first[:limit]], last)


def _list_others(
    call: Call, query: Query, after: Position | None
) -> Iterator[tuple[Position, bytes] | None]:
    """
    The matching objects that the filter names by ID, or that a lagging replica has, or any.

    Now and then it is None, where a step of the search may end.
    """
    if query.plan.ids is not None:
        rows = _find_each(call, query.kind, query.plan.ids, after)
    else:
        rows = scan_stale(
            call.directory, call.tenant, query.kind, _span(query), call.lag, after=after
        )
    for number, row in enumerate(rows, 1):
        if query.match is None or query.match(row[1]):
            yield row
        if number % CHUNK == 0:
            yield None


def _find_each(
    call: Call, kind: str, ids: tuple[str, ...], after: Position | None
) -> Iterator[tuple[Position, bytes]]:
    """The few objects that the filter names by ID, from behind `after`."""
    # A filter may name an ID twice, and the object still shows once.
    objects = (find_known(call, key, kind) for key in set(ids))
    rows = sorted((row.seq, row.doc) for row in objects if row is not None)
    first = after.seq if after else 0
    return ((Position(None, seq), doc) for seq, doc in rows if seq > first)


def _choose_content(query: Query) -> str:
    """The stored form of each object that has all that the query needs."""
    names = query.matched.union(query.select or schema.default(query.kind))
    return choose_content(query.kind, names - {ACTIVITY})


def sort_page(
    rows: Iterable[tuple[Position, T]], query: Query, after: Position | None
) -> tuple[list[tuple[Position, T]], Position | None]:
    """
    A page of rows that no index keeps in the query's order: all of them are sorted here.

    The second value is where the page ends; None when no row is left.
    """
    descending = query.plan.descending
    ranked = sorted(rows, key=lambda row: rank(row[0]), reverse=descending)
    if after is not None:
        end = rank(after)
        ranked = [
            row for row in ranked if (rank(row[0]) < end if descending else rank(row[0]) > end)
        ]
    page = ranked[: query.top]
    return page, page[-1][0] if len(ranked) > query.top else None


def _span(query: Query) -> Span:
    plan = query.plan
    if plan.order not in INDEXED_ORDERS:
        return EVERYTHING
    return Span(plan.order, plan.descending, plan.low, plan.high)
