"""The listing record, for programs and for people."""

from __future__ import annotations

import json

from graphdaemon.graph.query import Query
from graphdaemon.listing.record import ListingRecord
from tests.support.listing_world import SMALL, list_world, people
from tests.support.pretend_graph import PretendGraph


def test_the_record_is_json_and_a_sentence() -> None:
    """For programs, and for people."""
    world = PretendGraph(people(50))

    record = list_world(world, Query(("displayName",)), SMALL).proved

    account = json.loads(record.to_json())
    assert account["collection"] == "users"
    assert account["query"] == {"select": "displayName"}
    assert account["verdict"] == "complete"
    assert account["count_after"] == 50
    assert account["replay"]["applied"] is True
    assert record.summary().startswith("50 records, complete: ")


def test_what_was_not_read_counts_for_nothing() -> None:
    """A listing that fails at once has an account, too."""
    record = ListingRecord("users", {}, "2026-01-01T00:00:00.000Z")

    account = json.loads(record.to_json())
    assert {value for value in account.values() if isinstance(value, int)} == {0}
    assert (record.verdict, record.exit_code) == ("incomplete", 8)
    assert record.summary() == "0 records, incomplete: it was not finished"
