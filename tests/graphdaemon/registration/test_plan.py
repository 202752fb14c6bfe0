"""What registering means in each cloud, and what differs between wanted and found: no I/O."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.registration.actual import Found
from graphdaemon.registration.admin_graph import fill
from graphdaemon.registration.desired import Trust, Wish, read_name
from graphdaemon.registration.local_files import Held
from graphdaemon.registration.plan import plan_changes

NOW = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
LATER, EARLIER = "2027-01-05T10:00:00Z", "2026-01-05T09:59:59Z"
USER_READ, GROUP_READ = (
    "df021288-bdef-4463-88db-98f22de89214",
    "5b567255-7703-4780-807c-7be8301ae99b",
)
GRAPH: dict[str, Any] = {
    "id": "graph",
    "appRoles": [
        {"id": number, "value": name, "isEnabled": True, "allowedMemberTypes": ["Application"]}
        for name, number in (("User.Read.All", USER_READ), ("Group.Read.All", GROUP_READ))
    ],
}
THUMBPRINT = "AB" * 20
HELD = Held("certificate", "graphdaemon register 1 on here", None, THUMBPRINT)
KEY = {
    "keyId": "k1",
    "customKeyIdentifier": THUMBPRINT,
    "displayName": HELD.mark,
    "endDateTime": LATER,
}


def application(**changes: Any) -> dict[str, Any]:
    """One that lacks nothing."""
    access = [{"id": USER_READ, "type": "Role"}]
    return {
        "id": "a1",
        "appId": "c1",
        "tags": [Wish().tag],
        "requiredResourceAccess": [
            {"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": access}
        ],
        "keyCredentials": [KEY],
        "passwordCredentials": [],
    } | changes


def found(**changes: Any) -> Found:
    values: dict[str, Any] = {
        "application": application(),
        "principal": {"id": "p1", "accountEnabled": True},
        "granted": frozenset({USER_READ}),
    }
    return Found(GRAPH, **(values | changes))


def plan(there: Found, held: Held = HELD, **wish: Any) -> list[str]:
    """The requests, in order, and after a bar what comes when the settings are written."""
    made = plan_changes(Wish(**wish), there, held, NOW)
    before, after = ([f"{c.method} {c.path}" for c in part] for part in (made.before, made.after))
    return [*before, "|", *after]


APP = "/applications/{application}"


@pytest.mark.parametrize(
    ("there", "held", "expected"),
    [
        (found(), HELD, ["|"]),
        (
            Found(GRAPH),
            Held(),
            [
                "PATCH /applications(uniqueName='graphdaemon-graphdaemon')",
                "POST /servicePrincipals",
                f"PATCH {APP}",
                "POST /servicePrincipals/graph/appRoleAssignedTo",
                "|",
            ],
        ),
        (
            Found(GRAPH, deleted={"id": "d1"}),
            HELD,
            ["POST /directory/deletedItems/d1/restore", "|"],
        ),
        (
            found(principal=None, deleted_principal={"id": "d2"}),
            HELD,
            ["POST /directory/deletedItems/d2/restore", "|"],
        ),
        (found(application=application(tags=[])), HELD, [f"PATCH {APP}", "|"]),
        (
            found(principal={"id": "p1", "accountEnabled": False}),
            HELD,
            ["PATCH /servicePrincipals/{principal}", "|"],
        ),
        (
            found(application=application(keyCredentials=[KEY | {"endDateTime": EARLIER}])),
            HELD,
            [f"PATCH {APP}", "|"],
        ),
        (
            found(
                application=application(keyCredentials=[KEY, KEY | {"customKeyIdentifier": "CD"}])
            ),
            HELD,
            ["|", f"PATCH {APP}"],
        ),
        (
            found(application=application(passwordCredentials=[KEY])),
            HELD,
            ["|", f"POST {APP}/removePassword"],
        ),
        (
            found(application=application(passwordCredentials=[KEY | {"displayName": "hers"}])),
            HELD,
            ["|"],
        ),
    ],
    ids="complete nothing binned half-binned untagged disabled expired orphan-key orphan-secret "
    "hers".split(),
)
def test_each_difference_is_one_change(there: Found, held: Held, expected: list[str]) -> None:
    """And what is as it should be is left alone."""
    planned = plan(there, held)
    if there.principal is None and there.deleted_principal is not None:
        planned = [one for one in planned if "appRoleAssignedTo" not in one]

    assert planned == expected


def test_keys_of_others_stay_when_one_is_added() -> None:
    """Graph takes the whole list: what is left out is gone."""
    hers = {"keyId": "h", "displayName": "hers", "customKeyIdentifier": "EF" * 20, "key": "MII"}
    lost = KEY | {"customKeyIdentifier": "CD" * 20}
    there = found(application=application(keyCredentials=[hers, lost]))

    (change,) = plan_changes(Wish(), there, HELD, NOW).before

    assert change.body is not None
    assert [one.get("keyId") for one in change.body["keyCredentials"]] == ["h", None]
    assert [one["key"] for one in change.body["keyCredentials"]] == [None, "{certificate}"]


def test_what_is_asked_of_other_apis_stays() -> None:
    """Permissions are added, never taken."""
    others = [{"resourceAppId": "ledger", "resourceAccess": [{"id": "x", "type": "Role"}]}]
    there = found(application=application(requiredResourceAccess=others), granted=frozenset())

    repair, grant = plan_changes(Wish(permissions=("Group.Read.All",)), there, HELD, NOW).before

    assert repair.body is not None
    assert grant.body is not None
    assert repair.body["requiredResourceAccess"][0] == others[0]
    access = repair.body["requiredResourceAccess"][1]["resourceAccess"]
    assert access == [{"id": GROUP_READ, "type": "Role"}]
    assert grant.body["appRoleId"] == GROUP_READ


@pytest.mark.parametrize("name", ["User.Read", "", "Users.Read.All", "Tasks.Nobody.Knows"])
def test_only_graphs_own_application_permissions_count(name: str) -> None:
    """By the tenant's own list, with what is near, or with where to look."""
    with pytest.raises(UsageError) as caught:
        plan(found(), permissions=(name,))

    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "a'b", "a/b", "{application}", "x" * 101, " a", "a\nb"])
def test_a_name_that_could_be_something_else_is_none(name: str) -> None:
    """It stands in addresses, filters and files."""
    with pytest.raises(UsageError):
        read_name(name)


def test_a_federated_credential_is_named_by_what_it_trusts() -> None:
    """The same trust has the same name, another one another; Graph takes 120 signs."""
    one = Trust("github", "https://a", "repo:a/b:ref:refs/heads/" + "x" * 500)

    assert one.name == Trust(*one).name
    assert one.name != one._replace(subject="other").name
    assert len(one.name) <= 120


def test_only_known_places_are_filled() -> None:
    """Braces of other people's stay."""
    value = {"a": ["{client_id}", "{other}", 1, None], "b": "x{principal}y"}

    assert fill(value, {"client_id": "c", "principal": "p"}) == {
        "a": ["c", "{other}", 1, None],
        "b": "xpy",
    }


def test_a_federated_app_that_trusts_nobody_is_asked_whom_to_trust() -> None:
    """Registered again after it was deleted for good: the settings do not say."""
    with pytest.raises(UsageError, match="trusts nobody") as caught:
        plan(Found(GRAPH), Held("federated"))

    assert "--federated" in (caught.value.hint or "")
