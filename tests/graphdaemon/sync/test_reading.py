"""Complete readings where Graph does not give what the fast one needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from graphdaemon.errors import UnprovedError
from graphdaemon.graph.graph import Tally
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.listing.changes import Changed, Changes
from graphdaemon.listing.options import ListingOptions
from graphdaemon.store.store import open_store
from graphdaemon.sync.collection import sync_collection
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.reading import stage_pages
from graphdaemon.sync.record import SyncRecord
from graphdaemon.sync.run import open_session
from graphdaemon.sync.session import Selected, Work
from graphdaemon.sync.tenant import Tenant
from tests.support.listing_world import people
from tests.support.pretend_graph import ROOT, Lies, PretendGraph

SELECT = ("id", "displayName", "userPrincipalName")


def sync(
    world: PretendGraph, folder: Path, *, select: tuple[str, ...] = SELECT, **options: object
) -> SyncRecord:
    """Sync the users of a pretended Graph into a store in `folder`."""
    world.page_size = 20
    made = SyncOptions(listing=ListingOptions(learn=False, page_size=20), **options)  # type: ignore[arg-type]
    selected = Selected(STORED_COLLECTIONS["users"], select)
    tenant = Tenant("11111111-2222-4333-8444-555555555555", "contoso")

    async def work() -> SyncRecord:
        async with open_session(
            world.graph(), ROOT, tenant, made, lambda: open_store(f"sqlite:{folder}/store.db")
        ) as session:
            return await sync_collection(session, selected)

    return asyncio.run(work())


def stored_ids(folder: Path) -> set[str]:
    with open_store(f"sqlite:{folder}/store.db", create=False) as store:
        return {key for (key,) in store.database.fetch("SELECT id FROM users_records")}


def test_without_latest_the_delta_is_walked(tmp_path: Path) -> None:
    """A service that would first tell everything is read that way, and followed from there on."""
    world = PretendGraph(people(41), lies=Lies(eager_delta=True), delta_page=10)

    first = sync(world, tmp_path)
    world.put({"userPrincipalName": "new", "displayName": "New"})
    second = sync(world, tmp_path)

    assert (first.how, first.rows, first.listing) == ("baseline", 41, None)
    assert (second.how, second.created, second.requests) == ("round", 1, 1)
    assert stored_ids(tmp_path) == set(world.directory)


def test_without_a_delta_many_pages_prove_nothing(tmp_path: Path) -> None:
    """What changed while they were read is not known, so nothing is kept, and it is said."""
    world = PretendGraph(people(41), lies=Lies(no_delta=True))

    with pytest.raises(UnprovedError, match="nothing was changed") as caught:
        sync(world, tmp_path)

    assert caught.value.exit_code == 8
    assert stored_ids(tmp_path) == set()


def test_without_a_delta_one_page_is_compared_each_time(tmp_path: Path) -> None:
    """One answer is of one moment: what it lacks is gone."""
    world = PretendGraph(people(15), lies=Lies(no_delta=True))
    sync(world, tmp_path)
    world.remove(next(iter(world.directory)))
    world.put({"userPrincipalName": "new", "displayName": "New"})

    record = sync(world, tmp_path)

    assert (record.how, record.created, record.ended) == ("comparison", 1, 1)
    assert record.why == "there is no delta of it"
    assert stored_ids(tmp_path) == set(world.directory)


def test_what_is_not_proved_is_kept_only_where_that_is_allowed(tmp_path: Path) -> None:
    """Then what came is written, and what did not come is kept: absence proves nothing here."""
    world = PretendGraph(people(41), lies=Lies(no_delta=True))
    first = sync(world, tmp_path, allow_unproved=True)
    gone = next(iter(world.directory))
    world.remove(gone)
    world.put({"userPrincipalName": "new", "displayName": "New"})

    second = sync(world, tmp_path, allow_unproved=True)

    assert first.rows == 41
    assert (second.how, second.created, second.ended) == ("comparison", 1, 0)
    assert stored_ids(tmp_path) == {*world.directory, gone}
    assert second.notes[-1].startswith("nothing proves that it is complete")


def test_what_was_selected_besides_is_named_where_there_is_no_delta(tmp_path: Path) -> None:
    """Somebody's choice may be why: of signInActivity, say, no delta tells."""
    world = PretendGraph(people(41), lies=Lies(no_delta=True))

    with pytest.raises(UnprovedError) as usual:
        sync(world, tmp_path)
    with pytest.raises(UnprovedError) as chosen:
        sync(world, tmp_path, select=("id", "displayName", "signInActivity"))

    assert "signInActivity" not in str(usual.value.hint)
    assert "perhaps signInActivity." in str(chosen.value.hint)


def test_changes_during_a_baseline_are_in_it(tmp_path: Path) -> None:
    """Who comes, changes or goes while it is read is corrected before the first commit."""
    world = PretendGraph(people(90), seed=3, delta_page=20)
    world.weather.change = 0.2
    world.make = lambda draws, _: {"userPrincipalName": f"m{draws.random()}", "displayName": "M"}

    record = sync(world, tmp_path)

    assert record.how == "baseline"
    assert record.listing is not None
    replay = record.listing.replay
    assert replay is not None
    assert replay.changed + replay.removed + replay.appeared > 0
    assert stored_ids(tmp_path) == set(world.shown(directory=world.at_last_delta))


class Restarting:
    """A round that is begun anew after its first page."""

    restarts = 0

    async def pages(self) -> AsyncGenerator[list[Changed]]:
        yield [Changed("void", msgspec.Raw(b'{"id":"void"}'), "", {})]
        self.restarts = 1
        yield [Changed("told", msgspec.Raw(b'{"id":"told"}'), "", {})]


def test_what_was_told_before_a_round_began_anew_is_void(tmp_path: Path) -> None:
    """It may be gone by then, and would not be told of again."""
    changes = Restarting()
    selected = Selected(STORED_COLLECTIONS["users"], SELECT)
    tenant = Tenant("11111111-2222-4333-8444-555555555555", "contoso")

    async def work() -> list[str]:
        async with open_session(
            PretendGraph([]).graph(),
            ROOT,
            tenant,
            SyncOptions(),
            lambda: open_store(f"sqlite:{tmp_path}/store.db"),
        ) as session:
            made = Work(session, selected, SyncRecord("users"), Tally())
            async with made.changing("baseline") as change:
                await stage_pages(made, change, cast("Changes", changes), changes.pages())
                return await made.thread.run(
                    lambda: [pair.id for pairs in change.differing() for pair in pairs]
                )

    assert asyncio.run(work()) == ["told"]
