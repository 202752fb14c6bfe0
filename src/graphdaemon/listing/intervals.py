"""
Divide a collection into closed intervals of key values, so that no record can fall between them.

For boundaries b1 … bn in any order, the conditions `key le b1`, `key ge b1 and key le b2`, …,
`key ge bn` cover every value x that is not null. This is true for every total order that the
service may use, as long as `ge` and `le` use the same one. Take the last i with x ≥ bi: then
x ≤ b(i+1), or there is no b(i+1). If there is no such i, then x ≤ b1. If the service sorts the
boundaries in another order than this program, some records are read twice, or the parts have
different sizes, but no record is lost.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from graphdaemon.graph.query import quote_string

LONGEST = 60
"""The most characters of a boundary. Graph takes 120, but shorter ones divide just as well."""

_DIGITS, _LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyz"


class Interval(NamedTuple):
    """All values from `low` to `high`, both included; None means that there is no such end."""

    low: str | None = None
    high: str | None = None


def cover(boundaries: Sequence[str]) -> list[Interval]:
    """Return the intervals into which `boundaries` divide all values."""
    return [Interval(*pair) for pair in pairwise([None, *boundaries, None])]


def condition_of(interval: Interval, key: str) -> str:
    """Return the `$filter` expression for `interval` of property `key`; empty for everything."""
    parts = []
    if interval.low is not None:
        parts.append(f"{key} ge {quote_string(interval.low)}")
    if interval.high is not None:
        parts.append(f"{key} le {quote_string(interval.high)}")
    return " and ".join(parts)


def is_within(keys: Sequence[str], interval: Interval) -> bool:
    """Return whether most of `keys` lie in `interval`, by the order of this program."""
    return 2 * sum(1 for _ in _inside(interval, keys)) >= len(keys)


def fold(text: str) -> str:
    """Return the text by which this program sorts `text`; the service may sort differently."""
    return text.casefold()


def choose_boundaries(keys: Iterable[str], parts: int) -> list[str]:
    """
    Return values that divide `keys` into `parts` of about the same size, or into fewer.

    Each value is the shortest beginning of a key that distinguishes it from the key before, so that
    no more of people's names than needed is sent and stored.
    """
    ordered = sorted(keys, key=fold)
    chosen: list[str] = []
    for part in range(1, parts):
        at = part * len(ordered) // parts
        if not 0 < at < len(ordered):
            continue
        boundary = _shorten(ordered[at - 1], ordered[at])
        if boundary and (not chosen or fold(chosen[-1]) < fold(boundary)):
            chosen.append(boundary)
    return chosen


def is_ordered(keys: Sequence[str]) -> bool:
    """Return whether the keys of a page are sorted, by about the order of this program."""
    folded = [fold(key) for key in keys]
    # The service may sort a few characters differently, so one pair in fifty may be out of order.
    falling = sum(left > right for left, right in pairwise(folded))
    return falling * 50 <= len(keys)


def divide(
    interval: Interval, keys: Sequence[str], sample: Iterable[str], parts: int
) -> list[Interval]:
    """
    Divide `interval`, whose first page has been read, and of which more pages follow.

    If the page is not sorted, its keys are a sample of the interval. If it is sorted, it says
    nothing about the keys after it. Then `sample` shows where to divide the rest, and if it has too
    few keys there, boundaries are guessed.

    Args:
        interval: The interval to divide.
        keys: The keys on its first page.
        sample: Keys from anywhere in the collection.
        parts: The number of pieces to aim at; guessed boundaries may make more.

    Returns:
        Intervals that cover `interval`; empty if it cannot be divided.
    """
    if not is_ordered(keys):
        points = choose_boundaries([*keys, *_inside(interval, sample)], parts)
    elif keys:
        # Cut at nine tenths of the page, so that the first piece is one page, with some room.
        page_points = choose_boundaries(keys[-len(keys) // 5 :], 2)
        points = [*page_points, *_boundaries_beyond(interval, keys, sample, parts)]
    else:
        points = []
    points = sorted({fold(point): point for point in _inside(interval, points)}.values(), key=fold)
    if not points:
        return []
    return [Interval(*pair) for pair in pairwise([interval.low, *points, interval.high])]


def _boundaries_beyond(
    interval: Interval, keys: Sequence[str], sample: Iterable[str], parts: int
) -> list[str]:
    """Return boundaries for the rest of `interval` after a sorted page."""
    last = keys[-1]
    ahead = list(_inside(Interval(last, interval.high), sample))
    if len(ahead) >= parts:
        return choose_boundaries([last, *ahead], parts)
    return [*_guess_beyond(keys[0], last), *choose_boundaries([last, *ahead], len(ahead) + 1)]


def _inside(interval: Interval, keys: Iterable[str]) -> Iterator[str]:
    """Yield those of `keys` that lie between the ends of `interval`, which are excluded."""
    low = None if interval.low is None else fold(interval.low)
    high = None if interval.high is None else fold(interval.high)
    for key in keys:
        folded = fold(key)
        if (low is None or folded > low) and (high is None or folded < high):
            yield key


def _guess_beyond(first: str, last: str) -> Iterator[str]:
    """
    Yield values after `last` that differ from it at positions further and further to the left.

    After a page of svc-0001 … svc-0999 the next key may begin with svc-1, or with t: both are
    yielded.
    """
    folded = fold(last)
    same = next(
        (at for at, (a, b) in enumerate(zip(fold(first), folded, strict=False)) if a != b),
        min(len(first), len(folded)),
    )
    for at in range(min(same, LONGEST - 1, len(folded) - 1), -1, -1):
        for sign in _after(folded[at]):
            yield folded[:at] + sign


def _after(sign: str) -> Iterator[str]:
    """Yield up to three characters after `sign` of its kind, and some of the kinds after it."""
    for kind in (_DIGITS, _LETTERS):
        if sign in kind:
            rest = kind[kind.index(sign) + 1 :]
            yield from dict.fromkeys(rest[len(rest) * third // 3] for third in range(3) if rest)
        elif sign < kind[0]:
            yield kind[0]
            yield kind[len(kind) // 2]
    if not sign.isascii():
        # Unicode orders scripts in blocks: try near, in the same block, and some blocks further.
        ahead = (ord(sign) + step for step in (1, 0x10, 0x100, 0x1000))
        yield from (chr(code) for code in ahead if code < 0x110000 and chr(code).isprintable())


def _shorten(before: str, key: str) -> str:
    """Return the shortest usable beginning of `key` that sorts after `before`, or ""."""
    folded = fold(before)
    for length in range(1, min(len(key), LONGEST) + 1):
        if fold(key[:length]) > folded:
            text = key[:length]
            # Something on the way to the service may alter invisible characters, and blanks at an
            # end.
            return text if text.isprintable() and text == text.strip() else ""
    return ""
