"""The values that are written to a store and read from it: records, positions and tenants."""

from typing import Literal, NamedTuple

RunKind = Literal["baseline", "round", "comparison"]
"""
The kind of a run.

`baseline`: the first complete listing. `round`: a round of the delta. `comparison`: a later listing
that is compared with the store.
"""

Ending = Literal["updated", "removed", "deleted", "absent"]
"""
How a version ended.

`updated`: a newer version replaced it. `removed`: the object went into the recycle bin, from which
it can be restored. `deleted`: it was deleted for good. `absent`: a complete listing did not contain
it.
"""

ChangeKind = Literal["created", "updated", "removed", "deleted", "absent", "restored"]
"""What happened to an object; `restored` means that it exists again after it was `removed`."""


class Row(NamedTuple):
    """
    A record to be stored.

    Attributes:
        id: Its ID; for an edge `PARENT/CHILD`.
        document: The record as JSON in UTF-8, in the form in which it is compared.
    """

    id: str
    document: bytes


class Staged(NamedTuple):
    """
    A record that was read, to be compared with the store.

    Attributes:
        id: Its ID.
        document: The record as JSON; None if it has ended.
        ending: How it ended; empty if there is a document.
    """

    id: str
    document: bytes | None
    ending: Ending | Literal[""] = ""


class Pair(NamedTuple):
    """
    A record whose staged version differs from the stored one.

    Attributes:
        id: Its ID.
        staged: The staged document; None if the record has ended.
        ending: How it ended; empty if there is a staged document.
        stored: The stored document; None if there is none.
    """

    id: str
    staged: bytes | None
    ending: Ending | Literal[""]
    stored: bytes | None


class Position(NamedTuple):
    """
    How far the store has followed a collection of a tenant.

    Times are RFC 3339 in UTC with microseconds, and empty for never.

    Attributes:
        link: The delta link to continue from; None if the collection has none.
        selected: The properties that the link was made for.
        reconciled: When a complete listing was last compared with the store.
        run: The number of the last run that changed something.
        checked: When the store was last known to be in step, whether or not anything had changed.
        rows: How many records are current.
    """

    link: str | None
    selected: tuple[str, ...]
    reconciled: str = ""
    run: int = 0
    checked: str = ""
    rows: int = 0


class StoredTenant(NamedTuple):
    """
    A tenant of a store.

    Attributes:
        number: Its number in the tables of the store.
        id: Its ID, a GUID in lower case.
        name: Its name when it was last synced.
    """

    number: int
    id: str
    name: str
