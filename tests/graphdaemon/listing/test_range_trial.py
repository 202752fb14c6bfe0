"""Whether a service honours ranges and prefixes is found out, not believed."""

from __future__ import annotations

import pytest

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import Query
from graphdaemon.listing import range_trial
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.listing_world import people
from tests.support.pretend_graph import ROOT, Lies, PretendGraph

NAME = "userPrincipalName"
SHUFFLED = [f"u{at * 37 % 100:06d}" for at in range(100)]


def target_of(world: PretendGraph) -> Target:
    return Target(world.graph(), ROOT, CATALOG["users"], Query(), page_size=20)


@pytest.mark.parametrize(
    ("lies", "refusal"),
    [
        (Lies(), ""),
        (Lies(ignores=True), "not honoured"),
        (Lies(refuses=(" le ",)), "were refused"),
    ],
    ids=["honoured", "ignored", "refused"],
)
def test_the_first_range_tells_whether_ranges_can_be_had(lies: Lies, refusal: str) -> None:
    """Where they can, its page is read, and nothing else was asked."""
    world = PretendGraph(people(100), lies=lies)

    first, why = virtual_time.run(range_trial.read_first_range(target_of(world), NAME, SHUFFLED))

    assert refusal in why
    assert (first is not None and first.first_page is not None) == (not refusal)
    assert refusal or len(world.requests) == 1


def test_prefixes_are_found_out_to_be_ignored() -> None:
    """The page holds names with another beginning."""
    world = PretendGraph(people(100), lies=Lies(ignores=True))

    why = virtual_time.run(range_trial.try_prefixes(target_of(world), NAME, SHUFFLED))

    assert "not honoured" in why


def test_signs_are_those_known_and_those_seen() -> None:
    """A name may begin with any letter there is."""
    assert range_trial.choose_signs(["Ωmega", "anna"]).endswith("(ω")
