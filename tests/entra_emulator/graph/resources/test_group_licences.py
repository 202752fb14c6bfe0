"""Licences that the members of a group have by it."""

from collections.abc import Callable
from typing import Any

import pytest

from entra_emulator.model.products import SKUS
from tests.support.emulator_probe import Answer, Probe
from tests.support.graph_writer import NOBODY, Writer, start_writer

E5, E3, F1, P2, FLOW, REPORTS = (sku.id for sku in SKUS)
PLANS = [plan.id for plan in SKUS[0].plans[:3]]


@pytest.fixture
def writer(launch: Callable[..., Probe]) -> Writer:
    """Of a tenant with 25 units of each product, and none used."""
    probe = launch(users=5)
    made = start_writer(probe, *PERMISSIONS)
    probe.emulator.directory.licences.add_subscriptions(made.app.tenant, {})
    return made


PERMISSIONS = (
    *("Directory.ReadWrite.All", "Group.ReadWrite.All", "User.ReadWrite.All"),
    "Organization.Read.All",
)


def assign(writer: Writer, path: str, add: Any = (), remove: Any = ()) -> Answer:
    adding = [one if isinstance(one, dict) else {"disabledPlans": [], "skuId": one} for one in add]
    body = {"addLicenses": adding, "removeLicenses": list(remove)}
    return writer.post(f"{path}/assignLicense", body)


def read(writer: Writer, path: str) -> dict[str, list[str]]:
    """What somebody has, with the plans that are disabled."""
    user = writer.get(f"{path}?$select=assignedLicenses")
    return {one["skuId"]: one["disabledPlans"] for one in user["assignedLicenses"]}


def states(writer: Writer, path: str) -> list[tuple[Any, ...]]:
    user = writer.get(f"{path}?$select=licenseAssignmentStates")
    return [
        (one["assignedByGroup"], one["skuId"], one["state"], one["error"])
        for one in user["licenseAssignmentStates"]
    ]


def consumed(writer: Writer, sku: str) -> int:
    rows = writer.get("/subscribedSkus")["value"]
    return next(int(row["consumedUnits"]) for row in rows if row["skuId"] == sku)


def join(writer: Writer, group: str, *users: str) -> None:
    for user in users:
        assert writer.link(f"{group}/members", user.rpartition("/")[2]).status == 204


def make(writer: Writer) -> tuple[str, str]:
    """A group, and a user who is not in it."""
    user = writer.make_user(usageLocation="DE")["id"]
    return f"/groups/{writer.make_group()['id']}", f"/users/{user}"


def test_members_have_the_licences_of_their_group_as_long_as_they_are_in_it(
    writer: Writer,
) -> None:
    group, user = make(writer)
    inner = writer.make_group()["id"]
    nested = f"/users/{writer.make_user()['id']}"
    join(writer, group, user, inner)
    join(writer, f"/groups/{inner}", nested)

    answer = assign(writer, group, [E5, FLOW])
    assert (answer.status, answer.json()["id"]) == (202, group.rpartition("/")[2])
    assert read(writer, group) == read(writer, user) == {E5: [], FLOW: []}
    assert read(writer, nested) == {}
    assert [row[:2] for row in states(writer, user)] == [
        (group.rpartition("/")[2], E5),
        (group.rpartition("/")[2], FLOW),
    ]
    later = f"/users/{writer.make_user()['id']}"
    join(writer, group, later)
    assert (list(read(writer, later)), consumed(writer, E5)) == ([E5, FLOW], 2)

    assert assign(writer, group, [], [FLOW]).status == 202
    assert read(writer, user) == read(writer, later) == {E5: []}
    assert writer.delete(f"{group}/members/{user.rpartition('/')[2]}/$ref").status == 204
    assert (read(writer, user), states(writer, user), consumed(writer, E5)) == ({}, [], 1)
    plans = writer.get(f"{later}?$select=assignedPlans")["assignedPlans"]
    assert len(plans) == len(SKUS[0].plans)


def test_own_and_inherited_licences_take_one_unit_and_enable_what_either_enables(
    writer: Writer,
) -> None:
    group, user = make(writer)
    other = f"/groups/{writer.make_group()['id']}"
    join(writer, group, user)
    join(writer, other, user)
    for path, plans in ((user, PLANS), (group, PLANS[:2]), (other, PLANS[1:])):
        answer = assign(writer, path, [{"disabledPlans": plans, "skuId": E5}])
        assert answer.status in {200, 202}

    assert read(writer, user) == {E5: [PLANS[1]]}
    assert (len(states(writer, user)), consumed(writer, E5)) == (3, 1)
    assert assign(writer, user, [], [E5]).status == 200
    assert (len(states(writer, user)), consumed(writer, E5)) == (2, 1)
    refused = assign(writer, user, [], [E5])
    assert refused.status == 400
    assert refused.message == (
        "User license is inherited from a group membership and it cannot be removed directly from "
        "the user."
    )
    assert assign(writer, user, [E3]).status == 200
    assert list(read(writer, user)) == [E3, E5]


def test_a_member_for_whom_no_unit_is_left_has_an_error_and_is_looked_at_again(
    writer: Writer,
) -> None:
    group, user = make(writer)
    others = [f"/users/{writer.make_user(usageLocation='DE')['id']}" for _ in range(25)]
    for other in others:
        assert assign(writer, other, [E5]).status == 200
    assert assign(writer, group, [E5]).status == 202
    assert not writer.get(f"{group}?$select=hasMembersWithLicenseErrors")[
        "hasMembersWithLicenseErrors"
    ]
    # Who has the product already takes no further unit.
    join(writer, group, user, others[0])
    key = group.rpartition("/")[2]

    assert (read(writer, user), consumed(writer, E5)) == ({}, 25)
    assert states(writer, user) == [(key, E5, "Error", "CountViolation")]
    assert writer.get(f"{group}?$select=hasMembersWithLicenseErrors")["hasMembersWithLicenseErrors"]
    assert read(writer, others[0]) == {E5: []}
    assert assign(writer, others[1], [], [E5]).status == 200
    assert read(writer, user) == {}
    processed = writer.post(f"{user}/reprocessLicenseAssignment")
    assert processed.status == 200, processed.body
    assert (processed.status, processed.json()["id"]) == (200, user.rpartition("/")[2])
    assert states(writer, user) == [(key, E5, "Active", "None")]
    assert (read(writer, user), consumed(writer, E5)) == ({E5: []}, 25)


def test_a_deleted_member_frees_its_unit_and_comes_back_to_what_the_group_has(
    writer: Writer,
) -> None:
    group, user = make(writer)
    join(writer, group, user)
    assert assign(writer, group, [E5]).status == 202
    assert writer.delete(user).status == 204
    assert consumed(writer, E5) == 0
    assert assign(writer, group, [E3], [E5]).status == 202
    restored = writer.post(f"/directory/deletedItems/{user.rpartition('/')[2]}/restore")

    assert restored.status == 200
    assert read(writer, user) == {E3: []}
    assert (consumed(writer, E5), consumed(writer, E3)) == (0, 1)


def test_a_group_with_licences_stays_until_they_are_taken_away(writer: Writer) -> None:
    group, user = make(writer)
    join(writer, group, user)
    assert assign(writer, group, [E5]).status == 202

    assert writer.delete(group).status == 400
    assert read(writer, user) == {E5: []}
    assert assign(writer, group, [], [E5]).status == 202
    assert writer.delete(group).status == 204
    assert read(writer, user) == {}


def test_a_group_is_refused_what_a_user_is_refused(writer: Writer) -> None:
    group, _ = make(writer)
    distribution = writer.make_group(
        groupTypes=["Unified"], mailEnabled=True, securityEnabled=False
    )
    for add, remove in (([NOBODY], []), ([], [E5]), ([E5], [E5]), (["x"], []), ([E5, E5], [])):
        assert assign(writer, group, add, remove).status == 400, (add, remove)
    unknown = {"disabledPlans": [NOBODY], "skuId": E5}
    assert assign(writer, group, [unknown]).status == 400
    assert writer.post(f"{group}/assignLicense", {"addLicenses": []}).status == 400
    assert assign(writer, f"/groups/{distribution['id']}", [E5]).status == 400
    assert read(writer, group) == {}
