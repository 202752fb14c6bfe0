"""
The sync record: what one sync did to one collection.

Values without any I/O; `docs/reference/sync-record.md` says what each member means.
"""

from typing import Literal

import msgspec

from graphdaemon.listing.record import ListingRecord

How = Literal["baseline", "round", "comparison"]

SHOWN_DRIFT = 20
"""How many IDs of rows that had drifted are named."""


class Drift(msgspec.Struct):
    """
    The differences that a reconciliation found although the delta had not reported them.

    Attributes:
        missing: How many objects of the directory were not in the store.
        surplus: How many rows of the store have no object in the directory.
        different: How many rows differed from the directory.
        ids: The first IDs of all these.
    """

    missing: int = 0
    surplus: int = 0
    different: int = 0
    ids: list[str] = msgspec.field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows in all."""
        return self.missing + self.surplus + self.different

    def name(self, key: str) -> None:
        """Keep an ID, if it is among the first."""
        if len(self.ids) < SHOWN_DRIFT:
            self.ids.append(key)


class SyncRecord(msgspec.Struct):
    """
    What one sync did to one collection.

    Attributes:
        collection: Its name, such as `groups/members`.
        how: `baseline` for the first complete reading; `round` for the changes that the delta
            reported; `comparison` for a later complete reading that was compared with the store.
        why: Why it was not a round, as a sentence; empty for a round.
        rows: How many rows of the collection the store has now.
        created: How many rows are new.
        updated: How many rows have changed.
        ended: How many rows are gone.
        requests: How many requests were sent to Graph.
        seconds: How long it took, in seconds.
        told: How many changes were delivered to the change feed.
        drift: What a reconciliation found; None if there was none.
        listing: The record of the listing, if one was made.
        notes: Deviations from the plan, one sentence for each.
    """

    collection: str
    how: How = "round"
    why: str = ""
    rows: int = 0
    created: int = 0
    updated: int = 0
    ended: int = 0
    requests: int = 0
    seconds: float = 0.0
    told: int = 0
    drift: Drift | None = None
    listing: ListingRecord | None = None
    notes: list[str] = msgspec.field(default_factory=list)

    @property
    def changed(self) -> int:
        """How many rows were changed."""
        return self.created + self.updated + self.ended

    def summary(self) -> str:
        """Return one line for people."""
        parts = [f"{self.rows:,} row{'' if self.rows == 1 else 's'}"]
        news = (("created", self.created), ("updated", self.updated), ("ended", self.ended))
        parts += [f"{count:,} {word}" for word, count in news if count]
        if not self.changed:
            parts.append("no change")
        requests = f"{self.requests:,} request{'' if self.requests == 1 else 's'}"
        return (
            f"{self.collection}: {', '.join(parts)} ({self.how}, {requests}, {self.seconds:.1f} s)"
        )
