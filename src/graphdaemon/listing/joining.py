"""
What is read where the throttle budget holds a listing back: few chains, and full pages.

More chains than the budget can feed only wait, and each ends in a page that is not full and costs
as much. So ranges that nobody reads yet, and what is left of ranges whose pages come in order, are
joined by `or`.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from graphdaemon.graph.throttling.bucket import WINDOW_S
from graphdaemon.listing.chain import Chain, of_intervals
from graphdaemon.listing.intervals import Interval, cut_off, fold, merge, rest_behind
from graphdaemon.listing.target import Target

# Ranges in one chain at most: Graph takes no more conditions with `or` ("Some limitations apply to
# query parameters").
_MOST_JOINED = 15
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
        rate = self._target.graph.budget.learnt_rate
        if rate is None or not self.was_short:
            return None
        # What it takes at first is a full bucket, and the picture of it may show too much.
        return min(rate, self._target.tally.units / (WINDOW_S + seconds))


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
    """Make of `chains`, which nobody reads yet, about `width`: ranges of `key` are joined."""
    ranges = [chain for chain in chains if chain.interval is not None]
    intervals = merge(chain.interval for chain in ranges if chain.interval is not None)
    size = min(_MOST_JOINED, -(-len(intervals) // width))
    groups = [intervals[at : at + size] for at in range(0, len(intervals), size)]
    joined = [of_intervals(group, key) for group in groups]
    if joined:
        joined[0].replaces = tuple(chain.number for chain in ranges)
    return [*(chain for chain in chains if chain.interval is None), *joined]


def find_rests(chain: Chain, keys: Sequence[str]) -> list[Interval]:
    """Return what is left of a chain's ranges after a page in order; nothing if it shows none."""
    rest = rest_behind(Interval(), keys)
    ranges = chain.joined if chain.interval is None else (chain.interval,)
    return [] if rest is None else cut_off(ranges, rest)
