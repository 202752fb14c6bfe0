"""A store and a real (pretended) Graph: whatever happens, both hold the same afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from entra_emulator.directory.objects import StoredObject
from graphdaemon.errors import DeleteGuardError, GraphError
from graphdaemon.store.store import open_store
from graphdaemon.sync.guard import Allowance
from tests.support.delta_scene import key_of
from tests.support.sync_scene import SyncScene

DAY = 86_400.0


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Every test of this page holds for each kind of store."""
    kind: str = request.param
    return kind


def add_users(scene: SyncScene, number: int) -> list[StoredObject]:
    return [scene.add("user", jobTitle=f"Title {at}") for at in range(number)]


def delete(scene: SyncScene, row: StoredObject, *, forever: bool = False) -> None:
    """Delete an object as it is now."""
    current = scene.directory.objects.find(scene.tenant, key_of(row), kind=row.kind)
    assert current is not None, "it is there"
    scene.delete(current, forever=forever)


def restore(scene: SyncScene, row: StoredObject, **changes: Any) -> None:
    deleted = scene.directory.recycle_bin.find(scene.tenant, key_of(row))
    assert deleted is not None, "it is in the bin"
    scene.directory.recycle_bin.restore(scene.tenant, deleted, changes)


def kinds(scene: SyncScene) -> dict[str, str]:
    """What happened to each object last."""
    return {key: kind for kind, key in scene.changes()}


def test_a_baseline_brings_everything_and_a_round_what_changed(scene: SyncScene) -> None:
    """The first sync is a baseline; the next one is a round of one request, and changes nothing."""
    add_users(scene, 20)

    first = scene.sync()
    second = scene.sync()

    scene.assert_in_step()
    assert (first.how, first.rows, first.created) == ("baseline", 20, 20)
    assert first.listing is not None
    assert first.listing.verdict == "complete"
    assert (second.how, second.rows, second.changed, second.requests) == ("round", 20, 0, 1)
    assert scene.query("SELECT count(*) FROM runs") == [(1,)]


def test_each_change_of_a_round_has_its_kind(scene: SyncScene) -> None:
    """Created, updated, gone into the bin, gone for good: a round tells them apart."""
    ana, bo, cy = add_users(scene, 3)
    scene.sync()

    scene.update(ana, displayName="Ana B", jobTitle=None)
    delete(scene, bo)
    delete(scene, cy, forever=True)
    new = scene.add("user")
    record = scene.sync()

    scene.assert_in_step()
    assert (record.created, record.updated, record.ended) == (1, 1, 2)
    assert kinds(scene) == {
        key_of(ana): "updated",
        key_of(bo): "removed",
        key_of(cy): "deleted",
        key_of(new): "created",
    }


def test_a_round_moves_the_link(scene: SyncScene) -> None:
    """With changes and without: what was told is not asked for again."""
    ana, *_ = add_users(scene, 3)
    scene.sync()
    links = [scene.query("SELECT link FROM links")]
    for name in ("A", "", "B"):
        if name:
            scene.update(ana, displayName=name)
        scene.sync()
        links.append(scene.query("SELECT link FROM links"))

    assert len({link for ((link,),) in links}) == 4


def test_a_restored_object_comes_back(scene: SyncScene) -> None:
    """It is told as restored, also where it has another name now."""
    ana, *_ = add_users(scene, 3)
    scene.sync()
    delete(scene, ana)
    scene.sync()

    restore(scene, ana, userPrincipalName="back@contoso.example")
    scene.sync()

    scene.assert_in_step()
    assert scene.stored()[key_of(ana)]["userPrincipalName"] == "back@contoso.example"
    assert scene.changes() == [("removed", key_of(ana)), ("restored", key_of(ana))]


def test_deleted_and_restored_between_two_rounds_is_no_change(scene: SyncScene) -> None:
    """Only what is different afterwards is written."""
    ana, *_ = add_users(scene, 3)
    scene.sync()
    delete(scene, ana)
    restore(scene, ana)

    record = scene.sync()

    assert (record.how, record.changed) == ("round", 0)
    assert scene.changes() == []
    scene.assert_in_step()


def test_two_users_can_exchange_their_names(scene: SyncScene) -> None:
    """A name is no key: what one gives up the other takes, in one round."""
    ana, bo, *_ = add_users(scene, 3)
    scene.sync()
    scene.update(ana, userPrincipalName="spare@contoso.example")
    scene.update(bo, userPrincipalName="user1@contoso.example")
    scene.update(ana, userPrincipalName="user2@contoso.example")

    scene.sync()

    scene.assert_in_step()
    assert scene.stored()[key_of(bo)]["userPrincipalName"] == "user1@contoso.example"


def test_a_cleared_property_is_null_and_a_cleared_list_empty(scene: SyncScene) -> None:
    """A round and a comparison after it agree about what is not set."""
    ana, *_ = add_users(scene, 3)
    scene.update(ana, otherMails=["a@x.example", "b@x.example"], businessPhones=["1"])
    scene.sync()

    scene.update(ana, otherMails=[], businessPhones=[], jobTitle=None)
    scene.sync()
    compared = scene.sync(reconcile=True)

    document = scene.stored()[key_of(ana)]
    assert (document["otherMails"], document["businessPhones"]) == ([], [])
    assert document["jobTitle"] is None
    assert (compared.how, compared.changed) == ("comparison", 0)


def test_a_new_object_of_a_round_looks_like_one_of_a_listing(scene: SyncScene) -> None:
    """Every selected property is there, in the same form as in the documents of the baseline."""
    (ana,) = add_users(scene, 1)
    scene.sync()
    new = scene.add("user")

    scene.sync()

    stored = scene.stored()
    assert stored[key_of(new)].keys() == stored[key_of(ana)].keys()
    assert stored[key_of(new)]["otherMails"] == []


@pytest.mark.parametrize("fault", ["delta_repeat", "delta_shuffle", "empty_page", "page_token"])
def test_a_disturbed_round_changes_what_it_should(scene: SyncScene, fault: str) -> None:
    """Told twice, in another order, on empty pages, begun anew: each change counts once."""
    users = add_users(scene, 12)
    scene.sync()
    for user in users[:9]:
        scene.update(user, displayName=f"New {key_of(user)}")
    if fault == "empty_page":
        scene.probe.emulator.faults.fail_next(2, make_fault(fault), route="*/users/delta*")
    elif fault == "page_token":
        scene.probe.emulator.faults.fail_next(1, make_fault(fault), route="*/users/delta*")
    else:
        scene.fail(fault)

    record = scene.sync()

    scene.probe.emulator.faults.clear()
    scene.assert_in_step()
    assert (record.how, record.updated, record.changed) == ("round", 9, 9)
    assert len(scene.changes()) == 9


def make_fault(kind: str, **more: Any) -> Any:
    from entra_emulator.faults.fault import Fault

    return Fault(kind=kind, **more)


@pytest.mark.parametrize("trouble", ["reset", "expired", "forgotten"])
def test_a_dead_delta_link_leads_to_a_comparison(scene: SyncScene, trouble: str) -> None:
    """410, a link that is too old, a log that begins later: what changed is found all the same."""
    ana, bo, *_ = add_users(scene, 8)
    scene.sync()
    scene.update(ana, displayName="Ana B")
    delete(scene, bo, forever=True)
    if trouble == "reset":
        scene.probe.emulator.faults.fail_next(1, make_fault("delta_reset"))
    else:
        scene.probe.emulator.clock.move(8 * DAY if trouble == "expired" else 40 * DAY)

    record = scene.sync()
    after = scene.sync()

    assert (record.how, record.created, record.updated, record.ended) == ("comparison", 0, 1, 1)
    assert record.why == "the delta link is no longer valid"
    assert kinds(scene)[key_of(bo)] == "absent"
    assert (after.how, after.changed) == ("round", 0)
    scene.assert_in_step()


def test_another_select_is_compared_and_not_mixed(scene: SyncScene) -> None:
    """Every row has the new properties afterwards, and the next round follows those."""
    ana, *_ = add_users(scene, 5)
    scene.selected["users"] = ("id", "displayName")
    scene.sync()
    assert scene.stored()[key_of(ana)].keys() == {"id", "displayName"}

    scene.selected["users"] = ("id", "displayName", "jobTitle")
    record = scene.sync()
    scene.update(ana, jobTitle="Boss")
    after = scene.sync()

    assert (record.how, record.updated) == ("comparison", 5)
    assert record.why == "other properties are selected than before"
    assert (after.how, after.updated) == ("round", 1)
    assert scene.stored()[key_of(ana)]["jobTitle"] == "Boss"
    scene.assert_in_step()


def test_the_same_select_in_another_order_is_the_same(scene: SyncScene) -> None:
    """It is a set: the order in which somebody writes it costs no new reading."""
    add_users(scene, 5)
    scene.selected["users"] = ("id", "displayName", "jobTitle")
    scene.sync()

    scene.selected["users"] = ("id", "jobTitle", "displayName")

    assert scene.sync().how == "round"


def test_lost_events_are_repaired_and_reported_as_drift(scene: SyncScene) -> None:
    """What no round told is found by the reconciliation, and what a round told is no drift."""
    users = add_users(scene, 12)
    scene.sync()
    scene.fail("delta_drop")
    scene.update(users[0], displayName="Lost")
    lost = scene.sync()
    scene.probe.emulator.faults.clear()
    scene.update(users[1], displayName="Told")

    record = scene.sync(reconcile=True)

    assert lost.changed == 0
    assert (record.how, record.drift is not None) == ("comparison", True)
    assert record.drift is not None
    assert (record.drift.missing, record.drift.surplus, record.drift.different) == (0, 0, 1)
    assert record.drift.ids == [key_of(users[0])]
    scene.assert_in_step()


def test_a_reconciliation_comes_by_itself(scene: SyncScene) -> None:
    """Seven days after the last complete reading, whatever a clock does that is set back."""
    add_users(scene, 3)
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    scene.sync(now=lambda: now)

    after = [
        scene.sync(now=lambda days=days: now + dt.timedelta(days=days)).how
        for days in (6.9, 7.1, 8, -10)
    ]

    assert after == ["round", "comparison", "round", "comparison"]


def test_the_delete_guard_stops_a_round(scene: SyncScene) -> None:
    """More than a tenth and more than twenty rows: nothing is committed, and the rows are named."""
    users = add_users(scene, 40)
    scene.sync()
    before = scene.stored()
    for user in users[:21]:
        delete(scene, user)

    with pytest.raises(DeleteGuardError) as caught:
        scene.sync()

    assert scene.stored() == before
    assert caught.value.gone == 21
    assert len(caught.value.first) == 20
    assert caught.value.first[0].split(maxsplit=1)[1].startswith("user ")
    allowed = scene.sync(allowance=Allowance(rows=21))
    assert (allowed.how, allowed.ended) == ("round", 21)
    scene.assert_in_step()


def test_the_delete_guard_stops_a_comparison(scene: SyncScene) -> None:
    """Also where absence is all that tells of it."""
    users = add_users(scene, 40)
    scene.sync()
    for user in users[:21]:
        delete(scene, user, forever=True)
    scene.probe.emulator.clock.move(8 * DAY)

    with pytest.raises(DeleteGuardError) as caught:
        scene.sync(allowance=Allowance(percent=50))
    allowed = scene.sync(allowance=Allowance(percent=53))

    assert caught.value.gone == 21
    assert (allowed.how, allowed.ended) == ("comparison", 21)
    scene.assert_in_step()


def test_twenty_rows_may_go(scene: SyncScene) -> None:
    """Of few rows twenty are no accident yet."""
    users = add_users(scene, 40)
    scene.sync()
    for user in users[:20]:
        delete(scene, user)

    assert scene.sync().ended == 20


def test_what_fails_in_the_middle_leaves_the_store_as_it_was(scene: SyncScene) -> None:
    """A page that never comes undoes the round; the next sync does all of it."""
    users = add_users(scene, 12)
    scene.sync()
    before = scene.stored()
    for user in users:
        scene.update(user, displayName="New")
    # Drawn with this seed, the first page is spared, and none of the next four requests.
    fault = make_fault("status", status=503)
    scene.probe.emulator.faults.fail_for(None, fault, chance=0.5, seed=94)

    with pytest.raises(GraphError):
        scene.sync()

    assert scene.stored() == before
    scene.probe.emulator.faults.clear()
    assert scene.sync().updated == 12
    scene.assert_in_step()


def test_the_history_replays_to_every_moment(scene: SyncScene) -> None:
    """At the time of each run the store says what the directory was then."""
    users = add_users(scene, 6)
    moments = {}

    def note() -> None:
        scene.sync()
        moments[scene.last_run()] = scene.stored()

    note()
    scene.update(users[0], displayName="A")
    note()
    delete(scene, users[1])
    scene.add("user")
    note()
    restore(scene, users[1])
    scene.update(users[0], displayName="B")
    note()

    assert len(moments) == 4
    for at, documents in moments.items():
        assert scene.as_of(at) == documents


def test_a_link_of_another_graph_is_not_followed(scene: SyncScene) -> None:
    """No token goes there: everything is read and compared."""
    add_users(scene, 3)
    scene.sync()
    with open_store(scene.url) as store, store.database.transaction():
        store.database.execute(
            "UPDATE links SET link = replace(link, :here, 'https://graph.example')",
            {"here": scene.probe.emulator.url},
        )

    record = scene.sync()

    assert (record.how, record.why) == ("comparison", "the delta link is of another Graph")
    assert record.changed == 0
    assert scene.sync().how == "round"
