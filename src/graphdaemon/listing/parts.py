"""
One listing that many processes read: its parts, and what is known before and after they are read.

All are plain values, which can be pickled. A part and its reading hold no secret and no link; the
boundaries of a part are beginnings of names.
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
        condition: The `$filter` expression that makes it; empty for everything.
        interval: What the condition means, if it is a range, which can be divided further.
    """

    condition: str = ""
    interval: Interval | None = None


class ListingPart(NamedTuple):
    """
    What one process reads of a listing.

    Two parts share their border, so that both may bring the same record.

    Attributes:
        number: Which part it is; the first is 0.
        collection: Path below the Graph version.
        query: The OData options of the listing.
        page_size: Records to ask for in a page.
        chains: The chains that it is made of.
    """

    number: int
    collection: str
    query: Query
    page_size: int
    chains: tuple[PartChain, ...]


class ListingStart(NamedTuple):
    """
    What is known of a listing before its parts are read. It stays with whoever finishes it.

    Attributes:
        collection: Path below the Graph version.
        query: The OData options.
        page_size: Records to ask for in a page.
        started: When it began: RFC 3339, UTC.
        parts: What is to be read, each part by anybody, in any order.
        link: The delta link that tells of every change since; None if the collection has none. Its
            text is pickled with it, and shown nowhere else.
        expected: The service's own count; None if it gave none.
        method: How it is divided.
        witnesses: Packed IDs of records that some part has to bring.
        requests: Requests that were sent so far.
        units: Resource units they took.
        notes: What was done otherwise than planned, each a sentence.
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


class PartReading(msgspec.Struct, frozen=True):
    """
    The account of one part that was read to its end.

    Attributes:
        number: Which part it is.
        ids: The IDs of its records, each once.
        ranges: Chains that were read to their ends.
        pages: Answers with records.
        duplicates: Records that came again within the part, and were dropped.
        requests: Requests that were sent.
        retries: How many of those were repetitions.
        throttled: How many of those were refused because the budget was used up (429).
        units: Resource units they took.
        restarts: Chains begun anew because a page link was refused.
        splits: Ranges divided because they turned out big.
        blank: Properties that had a value in no record; None where there was no record.
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


class ListingEnd(NamedTuple):
    """
    What is known of a listing after all its parts were read.

    The directory at `record.finished` is what the parts brought, without `repeated`, with
    `corrections` made, and with `appeared` added.

    Attributes:
        record: The account of the listing, with its verdict.
        repeated: By number of a part the IDs of records that an earlier part has brought too.
        corrections: By ID a record that changed after it was read: as it is now, or None.
        appeared: Records that no part has brought.
        link: The delta link at which changes go on, if the listing is proved complete and no filter
            leaves anything out.
    """

    record: ListingRecord
    repeated: dict[int, list[str]]
    corrections: Corrections
    appeared: list[msgspec.Raw]
    link: DeltaLink | None
