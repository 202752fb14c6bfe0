"""Settings that are read again, and those that cannot be used."""

from __future__ import annotations

import asyncio
import json

from tests.support.daemon_scene import EVERY, ROUND, DaemonScene, ScriptedClock


def test_a_reload_takes_new_tenants_and_leaves_old_ones(scene: DaemonScene) -> None:
    """What is gone is not kept in step any more, and its records stay."""
    scene.add_tenant("ana")
    gone = scene.add_tenant("ben", users=2)

    async def live() -> None:
        async with scene.running(ScriptedClock()) as daemon:
            await scene.until_told("synced", 2)
            scene.add_tenant("cleo")
            (scene.folder / "ben.json").unlink()
            daemon.reload()
            await scene.until_told("synced", name="cleo")

    asyncio.run(live())

    told = scene.told("reloaded")[0].fields
    assert told == {"tenants": 2, "added": 1, "removed": 1, "changed": 0}
    assert {name for name, _ in scene.leases()} == {"ana", "cleo"}
    assert len(gone.stored()) == 2


def test_after_a_reload_with_a_broken_file_the_old_settings_stay(scene: DaemonScene) -> None:
    """It says so, with the place in the file, and the tenant stays in step."""
    ana = scene.add_tenant("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock) as daemon:
            await scene.until_told("synced")
            (scene.folder / "ana.json").write_text("{")
            daemon.reload()
            await scene.until_told("reloaded")
            ana.add("user")
            await clock.let_pass(ROUND)
            ana.assert_in_step()

    asyncio.run(live())

    (refused,) = scene.told("reload_failed")
    assert refused.fields["name"] == "ana"
    assert "line 1" in str(refused.fields["message"])
    assert ("ana", "") not in scene.leases()


def test_a_folder_that_is_gone_at_a_reload_changes_nothing(scene: DaemonScene) -> None:
    scene.add_tenant("ana")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock) as daemon:
            await scene.until_told("synced")
            scene.folder.rename(scene.folder.with_name("elsewhere"))
            daemon.reload()
            await scene.until_told("reload_failed", name="")
            await clock.let_pass(ROUND)

    asyncio.run(live())

    assert scene.told("unchanged")


def test_a_broken_file_that_is_mended_is_taken_by_itself(scene: DaemonScene) -> None:
    scene.add_tenant("ana")
    scene.add_tenant("ben")
    (scene.folder / "ben.json").write_text("{")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("synced")
            await clock.let_pass(ROUND)
            scene.write("ben")
            await clock.let_pass(EVERY)
            await scene.until_told("synced", name="ben")

    asyncio.run(live())

    assert len(scene.told("settings_failed")) == 1
    assert len(scene.told("settings_mended")) == 1
    assert ("ben", "") not in scene.leases()


def test_a_secret_that_ends_and_is_replaced_needs_no_signal(scene: DaemonScene) -> None:
    """The tenant's file is read again before the next attempt, at the interval."""
    ana = scene.add_tenant("ana")
    scene.write("ana", secret="an-old-secret")

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock):
            await scene.until_told("failed")
            await clock.let_pass(2 * EVERY)
            scene.write("ana", secret="a-secret-that-is-wrong")
            await clock.let_pass(EVERY)
            scene.write("ana")
            await clock.let_pass(EVERY)
            ana.assert_in_step()

    asyncio.run(live())

    assert [event.fields["code"] for event in scene.told("failed")] == ["secret_wrong"]
    (recovered,) = scene.told("recovered")
    assert recovered.fields["failures"] == 4


def test_two_files_of_one_tenant_are_not_both_used(scene: DaemonScene) -> None:
    scene.add_tenant("ana")
    (scene.folder / "zoe.json").write_text((scene.folder / "ana.json").read_text())
    (scene.folder / "zoe.json").chmod(0o600)

    async def live() -> None:
        async with scene.running(ScriptedClock()):
            await scene.until_told("synced")

    asyncio.run(live())

    (refused,) = scene.told("settings_failed")
    assert (refused.fields["name"], refused.fields["code"]) == ("zoe", "tenant_repeated")


def test_another_tenant_in_the_same_file_is_a_matter_of_a_reload(scene: DaemonScene) -> None:
    """A file that somebody is just changing is not believed by accident."""
    scene.add_tenant("ana")
    scene.add_tenant("ben")
    scene.write("ana", secret="wrong")
    values = json.loads((scene.folder / "ben.json").read_text())
    (scene.folder / "ben.json").unlink()

    async def live() -> None:
        clock = ScriptedClock()
        async with scene.running(clock) as daemon:
            await scene.until_told("failed")
            scene.write("ana", **values)
            await clock.let_pass(ROUND)
            assert not scene.told("synced")
            daemon.reload()
            await scene.until_told("synced")

    asyncio.run(live())

    scene.tenants["ben"].assert_in_step()
