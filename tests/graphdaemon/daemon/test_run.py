"""The daemon as a whole, with a clock that the test moves, on stores of every kind."""

from __future__ import annotations

import asyncio

import pytest

from graphdaemon.errors import SettingsError
from tests.support.daemon_scene import EVERY, ROUND, DaemonScene, ScriptedClock


def test_every_tenant_is_in_step_at_once_and_again_in_each_interval(scene: DaemonScene) -> None:
    """What changed meanwhile is in the store one interval later."""
    ana, ben = scene.add_tenant("ana"), scene.add_tenant("ben", users=9)

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("synced", 2)
            ana.assert_in_step()
            ben.assert_in_step()
            ben.add("user")
            await clock.let_pass(ROUND)
            ben.assert_in_step()
            await clock.let_pass(10 * EVERY)

    asyncio.run(live())

    assert 10 <= len(scene.told("unchanged", name="ana")) <= 12
    assert len(scene.told("synced", name="ben")) == 2
    names = {event.name for event in scene.events}
    assert names == {"started", "ready", "synced", "unchanged", "stopping", "stopped"}


def test_what_is_due_next_and_what_was_done_is_in_the_store(scene: DaemonScene) -> None:
    """Any other program can tell from there how a tenant is."""
    scene.add_tenant("ana", users=4)

    async def live() -> None:
        async with scene.running(ScriptedClock()):
            await scene.until_told("synced")

    asyncio.run(live())

    lease = scene.leases()["ana", "users"]
    assert (lease.rows, lease.failures, lease.error, lease.holder) == (4, 0, None, "")
    assert lease.tenant == scene.tenants["ana"].tenant.id
    assert lease.succeeded < lease.due
    assert lease.has_link


def test_a_sick_tenant_neither_blocks_nor_hides_the_others(scene: DaemonScene) -> None:
    """A wrong secret, a broken file: each is told once, and is in the store with its hint."""
    scene.add_tenant("ana")
    scene.add_tenant("ben")
    scene.add_tenant("cleo")
    scene.write("ben", secret="wrong-secret")
    (scene.folder / "cleo.json").write_text("{")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock, slots=1):
            await scene.until_told("synced")
            await scene.until_told("failed")
            await clock.let_pass(3.2 * EVERY)

    asyncio.run(live())

    scene.tenants["ana"].assert_in_step()
    assert len(scene.told("unchanged", name="ana")) >= 3
    (failed,) = scene.told("failed")
    assert failed.fields["code"] == "secret_wrong"
    (broken,) = scene.told("settings_failed")
    assert broken.fields["code"] == "settings_malformed"
    leases = scene.leases()
    assert leases["ben", "users"].failures == 4
    error = leases["cleo", ""].error
    assert error is not None
    assert error.hint


def test_a_tenant_whose_only_settings_are_broken_does_not_begin(scene: DaemonScene) -> None:
    """There is nothing to keep in step, and somebody waits for the answer."""
    (scene.folder / "ana.json").write_text("{")

    async def live() -> None:
        async with scene.running(ScriptedClock()):
            pass

    with pytest.raises(SettingsError):
        asyncio.run(live())
