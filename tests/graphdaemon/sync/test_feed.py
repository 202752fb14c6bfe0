"""The change feed: everything that was committed is told, in order, and told again after a kill."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import OutputError, StoreError
from graphdaemon.store.store import open_store
from graphdaemon.sync.feed import Delivery, OutputFeed
from tests.graphdaemon.sync.test_collection import add_users, delete
from tests.support.delta_scene import key_of
from tests.support.sync_scene import SyncScene


@dataclass
class Receiver:
    """Keeps what it was told, and fails when it is to."""

    name: str = "receiver"
    most: int = 3
    told: list[dict[str, Any]] = field(default_factory=list)
    fails_at: int = -1

    async def deliver(self, delivery: Delivery) -> None:
        assert len(delivery.events) <= self.most
        self.told += map(json.loads, delivery.lines().splitlines())
        if delivery.first <= self.fails_at <= delivery.last:
            raise OutputError("no", code="feed_undelivered")


def test_every_change_is_told_in_order(scene: SyncScene) -> None:
    """With the document before and after it; the baseline itself is no change."""
    ana, bo, *_ = add_users(scene, 5)
    feed = Receiver()
    first = scene.sync(feed=feed)
    scene.update(ana, displayName="Ana B")
    delete(scene, bo)
    new = scene.add("user")

    record = scene.sync(feed=feed)

    assert (first.told, record.told) == (0, 3)
    assert [one["sequence"] for one in feed.told] == [1, 2, 3]
    by_id = {one["id"]: one for one in feed.told}
    assert by_id[key_of(ana)]["kind"] == "updated"
    assert by_id[key_of(ana)]["before"]["displayName"] == "user 1"
    assert by_id[key_of(ana)]["after"]["displayName"] == "Ana B"
    assert (by_id[key_of(bo)]["kind"], by_id[key_of(bo)]["after"]) == ("removed", None)
    assert (by_id[key_of(new)]["kind"], by_id[key_of(new)]["before"]) == ("created", None)
    assert {(one["tenant"], one["collection"]) for one in feed.told} == {(scene.tenant.id, "users")}


def test_nobody_else_syncs_while_changes_are_told(scene: SyncScene) -> None:
    """Otherwise two would tell the same, one between the lines of the other."""
    (ana,) = add_users(scene, 1)
    scene.sync()
    scene.update(ana, displayName="Ana B")
    busy: list[StoreError] = []

    class Rival(Receiver):
        async def deliver(self, delivery: Delivery) -> None:
            await super().deliver(delivery)
            with (
                open_store(scene.url) as other,
                pytest.raises(StoreError) as caught,
                other.hold(1, "users"),
            ):
                pass
            busy.append(caught.value)

    assert scene.sync(feed=Rival()).told == 1
    assert [error.code for error in busy] == ["store_busy"]


def test_a_feed_that_takes_nothing_keeps_no_collection_from_being_synced(scene: SyncScene) -> None:
    """It is asked once in a sync: what waits is told by the next one."""
    scene.sync_all("users", "groups", "devices")
    for kind in ("user", "group", "device"):
        scene.add(kind)
    feed = Receiver(fails_at=1)

    with pytest.raises(OutputError):
        scene.sync_all("users", "groups", "devices", feed=feed)

    assert [one["collection"] for one in feed.told] == ["users"]
    scene.assert_in_step("users", "groups", "devices")
    feed.fails_at = -1
    scene.sync_all("users", "groups", "devices", feed=feed)
    assert [one["collection"] for one in feed.told] == ["users", "users", "groups", "devices"]


def test_what_was_not_taken_is_told_again(scene: SyncScene) -> None:
    """The rows are committed all the same; the next sync begins where the receiver stopped."""
    users = add_users(scene, 8)
    feed = Receiver()
    scene.sync(feed=feed)
    for user in users:
        scene.update(user, displayName="New")
    feed.fails_at = 5

    with pytest.raises(OutputError):
        scene.sync(feed=feed)
    scene.assert_in_step()
    feed.fails_at = -1
    record = scene.sync(feed=feed)

    assert record.told == 5
    assert [one["sequence"] for one in feed.told] == [*range(1, 7), *range(4, 9)]


def test_each_feed_has_its_own_place(scene: SyncScene) -> None:
    """One that comes later is told everything since the baseline."""
    ana, *_ = add_users(scene, 3)
    first = Receiver("first")
    scene.sync(feed=first)
    scene.update(ana, displayName="A")
    scene.sync(feed=first)
    scene.update(ana, displayName="B")

    second = Receiver("second")
    scene.sync(feed=second)

    assert [one["after"]["displayName"] for one in first.told] == ["A"]
    assert [one["after"]["displayName"] for one in second.told] == ["A", "B"]


def test_standard_output_has_a_line_for_each_change(scene: SyncScene, tmp_path: Path) -> None:
    """Whole lines of JSON."""
    ana, *_ = add_users(scene, 3)
    written: list[bytes] = []
    feed = OutputFeed(written.append)
    scene.sync(feed=feed)
    scene.update(ana, displayName="Ana B")

    scene.sync(feed=feed)

    (line,) = b"".join(written).splitlines()
    assert json.loads(line)["after"]["displayName"] == "Ana B"


def test_a_line_may_have_further_members() -> None:
    """Such as the reason why a change was given up."""
    from graphdaemon.sync.feed import Event

    event = Event("t", "users", 1, "deleted", "1", "now", None, None)

    (line,) = Delivery("t", "users", [event]).lines(reason="status 400").splitlines()

    assert json.loads(line) == {
        "tenant": "t",
        "collection": "users",
        "sequence": 1,
        "kind": "deleted",
        "id": "1",
        "at": "now",
        "before": None,
        "after": None,
        "reason": "status 400",
    }
