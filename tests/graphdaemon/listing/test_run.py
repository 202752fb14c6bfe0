"""Running a listing: its time, its progress, and its account when it fails."""

from __future__ import annotations

from typing import Any

from graphdaemon.listing.options import ListingOptions
from tests.support.listing_world import SMALL, list_world, people, scattered
from tests.support.pretend_graph import PretendGraph, Weather


def test_a_deadline_ends_it_with_an_account() -> None:
    """Nobody waits for ever, and what was read until then is told."""
    world = PretendGraph(scattered(2000), latency=1)

    outcome = list_world(world, options=ListingOptions("chain", page_size=20, seconds=10))

    assert outcome.error is not None
    assert outcome.error.code == "listing_overdue"
    account: Any = outcome.error.listing
    assert account.verdict == "incomplete"
    assert 0 < account.records < 2000


def test_a_listing_takes_a_day_at_most_unless_more_is_allowed() -> None:
    """A job that is run every day finds the one before at its end."""
    assert ListingOptions().seconds == 24 * 60 * 60


def test_a_failure_has_the_account_so_far() -> None:
    """A proof file can be written for what failed, too."""
    world = PretendGraph(people(100), weather=Weather(unavailable=0.9), seed=1)

    outcome = list_world(world, options=ListingOptions("chain", page_size=5))

    assert outcome.error is not None
    account: Any = outcome.error.listing
    assert account.verdict == "incomplete"
    assert account.retries > 0


def test_progress_is_told_while_it_goes_on() -> None:
    """Records, pages, what is being done, in an order that only grows."""
    world = PretendGraph(scattered(500), weather=Weather(throttled=0.1, retry_after=("5",)))

    outcome = list_world(world, options=SMALL)

    progress = outcome.progress
    assert [one.records for one in progress] == sorted(one.records for one in progress)
    assert {one.stage for one in progress} >= {"baseline", "listing", "replay"}
    assert any(one.waiting.startswith("Graph, ") for one in progress)
    assert progress[-1].records == 500
