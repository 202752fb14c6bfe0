"""Few chains of full pages, where more would only cost more."""

from __future__ import annotations

from graphdaemon.graph.page import Page
from graphdaemon.listing.chain import Chain, of_interval, of_prefix
from graphdaemon.listing.intervals import Interval
from graphdaemon.listing.joining import begin_at, estimate_parts, join_ranges


def make_ranges(*ends: tuple[str | None, str | None]) -> list[Chain]:
    ranges = [of_interval(Interval(*pair), "name") for pair in ends]
    for number, chain in enumerate(ranges):
        chain.number = number
    return ranges


def test_ranges_that_follow_one_another_become_one() -> None:
    """A gap stays a gap, what is no range stays, and the journal hears what is replaced."""
    ranges = make_ranges(("e", "g"), ("a", "b"), ("b", "c"))

    prefix, joined, alone = join_ranges([*ranges, of_prefix("x", "name")], "name", 1)

    assert prefix.condition == "startswith(name,'x')"
    assert joined.condition == "name ge 'a' and name le 'c'"
    assert joined.replaces == (1, 2)
    assert alone is ranges[0]


def test_as_many_are_left_as_can_be_read_at_a_time() -> None:
    """Each is of as many ranges as the others."""
    ranges = make_ranges(*((f"{at:02d}", f"{at + 1:02d}") for at in range(10)))

    joined = join_ranges(ranges, "name", 3)

    assert [chain.interval for chain in joined] == [("00", "04"), ("04", "08"), ("08", "10")]


def test_everything_is_no_range() -> None:
    """A chain without a condition is the one of the whole: it is never made of parts."""
    ranges = make_ranges((None, "c"), ("c", "m"), ("m", None))

    assert [chain.interval for chain in join_ranges(ranges, "name", 1)] == [
        (None, "m"),
        ("m", None),
    ]


def test_a_range_whose_first_page_was_read_is_not_joined() -> None:
    """That page would be read once more."""
    ranges = make_ranges((None, "c"), ("c", "m"), ("m", "z"))
    ranges[0].first_page = Page([], None, None)

    first, joined = join_ranges(ranges, "name", 1)

    assert first is ranges[0]
    assert joined.interval == ("c", "z")


def test_parts_are_enough_for_every_chain_and_few_in_a_large_collection() -> None:
    """Each ends in a page that is not full."""
    sizes = (None, 900, 100_000, 10_000_000)
    assert [estimate_parts(size, 900, 32) for size in sizes] == [64, 2, 48, 694]


def test_boundaries_behind_an_end_begin_with_it() -> None:
    """Those before it would cut what is read already."""
    assert begin_at("c", ["a", "d"]) == ["c", "d"]
    assert begin_at(None, ["a", "d"]) == ["a", "d"]
