"""Intervals: nothing falls between them, whatever order the service sorts by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.listing.intervals import (
    LONGEST,
    Interval,
    choose_boundaries,
    condition_of,
    cover,
    divide,
    fold,
    is_ordered,
)
from tests.support.listing_world import COLLATIONS
from tests.support.pretend_graph import Collation

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
collations = st.sampled_from(COLLATIONS)


def holds(interval: Interval, text: str, collation: Collation) -> bool:
    """What the service says of ``text``."""
    value = collation(text)
    low, high = interval
    return (low is None or value >= collation(low)) and (high is None or value <= collation(high))


def is_covered(text: str, intervals: Sequence[Interval], collation: Collation) -> bool:
    return any(holds(interval, text, collation) for interval in intervals)


@given(st.lists(texts, max_size=12), st.lists(texts), collations)
def test_intervals_cover_everything(
    boundaries: list[str], values: list[str], collation: Collation
) -> None:
    """In any order of boundaries, and under any total order of values."""
    intervals = cover(boundaries)

    assert all(is_covered(value, intervals, collation) for value in [*values, *boundaries])


@given(st.lists(texts, max_size=12), st.lists(texts), collations)
def test_a_strict_bound_would_not_cover(
    boundaries: list[str], values: list[str], collation: Collation
) -> None:
    """With the ends left out, what equals a boundary is lost: hence both ends belong."""
    intervals = cover(boundaries)

    for boundary in boundaries:
        value = collation(boundary)
        inside = [
            interval
            for interval in intervals
            if (interval.low is None or value > collation(interval.low))
            and (interval.high is None or value < collation(interval.high))
        ]
        assert is_covered(boundary, intervals, collation)
        assert len(boundaries) > 1 or inside == []


@given(
    st.one_of(st.none(), texts),
    st.one_of(st.none(), texts),
    st.lists(texts, min_size=1, max_size=30),
    st.lists(texts, max_size=30),
    st.integers(2, 16),
    st.booleans(),
    st.lists(texts),
    collations,
)
def test_pieces_cover_what_they_were_cut_from(
    low: str | None,
    high: str | None,
    keys: list[str],
    sample: list[str],
    parts: int,
    ordered: bool,
    values: list[str],
    collation: Collation,
) -> None:
    """Whatever was in the whole is in a piece."""
    whole = Interval(low, high)
    pieces = divide(whole, sorted(keys, key=fold) if ordered else keys, sample, parts)

    if pieces:
        for value in [*values, *keys, *sample]:
            if holds(whole, value, collation):
                assert is_covered(value, pieces, collation)
        assert (pieces[0].low, pieces[-1].high) == whole
        assert all(left.high == right.low for left, right in pairwise(pieces))


@given(st.lists(texts, max_size=60), st.integers(1, 20))
def test_boundaries_rise_and_can_be_written(keys: list[str], parts: int) -> None:
    """Each is short, printable, and after the one before."""
    chosen = choose_boundaries(keys, parts)

    assert len(chosen) < parts
    assert all(fold(left) < fold(right) for left, right in pairwise(chosen))
    assert all(text.isprintable() and 0 < len(text) <= LONGEST for text in chosen)


def test_boundaries_are_short_beginnings() -> None:
    """No more of a name than tells it from the one before."""
    keys = ["anna.berg@x.example", "anna.bohr@x.example", "bo.dahl@x.example", "bo.eck@x.example"]

    assert choose_boundaries(keys, 4) == ["anna.bo", "b", "bo.e"]


def test_a_sorted_page_is_divided_where_it_ends_and_beyond() -> None:
    """Its last fifth is one cut; without a sample, guesses near and far are the others."""
    keys = [f"svc-{number:04d}" for number in range(1000)]

    pieces = divide(Interval(None, "t"), keys, [], 8)
    lows = [piece.low for piece in pieces]

    assert lows[0] is None
    assert "svc-1" in lows
    assert any(low is not None and "svc-08" < low <= "svc-0999" for low in lows)
    assert pieces[-1].high == "t"


def test_an_unsorted_page_is_its_own_sample() -> None:
    """It is cut into equal parts."""
    keys = [f"{number * 7919 % 1000:03d}" for number in range(1000)]

    pieces = divide(Interval(), keys, [], 4)

    assert [piece.low for piece in pieces] == [None, "25", "5", "75"]


def test_what_is_all_the_same_cannot_be_divided() -> None:
    """Hundreds of groups have one name."""
    assert divide(Interval("All", "All"), ["All"] * 50, [], 4) == []
    assert choose_boundaries(["All"] * 50, 4) == []


@pytest.mark.parametrize(
    ("interval", "condition"),
    [
        (Interval(), ""),
        (Interval("a"), "key ge 'a'"),
        (Interval(None, "b"), "key le 'b'"),
        (Interval("o'a", "o'b"), "key ge 'o''a' and key le 'o''b'"),
    ],
)
def test_an_interval_is_a_filter(interval: Interval, condition: str) -> None:
    """Closed at both ends, quotes doubled."""
    assert condition_of(interval, "key") == condition


@pytest.mark.parametrize(
    ("keys", "ordered"),
    [([], True), (["a", "B", "c"], True), (["c", "a", "b"], False), (["b", "a"], False)],
)
def test_order_is_recognised(keys: list[str], ordered: bool) -> None:
    """As far as case-folded texts tell."""
    assert is_ordered(keys) is ordered


GUESSES = {
    "digits": (
        "u000",
        "u002",
        "u003 u005 u007 u00a u00n u01 u04 u07 u0a u0n u1 u4 u7 ua un v w y".split(),
    ),
    "letters": ("ax", "ay", ["az", "b", "j", "r"]),
    "the last of its kind": ("a9", "az", ["b", "j", "r"]),
    "a sign before both": ("b-0", "b-9", ["b-a", "b-n", "b0", "b5", "ba", "bn", "c", "k", "s"]),
    "another script": ("\u4e00", "\u4e01", ["\u4e02", "\u4e11", "\u4f01", "\u5e01"]),
}


@pytest.mark.parametrize(("first", "last", "guesses"), GUESSES.values(), ids=GUESSES)
def test_what_comes_after_a_sorted_page_is_guessed_near_and_far(
    first: str, last: str, guesses: list[str]
) -> None:
    """Where they differ and further to the left, by the kinds of sign that may follow."""
    pieces = divide(Interval(), [first, last], [], 4)

    assert [piece.low for piece in pieces if piece.low and fold(piece.low) > fold(last)] == guesses


@pytest.mark.parametrize(
    ("sample", "lows"),
    [
        (["d", "e", "f", "g", "h", "i", "j", "k"], ["e", "g", "i"]),
        (["d", "e", "f", "g"], ["d", "e", "f"]),
    ],
    ids=["more than enough", "enough"],
)
def test_a_sample_of_what_comes_after_a_sorted_page_decides(
    sample: list[str], lows: list[str]
) -> None:
    """As many keys ahead as pieces are wanted: they are cut into pieces of one size."""
    keys = [f"c{number:03d}" for number in range(1000)]

    pieces = divide(Interval(None, "l"), keys, ["a", *sample, "z"], 4)

    assert [piece.low for piece in pieces if piece.low and piece.low > "c999"] == lows


def test_a_short_sample_is_used_beside_the_guesses() -> None:
    """Each of its keys is a place to cut."""
    keys = [f"c{number:03d}" for number in range(1000)]

    lows = [piece.low for piece in divide(Interval(), keys, ["x", "y"], 4)]

    assert {"x", "y", "d"} <= set(lows)


def test_one_pair_in_fifty_may_stand_the_other_way_round() -> None:
    """The service sorts a few signs otherwise."""
    keys = [f"{number:03d}" for number in range(50)]
    keys[3], keys[4] = keys[4], keys[3]

    assert is_ordered(keys)
    assert not is_ordered(keys[:49])


def test_a_boundary_is_no_longer_than_sixty_characters_and_has_no_blank_at_its_end() -> None:
    """What may be altered on its way to the service divides nothing."""
    assert choose_boundaries(["a" * 59 + "b", "a" * 59 + "c"], 2) == ["a" * 59 + "c"]
    assert choose_boundaries(["a" * 60 + "b", "a" * 60 + "c"], 2) == []
    assert choose_boundaries(["a", "a b"], 2) == []
    assert choose_boundaries(["a", "a\x07"], 2) == []
