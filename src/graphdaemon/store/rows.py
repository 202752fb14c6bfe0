"""What goes into a store and comes out of it: documents, positions, and how a version ends."""

from typing import Literal, NamedTuple

RunKind = Literal["baseline", "round", "comparison"]
"""The first complete listing, a round of the delta, or a later listing compared with the store."""

Ending = Literal["updated", "removed", "deleted", "absent"]
"""
How a version ended.

`updated`: a newer one took its place. `removed`: the object went into the recycle bin, from where
it can come back. `deleted`: it is gone for good. `absent`: a complete listing did not show it.
"""

ChangeKind = Literal["created", "updated", "removed", "deleted", "absent", "restored"]
"""What happened to an object; `restored` is one that had been `removed`."""


class Row(NamedTuple):
    """
    A record to keep.

    Attributes:
        id: Its ID; of an edge `PARENT/CHILD`.
        document: Its JSON in UTF-8, in the form in which it is to be compared.
    """

    id: str
    document: bytes


class Staged(NamedTuple):
    """
    What was read of an ID, to be compared with the store.

    Attributes:
        id: The ID.
        document: Its JSON; None if it is gone.
        ending: How it went; empty where there is a document.
    """

    id: str
    document: bytes | None
    ending: Ending | Literal[""] = ""


class Pair(NamedTuple):
    """
    An ID of which something else was staged than is stored.

    Attributes:
        id: The ID.
        staged: The document that was staged; None if it is gone.
        ending: How it went; empty where there is a document.
        stored: The document in the store; None if there is none.
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
        link: The delta link to go on from; None if the collection has none.
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
        number: What the store's tables call it.
        id: Its ID.
        name: Its name when it was last synced.
    """

    number: int
    id: str
    name: str
