"""Show the objects that are linked to an object: members, owners, managers, memberships."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
from starlette.responses import Response

from entra_emulator.directory.links import LinkQuery, MixedForm
from entra_emulator.directory.object_collections import Position
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import is_summary, read_id
from entra_emulator.directory.steps import Steps
from entra_emulator.errors import deny
from entra_emulator.graph.answer import (
    RecordPage,
    answer_number,
    answer_object,
    answer_page,
    describe_set,
    open_page,
    wants_no_metadata,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.collection import sort_page
from entra_emulator.graph.objects.find import find_object, locate_object
from entra_emulator.graph.objects.relations import Navigation, is_hidden
from entra_emulator.graph.objects.replica import find_position
from entra_emulator.graph.objects.show import answer_neighbour, name_set
from entra_emulator.graph.query.options import Query
from entra_emulator.graph.render import (
    list_declared,
    render_joined,
    render_joined_neighbours,
    render_neighbours,
    render_objects,
)
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS

# Lists of no more objects than this are read without a thread.
FEW = 100

# How many links one step reads: few readings of the store, and little in vain.
_STEP = 500


async def list_linked(call: Call, *, navigation: Navigation, kind: str | None = None) -> Response:
    """
    `GET /groups/{id}/members`: a page of linked objects, of one type if it is cast.

    At `/$count` it is their number as plain text.
    """
    query = _hide(call, navigation, call.read_query(kind or "directoryObject", related=True))
    if call.counting:
        return answer_number(call, await call.read(_count_linked(call, navigation, kind, query)))
    after = open_page(call, query)
    page = _read_few(call, navigation, kind, query, after)
    if page is None:
        page = await call.read(_read_page(call, navigation, kind, query, after))
    collection = name_set(kind) if kind else "directoryObjects"
    return answer_page(call, describe_set(collection, query.select), query, page)


async def list_references(call: Call, *, navigation: Navigation) -> Response:
    """`GET /groups/{id}/members/$ref`: the addresses of linked objects."""
    query = _hide(call, navigation, call.read_query("directoryObject"))
    after = open_page(call, query)
    neighbours, last = await call.read(_find_linked(call, navigation, query, after))
    items = [
        msgspec.json.encode(
            {"@odata.id": locate_object(call, neighbour.kind, read_id(neighbour.doc))}
        )
        for neighbour in neighbours
    ]
    return answer_page(call, "Collection($ref)", query, RecordPage(b",".join(items), last))


def show_linked(call: Call, *, navigation: Navigation) -> Response:
    """`GET /users/{id}/manager`: the one linked object."""
    return answer_neighbour(call, _find_single(call, navigation))


def show_reference(call: Call, *, navigation: Navigation) -> Response:
    """`GET /users/{id}/manager/$ref`: the address of the one linked object."""
    neighbour = _find_single(call, navigation)
    address = locate_object(call, neighbour.kind, read_id(neighbour.doc))
    return answer_object(call, "$ref", msgspec.json.encode({"@odata.id": address}))


def show_one_linked(call: Call, *, navigation: Navigation, kind: str | None = None) -> Response:
    """
    `GET /users/{id}/memberOf/{id}`: one of the linked objects; `kind` is the type of a cast.

    An object that is not linked, or has another type than the cast, is answered with 404.
    """
    key = call.keys["target"]
    links = _links(call, navigation, kind)
    target = find_object(call, None, key)
    near = call.directory.links.list_neighbours(call.tenant, links, after=target.seq - 1, limit=1)
    if [row.seq for row in near] != [target.seq] or not _shows(call, navigation, target):
        raise deny("object_missing", key=key)
    return answer_neighbour(call, target, cast=kind)


def _find_single(call: Call, navigation: Navigation) -> StoredObject:
    links = _links(call, navigation, None)
    neighbours = call.directory.links.list_neighbours(call.tenant, links, limit=1)
    # Recorded: for a user without a manager the answer is 404, with `manager` in place of an ID.
    if not neighbours:
        raise deny("object_missing", key=navigation.name)
    return neighbours[0]


def _links(call: Call, navigation: Navigation, kind: str | None) -> LinkQuery:
    # A path that begins with `/me` has no key: it means the signed-in user.
    key = call.keys.get("key", call.caller.object_id)
    owner = find_object(call, navigation.kind, key)
    members = navigation.relation == "members" and not navigation.reverse
    if members and is_hidden(owner.doc) and not call.permit.hidden:
        return navigation.links(0)  # no object has this number, so there are no links
    kinds = None if kind is None else tuple({kind} & KINDS.keys())
    return navigation.links(owner.seq, kinds)


def _narrow(links: LinkQuery, query: Query) -> LinkQuery:
    """The links, without those to objects of types that the filter excludes."""
    if query.kinds is None:
        return links
    kinds = KINDS if links.kinds is None else links.kinds
    return links._replace(kinds=tuple(query.kinds & set(kinds)))


def _shows(call: Call, navigation: Navigation, row: StoredObject) -> bool:
    """Whether to show an object, unlike groups with hidden members (microsoft-graph-docs#12552)."""
    memberships = navigation.relation == "members" and navigation.reverse
    return not memberships or call.permit.hidden or not is_hidden(row.doc)


def _hide(call: Call, navigation: Navigation, query: Query) -> Query:
    """The query, without groups with hidden members (microsoft-graph-docs#12552)."""
    memberships = navigation.relation == "members" and navigation.reverse
    if not memberships or call.permit.hidden:
        return query
    match = query.match

    def match_shown(doc: bytes) -> bool:
        return not is_hidden(doc) and (match is None or match(doc))

    return replace(query, match=match_shown)


def _count_linked(call: Call, navigation: Navigation, kind: str | None, query: Query) -> Steps[int]:
    return (yield from _count(call, _narrow(_links(call, navigation, kind), query), query))


def _find_linked(
    call: Call, navigation: Navigation, query: Query, after: Position | None
) -> Steps[tuple[list[StoredObject], Position | None]]:
    links = _narrow(_links(call, navigation, None), query)
    return (yield from _find_neighbours(call, links, query, after))


def _read_few(
    call: Call, navigation: Navigation, kind: str | None, query: Query, after: Position | None
) -> RecordPage | None:
    """The page of a short list, or a short first page, read here: a thread would take longer."""
    if query.count or after is not None:
        return None
    links = _narrow(_links(call, navigation, kind), query)
    if not _is_in_summaries(links, query):
        return None
    page = _read_summaries(call, links, replace(query, top=min(query.top, FEW)), 0)
    return page if page.last is None or query.top <= FEW else None


def _read_page(
    call: Call, navigation: Navigation, kind: str | None, query: Query, after: Position | None
) -> Steps[RecordPage]:
    links = _narrow(_links(call, navigation, kind), query)
    total = (yield from _count(call, links, query)) if query.count and after is None else None
    if _is_in_summaries(links, query):
        page = _read_summaries(call, links, query, after.seq if after else 0)
        return page._replace(total=total)
    neighbours, last = yield from _find_neighbours(call, links, query, after)
    # After a cast, the context names the type of all objects, so that none names its own.
    if query.kind in call.readable:
        docs = [neighbour.doc for neighbour in neighbours]
        return RecordPage(render_objects(query.kind, query.select, docs), last, total)
    typed = not wants_no_metadata(call)
    items = render_neighbours(neighbours, query.select, call.readable, typed=typed)
    return RecordPage(b",".join(items), last, total)


def _read_summaries(call: Call, links: LinkQuery, query: Query, after: int) -> RecordPage:
    """A page of objects that the store has in the form in which they are shown, or in more."""
    several, typed = query.kind not in call.readable, not wants_no_metadata(call)
    # For callers who see only basic properties of users, these are picked out of each.
    mixed = several and query.select is None and "user.basic" not in call.readable
    page = call.directory.links.join_neighbours(
        call.tenant,
        links,
        after=after,
        limit=query.top,
        mixed=MixedForm(call.readable, typed) if mixed else None,
    )
    if mixed:
        body = page.body
    elif several:
        body = render_joined_neighbours(
            page.kinds, page.body, query.select, call.readable, typed=typed
        )
    elif query.select is None or is_summary(query.kind, query.select):
        body = page.body
    else:
        body = render_joined(query.kind, query.select, page.body)
    full = page.number == query.top
    more = full and call.directory.links.has_more(call.tenant, links, page.last)
    return RecordPage(body, Position(None, page.last) if more else None)


def _find_neighbours(
    call: Call, links: LinkQuery, query: Query, after: Position | None
) -> Steps[tuple[list[StoredObject], Position | None]]:
    """A page of the neighbours that match, and where it ends if there are more."""
    if query.plan.order != "seq":
        return (yield from _sort_neighbours(call, links, query, after))
    page: list[StoredObject] = []
    size = query.top + 1 if query.match is None else _STEP
    for rows in _read_chunks(call, links, after.seq if after else 0, size):
        page += [row for row in rows if query.match is None or query.match(row.doc)]
        if len(page) > query.top:
            return page[: query.top], Position(None, page[query.top - 1].seq)
        yield
    return page, None


def _sort_neighbours(
    call: Call, links: LinkQuery, query: Query, after: Position | None
) -> Steps[tuple[list[StoredObject], Position | None]]:
    """A page in another order; links have no index for that, so all of them are sorted."""
    placed: list[tuple[Position, StoredObject]] = []
    for rows in _read_chunks(call, links, 0, _STEP):
        placed += [
            (find_position(row.kind, query.plan.order, row.seq, row.doc), row)
            for row in rows
            if query.match is None or query.match(row.doc)
        ]
        yield
    page, last = sort_page(placed, query, after)
    return [row for _, row in page], last


def _count(call: Call, links: LinkQuery, query: Query) -> Steps[int]:
    if query.match is None:
        return call.directory.links.count_neighbours(call.tenant, links)
    number = 0
    for rows in _read_chunks(call, links, 0, _STEP):
        number += sum(query.match(row.doc) for row in rows)
        yield
    return number


def _is_in_summaries(links: LinkQuery, query: Query) -> bool:
    """Whether the objects' summaries, in the order of their numbers, have all that is needed."""
    # Whether more follow is asked at the end of a page, and deep links would be walked again.
    if query.match is not None or query.plan.order != "seq" or links.deep:
        return False
    if query.select is None:
        return True
    if query.kind in KINDS:
        return set(schema.default(query.kind)).issuperset(query.select)
    return all(
        set(schema.default(kind)).issuperset(list_declared(kind, query.select)) for kind in KINDS
    )


def _read_chunks(
    call: Call, links: LinkQuery, after: int, size: int
) -> Iterator[list[StoredObject]]:
    """All neighbours numbered above `after`, so many at a time."""
    while True:
        rows = call.directory.links.list_neighbours(call.tenant, links, after=after, limit=size)
        yield rows
        if len(rows) < size:
            return
        after = rows[-1].seq
