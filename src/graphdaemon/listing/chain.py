"""A chain of pages, each of which links to the next; if a link is refused, it begins anew."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import altered, follow_within, path_of
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import quote_string
from graphdaemon.listing.intervals import Interval, condition_of
from graphdaemon.listing.target import Target

RESTARTS = 10
"""How many restarts in a row may bring no progress before a refused link fails the listing."""

# All restarts of a chain: one that gains only one page with each would go on for hours.
_MOST_RESTARTS = 100
# Graph may send an empty page with a next link; so many in a row are an endless chain.
_MOST_EMPTY = 100
# How many records may be repeated because the directory changed, besides a tenth of all.
_REPEATED = 1_000


class Chain(msgspec.Struct, eq=False):
    """
    One part of a collection, or all of it, and how far its pages have been read.

    Attributes:
        condition: The `$filter` expression that selects the part; empty for the whole collection.
        interval: The range of key values that the condition stands for, if it is a range. Only a
            range can be divided further.
        depth: How many divisions in succession have made it.
        replaces: The numbers of the chains in place of which it is read.
        link: The link to the next page; None before the first page.
        pages: How many pages were read since the chain was begun, or last begun anew.
        restarts: How often it was begun anew.
        stalled: How many restarts in a row brought no progress.
        furthest: The most pages that had been read when it was begun anew.
        pages_in_all: How many pages were read, including those before a restart and in earlier
            runs.
        empty_pages: How many empty pages were read since the last page with a record.
        records: How many records were read since the chain was begun, or last begun anew.
        consumed: How many of these records the consumer has taken.
        limit: The number of records after which no further page is requested; None reads all.
        handed_over: Whether it was divided, so that other chains read the rest.
        ended: Whether nothing of it is left to read after an earlier run.
        number: Its number in the journal; -1 while it is not in the journal.
        first_url: The address of its first page, if the target does not give it.
        first_page: Its first page, if that was read before the chain is.
    """

    condition: str = ""
    interval: Interval | None = None
    depth: int = 0
    replaces: tuple[int, ...] = ()
    link: str | None = None
    pages: int = 0
    restarts: int = 0
    stalled: int = 0
    furthest: int = 0
    pages_in_all: int = 0
    empty_pages: int = 0
    records: int = 0
    consumed: int = 0
    limit: int | None = None
    handed_over: bool = False
    ended: bool = False
    number: int = -1
    first_url: str = ""
    first_page: Page | None = None
    _visited: set[int] = msgspec.field(default_factory=set)

    def count_page(self, page: Page) -> None:
        """Count a page that was read, and its records."""
        self.pages += 1
        self.pages_in_all += 1
        self.empty_pages = 0 if page.records else self.empty_pages + 1
        self.records += len(page.records)

    def visit(self, link: str) -> None:
        """
        Make `link` the link to the next page.

        Raises:
            GraphError: The link was followed before, or there were too many empty pages in a row.
        """
        # A hash for each link, because the texts of thousands of links would take much memory.
        mark = hash(link)
        if mark in self._visited:
            raise _endless(link, "leads back to a page that was read already")
        if self.empty_pages > _MOST_EMPTY:
            raise _endless(link, f"goes on after {self.empty_pages} empty pages")
        self._visited.add(mark)
        self.link = link

    def consume(self, records: int, distinct: int) -> None:
        """
        Note that the consumer took `records` more records, and knows `distinct` different ones.

        Raises:
            GraphError: The chain has brought many more records than there are different ones, so
                it repeats itself.
        """
        self.consumed += records
        if self.consumed > _REPEATED + distinct + distinct // 10:
            raise _endless(self.link or "", "repeats what was read already")

    def begin_anew(self) -> None:
        """Go back to the first page."""
        self.stalled = 0 if self.pages > self.furthest else self.stalled + 1
        self.furthest = max(self.furthest, self.pages)
        self.link = None
        self.pages = self.records = self.consumed = self.empty_pages = 0
        self.restarts += 1
        self._visited.clear()

    @property
    def is_full(self) -> bool:
        """Whether it has read as many records as its limit asks for."""
        return self.limit is not None and self.records >= self.limit

    @property
    def is_hopeless(self) -> bool:
        """Whether it was begun anew so often that another restart would not help."""
        return self.stalled >= RESTARTS or self.restarts >= _MOST_RESTARTS


class ChainPage(NamedTuple):
    """
    A page, and its place in its chain.

    Attributes:
        chain: The chain.
        page: The page.
        last: Whether it is the last page of the chain, or other chains read the rest.
        link: The link to the next page; None for the last page.
        place: How many pages the chain had read with this one, including those before restarts and
            in earlier runs.
    """

    chain: Chain
    page: Page
    last: bool
    link: str | None
    place: int


Deliver = Callable[[ChainPage], Awaitable[None]]
Divide = Callable[[Chain, Page], Awaitable[bool]]


def of_interval(interval: Interval, key: str, depth: int = 0) -> Chain:
    """Return the chain of the records whose `key` lies in `interval`."""
    return Chain(condition_of(interval, key), interval, depth)


def of_prefix(prefix: str, key: str) -> Chain:
    """Return the chain of the records whose `key` begins with `prefix`."""
    return Chain(f"startswith({key},{quote_string(prefix)})")


async def read_chain(
    target: Target, chain: Chain, deliver: Deliver, divide: Divide | None = None
) -> None:
    """
    Read a chain to its end, and deliver each page.

    Args:
        target: What is listed.
        chain: The chain. It is continued at its `link`, if it has one.
        deliver: Takes a page; it waits while there is no room for one.
        divide: Is called after each page but the last, and returns whether other chains read the
            rest. Without it, the chain is never divided.

    Raises:
        IdentityError, GraphError, NetworkError: The chain was not read to its end.
    """
    first_url = chain.first_url or target.url(chain.condition)
    while True:
        link = chain.link
        try:
            page, chain.first_page = chain.first_page, None
            page = page or await target.page(link or first_url)
        except GraphError as error:
            # Only a link can expire: a refusal of the first page is a refusal of the query.
            if link is None or not is_link_refused(error) or chain.is_hopeless:
                raise
            chain.begin_anew()
            continue
        chain.count_page(page)
        if page.next_link is None or chain.is_full:
            await deliver(ChainPage(chain, page, True, None, chain.pages_in_all))
            return
        chain.visit(follow_within(page.next_link, link or first_url))
        # Decide before delivering the page, because it says whether it is the last of the chain.
        handed_over = divide is not None and await divide(chain, page)
        next_link = None if handed_over else chain.link
        await deliver(ChainPage(chain, page, handed_over, next_link, chain.pages_in_all))
        if handed_over:
            return


def is_link_refused(error: GraphError) -> bool:
    """
    Return whether a page link was refused because it expired, or is unknown to a replica.

    Graph's codes for this vary, and one of them is empty (microsoft-graph-docs #8612). The status
    is enough: the first page was answered, and Graph itself has made the link.
    """
    return error.status in (400, 404, 410)


def _endless(link: str, problem: str) -> GraphError:
    return altered(f"the next link of {path_of(link)} {problem}")
