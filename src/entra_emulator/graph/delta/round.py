"""
Pages of one round of a delta query.

The first round reports all objects, in the order of their creation. Objects that change meanwhile
are reported again in the next round, because the number of the last change is noted before the
first round begins. Later rounds report each changed object once, as it is when its page is made.
That may be newer than the end of the round. Then the next round reports the object again, so a
client that applies each report by the object's ID ends up with the same directory.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from entra_emulator.directory.changes import Change, ChangeRange, ObjectState
from entra_emulator.directory.object_collections import Position
from entra_emulator.directory.representation import read_id, render_reference
from entra_emulator.directory.steps import Steps
from entra_emulator.graph.answer import wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.items import (
    LIFE,
    is_tracked,
    list_changed_names,
    render_reference_change,
    render_removed,
    render_tracked,
)
from entra_emulator.graph.delta.tokens import INITIAL, DeltaRound, RoundPosition
from entra_emulator.graph.objects.relations import is_hidden
from entra_emulator.graph.objects.replica import undo_changes

# How many rows, and parameters of a statement, are read at once; SQLite used to allow 999.
_CHUNK = 500
# How many objects one step looks at; other requests wait for no longer than that.
PIECE = 50


class DeltaPage(NamedTuple):
    """A page's objects, and where the page ends; None when the round ends with it."""

    items: list[dict[str, Any]]
    position: RoundPosition | None


class _Candidate(NamedTuple):
    """
    An object that a round may report, with `step` and `major` as in `RoundPosition`.

    Its document is None in a round of changes, which reads it later; `deleted` says that it is in
    the recycle bin.
    """

    step: int
    major: int
    kind: str
    seq: int
    doc: bytes | None = None
    deleted: bool = False


class _Entry(NamedTuple):
    """
    An object that a round reports.

    Args:
        candidate: the object.
        item: the reported object, without its links.
        whole: whether all its links are reported, not only changed ones.
        changes: the changes of its links.
        alive: whether it has links at all.
        hidden: whether only callers with a special permission may see its members.
    """

    candidate: _Candidate
    item: dict[str, Any]
    whole: bool = False
    changes: tuple[Change, ...] = ()
    alive: bool = True
    hidden: bool = False


def read_round(call: Call, state: DeltaRound) -> Steps[DeltaPage]:
    """In steps, the next page of a round."""
    settings = call.context.delta
    items: list[dict[str, Any]] = []
    position, count = state.position, 0
    for number, entry in enumerate(_list_entries(call, state), 1):
        if number % PIECE == 0:
            yield
        if entry is None:
            continue
        # Checked only when another entry is there, so that no round ends with an empty page.
        if len(items) >= settings.page or count >= settings.links:
            return DeltaPage(items, position)
        start = _resume_links(state.position, entry.candidate)
        links, rest = _report_links(call, state, entry, start, settings.links - count)
        count += sum(map(len, links.values()))
        items.append(_type_item(call, state, entry) | links)
        position = rest or RoundPosition(entry.candidate.step, entry.candidate.major)
        if rest is not None:
            return DeltaPage(items, position)
    return DeltaPage(items, None)


def _list_entries(call: Call, state: DeltaRound) -> Iterator[_Entry | None]:
    """The entries of the round, object by object; None for one whose changes are not tracked."""
    if state.after == INITIAL:
        for candidate in _walk(call, state):
            assert candidate.doc is not None, "a walk reads documents"
            tracked = state.query.find(candidate.kind)
            if candidate.deleted:
                item = render_removed(read_id(candidate.doc), restorable=True)
                yield _Entry(candidate, item, alive=False)
            else:
                item, hidden = render_tracked(tracked, candidate.doc), is_hidden(candidate.doc)
                yield _Entry(candidate, item, whole=True, hidden=hidden)
        return
    older = _read_older(call, state)
    for candidates in _list_changed(call, state):
        yield from _make_entries(call, state, candidates, older)


def _walk(call: Call, state: DeltaRound) -> Iterator[_Candidate]:
    """Every object after the round's position: those of each type, then the recycle bins."""
    types = state.query.types
    older = _read_older(call, state)
    for step in range(state.position.step, 2 * len(types)):
        kind, after = types[step % len(types)].kind, _begin(state.position, step)
        if step >= len(types):
            # A first round reports deleted objects as well (seen: microsoft-graph-docs#6651).
            yield from _walk_deleted(call, state, step, kind, after)
            continue
        for seq, doc in _walk_live(call, state, kind, after):
            seen = older.get(seq, doc)
            if seen is not None:
                yield _Candidate(step, seq, kind, seq, seen)


def _begin(position: RoundPosition, step: int) -> int:
    """The number after which a step begins: before an object whose links were not all reported."""
    if step != position.step:
        return 0
    return position.major if position.link < 0 else position.major - 1


def _walk_live(call: Call, state: DeltaRound, kind: str, after: int) -> Iterator[tuple[int, bytes]]:
    if state.query.ids:
        objects = (call.directory.objects.find(call.tenant, key) for key in state.query.ids)
        rows = sorted((row.seq, row.doc) for row in objects if row and row.kind == kind)
        return ((seq, doc) for seq, doc in rows if seq > after)
    chunk = call.context.delta.page + 1
    every = call.directory.collections.scan(
        call.tenant, kind, after=Position(None, after), chunk=chunk
    )
    return ((position.seq, doc) for position, doc in every)


def _walk_deleted(
    call: Call, state: DeltaRound, step: int, kind: str, after: int
) -> Iterator[_Candidate]:
    while True:
        rows = call.directory.recycle_bin.list_objects(call.tenant, kind, after=after, limit=_CHUNK)
        for row in rows:
            if not state.query.ids or read_id(row.doc) in state.query.ids:
                yield _Candidate(step, row.seq, kind, row.seq, row.doc, deleted=True)
        if len(rows) < _CHUNK:
            return
        after = rows[-1].seq


def _list_changed(call: Call, state: DeltaRound) -> Iterator[list[_Candidate]]:
    """The objects that changed in the round, in the order of their first change, some at a time."""
    kinds = [tracked.kind for tracked in state.query.types]
    window = ChangeRange(state.after, state.until, kinds, state.query.ids)
    position = _begin(state.position, 0)
    while True:
        rows = call.directory.changes.list_objects(
            call.tenant, window, position=position, limit=PIECE
        )
        if rows:
            yield [_Candidate(0, number, kind, seq) for number, kind, seq in rows]
        if len(rows) < PIECE:
            return
        position = rows[-1][0]


def _make_entries(
    call: Call,
    state: DeltaRound,
    candidates: Sequence[_Candidate],
    older: Mapping[int, bytes | None],
) -> Iterator[_Entry | None]:
    """The entries of the round for these objects."""
    seqs = [candidate.seq for candidate in candidates]
    kinds = {candidate.kind for candidate in candidates}
    histories = call.directory.changes.list_histories(seqs, state.until)
    states = call.directory.changes.read_states(call.tenant, kinds, seqs)
    for candidate in candidates:
        now = states[candidate.seq]
        if candidate.seq in older:
            doc = older[candidate.seq]
            now = ObjectState(now.doc if doc is None else doc, deleted=doc is None)
        yield _make_entry(state, candidate, histories[candidate.seq], now)


def _make_entry(
    state: DeltaRound, candidate: _Candidate, history: Sequence[Change], now: ObjectState
) -> _Entry | None:
    """The entry of the round for a changed object; None if no change of it is tracked."""
    tracked = state.query.find(candidate.kind)
    changes = [change for change in history if change.number > state.after]
    if not is_tracked(tracked, changes):
        return None
    if now.doc is None or now.deleted:
        item = render_removed(changes[-1].id, restorable=now.deleted)
        return _Entry(candidate, item, alive=False)
    # The client may know no property of an object that was created or restored meanwhile.
    whole = any(change.what in LIFE for change in changes)
    item = render_tracked(
        tracked,
        now.doc,
        cleared=list_changed_names(history),
        only=list_changed_names(changes) if state.minimal and not whole else None,
    )
    links = tuple(change for change in changes if change.target is not None)
    return _Entry(candidate, item, whole, links, hidden=is_hidden(now.doc))


def _read_older(call: Call, state: DeltaRound) -> dict[int, bytes | None]:
    """
    Objects that changed since, by number, in the state of a replica that lags behind.

    None means that the object did not exist. The replica never lags so far that it lacks a change
    that the round has to report.
    """
    if not call.lag:
        return {}
    changes = call.directory.changes
    since = max(state.until, changes.read_watermark_at(call.tenant, call.now - call.lag))
    last = changes.read_watermark()
    kinds = [tracked.kind for tracked in state.query.types]
    return undo_changes(
        change for kind in kinds for change in changes.list_between(call.tenant, kind, since, last)
    )


def _resume_links(position: RoundPosition, candidate: _Candidate) -> RoundPosition:
    """The position at which the report of an object's links continues."""
    if position.link >= 0 and (position.step, position.major) == (candidate.step, candidate.major):
        return position
    return RoundPosition(candidate.step, candidate.major, 0, 0)


def _report_links(
    call: Call, state: DeltaRound, entry: _Entry, start: RoundPosition, room: int
) -> tuple[dict[str, list[Any]], RoundPosition | None]:
    """Up to `room` linked objects by `{relation}@delta`, and where the others begin."""
    links: dict[str, list[Any]] = {}
    relations = state.query.find(entry.candidate.kind).links if entry.alive else ()
    hidden = entry.hidden and not call.permit.hidden
    for number, relation in islice(enumerate(relations), start.link, None):
        # The group itself is reported; only its members are hidden.
        if hidden and relation == "members":
            continue
        after = start.minor if number == start.link else 0
        rows = _list_links(call, entry, relation, after, room + 1)
        shown = rows[:room]
        if shown:
            typed = not wants_no_metadata(call)
            links[f"{relation}@delta"] = [
                render_reference_change(reference, removed=removed, typed=typed)
                for _, reference, removed in shown
            ]
        if len(rows) > room:
            last = shown[-1][0] if shown else after
            return links, RoundPosition(start.step, start.major, number, last)
        room -= len(shown)
    return links, None


def _list_links(
    call: Call, entry: _Entry, relation: str, after: int, limit: int
) -> list[tuple[int, bytes, bool]]:
    """Up to `limit` links in order, as (number, reference, whether the link was removed)."""
    seq = entry.candidate.seq
    changed = {
        change.target: change.before
        for change in entry.changes
        if change.names[0] == relation and (change.target or 0) > after
    }
    rows: list[tuple[int, bytes, bool]] = []
    if entry.whole:
        linked = call.directory.links.list_references(
            call.tenant, relation, seq, after=after, limit=limit
        )
        rows = [(row.seq, render_reference(row.kind, row.id), False) for row in linked]
    targets = sorted(target for target in changed if target is not None)
    for chunk in (targets[i : i + _CHUNK] for i in range(0, len(targets), _CHUNK)):
        still = call.directory.links.find_linked(relation, seq, chunk)
        for target in chunk:
            if not (entry.whole and target in still):
                rows.append((target, changed[target] or b"{}", target not in still))
    return sorted(rows)[:limit]


def _type_item(call: Call, state: DeltaRound, entry: _Entry) -> dict[str, Any]:
    """The object with its type in front, in a collection of several."""
    if state.query.collection != "directoryObjects" or wants_no_metadata(call):
        return entry.item
    return {"@odata.type": f"#microsoft.graph.{entry.candidate.kind}", **entry.item}
