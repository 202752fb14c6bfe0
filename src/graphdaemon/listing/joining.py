"""
Join ranges if the throttle budget slows a listing down, so that it reads few chains of full pages.

If more chains are read than the budget allows for, they only wait. And each chain ends with a page
that is not full, but costs as much as a full one. So neighbouring ranges that have not been begun
are joined. A range that has been begun is read to its end, because only Graph knows what follows a
page: the order of its pages may differ from that of its comparisons.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from graphdaemon.graph.throttling.bucket import WINDOW_S
from graphdaemon.listing.chain import Chain, of_interval
from graphdaemon.listing.intervals import Interval, fold
from graphdaemon.listing.target import Target

# The pages in a part of a large collection; the last one is not full, but costs as much.
_PAGES_IN_PART = 16
# How many parts there are at first if the service gives no count: two for each of 32 chains.
_PARTS_OF_UNKNOWN = 64


class Supply:
    """
    Tells how many chains the throttle budget allows to be read at a time.

    Args:
        target: What is listed.
        size: The most chains to read at the same time.
        pages_left: Returns how many pages are still to be read.

    Attributes:
        was_short: Whether the budget slowed the listing down at any time.
    """

    def __init__(self, target: Target, size: int, pages_left: Callable[[], float]) -> None:
        self._target = target
        self._url = target.url()
        self._size = size
        self._pages_left = pages_left
        self.was_short = False

    def width(self) -> int:
        """Return how many chains should be read at the same time."""
        graph = self._target.graph
        each = graph.cost(self._url)
        width = graph.budget.width(self._pages_left() * each, each)
        return self._size if width is None else min(width, self._size)

    @property
    def is_limited(self) -> bool:
        """Whether a limit of the budget is known, even if it does not slow the listing down."""
        return self._target.graph.budget.is_limited

    def is_bound(self) -> bool:
        """Return whether the budget slows the listing down: fewer than `size` chains use it up."""
        bound = self.width() < self._size
        self.was_short = self.was_short or bound
        return bound

    def is_short_of(self, chains: Sequence[Chain]) -> bool:
        """Return whether the budget slows the listing down while too many ranges are waiting."""
        if self.width() >= self._size:
            return False
        # They are not counted, because a thousand may wait, and this is called before each one.
        ranges = (chain for chain in chains if chain.interval is not None)
        return next(islice(ranges, self.width(), None), None) is not None and self.is_bound()

    def find_rate(self, seconds: float) -> float | None:
        """
        Return the rate of the budget that the listing showed, to be supposed in the next run.

        It is in resource units a second; None if the budget did not slow the listing down.

        Args:
            seconds: How long the listing took.
        """
        if not self.was_short:
            return None
        # Besides what the budget gave in this time, the listing filled the bucket once.
        shown = self._target.tally.units / (WINDOW_S + seconds)
        return self._target.graph.budget.learn_rate(shown)


def estimate_parts(expected: int | None, size: int, chains: int) -> int:
    """
    Return into how many parts a collection is divided at first, if no cuts were learned before.

    Each part ends with a page that is not full, so many small parts cost more resource units.

    Args:
        expected: How many records there are; None if that is not known.
        size: How many records a part has that fits into one page.
        chains: How many chains are read at a time. There are enough parts to keep all of them
            busy, even if some parts are small.
    """
    if expected is None:
        return _PARTS_OF_UNKNOWN
    pages = expected // size + 1
    return min(pages, max(chains * 3 // 2, pages // _PAGES_IN_PART))


def begin_at(end: str | None, boundaries: Sequence[str]) -> list[str]:
    """Return `end`, and after it those of `boundaries` that sort after it."""
    if end is None:
        return list(boundaries)
    return [end, *(boundary for boundary in boundaries if fold(boundary) > fold(end))]


def join_ranges(chains: Sequence[Chain], key: str, width: int) -> list[Chain]:
    """
    Join neighbouring ranges among `chains`, so that about `width` chains remain.

    Joining only leaves out boundaries, so the result covers the same values in any order of Graph.

    Args:
        chains: Chains that have not been begun.
        key: The property of the ranges.
        width: The number of chains to aim at; if there are gaps between ranges, there are more.
    """
    # A chain whose first page was read already counts as begun.
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
    """Return whether `other` begins where `last` ends, unless all together are everything."""
    is_everything = first.low is None and other.high is None
    return last.high is not None and last.high == other.low and not is_everything


def _join(group: Sequence[tuple[Chain, Interval]], key: str) -> Chain:
    if len(group) == 1:
        return group[0][0]
    joined = of_interval(Interval(group[0][1].low, group[-1][1].high), key)
    joined.replaces = tuple(chain.number for chain, _ in group)
    return joined
