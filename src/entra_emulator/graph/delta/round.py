"""
Pages of one round of a delta query.

The first round walks over every object, in the order they were made; what
changes meanwhile is told again by the next round, because the walk's watermark
is taken before it begins. Later rounds tell each changed object once, as it is
when its page is made. That may be newer than the round's end: then the next
round tells it again, and whoever applies what is told by ID ends up the same.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from entra_emulator.directory.changes import Change, ChangeRange
from entra_emulator.directory.object_collections import Position
from entra_emulator.directory.representation import read_id, render_reference
from entra_emulator.graph.answer import wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.items import (
    LIFE,
    is_told,
    list_changed_names,
    render_reference_change,
    render_removed,
    render_tracked,
)
from entra_emulator.graph.delta.tokens import INITIAL, Place, Round
from entra_emulator.graph.objects.relations import is_hidden

_CHUNK = 500


class DeltaPage(NamedTuple):
    """A page's objects, and where the next one begins; None when the round ends."""

    items: list[dict[str, Any]]
    place: Place | None


class _Candidate(NamedTuple):
    """
    An object that a round may tell.

    Args:
        step: see `Place`.
        major: see `Place`.
        kind: its type.
        seq: its number.
        doc: its document; None in a round of changes, which looks for it.
        deleted: it is in the recycle bin.
    """

    step: int
    major: int
    kind: str
    seq: int
    doc: bytes | None = None
    deleted: bool = False


class _Told(NamedTuple):
    """
    An object that a round tells.

    Args:
        candidate: which one.
        item: what is told, but for its links.
        whole: every link it has is told, not only those that changed.
        changes: those of its links.
        alive: it has links at all.
        hidden: few may know its members.
    """

    candidate: _Candidate
    item: dict[str, Any]
    whole: bool = False
    changes: tuple[Change, ...] = ()
    alive: bool = True
    hidden: bool = False


def read_round(call: Call, state: Round) -> DeltaPage:
    """The next page of a round."""
    settings = call.context.delta
    items: list[dict[str, Any]] = []
    place, links = state.place, 0
    for told in _list_told(call, state):
        if len(items) >= settings.page or links >= settings.links:
            return DeltaPage(items, place)
        start = _resume_links(state.place, told.candidate)
        found, rest = _tell_links(call, state, told, start, settings.links - links)
        links += sum(map(len, found.values()))
        items.append(_type_item(call, state, told) | found)
        place = rest or Place(told.candidate.step, told.candidate.major)
        if rest is not None:
            return DeltaPage(items, place)
    return DeltaPage(items, None)


def _list_told(call: Call, state: Round) -> Iterator[_Told]:
    if state.after == INITIAL:
        for candidate in _walk(call, state):
            assert candidate.doc is not None, "a walk reads documents"
            tracked = state.track.find(candidate.kind)
            if candidate.deleted:
                item = render_removed(read_id(candidate.doc), restorable=True)
                yield _Told(candidate, item, alive=False)
            else:
                item, hidden = render_tracked(tracked, candidate.doc), is_hidden(candidate.doc)
                yield _Told(candidate, item, whole=True, hidden=hidden)
        return
    older = _read_older(call, state)
    for candidate in _list_changed(call, state):
        told = _tell_change(call, state, candidate, older)
        if told is not None:
            yield told


def _walk(call: Call, state: Round) -> Iterator[_Candidate]:
    """Every object from the round's place on: those of every type, then the recycle bin."""
    types = state.track.types
    older = _read_older(call, state)
    for step in range(state.place.step, 2 * len(types)):
        kind, after = types[step % len(types)].kind, _begin(state.place, step)
        if step >= len(types):
            yield from _walk_deleted(call, state, step, kind, after)
            continue
        for seq, doc in _walk_live(call, state, kind, after):
            seen = older.get(seq, doc)
            if seen is not None:
                yield _Candidate(step, seq, kind, seq, seen)


def _begin(place: Place, step: int) -> int:
    """The number behind which a step begins; in the middle of an object that is told again."""
    if step != place.step:
        return 0
    return place.major if place.link < 0 else place.major - 1


def _walk_live(call: Call, state: Round, kind: str, after: int) -> Iterator[tuple[int, bytes]]:
    if state.track.ids:
        found = (call.directory.objects.find(call.tenant, one) for one in state.track.ids)
        rows = sorted((one.seq, one.doc) for one in found if one and one.kind == kind)
        return ((seq, doc) for seq, doc in rows if seq > after)
    chunk = call.context.delta.page + 1
    rows_of_all = call.directory.collections.scan(
        call.tenant, kind, after=Position(None, after), chunk=chunk
    )
    return ((position.seq, doc) for position, doc in rows_of_all)


def _walk_deleted(
    call: Call, state: Round, step: int, kind: str, after: int
) -> Iterator[_Candidate]:
    while True:
        rows = call.directory.recycle_bin.list_objects(call.tenant, kind, after=after, limit=_CHUNK)
        for row in rows:
            if not state.track.ids or read_id(row.doc) in state.track.ids:
                yield _Candidate(step, row.seq, kind, row.seq, row.doc, deleted=True)
        if len(rows) < _CHUNK:
            return
        after = rows[-1].seq


def _list_changed(call: Call, state: Round) -> Iterator[_Candidate]:
    """Each object that changed in the round, in the order of its first change."""
    kinds = [tracked.kind for tracked in state.track.types]
    window = ChangeRange(state.after, state.until, kinds, state.track.ids)
    position = _begin(state.place, 0)
    while True:
        rows = call.directory.changes.list_objects(
            call.tenant, window, position=position, limit=_CHUNK
        )
        for number, kind, seq in rows:
            yield _Candidate(0, number, kind, seq)
        if len(rows) < _CHUNK:
            return
        position = rows[-1][0]


def _tell_change(
    call: Call, state: Round, candidate: _Candidate, older: dict[int, bytes | None]
) -> _Told | None:
    """What the round tells of a changed object; None when no change of it counts."""
    tracked = state.track.find(candidate.kind)
    history = call.directory.changes.list_history(candidate.seq, state.until)
    changes = [change for change in history if change.number > state.after]
    if not is_told(tracked, changes):
        return None
    now = call.directory.changes.read_state(call.tenant, candidate.kind, candidate.seq)
    doc, deleted = now.doc, now.deleted
    if candidate.seq in older:
        doc = older[candidate.seq] or doc
        deleted = older[candidate.seq] is None
    if doc is None or deleted:
        item = render_removed(changes[-1].id, restorable=deleted)
        return _Told(candidate, item, alive=False)
    whole = any(change.what in LIFE for change in changes)
    item = render_tracked(
        tracked,
        doc,
        cleared=list_changed_names(history),
        only=list_changed_names(changes) if state.minimal and not whole else None,
    )
    links = tuple(change for change in changes if change.target is not None)
    return _Told(candidate, item, whole, links, hidden=is_hidden(doc))


def _read_older(call: Call, state: Round) -> dict[int, bytes | None]:
    """
    What objects were like on a replica that lags behind, if they changed since: None, not there.

    It never lags so far that it misses what the round has to tell.
    """
    older: dict[int, bytes | None] = {}
    if not call.lag:
        return older
    since = max(
        state.until, call.directory.changes.read_watermark_at(call.tenant, call.now - call.lag)
    )
    for tracked in state.track.types:
        last = call.directory.changes.read_watermark()
        for change in call.directory.changes.list_between(call.tenant, tracked.kind, since, last):
            if change.target is None and change.seq not in older:
                was_there = change.what not in {"created", "restored"}
                older[change.seq] = change.before if was_there else None
    return older


def _resume_links(place: Place, candidate: _Candidate) -> Place:
    """Where the telling of an object's links goes on."""
    if place.link >= 0 and (place.step, place.major) == (candidate.step, candidate.major):
        return place
    return Place(candidate.step, candidate.major, 0, 0)


def _tell_links(
    call: Call, state: Round, told: _Told, start: Place, room: int
) -> tuple[dict[str, list[Any]], Place | None]:
    """Up to `room` linked objects by `{relation}@delta`, and where the others begin."""
    found: dict[str, list[Any]] = {}
    relations = state.track.find(told.candidate.kind).links if told.alive else ()
    hidden = told.hidden and not call.permit.hidden
    for number, relation in islice(enumerate(relations), start.link, None):
        if hidden and relation == "members":
            continue
        after = start.minor if number == start.link else 0
        rows = _list_links(call, told, relation, after, room + 1)
        shown = rows[:room]
        if shown:
            typed = not wants_no_metadata(call)
            found[f"{relation}@delta"] = [
                render_reference_change(reference, removed=removed, typed=typed)
                for _, reference, removed in shown
            ]
        if len(rows) > room:
            last = shown[-1][0] if shown else after
            return found, Place(start.step, start.major, number, last)
        room -= len(shown)
    return found, None


def _list_links(
    call: Call, told: _Told, relation: str, after: int, limit: int
) -> list[tuple[int, bytes, bool]]:
    """Up to `limit` of (number, reference, whether it is linked no more), in order."""
    seq = told.candidate.seq
    changed = {
        change.target: change.before
        for change in told.changes
        if change.names[0] == relation and (change.target or 0) > after
    }
    rows: list[tuple[int, bytes, bool]] = []
    if told.whole:
        linked = call.directory.links.list_references(
            call.tenant, relation, seq, after=after, limit=limit
        )
        rows = [(one.seq, render_reference(one.kind, one.id), False) for one in linked]
    asked = sorted(target for target in changed if target is not None)
    for chunk in (asked[i : i + _CHUNK] for i in range(0, len(asked), _CHUNK)):
        still = call.directory.links.find_linked(relation, seq, chunk)
        for target in chunk:
            if not (told.whole and target in still):
                rows.append((target, changed[target] or b"{}", target not in still))
    return sorted(rows)[:limit]


def _type_item(call: Call, state: Round, told: _Told) -> dict[str, Any]:
    """The object with its type in front, in a collection of several."""
    if state.track.place != "directoryObjects" or wants_no_metadata(call):
        return told.item
    return {"@odata.type": f"#microsoft.graph.{told.candidate.kind}", **told.item}
