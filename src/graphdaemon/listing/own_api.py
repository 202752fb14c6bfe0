"""
One listing of your own API: page after page, without any request that was not specified.

Such an API may not support OData, so no count, page size or properties are requested unless the
query names them. Its records may be any JSON, with or without an `id`. The same requests are sent a
second time only to prove that a list of several pages is complete.
"""

import hashlib
from collections.abc import AsyncGenerator, Sequence

import msgspec

from graphdaemon.errors import Error
from graphdaemon.graph.graph import Graph, GraphRequest, Tally
from graphdaemon.graph.links import altered, path_of
from graphdaemon.graph.own_page import follow_own, own_id_of, read_own_page
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import Query, write_options
from graphdaemon.listing.own_verdict import OwnEvidence, conclude_own
from graphdaemon.listing.record import Corrections, ListingRecord, Progress, now

# An API may send an empty page with a next link; so many in a row are an endless chain.
_MOST_EMPTY = 100


class OwnApiListing:
    """
    One listing of your own API, page by page.

    Args:
        graph: Sends the requests.
        url: The address of the collection, with the options that belong to it.
        name: The name of the collection in the listing record.
        query: OData options. Those that are given are sent unchanged, except the limit.
        proved: Whether to prove that the listing is complete.

    Attributes:
        record: The listing record so far.
        corrections: Always empty, because such an API does not report changes.
        link: Always None, for the same reason.
    """

    def __init__(
        self, graph: Graph, url: str, name: str, query: Query, *, proved: bool = True
    ) -> None:
        self._graph = graph
        self._url = add_options(url, query)
        self._limit = query.limit
        self._proved = proved
        self._tally = Tally()
        self._digests: dict[str | int, bytes] = {}
        self._identified = True
        self._different = 0
        self._counts: list[int] = []
        self._order = hashlib.blake2b(digest_size=16)
        self._agrees: bool | None = None
        self._stage = "listing"
        self.record = ListingRecord(name, query.describe(), now())
        self.corrections: Corrections = {}
        self.link: str | None = None

    async def batches(self) -> AsyncGenerator[Sequence[msgspec.Raw]]:
        """
        Yield every record once, page by page. Then read everything again if that can prove it.

        Raises:
            Error: The listing failed; what was yielded so far is a part of the collection.
        """
        async for page in self._pages():
            records = self._take(page)
            if records:
                yield records
        self.record.ranges = 1
        if self._can_agree():
            self._stage = "proving"
            await self._read_again()

    async def _pages(self) -> AsyncGenerator[Page]:
        """Yield the pages from the first to the last, or to the one that reaches the limit."""
        url, visited, empty = self._url, set[int](), 0
        while True:
            # A hash for each link, because the texts of thousands of links would take much memory.
            visited.add(hash(url))
            page = await self._graph.ask(GraphRequest(url, ""), read_own_page, self._tally)
            self.record.pages += 1
            if page.total is not None:
                self._counts.append(page.total)
            empty = 0 if page.records else empty + 1
            yield page
            if page.next_link is None or self.record.records == self._limit:
                return
            url = follow_own(page.next_link, url)
            if hash(url) in visited:
                raise altered(f"a next link of {path_of(url)} leads back to a page that was read")
            if empty > _MOST_EMPTY:
                raise altered(f"the next link of {path_of(url)} goes on after {empty} empty pages")

    def _can_agree(self) -> bool:
        """Return whether a second reading is all that is missing for a proof."""
        records = self.record.records
        return (
            self._proved
            and self.record.pages > 1
            and records != self._limit
            and self._identified
            and len(self._digests) == records
            and set(self._counts) == {records}
        )

    async def _read_again(self) -> None:
        """
        Compare a second reading with the first, by the IDs and their order.

        If both readings have the same IDs in the same order, then this was the list at the moment
        between the two readings (a double collect, as in Afek et al., "Atomic snapshots of shared
        memory").
        """
        order = hashlib.blake2b(digest_size=16)
        try:
            async for page in self._pages():
                for record in page.records:
                    _note_id(order, own_id_of(record))
        except Error as error:
            # All records have been read; only the proof failed.
            self.record.notes.append(f"the second reading failed: {error}")
            return
        self._agrees = order.digest() == self._order.digest()

    def finish(self, *, corrected: bool = True) -> ListingRecord:
        """Reach the verdict; there is never anything to correct."""
        assert corrected, "there are no corrections"
        self._update()
        record = self.record
        record.finished = now()
        if self._counts:
            record.count_before, record.count_after = self._counts[0], self._counts[-1]
        if self._different:
            record.notes.append(f"{self._different:,} came again with another content: kept")
        evidence = OwnEvidence(
            record.records,
            record.pages,
            tuple(self._counts),
            record.records == self._limit,
            self._proved,
            self._identified and len(self._digests) == record.records,
            self._agrees,
        )
        conclude_own(record, evidence)
        self._stage = "done"
        return record

    def fail(self, error: Error) -> None:
        """Complete the listing record after `error` has ended the listing."""
        self._update()
        self.record.finished = now()
        self.record.why = f"it failed ({error.code})"
        self.record.notes.append(str(error))

    def progress(self) -> Progress:
        """Return the progress."""
        budget = self._graph.budget
        return Progress(
            self.record.records,
            self._counts[-1] if self._counts else None,
            self.record.pages,
            budget.in_flight,
            0,
            0.0,
            None,
            budget.waiting_for,
            self._stage,
        )

    def _take(self, page: Page) -> list[msgspec.Raw]:
        """Count the records of a page, and return those that are to be written."""
        fresh = self._leave_out_repeated(page.records)
        self.record.duplicates += len(page.records) - len(fresh)
        if self._limit is not None:
            fresh = fresh[: self._limit - self.record.records]
        self.record.records += len(fresh)
        return fresh

    def _leave_out_repeated(self, records: Sequence[msgspec.Raw]) -> list[msgspec.Raw]:
        """Return the records that no earlier page contained with the same ID and content."""
        fresh, digests = list[msgspec.Raw](), dict[str | int, bytes]()
        for record in records:
            own_id = own_id_of(record)
            if own_id is None:
                self._identified = False
                fresh.append(record)
                continue
            _note_id(self._order, own_id)
            digests[own_id] = digest = hashlib.blake2b(bytes(record), digest_size=16).digest()
            known = self._digests.get(own_id)
            self._different += known not in (None, digest)
            if known != digest:
                fresh.append(record)
        # Only now, so that records within a page are compared with earlier pages alone.
        self._digests |= digests
        return fresh

    def _update(self) -> None:
        tally = self._tally
        self.record.requests, self.record.retries = tally.requests, tally.retries
        self.record.throttled, self.record.units = tally.throttled, round(tally.units)


def _note_id(order: "hashlib.blake2b", own_id: str | int | None) -> None:
    order.update(repr(own_id).encode("utf-8", "surrogatepass") + b"\0")


def add_options(url: str, query: Query) -> str:
    """Return `url` with the options of `query`, unchanged except for escaping; not the limit."""
    given = query._replace(limit=None).describe()
    written = write_options({f"${name}": value for name, value in given.items()})
    return url + ("&" if "?" in url else "?") * bool(written) + written
