"""Few chains of full pages, where more would only cost more."""

from __future__ import annotations

import pytest

from graphdaemon.listing.chain import of_interval, of_prefix
from graphdaemon.listing.intervals import Interval
from graphdaemon.listing.joining import begin_at, estimate_parts, find_rests, join_ranges

KEYS = [f"b{number:02d}" for number in range(20)]


def test_ranges_that_follow_one_another_become_one() -> None:
    """A gap stays a gap, and what is no range stays as it is."""
    ends = (("e", "g"), ("a", "b"), ("b", "c"))
    ranges = [of_interval(Interval(*pair), "name") for pair in ends]

    prefix, joined = join_ranges([*ranges, of_prefix("x", "name")], "name", 1)

    assert prefix.condition == "startswith(name,'x')"
    assert joined.joined == (Interval("a", "c"), Interval("e", "g"))
    assert joined.condition == "((name ge 'a' and name le 'c') or (name ge 'e' and name le 'g'))"


def test_no_more_than_fifteen_ranges_are_joined() -> None:
    """Graph takes no more conditions with `or`."""
    ranges = [of_interval(Interval(f"{at:02d}", f"{at:02d}x"), "name") for at in range(31)]

    assert [len(chain.joined) or 1 for chain in join_ranges(ranges, "name", 1)] == [15, 15, 1]


def test_what_is_left_begins_with_the_last_key_of_the_page() -> None:
    """Ranges before it were read, those behind it are left whole."""
    chain = join_ranges(
        [of_interval(Interval(*pair), "name") for pair in (("a", "b1"), ("b15", "c"), ("d", None))],
        "name",
        1,
    )[0]

    assert find_rests(chain, KEYS) == [Interval("b19", "c"), Interval("d", None)]


@pytest.mark.parametrize("keys", [KEYS[::-1], KEYS[:5]], ids=["falling", "too few"])
def test_nobody_can_tell_what_is_left_where_a_page_shows_no_order(keys: list[str]) -> None:
    """A few keys may stand in order by accident."""
    assert find_rests(of_interval(Interval("a", "c"), "name"), keys) == []


def test_parts_are_enough_for_every_chain_and_few_in_a_large_collection() -> None:
    """Each ends in a page that is not full."""
    sizes = (None, 900, 100_000, 10_000_000)
    assert [estimate_parts(size, 900, 32) for size in sizes] == [64, 2, 48, 694]


def test_boundaries_behind_an_end_begin_with_it() -> None:
    """Those before it would cut what is read already."""
    assert begin_at("c", ["a", "d"]) == ["c", "d"]
    assert begin_at(None, ["a", "d"]) == ["a", "d"]
