"""
What is read where the throttle budget holds a listing back: few chains, and full pages.

More chains than the budget can feed only wait, and each ends in a page that is not full and costs
as much. So neighbours among the ranges that nobody reads yet are joined. What was begun is read to
its end: what stands behind a page only Graph knows, which may page in another order than that in
which it compares.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from graphdaemon.graph.throttling.bucket import WINDOW_S
from graphdaemon.listing.chain import Chain, of_interval
from graphdaemon.listing.intervals import Interval, fold
from graphdaemon.listing.target import Target

# Pages in a part of a large collection: the last of them costs as much as a full one.
_PAGES_IN_PART = 16
# Parts to begin with where the service gives no count: two for each of the usual 32 chains.
_PARTS_OF_UNKNOWN = 64


class Supply:
    """
    How much of a listing the throttle budget can feed at a time.

    Args:
        target: What is listed.
        size: Chains to read at a time at most.
        pages_left: Says how many pages are still to be read.

    Attributes:
        was_short: It was too little at some time.
    """

    def __init__(self, target: Target, size: int, pages_left: Callable[[], float]) -> None:
        self._target = target
        self._url = target.url()
        self._size = size
        self._pages_left = pages_left
        self.was_short = False

    def width(self) -> int:
        """Return how many chains it is worth reading at a time."""
        graph = self._target.graph
        each = graph.cost(self._url)
        width = graph.budget.width(self._pages_left() * each, each)
        return self._size if width is None else min(width, self._size)

    @property
    def is_limited(self) -> bool:
        """Whether anybody knows of a limit, which may hold the listing back or not."""
        return self._target.graph.budget.is_limited

    def is_bound(self) -> bool:
        """Say whether it holds the listing back: fewer chains use it up than may be read."""
        bound = self.width() < self._size
        self.was_short = self.was_short or bound
        return bound

    def is_short_of(self, chains: Sequence[Chain]) -> bool:
        """Say whether it holds the listing back while more ranges wait than are to be read."""
        # Not counted: a thousand may wait, and this is asked before each of them is read.
        ranges = (chain for chain in chains if chain.interval is not None)
        return next(islice(ranges, self.width(), None), None) is not None and self.is_bound()

    def find_rate(self, seconds: float) -> float | None:
        """Return the units a second that Graph gave in so many seconds, if that was too little."""
        if not self.was_short:
            return None
        # What it takes at first is a full bucket.
        shown = self._target.tally.units / (WINDOW_S + seconds)
        return self._target.graph.budget.learn_rate(shown)


def estimate_parts(expected: int | None, size: int, chains: int) -> int:
    """
    Return how many parts to begin with, where no cuts were learned yet.

    Each ends in a page that is not full: many small ones cost more of the throttle budget.

    Args:
        expected: How many records there are, if that is known.
        size: Records in a part of one page.
        chains: How many are read at a time: enough parts to keep all busy, though some are small.
    """
    if expected is None:
        return _PARTS_OF_UNKNOWN
    pages = expected // size + 1
    return min(pages, max(chains * 3 // 2, pages // _PAGES_IN_PART))


def begin_at(end: str | None, boundaries: Sequence[str]) -> list[str]:
    """Return the boundaries that cut what stands behind `end`, which comes first."""
    if end is None:
        return list(boundaries)
    return [end, *(boundary for boundary in boundaries if fold(boundary) > fold(end))]


def join_ranges(chains: Sequence[Chain], key: str, width: int) -> list[Chain]:
    """
    Make of `chains`, which nobody reads yet, about `width`: ranges that are neighbours are joined.

    Whatever order Graph has, what is left covers the same: the boundaries between are left out.

    Args:
        chains: Chains that were not begun.
        key: The property that ranges are of.
        width: How many there are to be; where there are gaps between ranges, there are more.
    """
    # What has its first page already is as good as begun.
    others = [chain for chain in chains if chain.interval is None or chain.first_page is not None]
    ranges = [(one, one.interval) for one in chains if one.interval and one not in others]
    ranges.sort(key=lambda one: fold(one[1].low or ""))
    most = -(-len(ranges) // width)
    groups: list[list[tuple[Chain, Interval]]] = []
    for chain, interval in ranges:
        group = groups[-1] if groups else []
        if 0 < len(group) < most and _are_neighbours(group[0][1], group[-1][1], interval):
            group.append((chain, interval))
        else:
            groups.append([(chain, interval)])
    return others + [_join(group, key) for group in groups]


def _are_neighbours(first: Interval, last: Interval, other: Interval) -> bool:
    """Say whether `other` begins where `last` ends; what joins both must not be everything."""
    is_everything = first.low is None and other.high is None
    return last.high is not None and last.high == other.low and not is_everything


def _join(group: Sequence[tuple[Chain, Interval]], key: str) -> Chain:
    if len(group) == 1:
        return group[0][0]
    joined = of_interval(Interval(group[0][1].low, group[-1][1].high), key)
    joined.replaces = tuple(chain.number for chain, _ in group)
    return joined
