"""Cuts that a listing leaves for the next one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from graphdaemon.graph.query import Query
from graphdaemon.listing.learned_cuts import LearnedCuts, cuts_path
from graphdaemon.listing.options import ListingOptions
from tests.support.foreign_files import FOREIGN, look_at
from tests.support.graph_answers import raw
from tests.support.listing_world import assert_complete, list_world, people, scattered
from tests.support.pretend_graph import ROOT, PretendGraph


def test_cuts_divide_evenly(tmp_path: Path) -> None:
    """Ten keys of each page are enough to cut the next listing into pages."""
    path = tmp_path / "cuts.json"
    learned = LearnedCuts(path, "k", 100)
    for start in range(0, 5000, 100):
        learned.note([raw({"k": f"{at:05d}"}) for at in range(start, start + 100)])
    learned.save(5000)

    cuts = [int(text.ljust(5, "0")) for text in LearnedCuts(path, "k", 100).load()]

    assert len(cuts) == 55
    assert max(right - left for left, right in pairwise(cuts)) <= 100


@pytest.mark.parametrize(
    "query", [Query(filter="department eq 'd1'"), Query(orderby="userPrincipalName")], ids=str
)
def test_a_narrowed_or_sorted_listing_leaves_none(tmp_path: Path, query: Query) -> None:
    """What it shows is no measure of the whole collection."""
    path = tmp_path / "cuts.json"
    world = PretendGraph([{**person, "department": "d1"} for person in scattered(200)])

    outcome = list_world(world, query, ListingOptions(page_size=20, plan=path))

    assert outcome.proved.verdict == "complete"
    assert not path.exists()


def test_cuts_that_cannot_be_kept_are_no_failure(tmp_path: Path) -> None:
    """The folder may be anybody's."""
    (tmp_path / "file").write_text("")
    learned = LearnedCuts(tmp_path / "file" / "cuts.json", "k", 100)
    learned.note([raw({"k": "x"})] * 100)

    learned.save(100)

    assert learned.load() == []


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_holds_no_cuts_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    """A program may name any file for them."""
    path = tmp_path / "cuts.json"
    FOREIGN[name](path)
    before = look_at(path)
    learned = LearnedCuts(path, "k", 100)
    learned.note([raw({"k": "x"})] * 100)

    learned.save(100)

    assert look_at(path) == before
    assert learned.load() == []


def test_every_tenant_and_collection_has_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no name of them is in the name of the file."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    paths = {cuts_path(ROOT, tenant, name) for tenant in ("a", "b") for name in ("users", "groups")}

    assert len(paths) == 4
    assert all("users" not in path.name for path in paths)


def test_cuts_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    """It holds beginnings of names."""
    path = tmp_path / "deeper" / "cuts.json"

    list_world(PretendGraph(scattered(200)), options=ListingOptions(page_size=20, plan=path))

    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"key":"x","records":1,"boundaries":["a"]}', b'{"boundaries":[1]}']
)
def test_wrong_cuts_cost_only_time(tmp_path: Path, content: bytes) -> None:
    """What is no such file, or one for another property, is passed over."""
    path = tmp_path / "cuts.json"
    path.write_bytes(content)
    world = PretendGraph(scattered(200))

    assert_complete(list_world(world, options=ListingOptions(page_size=20, plan=path)), world)


def test_cuts_of_another_directory_cost_only_time(tmp_path: Path) -> None:
    """Everything in one range is divided again."""
    path = tmp_path / "cuts.json"
    options = ListingOptions(page_size=20, plan=path)
    list_world(PretendGraph(people(1000, "a{:05d}".format)), options=options)
    world = PretendGraph(people(2000, "z{:05d}".format))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert outcome.proved.splits > 0
    assert outcome.seconds < 8
