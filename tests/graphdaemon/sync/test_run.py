"""Several collections in one sync: what one meets does not undo another."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from graphdaemon.errors import DeleteGuardError, GraphError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from tests.graphdaemon.sync.test_collection import add_users, delete
from tests.support.emulator_probe import Probe
from tests.support.sync_scene import SyncScene, open_sync_scene


def test_everything_that_the_app_may_read_is_synced(scene: SyncScene) -> None:
    """By default that is every collection there is a table for."""
    add_users(scene, 3)
    scene.add("group")
    scene.add("device")

    report = scene.sync_all()

    assert [record.collection for record in report.collections] == list(STORED_COLLECTIONS)
    assert (report.left_out, report.failed) == ({}, [])
    scene.assert_in_step(*STORED_COLLECTIONS)


def test_what_the_app_may_not_read_is_left_out_and_said(small_pages: Probe, tmp_path: Path) -> None:
    """With the quickstart's permission there are users and their managers."""
    with open_sync_scene(small_pages, tmp_path, "User.Read.All") as scene:
        add_users(scene, 3)

        report = scene.sync_all()

    assert {record.collection for record in report.collections} == {"users", "users/manager"}
    assert report.left_out.keys() == STORED_COLLECTIONS.keys() - {"users", "users/manager"}
    assert "the app lacks Group" in report.left_out["groups"]


def test_what_the_store_has_is_not_left_out_when_it_may_not_be_read_any_more(
    scene: SyncScene,
) -> None:
    """It grows old from then on: that is a failure, whoever named it; nothing is lost."""
    add_users(scene, 30)
    scene.sync_all()
    scene.directory.consents.revoke(scene.tenant, scene.app.client_id)

    with pytest.raises(GraphError) as caught:
        scene.sync_all()

    assert (caught.value.status, caught.value.exit_code) == (403, 5)
    assert len(scene.stored()) == 30


def test_an_app_that_may_read_nothing_has_synced_nothing(scene: SyncScene) -> None:
    """That is no store in step, and ends with Graph's refusal."""
    scene.directory.consents.revoke(scene.tenant, scene.app.client_id)

    with pytest.raises(GraphError) as caught:
        scene.sync_all()

    assert caught.value.status == 403


def test_what_was_named_has_to_be_readable(small_pages: Probe, tmp_path: Path) -> None:
    """The failure is Graph's 403, and the other collections are in the store."""
    with open_sync_scene(small_pages, tmp_path, "User.Read.All") as scene:
        add_users(scene, 3)

        with pytest.raises(GraphError) as caught:
            scene.sync_all("users", "groups")

        assert caught.value.exit_code == 5
        assert len(scene.stored()) == 3


def test_a_guarded_collection_does_not_stop_the_others(scene: SyncScene) -> None:
    """Users are kept as they were, and devices go on."""
    users = add_users(scene, 30)
    scene.sync_all("users", "devices")
    for user in users:
        delete(scene, user)
    scene.add("device")

    with pytest.raises(DeleteGuardError):
        scene.sync_all("users", "devices")

    assert len(scene.stored()) == 30
    scene.assert_in_step("devices")


def test_two_tenants_share_a_store(small_pages: Probe, tmp_path: Path) -> None:
    """Each has rows, links and history of its own."""
    with (
        open_sync_scene(small_pages, tmp_path) as one,
        open_sync_scene(small_pages, tmp_path) as other,
    ):
        add_users(one, 3)
        users = add_users(other, 5)
        one.sync()
        other.sync()
        delete(other, users[0])
        one.sync()
        other.sync()

        one.assert_in_step()
        other.assert_in_step()
        assert (len(one.stored()), len(other.stored())) == (3, 4)


def test_what_ended_too_long_ago_is_forgotten(scene: SyncScene) -> None:
    """Where a retention is set; what is current stays."""
    ana, *_ = add_users(scene, 3)
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    scene.sync_all("users", now=lambda: now)
    scene.update(ana, displayName="A")
    scene.sync_all("users")

    kept = scene.sync_all("users", retention=86_400.0)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    forgotten = scene.sync_all("users", retention=86_400.0, now=lambda: later)

    assert (kept.forgotten, forgotten.forgotten) == (0, 1)
    assert scene.query("SELECT count(*) FROM users_history") == [(0,)]
    assert len(scene.stored()) == 3
