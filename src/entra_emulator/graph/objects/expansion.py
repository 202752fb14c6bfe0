"""`$expand`: related objects inside of each object."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from itertools import islice

import msgspec

from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.steps import Steps
from entra_emulator.errors import deny
from entra_emulator.graph.access.authorize import authorize
from entra_emulator.graph.answer import describe_set, pick, wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.relations import (
    NAVIGATIONS,
    RECORD_NAVIGATIONS,
    Navigation,
    RecordNavigation,
    is_hidden,
)
from entra_emulator.graph.query.expand import Expand
from entra_emulator.graph.render import render_neighbours
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record

# "Known issues": at most twenty objects of an expanded collection show, a hundred of
# registeredDevices, and no link leads to the others.
MOST = 20
MOST_DEVICES = 100

# The most managers that are followed upwards; chosen, because real companies have fewer levels.
HIGHEST = 100

# How many objects are expanded in one step, for which other requests may have to wait.
PIECE = 50

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder(Record).decode

# Takes the JSON of an object, and the object as it is stored.
_AppendTo = Callable[[bytes, StoredObject | None], bytes]


def expand_objects(
    call: Call, kind: str, expand: Expand, body: bytes, docs: list[bytes]
) -> Steps[bytes]:
    """
    In steps, the rendered objects, joined by commas, each with what is expanded at its end.

    Raises:
        GraphRefusal: 501, the emulator does not have the objects of this navigation property; 403,
            the caller may not list its records.
    """
    ids = [read_id(doc) for doc in docs]
    rows = call.directory.objects.find_all(call.tenant, kind, ids)
    # A lagging replica may list objects that have been deleted since.
    assert len(rows) == len(set(ids)) or call.lag, "what was listed is there"
    append = _choose_append(call, kind, expand, rows.values())
    parts = []
    for item, object_id in zip(_split(b"[%b]" % body), ids, strict=True):
        parts.append(append(bytes(item), rows.get(object_id)))
        if len(parts) % PIECE == 0:
            yield
    return b",".join(parts)


def _choose_append(
    call: Call, kind: str, expand: Expand, rows: Collection[StoredObject]
) -> _AppendTo:
    """The function that adds the related objects to an object, which may be deleted by now."""
    navigation = NAVIGATIONS.get((kind, expand.navigation))
    if navigation and navigation.single and not navigation.reverse and expand.levels == 1:
        return partial(_append_single, expand, _render_firsts(call, navigation, expand, rows))
    if navigation is not None:
        return partial(_append_linked, call, navigation, expand)
    records = RECORD_NAVIGATIONS.get((kind, expand.navigation))
    if records is None:
        raise deny("not_emulated", what=f"$expand of {expand.navigation}")
    _check_readable(call, records, rows)
    return partial(_append_records, call, records, expand)


def _check_readable(call: Call, navigation: RecordNavigation, rows: Iterable[StoredObject]) -> None:
    """Refuse records that the caller may not list; this is chosen, Graph's behaviour not known."""
    template = f"/{KINDS[navigation.kind].collection}/{{key}}/{navigation.name}"
    permit = authorize(call.caller, "GET", template)
    if permit.itself and {read_id(row.doc) for row in rows} - {call.caller.object_id}:
        raise deny("forbidden")


def _append_records(
    call: Call, navigation: RecordNavigation, expand: Expand, item: bytes, row: StoredObject | None
) -> bytes:
    """The records are written as their own list has them, with its context where it has one."""
    record = _decode(row.doc) if row is not None else None
    records = navigation.read(call, record) if record is not None else ()
    if record is not None and navigation.contained and not wants_no_metadata(call):
        path = f"{KINDS[navigation.kind].collection}('{record['id']}')/{navigation.name}"
        context = f"{call.origin}/{call.version}/$metadata#{describe_set(path, expand.select)}"
        item = _append(item, f"{navigation.name}@odata.context", msgspec.json.encode(context))
    shown = [pick(one, expand.select) for one in islice(records, MOST)]
    return _append(item, navigation.name, msgspec.json.encode(shown))


def _render_firsts(
    call: Call, navigation: Navigation, expand: Expand, rows: Collection[StoredObject]
) -> dict[int, bytes]:
    """The object of a navigation property with a single one, for each of these, by number."""
    sources = [row.seq for row in rows]
    firsts = call.directory.links.list_firsts(call.tenant, navigation.relation, sources)
    # Many objects have the same manager, which is rendered once.
    distinct = {first.seq: first for first in firsts.values()}
    shown = dict(zip(distinct, _render(call, expand, [*distinct.values()]), strict=True))
    return {source: shown[first.seq] for source, first in firsts.items()}


def _append_single(
    expand: Expand, firsts: Mapping[int, bytes], item: bytes, row: StoredObject | None
) -> bytes:
    value = firsts.get(row.seq, b"null") if row is not None else b"null"
    return _append(item, expand.navigation, value)


def _append_linked(
    call: Call, navigation: Navigation, expand: Expand, item: bytes, row: StoredObject | None
) -> bytes:
    members = navigation.relation == "members" and not navigation.reverse
    hidden = row is not None and members and is_hidden(row.doc) and not call.permit.hidden
    # No object has the number 0, so nothing is linked to it.
    seq = row.seq if row and not hidden else 0
    return _append(item, expand.navigation, _render_related(call, navigation, expand, seq))


def _render_related(call: Call, navigation: Navigation, expand: Expand, seq: int) -> bytes:
    if navigation.single:
        return _climb(call, navigation, expand, seq) or b"null"
    most = MOST_DEVICES if expand.navigation == "registeredDevices" else MOST
    neighbours = call.directory.links.list_neighbours(
        call.tenant, navigation.links(seq), limit=most
    )
    if navigation.relation == "members" and navigation.reverse and not call.permit.hidden:
        neighbours = [row for row in neighbours if not is_hidden(row.doc)]
    items = _render(call, expand, neighbours)
    return b"[%b]" % b",".join(items)


def _climb(call: Call, navigation: Navigation, expand: Expand, seq: int) -> bytes | None:
    """The manager, with the manager's manager inside, up to the level that `$expand` names."""
    chain: list[StoredObject] = []
    limit = expand.levels or HIGHEST
    while len(chain) < limit:
        above = call.directory.links.list_neighbours(call.tenant, navigation.links(seq), limit=1)
        # Nothing keeps two users from being the manager of each other.
        if not above or above[0].seq in {manager.seq for manager in chain}:
            break
        chain.append(above[0])
        seq = above[0].seq
    rendered: bytes | None = None
    for item in reversed(_render(call, expand, chain)):
        rendered = item if rendered is None else _append(item, expand.navigation, rendered)
    return rendered


def _render(call: Call, expand: Expand, neighbours: list[StoredObject]) -> list[bytes]:
    typed = not wants_no_metadata(call)
    return render_neighbours(neighbours, expand.select, call.readable, typed=typed)


def _append(item: bytes, name: str, value: bytes) -> bytes:
    comma = b"" if item == b"{}" else b","
    return b"%b%b%b:%b}" % (item[:-1], comma, msgspec.json.encode(name), value)
