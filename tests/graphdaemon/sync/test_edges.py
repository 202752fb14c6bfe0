"""Members, owners and managers as rows of their own, against a real (pretended) Graph."""

from __future__ import annotations

import msgspec
import pytest

from entra_emulator.directory.objects import StoredObject
from graphdaemon.errors import GraphError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.listing.changes import Changed, Link
from graphdaemon.store.rows import Position, Row
from graphdaemon.store.store import Store
from graphdaemon.sync.edges import make_edge, read_edges, read_related, stage_edges
from tests.graphdaemon.sync.test_collection import delete, restore
from tests.support.delta_scene import key_of
from tests.support.sync_scene import SyncScene

MEMBERS, OWNERS, MANAGERS = "groups/members", "groups/owners", "users/manager"
UNIT_MEMBERS, ROLE_MEMBERS = "directory/administrativeUnits/members", "directoryRoles/members"
PARENTS = {
    MEMBERS: "group",
    OWNERS: "group",
    MANAGERS: "user",
    UNIT_MEMBERS: "administrativeUnit",
    ROLE_MEMBERS: "directoryRole",
}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Every test of this page holds for each kind of store."""
    kind: str = request.param
    return kind


def add_members(scene: SyncScene, group: StoredObject, number: int) -> list[StoredObject]:
    users = [scene.add("user") for _ in range(number)]
    for user in users:
        scene.link("members", group, user)
    return users


def test_members_of_a_large_group_come_over_several_pages(scene: SyncScene) -> None:
    """Five links are on a page: a group of twelve is told three times, and merged."""
    group = scene.add("group")
    add_members(scene, group, 12)
    first = scene.sync(MEMBERS)
    more = add_members(scene, group, 11)

    record = scene.sync(MEMBERS)

    assert (first.how, first.rows) == ("baseline", 12)
    assert (record.how, record.created) == ("round", 11)
    scene.assert_in_step(MEMBERS)
    edge = scene.stored(MEMBERS)[f"{key_of(group)}/{key_of(more[0])}"]
    assert edge == {"parent": key_of(group), "child": key_of(more[0]), "kind": "user"}


def test_members_come_and_go(scene: SyncScene) -> None:
    """Also groups within groups, each with what kind of member it is."""
    group, inner = scene.add("group"), scene.add("group")
    ana, bo, *_ = add_members(scene, group, 3)
    scene.sync(MEMBERS)

    scene.unlink("members", group, ana)
    scene.unlink("members", group, bo)
    scene.link("members", group, bo)
    scene.link("members", group, inner)
    record = scene.sync(MEMBERS)

    scene.assert_in_step(MEMBERS)
    assert (record.created, record.updated, record.ended) == (1, 0, 1)
    assert scene.stored(MEMBERS)[f"{key_of(group)}/{key_of(inner)}"]["kind"] == "group"


def test_the_edges_of_a_deleted_group_end_and_come_back_with_it(scene: SyncScene) -> None:
    """A group in the bin has no members to show; restored, it has those that it had."""
    group, other = scene.add("group"), scene.add("group")
    add_members(scene, group, 6)
    add_members(scene, other, 2)
    scene.sync(MEMBERS)

    delete(scene, group)
    gone = scene.sync(MEMBERS)
    scene.assert_in_step(MEMBERS)
    restore(scene, group)
    back = scene.sync(MEMBERS)

    assert (gone.how, gone.ended, gone.rows) == ("round", 6, 2)
    assert (back.how, back.created, back.rows) == ("round", 6, 8)
    assert {kind for kind, _ in scene.changes(MEMBERS)} == {"removed", "restored"}
    scene.assert_in_step(MEMBERS)


def test_a_deleted_user_stays_a_member_until_it_is_purged(scene: SyncScene) -> None:
    """So the delta has it, though no listing of members shows who is in the bin."""
    group = scene.add("group")
    ana, *_ = add_members(scene, group, 3)
    scene.sync(MEMBERS)

    delete(scene, ana)
    in_bin = scene.sync(MEMBERS)
    deleted = scene.directory.recycle_bin.find(scene.tenant, key_of(ana))
    assert deleted is not None
    scene.directory.recycle_bin.purge(scene.tenant, deleted)
    purged = scene.sync(MEMBERS)

    assert (in_bin.ended, in_bin.rows) == (0, 3)
    assert (purged.ended, purged.rows) == (1, 2)
    scene.assert_in_step(MEMBERS)


def test_owners_are_apart_from_members(scene: SyncScene) -> None:
    """Each relation has a table and a link of its own."""
    group = scene.add("group")
    (ana,) = add_members(scene, group, 1)
    owner = scene.add("user")
    scene.link("owners", group, owner)

    scene.sync(MEMBERS)
    scene.sync(OWNERS)

    assert list(scene.stored(OWNERS)) == [f"{key_of(group)}/{key_of(owner)}"]
    assert list(scene.stored(MEMBERS)) == [f"{key_of(group)}/{key_of(ana)}"]


def test_a_user_has_one_manager(scene: SyncScene) -> None:
    """Another one takes the former's place, and nobody has two."""
    ana, bo, cy = (scene.add("user") for _ in range(3))
    scene.link("manager", ana, bo)
    scene.sync(MANAGERS)

    scene.unlink("manager", ana, bo)
    scene.link("manager", ana, cy)
    record = scene.sync(MANAGERS)

    assert (record.created, record.ended, record.rows) == (1, 1, 1)
    assert list(scene.stored(MANAGERS)) == [f"{key_of(ana)}/{key_of(cy)}"]
    scene.assert_in_step(MANAGERS)


@pytest.mark.parametrize("name", PARENTS)
def test_a_reconciliation_of_edges_finds_no_difference(scene: SyncScene, name: str) -> None:
    """A walk over everything and the rounds before it agree."""
    stored = STORED_COLLECTIONS[name]
    parents = [scene.add(PARENTS[name]) for _ in range(6)]
    others = [scene.add("user") for _ in range(6)]
    for parent, other in zip(parents, others, strict=True):
        scene.link(stored.relation, parent, other)
    scene.sync(name)
    scene.unlink(stored.relation, parents[0], others[0])
    # Roles are never deleted.
    if name != ROLE_MEMBERS:
        delete(scene, parents[1])
    scene.sync(name)

    record = scene.sync(name, reconcile=True)

    assert (record.how, record.changed) == ("comparison", 0)
    assert record.drift is not None
    assert record.drift.rows == 0
    scene.assert_in_step(name)


def test_a_lost_member_is_found(scene: SyncScene) -> None:
    """What no round told of a group is drift, and repaired."""
    group = scene.add("group")
    add_members(scene, group, 3)
    scene.sync(MEMBERS)
    scene.fail("delta_drop")
    add_members(scene, group, 1)
    scene.sync(MEMBERS)
    scene.probe.emulator.faults.clear()

    record = scene.sync(MEMBERS, reconcile=True)

    assert record.drift is not None
    assert (record.drift.missing, record.created) == (1, 1)
    scene.assert_in_step(MEMBERS)


def test_role_assignments_are_compared_each_time(scene: SyncScene) -> None:
    """There is no delta of them, and the account says so."""
    name = "servicePrincipals/appRoleAssignedTo"
    first = scene.sync(name)

    second = scene.sync(name)

    scene.assert_in_step(name)
    assert first.rows > 0
    assert (second.how, second.changed) == ("comparison", 0)
    assert second.why == "there is no delta of it"


def test_what_was_staged_of_a_group_ends_with_it(store: Store) -> None:
    """Told of and then deleted in one round: no edge of it stays."""
    tenant = store.enter_tenant("11111111-2222-4333-8444-555555555555", "contoso")
    links = {"members": [Link("u", "user", removed=False)]}
    told = [
        Changed("g", msgspec.Raw(b'{"id":"g"}'), "", links),
        Changed("h", msgspec.Raw(b'{"id":"h"}'), "", links),
        Changed("g", None, "deleted", {}),
    ]
    with store.change(tenant, MEMBERS, "baseline") as change:
        stage_edges(change, "members", told)

        pairs = [pair for pairs in change.differing() for pair in pairs]

    assert [pair.id for pair in pairs if pair.staged is not None] == ["h/u"]


@pytest.mark.parametrize("child", [b'"x"', b"{}", b'{"id":7}', b"[]", b'{"id":""}'])
def test_a_child_without_an_id_is_refused(child: bytes) -> None:
    """Nobody could tell it from another."""
    record = msgspec.Raw(b'{"id":"g","members":[%b]}' % child)

    with pytest.raises(GraphError):
        read_edges([record], "members")
    with pytest.raises(GraphError):
        read_related([record], "members")


@pytest.mark.parametrize("name", PARENTS)
def test_who_is_in_the_bin_is_no_drift(scene: SyncScene, name: str) -> None:
    """A walk tells of a deleted user what the rounds before it left."""
    stored = STORED_COLLECTIONS[name]
    parent = scene.add(PARENTS[name])
    child = scene.add("user")
    scene.link(stored.relation, parent, child)
    scene.sync(name)
    delete(scene, child)
    scene.sync(name)

    record = scene.sync(name, reconcile=True)

    assert (record.how, record.changed, record.rows) == ("comparison", 0, 1)
    assert record.drift is not None
    assert record.drift.rows == 0


def test_a_manager_that_is_only_replaced_ends_the_former(store: Store) -> None:
    """Also where the delta names the new one alone: nobody has two."""
    staged = [make_edge("u", "old", "user"), make_edge("v", "old", "user")]
    with store.change(1, MANAGERS, "baseline") as change:
        change.load([Row(one.id, one.document or b"") for one in staged])
        change.save(Position("link", ("id",)))
    told = Changed(
        "u", msgspec.Raw(b'{"id":"u"}'), "", {"manager": [Link("new", "user", removed=False)]}
    )

    with store.change(1, MANAGERS, "round") as change:
        stage_edges(change, "manager", [told])
        pairs = {pair.id: pair.staged for pairs in change.differing() for pair in pairs}

    assert pairs.keys() == {"u/old", "u/new"}
    assert pairs["u/old"] is None
