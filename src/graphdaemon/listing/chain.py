"""A part of a collection that is read by one chain of pages, begun anew where its links fail."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.page import Page, follow, path_of
from graphdaemon.listing.intervals import Interval, condition_of, quote
from graphdaemon.listing.target import Target

RESTARTS = 10
"""How often a chain is begun anew and gets no further; what is always refused is no accident."""

_MOST_RESTARTS = 100
_MOST_EMPTY = 100
_REPEATED = 1_000


class Shard(msgspec.Struct, eq=False):
    """
    One part of a collection, and how far its chain has got.

    Attributes:
        condition: The `$filter` expression that makes it; empty for everything.
        interval: What the condition means, where it can be divided further.
        depth: How often what it is part of was divided.
        link: The next page to ask for; None before the first.
        pages: Read since it was begun (anew).
        restarts: How often it was begun anew.
        stalled: How often in a row without getting further than before.
        furthest: Pages that it had got to when it was begun anew.
        read: Pages in all.
        empty: Pages since the last that held a record.
        taken: Records of its chain that were looked at.
        enough: Records after which nothing more is asked for; None reads all.
        handed_over: Others read it: parts that it was divided into.
        ended: Nothing is left to read of it.
        number: What a journal calls it.
        first: Where its chain begins, if not where the target and the condition say.
    """

    condition: str = ""
    interval: Interval | None = None
    depth: int = 0
    link: str | None = None
    pages: int = 0
    restarts: int = 0
    stalled: int = 0
    furthest: int = 0
    read: int = 0
    empty: int = 0
    taken: int = 0
    enough: int | None = None
    handed_over: bool = False
    ended: bool = False
    number: int = -1
    first: str = ""
    _links: set[int] = msgspec.field(default_factory=set)

    def visit(self, link: str) -> None:
        """
        Note the next link.

        Raises:
            GraphError: The chain goes in a circle, or on and on without a record.
        """
        # A number for a link: a chain of thousands need not keep them all.
        mark = hash(link)
        if mark in self._links:
            raise _endless(link, "leads back to a page that was read already")
        if self.empty > _MOST_EMPTY:
            raise _endless(link, f"goes on after {self.empty} empty pages")
        self._links.add(mark)
        self.link = link

    def take(self, records: int, distinct: int) -> None:
        """
        Note that records of its chain were looked at, and how many different ones there are.

        Raises:
            GraphError: It has brought more than there are: it repeats itself, and will for ever.
        """
        self.taken += records
        if self.taken > _REPEATED + distinct + distinct // 10:
            raise _endless(self.link or "", "repeats what was read already")

    def begin_anew(self) -> None:
        """Forget the chain so far."""
        self.stalled = 0 if self.pages > self.furthest else self.stalled + 1
        self.furthest = max(self.furthest, self.pages)
        self.link = None
        self.pages = self.taken = self.empty = 0
        self.restarts += 1
        self._links.clear()

    @property
    def is_lost(self) -> bool:
        """Whether to begin it anew would lead nowhere."""
        return self.stalled >= RESTARTS or self.restarts >= _MOST_RESTARTS


class Batch(NamedTuple):
    """
    A page of a shard.

    Attributes:
        shard: Whose.
        page: The page.
        last: Its chain has ended with it.
        link: The page after it, if it has not.
        read: Pages of the shard up to this one.
    """

    shard: Shard
    page: Page
    last: bool
    link: str | None
    read: int


Deliver = Callable[[Batch], Awaitable[None]]


def of_interval(interval: Interval, key: str, depth: int = 0) -> Shard:
    """The shard of an interval of `key`."""
    return Shard(condition_of(interval, key), interval, depth)


def of_prefix(prefix: str, key: str) -> Shard:
    """The shard of what begins with `prefix`."""
    return Shard(f"startswith({key},{quote(prefix)})")


async def read_shard(
    target: Target, shard: Shard, deliver: Deliver, divide: Callable[[Shard, Page], Awaitable[bool]]
) -> None:
    """
    Read a shard to its end, delivering each page.

    Args:
        target: What is listed.
        shard: The part to read; from `link` on, if it has one.
        deliver: Takes a page; waits while there is no room for it.
        divide: Asked after each page but the last whether others take the shard over.

    Raises:
        IdentityError, GraphError, NetworkError: The shard is not read to its end.
    """
    first = shard.first or target.url(shard.condition)
    brought = 0
    while True:
        link = shard.link
        try:
            page = await target.page(link or first)
        except GraphError as error:
            if link is None or not is_refused(error) or shard.is_lost:
                raise
            shard.begin_anew()
            brought = 0
            continue
        shard.pages += 1
        shard.read += 1
        shard.empty = 0 if page.records else shard.empty + 1
        brought += len(page.records)
        is_enough = shard.enough is not None and brought >= shard.enough
        if page.next_link is None or is_enough:
            await deliver(Batch(shard, page, True, None, shard.read))
            return
        shard.visit(follow_within(page.next_link, link or first))
        handed_over = await divide(shard, page)
        link = None if handed_over else shard.link
        await deliver(Batch(shard, page, handed_over, link, shard.read))
        if handed_over:
            return


async def never_divide(_shard: Shard, _page: Page) -> bool:
    """Leave nothing to others."""
    return False


def is_refused(error: GraphError) -> bool:
    """
    Say whether a page link was refused for what it is: expired, or unknown to this replica.

    Graph's codes for that vary, and one of them is empty (microsoft-graph-docs #8612): that the
    first page was answered, and this link of Graph's own making is not, tells enough.
    """
    return error.status in (400, 404, 410)


def follow_within(link: str, current: str) -> str:
    """
    As `follow`; and the link leads to no other collection, version or tenant.

    Raises:
        GraphError: It does.
    """
    followed = follow(link, current)
    here, there = urlsplit(current).path, urlsplit(followed).path
    if unquote(here).casefold() != unquote(there).casefold():
        raise GraphError(
            f"a next link of {here} points to {there}; it was not followed",
            code="link_foreign",
            status=200,
            hint="Look for a gateway or proxy that alters Graph's answers.",
        )
    return followed


def _endless(link: str, problem: str) -> GraphError:
    return GraphError(
        f"the next link of {path_of(link)} {problem}",
        code="page_malformed",
        status=200,
        hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
    )
