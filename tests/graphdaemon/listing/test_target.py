"""What is listed, and how it is narrowed to a part."""

from __future__ import annotations

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import Query
from graphdaemon.listing.target import Target
from tests.support.pretend_graph import ROOT, PretendGraph


def test_a_narrowed_filter_keeps_its_own_brackets() -> None:
    """`a or b` stays together."""
    world = PretendGraph()
    target = Target(world.graph(), ROOT, CATALOG["users"], Query((), "a eq 1 or b eq 2"))

    assert target.url("k ge 'x'").endswith(
        "$filter=(a%20eq%201%20or%20b%20eq%202)%20and%20k%20ge%20'x'"
    )
