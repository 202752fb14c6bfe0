"""What one tenant meets stays with it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.sync.options import SyncOptions
from tests.support.daemon_scene import EVERY, ROUND, DaemonScene, ScriptedClock
from tests.support.sync_scene import open_sync_scene


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def test_a_tenant_whose_token_service_is_silent_holds_up_nobody(
    scene: DaemonScene, silent: socket.socket
) -> None:
    """Its slot is the only one; it is given up, and the others are in step."""
    scene.add_tenant("ana")
    scene.add_tenant("ben")
    tenant = scene.tenants["ana"].tenant.id
    scene.write("ana", authority=f"https://127.0.0.1:{silent.getsockname()[1]}/{tenant}")

    async def live() -> None:
        async with scene.running(slots=1, patience=3.0):
            await scene.until_told("synced", name="ben")
            await scene.until_told("failed", name="ana")

    asyncio.run(live())

    scene.tenants["ben"].assert_in_step()
    (failed,) = scene.told("failed")
    assert failed.fields["code"] == "timed_out"
    assert scene.leases()["ana", "users"].failures == 1


def test_of_a_failure_that_concerns_all_collections_one_is_told(scene: DaemonScene) -> None:
    """The store has it of each; none is tried in vain after the first."""
    scene.collections = tuple(STORED_COLLECTIONS)
    scene.add_tenant("ana")
    scene.write("ana", secret="wrong")

    async def live() -> None:
        async with scene.running(ScriptedClock()):
            await scene.until_told("failed")

    asyncio.run(live())

    assert len(scene.told("failed")) == 1
    leases = scene.leases()
    assert {leases["ana", name].failures for name in STORED_COLLECTIONS} == {1}
    assert len({leases["ana", name].due for name in STORED_COLLECTIONS}) <= len(leases)


def test_what_the_app_may_not_read_is_left_out_and_told_once(scene: DaemonScene) -> None:
    """It is tried at every interval, since somebody may consent to it, and is no failure."""
    scene.collections = ("users", "groups")
    home = scene.folder.parent / "ana-home"
    home.mkdir()
    opened = open_sync_scene(scene.probe, home, "User.Read.All")
    scene.tenants["ana"] = scene.stack.enter_context(opened)
    scene.tenants["ana"].store_url = scene.store_url
    scene.tenants["ana"].add("user", accountEnabled=True)
    scene.write("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock, named=False):
            await scene.until_told("synced")
            await clock.let_pass(3 * EVERY)

    asyncio.run(live())

    (left,) = scene.told("left_out")
    assert left.fields["collection"] == "groups"
    lease = scene.leases()["ana", "groups"]
    assert (lease.left_out, lease.failures, lease.succeeded) == (True, 0, "")
    assert not scene.told("failed")


def test_a_permission_that_is_taken_away_is_a_failure(scene: DaemonScene) -> None:
    """What the store has would grow old, and nobody would be told."""
    ana = scene.add_tenant("ana")

    async def live() -> None:
        async with scene.running(ScriptedClock(), named=False):
            await scene.until_told("synced")
        ana.directory.consents.revoke(ana.tenant, ana.app.client_id)
        clock = ScriptedClock()
        clock.step(ROUND)
        async with scene.running(clock, named=False):
            await scene.until_told("failed")

    asyncio.run(live())

    assert [event.fields["code"] for event in scene.told("failed")] == ["permission_missing"]
    assert not scene.told("left_out")
    assert not scene.leases()["ana", "users"].left_out


def test_what_a_tenant_need_not_remember_is_forgotten(scene: DaemonScene) -> None:
    """A daemon lives for years; the retention is each tenant's own."""
    ana, ben = scene.add_tenant("ana"), scene.add_tenant("ben")
    scene.write("ana", retention="1h")
    users = [tenant.add("user") for tenant in (ana, ben)]

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("synced", 2)
            for number in range(2):
                for tenant, user in zip((ana, ben), users, strict=True):
                    tenant.update(user, jobTitle=f"title {number}")
                await clock.let_pass(3 * 3600)

    asyncio.run(live())

    sql = "SELECT count(*) FROM users_history JOIN tenants AS t ON number = tenant WHERE t.id = :id"
    assert [ana.query(sql, id=tenant.tenant.id) for tenant in (ana, ben)] == [[(1,)], [(2,)]]


def test_a_network_that_is_cut_for_ten_minutes_is_made_up_for(scene: DaemonScene) -> None:
    """The failure is told once, and what happened meanwhile is in the store soon after."""
    ana = scene.add_tenant("ana")
    faults = scene.probe.emulator.faults

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("synced")
            ana.fail("reset")
            await clock.let_pass(ROUND + 600)
            ana.add("user")
            faults.clear()
            await clock.let_pass(ROUND)
            ana.assert_in_step()

    asyncio.run(live())

    assert [event.fields["code"] for event in scene.told("failed")] == ["connection_lost"]
    assert len(scene.told("recovered")) == 1
    assert scene.leases()["ana", "users"].failures == 0


def test_a_bug_in_a_sync_is_kept_and_ends_nothing(scene: DaemonScene) -> None:
    """Of a failure that nobody has thought of the log has the place."""
    scene.add_tenant("ana")
    scene.add_tenant("ben")
    broken: Any = None

    async def live() -> None:
        async with scene.running(ScriptedClock(), sync=SyncOptions(listing=broken), slots=1):
            await scene.until_told("failed", name="ana")
            await scene.until_told("failed", name="ben")

    asyncio.run(live())

    error = scene.leases()["ana", "users"].error
    assert error is not None
    assert error.code == "internal"


def test_a_silent_tenant_leaves_its_slot_before_it_is_given_up(
    scene: DaemonScene, silent: socket.socket
) -> None:
    """After a quarter of a minute another one works in its place."""
    scene.add_tenant("ana")
    tenant = scene.tenants["ana"].tenant.id
    scene.write("ana", authority=f"https://127.0.0.1:{silent.getsockname()[1]}/{tenant}")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock, slots=1) as daemon:
            connection, _ = await asyncio.get_running_loop().sock_accept(silent)
            with connection:
                scene.add_tenant("ben")
                daemon.reload()
                await scene.until_told("reloaded")
                assert list(daemon.state.running) == [tenant]
                clock.seconds += 16
                daemon._wake.set()
                await scene.until_told("synced", name="ben")
                assert tenant in daemon.state.running
                daemon.stop()
                await scene.until_told("stopped")

    asyncio.run(live())

    assert not scene.told("failed")
