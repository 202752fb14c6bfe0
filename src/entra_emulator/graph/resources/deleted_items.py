"""
The recycle bin: `/directory/deletedItems`.

Sources: "List deletedItems", "Get deleted item", "Restore deleted item", "Permanently delete
item". Objects are gone after thirty days.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.directory.object_collections import Position
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.recycle_bin import DeletedObject
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import deny
from entra_emulator.graph.access.authorize import authorize
from entra_emulator.graph.answer import (
    NOWHERE,
    RecordPage,
    answer_nothing,
    answer_number,
    answer_page,
    describe_set,
    open_page,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.collection import sort_page
from entra_emulator.graph.objects.find import check_owned
from entra_emulator.graph.objects.replica import find_position
from entra_emulator.graph.objects.show import answer_neighbour
from entra_emulator.graph.query.index_plan import IndexPlan
from entra_emulator.graph.query.options import Query, parse_options
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.body import read_parameters, read_text
from entra_emulator.model.kinds import DELETABLE, KINDS
from entra_emulator.web.caller import list_roles
from entra_emulator.web.context import is_guid

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode

_BY_TIME = re.compile(r"\s*deletedDateTime\b", re.IGNORECASE)


def list_deleted(call: Call, *, kind: str) -> Response:
    """`GET /directory/deletedItems/microsoft.graph.user`: a page of objects, or their number."""
    query = call.read_query(kind)
    rows = _find_rows(call, query)
    if call.counting:
        return answer_number(call, len(rows))
    after = open_page(call, query)
    shown, last = sort_page(rows, query, after)
    total = len(rows) if query.count and after is None else None
    docs = [doc for _, doc in shown]
    body = render_objects(kind, query.select, docs, basic=call.permit.basic)
    fragment = describe_set(KINDS[kind].collection, query.select)
    return answer_page(call, fragment, query, RecordPage(body, last, total))


def show_deleted(call: Call, *, kind: str | None = None) -> Response:
    """`GET /directory/deletedItems/{id}`: one deleted object, with `kind` as this type."""
    item = _find(call, kind)
    neighbour = StoredObject(item.kind, item.seq, _date(item))
    return answer_neighbour(call, neighbour, cast=kind)


def restore_deleted(call: Call, *, kind: str | None = None) -> Response:
    """
    `POST /directory/deletedItems/{id}/restore`: undo a deletion, of links too.

    `autoReconcileProxyConflict` is taken and changes nothing: addresses are not unique here.
    """
    item = _find(call, kind)
    parameters = read_parameters(call, "newUserPrincipalName", "autoReconcileProxyConflict")
    changes = {}
    if item.kind == "user" and parameters["newUserPrincipalName"] is not None:
        name = read_text(parameters["newUserPrincipalName"], "newUserPrincipalName")
        changes = {"userPrincipalName": name}
    key = KINDS[item.kind].key
    with call.directory.transaction():
        try:
            row = call.directory.recycle_bin.restore(call.tenant, item, changes)
        except ValueError as error:
            raise deny("value_taken", name=key, target=key) from error
    return answer_neighbour(call, row, location=NOWHERE)


def purge_deleted(call: Call, *, kind: str | None = None) -> Response:
    """`DELETE /directory/deletedItems/{id}`: gone for ever (recorded: 204)."""
    item = _find(call, kind)
    with call.directory.transaction():
        call.directory.recycle_bin.purge(call.tenant, item)
    return answer_nothing(call)


def _find(call: Call, kind: str | None) -> DeletedObject:
    key = call.keys["key"]
    if not is_guid(key):
        raise deny("id_malformed", key=key)
    call.directory.recycle_bin.purge_expired(call.tenant)
    item = call.directory.recycle_bin.find(call.tenant, key)
    if item is None or kind not in {None, item.kind}:
        raise deny("object_missing", key=key)
    _check_kind(call, item)
    return item


def _check_kind(call: Call, item: DeletedObject) -> None:
    """Check the permission for the object's type, which only now is known."""
    template = f"/directory/deletedItems/microsoft.graph.{item.kind}/{{key}}"
    roles = partial(list_roles, call.directory, call.caller)
    permit = authorize(call.caller, call.request.method, template, roles)
    # The route has no type, so that ownership could not be checked before.
    if permit.owned:
        check_owned(call, StoredObject(item.kind, item.seq, item.doc))


def _date(item: DeletedObject) -> bytes:
    """The document with the moment of its deletion."""
    moment = format_iso(item.moment)
    return _encode(_decode(item.doc) | {"deletedDateTime": moment})


def _find_rows(call: Call, query: Query) -> list[tuple[Position, bytes]]:
    """The deleted objects that match, with their positions: few, so that all are looked at."""
    call.directory.recycle_bin.purge_expired(call.tenant)
    order = parse_options(call.query_string).get("$orderby", "")
    # The plan knows orders of the store only, and the store has none by time of deletion.
    by_time = _BY_TIME.match(order) is not None
    rows = []
    for item in call.directory.recycle_bin.list_objects(call.tenant, query.kind):
        doc = _date(item)
        if _is_covered(item, query.plan) and (query.match is None or query.match(doc)):
            rows.append((_place(item, query.plan, by_time=by_time), doc))
    return rows


def _place(item: DeletedObject, plan: IndexPlan, *, by_time: bool) -> Position:
    if by_time:
        # Padded with zeros, so that the texts sort as the moments do.
        return Position(f"{item.moment:020.6f}", item.seq)
    return find_position(item.kind, plan.order, item.seq, item.doc)


def _is_covered(item: DeletedObject, plan: IndexPlan) -> bool:
    """Whether the object is among those that the plan covers."""
    if plan.ids is not None:
        return read_id(item.doc) in plan.ids
    value = _place(item, plan, by_time=False).value or ""
    return (plan.low or "") <= value and (plan.high is None or value <= plan.high)


_PATH = "/directory/deletedItems"


def _list_routes(path: str, kind: str | None) -> Iterator[Endpoint]:
    """The routes of one deleted object at this path: of this type, or of any for None."""
    yield Endpoint("GET", path, partial(show_deleted, kind=kind), blocking=True)
    yield write_route("DELETE", path, partial(purge_deleted, kind=kind))
    yield write_route("POST", f"{path}/restore", partial(restore_deleted, kind=kind))


def _list_casts(kind: str) -> Iterator[Endpoint]:
    cast = f"microsoft.graph.{kind}"
    for suffix in ("", "/$count"):
        listing = partial(list_deleted, kind=kind)
        yield Endpoint("GET", f"{_PATH}/{cast}{suffix}", listing, blocking=True)
    # Programs write the cast before the key, and behind it as generated SDKs do.
    yield from _list_routes(f"{_PATH}/{cast}/{{key}}", kind)
    yield from _list_routes(f"{_PATH}/{{key}}/{cast}", kind)


ROUTES = (
    *(endpoint for kind in DELETABLE for endpoint in _list_casts(kind)),
    *_list_routes(f"{_PATH}/{{key}}", None),
)
