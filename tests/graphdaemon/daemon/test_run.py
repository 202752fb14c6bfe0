"""The daemon as a whole, with a clock that the test moves, on stores of every kind."""

from __future__ import annotations

import asyncio

import pytest

from graphdaemon.errors import SettingsError
from tests.support.daemon_scene import EVERY, ROUND, DaemonScene, ScriptedClock
from tests.support.postgres_server import PostgresServer
from tests.support.store_process import running


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


@pytest.mark.parametrize("seconds", [-3_600.0, 3_600.0])
def test_a_clock_that_is_set_stops_nothing(scene: DaemonScene, seconds: float) -> None:
    """Back or forth by an hour: within the next interval everything is in step, and it is told."""
    ana = scene.add_tenant("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("synced")
            await clock.let_pass(10 * EVERY)
            ana.add("user")
            clock.step(seconds)
            await clock.let_pass(ROUND)
            ana.assert_in_step()

    asyncio.run(live())

    assert [event.fields["seconds"] for event in scene.told("clock_stepped")] == [seconds]


def test_what_a_machine_has_slept_through_is_due_once(scene: DaemonScene) -> None:
    """A day later one round is made, and not as many as there would have been."""
    scene.add_tenant("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("synced")
            clock.step(86_400)
            await clock.let_pass(60)

    asyncio.run(live())

    assert 1 <= len(scene.told("unchanged")) <= 2


def test_any_number_of_daemons_share_the_work(scene: DaemonScene) -> None:
    """In PostgreSQL each tenant is worked at by one at a time; in SQLite one of the two works."""
    names = [f"tenant{number}" for number in range(6)]
    for name in names:
        scene.add_tenant(name, users=2)

    async def live() -> None:
        one, two = ScriptedClock(), ScriptedClock()
        async with scene.running(one, slots=1), scene.running(two, slots=1):
            await asyncio.gather(one.let_pass(30), two.let_pass(30))
            await scene.until_told("synced", len(names))

    asyncio.run(live())

    assert sorted(str(event.fields["name"]) for event in scene.told("synced")) == names
    assert not scene.told("failed")
    for tenant in scene.tenants.values():
        tenant.assert_in_step()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_of_two_daemons_on_sqlite_one_waits_for_the_other(scene: DaemonScene) -> None:
    """It says so once, and takes over when the other one has ended."""
    ana = scene.add_tenant("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(ScriptedClock()):
            await scene.until_told("synced")
            second = scene.running(clock)
            waiting = await second.__aenter__()
            await scene.until_told("standby")
            await clock.let_pass(60)
            assert (waiting.state.standby, waiting.state.ready) == (True, False)
        ana.add("user")
        await clock.let_pass(60)
        await scene.until_told("ready", 2)
        await clock.let_pass(ROUND)
        ana.assert_in_step()
        await second.__aexit__(None, None, None)

    asyncio.run(live())

    assert len(scene.told("standby")) == 1


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
def test_a_postgresql_that_is_restarted_is_waited_for(
    scene: DaemonScene, postgres_server: PostgresServer
) -> None:
    """It says so once, and once that it is back; what was due meanwhile is made up for."""
    ana = scene.add_tenant("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock) as daemon:
            await scene.until_told("synced")
            postgres_server.stop()
            try:
                await clock.let_pass(ROUND)
                assert daemon.state.store_error is not None
            finally:
                postgres_server.start()
            ana.add("user")
            await clock.let_pass(ROUND)
            ana.assert_in_step()

    asyncio.run(live())

    assert len(scene.told("store_failed")) == len(scene.told("store_recovered")) == 1


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_store_that_another_process_keeps_locked_does_not_delay_the_end(
    scene: DaemonScene,
) -> None:
    """The process would end itself before it had said so, and before it had left anything."""
    scene.add_tenant("ana")

    async def live() -> None:
        async with scene.running(ScriptedClock()) as daemon:
            await scene.until_told("synced")
            with running("lock", scene.store_url):
                daemon.reload()
                while daemon._reload:  # noqa: ASYNC110  nobody tells that a turn begins
                    await asyncio.sleep(0)
                daemon.stop()
                await scene.until_told("stopping")

    asyncio.run(live())

    assert len(scene.told("stopped")) == 1
    assert not scene.told("store_failed")
