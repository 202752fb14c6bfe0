"""
What changed in the directory, in order: for delta queries, and for replicas that lag behind.

Filling a new directory is no change.
"""

from typing import Any, NamedTuple

from graphdaemon.emulator.kind import BY_NUMBER, KINDS
from graphdaemon.emulator.store import Store

__all__ = ["Change", "list_changes", "list_recent", "note_change", "read_watermark"]


class Change(NamedTuple):
    """
    One change of one object.

    Args:
        kind: the object's type.
        seq: the object's number.
        id: the object's ID, which stays known when the object is gone.
        moment: seconds since 1970.
        what: "created", "updated", "deleted", "restored", "purged", "linked" or "unlinked".
        names: the properties that changed; for links the relation.
        target: the number of the object at the link's other end.
        before: the document before the change; None before a creation, and for links.
        number: its place in the order of all changes, given when it is written down.
    """

    kind: str
    seq: int
    id: str
    moment: float
    what: str
    names: tuple[str, ...] = ()
    target: int | None = None
    before: bytes | None = None
    number: int = 0


_COLUMNS = "kind, seq, id, moment, what, names, target, before, number"


def note_change(store: Store, tenant: int, change: Change) -> None:
    """Write a change down."""
    number, names = KINDS[change.kind].number, " ".join(change.names)
    with store.writing() as connection:
        connection.execute(
            "INSERT INTO change (tenant, kind, seq, id, moment, what, names, target, before) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (tenant, number, *change[1:5], names, change.target, change.before),
        )


def read_watermark(store: Store) -> int:
    """The number of the last change, 0 before the first."""
    rows = store.read("SELECT seq FROM sqlite_sequence WHERE name = 'change'")
    return int(rows[0][0]) if rows else 0


def list_changes(store: Store, tenant: int, kind: str, after: int, until: int) -> list[Change]:
    """The changes of a type behind number `after`, up to `until`, oldest first."""
    rows = store.read(
        f"SELECT {_COLUMNS} FROM change "  # noqa: S608 - a constant
        "WHERE tenant = ? AND kind = ? AND number > ? AND number <= ? ORDER BY number",
        (tenant, KINDS[kind].number, after, until),
    )
    return [_read_row(row) for row in rows]


def list_recent(store: Store, tenant: int, kind: str, since: float) -> list[Change]:
    """The changes of a type after this moment, oldest first."""
    rows = store.read(
        f"SELECT {_COLUMNS} FROM change "  # noqa: S608 - a constant
        "WHERE tenant = ? AND kind = ? AND moment > ? ORDER BY number",
        (tenant, KINDS[kind].number, since),
    )
    return [_read_row(row) for row in rows]


def _read_row(row: tuple[Any, ...]) -> Change:
    kind, seq, object_id, moment, what, names, *rest = row
    return Change(BY_NUMBER[kind].name, seq, object_id, moment, what, tuple(names.split()), *rest)
