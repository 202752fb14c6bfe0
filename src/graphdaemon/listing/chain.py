"""One chain of pages: each names the next, and where a link fails the chain is begun anew."""

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
"""Restarts in a row that got no further than before. A link always refused is no accident."""

# Restarts in all: a chain that gains one page with each would go on for hours.
_MOST_RESTARTS = 100
# Graph may send an empty page with a next link; so many in a row lead nowhere.
_MOST_EMPTY = 100
# Records that come twice because the directory changed, besides a tenth of those there are.
_REPEATED = 1_000


class Chain(msgspec.Struct, eq=False):
    """
    One part of a collection, or all of it, and how far its pages have been read.

    Attributes:
        condition: The `$filter` expression that makes the part; empty for everything.
        interval: What the condition means, if it is a range, which can be divided further.
        replaces: The numbers of the chains that it is read in place of.
        depth: How many divisions made it, one within the other.
        link: The next page to ask for; None before the first.
        pages: Pages read since the chain was begun, or begun anew.
        restarts: How often it was begun anew.
        stalled: How many restarts in a row got no further than before.
        furthest: The most pages that it had read when it was begun anew.
        pages_in_all: Pages read, those before a restart and in earlier runs included.
        empty_pages: Pages since the last one that held a record.
        records: Records read since it was begun, or begun anew.
        consumed: How many of those the consumer has looked at.
        limit: Records after which no further page is asked for; None reads all.
        handed_over: It was divided, and other chains read the pieces.
        ended: An earlier run left nothing of it to read.
        number: What the journal calls it; -1 while the journal does not know it.
        first_url: Its first page, if that is not what the target says of the condition.
        first_page: Its first page itself, if it was read before the chain is.
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
        """Count a page that was read."""
        self.pages += 1
        self.pages_in_all += 1
        self.empty_pages = 0 if page.records else self.empty_pages + 1
        self.records += len(page.records)

    def visit(self, link: str) -> None:
        """
        Make `link` the next page to ask for.

        Raises:
            GraphError: The chain goes in a circle, or on and on without a record.
        """
        # A number for each link: a chain of thousands of pages need not keep the texts.
        mark = hash(link)
        if mark in self._visited:
            raise _endless(link, "leads back to a page that was read already")
        if self.empty_pages > _MOST_EMPTY:
            raise _endless(link, f"goes on after {self.empty_pages} empty pages")
        self._visited.add(mark)
        self.link = link

    def consume(self, records: int, distinct: int) -> None:
        """
        Note that the consumer looked at `records` more; it knows `distinct` different ones.

        Raises:
            GraphError: The chain has brought more records than there are: it repeats itself.
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
        """Whether to begin it anew would lead nowhere."""
        return self.stalled >= RESTARTS or self.restarts >= _MOST_RESTARTS


class ChainPage(NamedTuple):
    """
    A page, and where in its chain it stands.

    Attributes:
        last: The chain is over: there is no page after this one, or others read the rest.
        link: The page after it, if the chain is not over.
        place: How many pages the chain had read with this one, restarts and earlier runs included.
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
    Read a chain to its end, delivering each page.

    Args:
        target: What is listed.
        chain: The chain to read; it goes on at its `link`, if it has one.
        deliver: Takes a page; waits while there is no room for it.
        divide: Says, after each page but the last, whether other chains read the rest; without it
            they never do.

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
            # Only a link can have expired: a first page that is refused is refused for its query.
            if link is None or not is_link_refused(error) or chain.is_hopeless:
                raise
            chain.begin_anew()
            continue
        chain.count_page(page)
        if page.next_link is None or chain.is_full:
            await deliver(ChainPage(chain, page, True, None, chain.pages_in_all))
            return
        chain.visit(follow_within(page.next_link, link or first_url))
        # Decided before the page is delivered, since the page says whether the chain is over.
        handed_over = divide is not None and await divide(chain, page)
        next_link = None if handed_over else chain.link
        await deliver(ChainPage(chain, page, handed_over, next_link, chain.pages_in_all))
        if handed_over:
            return


def is_link_refused(error: GraphError) -> bool:
    """
    Say whether a page link was refused for what it is: expired, or unknown to this replica.

    Graph's codes for that vary, and one of them is empty (microsoft-graph-docs #8612). The status
    is enough, since the first page was answered and this link is of Graph's own making.
    """
    return error.status in (400, 404, 410)


def _endless(link: str, problem: str) -> GraphError:
    return altered(f"the next link of {path_of(link)} {problem}")
