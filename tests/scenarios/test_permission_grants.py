"""Delegated permission grants: listed with proof, and kept in a store, though Graph counts none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.records import Record
from graphdaemon.client.client import Client
from graphdaemon.graph.query import Query
from graphdaemon.listing.record import ListingRecord
from tests.support.delta_scene import key_of
from tests.support.emulator_probe import Probe
from tests.support.sync_scene import LISTING, SyncScene, open_sync_scene

NAME = "oauth2PermissionGrants"


@pytest.fixture
def scene(small_pages: Probe, tmp_path: Path) -> Iterator[SyncScene]:
    with open_sync_scene(small_pages, tmp_path) as opened:
        yield opened


def grant(scene: SyncScene, scope: str = "User.Read", user: StoredObject | None = None) -> Record:
    """A grant of a new client: for everybody, or for one user."""
    client, resource = (key_of(scene.add("servicePrincipal")) for _ in range(2))
    principal = None if user is None else key_of(user)
    return scene.directory.consents.add_grant(scene.tenant, client, resource, principal, scope)


def change_scope(scene: SyncScene, one: Record, scope: str | None) -> None:
    scene.directory.consents.change_grant(scene.tenant, one, scope)


def list_grants(scene: SyncScene, query: Query) -> tuple[dict[str, Any], ListingRecord]:
    """What a proved listing brings, by ID, and its account."""
    shown: dict[str, Any] = {}

    def write(records: Sequence[msgspec.Raw]) -> None:
        shown.update({one["id"]: one for one in map(json.loads, map(bytes, records))})

    async def work() -> ListingRecord:
        async with Client(scene.settings, attempts=2) as client:
            return await client.collect(NAME, query, write=write, options=LISTING)

    return shown, asyncio.run(work())


def test_a_list_of_grants_is_proved_complete(scene: SyncScene) -> None:
    """The delta, which is read from its beginning, counts as many."""
    made = [grant(scene) for _ in range(9)] + [grant(scene, user=scene.add("user"))]

    shown, record = list_grants(scene, Query())

    assert shown == scene.directory_now(NAME)
    assert shown.keys() >= {one["id"] for one in made}
    assert (record.verdict, record.count_after) == ("complete", len(shown))


def test_a_store_follows_grants_by_their_delta(scene: SyncScene) -> None:
    """New, changed and taken back, with typed columns and history."""
    kept, changed, gone = (grant(scene) for _ in range(3))
    first = scene.sync(NAME)
    scene.assert_in_step(NAME)

    change_scope(scene, changed, "User.Read Mail.Read")
    change_scope(scene, gone, None)
    new = grant(scene, "Mail.Read", user=scene.add("user"))
    second = scene.sync(NAME)

    scene.assert_in_step(NAME)
    assert (first.how, second.how) == ("baseline", "round")
    assert (second.created, second.updated, second.ended) == (1, 1, 1)
    columns = '"clientId", "consentType", "principalId", "resourceId", scope'
    rows = scene.query(f"SELECT id, {columns} FROM oauth2_permission_grants")
    names = ("id", "clientId", "consentType", "principalId", "resourceId", "scope")
    changed["scope"] = "User.Read Mail.Read"
    expected = {tuple(one[name] for name in names) for one in (kept, changed, new)}
    assert expected <= set(rows)
    assert scene.query("SELECT ending FROM oauth2_permission_grants_history ORDER BY ending") == [
        ("deleted",),
        ("updated",),
    ]


def test_a_lost_change_of_a_grant_is_found(scene: SyncScene) -> None:
    """A reconciliation finds what no round has told of."""
    one = grant(scene)
    scene.sync(NAME)
    scene.fail("delta_drop")
    change_scope(scene, one, "Mail.Read")
    scene.sync(NAME)
    scene.probe.emulator.faults.clear()

    record = scene.sync(NAME, reconcile=True)

    assert record.drift is not None
    assert (record.drift.rows, record.updated) == (1, 1)
    scene.assert_in_step(NAME)
