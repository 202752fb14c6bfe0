"""
The values of a listing that several processes read: its parts, its beginning and its end.

All of them can be pickled. A part and its reading contain no secret and no link. The boundaries of
a part are beginnings of names.
"""

from typing import NamedTuple

import msgspec

from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.query import Query
from graphdaemon.listing.intervals import Interval
from graphdaemon.listing.record import Corrections, ListingRecord, Method


class PartChain(NamedTuple):
    """
    One chain of pages of a part.

    Attributes:
        condition: The `$filter` expression that selects it; empty for the whole collection.
        interval: The range of key values that the condition stands for, if it is a range. Only a
            range can be divided further.
    """

    condition: str = ""
    interval: Interval | None = None


class ListingPart(NamedTuple):
    """
    The part of a listing that one process reads.

    Two neighbouring parts share their border, so both may return the same record.

    Attributes:
        number: The number of the part, starting at 0.
        collection: Path below the Graph version.
        query: The OData options of the listing.
        page_size: How many records to request in a page.
        chains: The chains of pages that belong to it.
        started: When the listing began: RFC 3339, UTC.
    """

    number: int
    collection: str
    query: Query
    page_size: int
    chains: tuple[PartChain, ...]
    started: str = ""


class ListingStart(NamedTuple):
    """
    What is known about a listing before its parts are read. The process that finishes it keeps it.

    Attributes:
        collection: Path below the Graph version.
        query: The OData options.
        page_size: How many records to request in a page.
        started: When it began: RFC 3339, UTC.
        parts: The parts. Any process may read any part, in any order.
        link: The delta link for every change since then; None if the collection has no delta. It is
            pickled, but never shown.
        expected: The service's own count, or None.
        method: How the listing is divided.
        witnesses: Packed IDs of records that must be in some part.
        requests: How many requests were sent so far.
        units: How many resource units they cost.
        notes: Deviations from the plan, one sentence for each.
        selected: The properties that the delta follows and that the listing shows.
    """

    collection: str
    query: Query
    page_size: int
    started: str
    parts: tuple[ListingPart, ...]
    link: DeltaLink | None
    expected: int | None
    method: Method
    witnesses: frozenset[bytes]
    requests: int
    units: float
    notes: tuple[str, ...]
    selected: tuple[str, ...] = ()


class PartReading(msgspec.Struct, frozen=True):
    """
    What is known about one part after it was read to its end.

    Attributes:
        number: The number of the part.
        ids: The IDs of its records, each once.
        ranges: How many chains were read to their ends.
        pages: How many pages were read.
        duplicates: How many repeated records within the part were dropped.
        requests: How many requests were sent.
        retries: How many of them were repetitions.
        throttled: How many of them were refused because the throttle budget was used up (429).
        units: How many resource units they cost.
        restarts: How many chains were begun anew because a page link was refused.
        splits: How many ranges were divided because they were large.
        blank: The properties that had a value in no record; None if there was no record.
        started: When the listing began, as in the part: RFC 3339, UTC.
        given_up: Whether Graph did not support a range, so that the rest of the part was not read.
    """

    number: int
    ids: list[str]
    ranges: int = 0
    pages: int = 0
    duplicates: int = 0
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    units: float = 0
    restarts: int = 0
    splits: int = 0
    blank: list[str] | None = None
    started: str = ""
    given_up: bool = False


class ListingEnd(NamedTuple):
    """
    The result of a listing after all its parts were read.

    The directory at `record.finished` consists of what the parts returned, without `repeated`, with
    `corrections` applied, and with `appeared` added.

    Attributes:
        record: The listing record, with its verdict.
        repeated: By the number of a part, the IDs of records that an earlier part has returned as
            well.
        corrections: By ID, records that changed after they were read: as they are now, or None if
            they are gone.
        appeared: Records that are in no part.
        link: The delta link for later changes, if the listing is proved complete and no filter
            leaves anything out.
    """

    record: ListingRecord
    repeated: dict[int, list[str]]
    corrections: Corrections
    appeared: list[msgspec.Raw]
    link: DeltaLink | None
