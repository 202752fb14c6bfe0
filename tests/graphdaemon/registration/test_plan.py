"""What differs between the desired state and the actual one, as requests: no I/O."""

import datetime as dt
from typing import Any

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.registration.actual import ActualState
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.local_files import LocalState
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
LOCAL = LocalState("certificate", "graphdaemon register 1 on here", None, THUMBPRINT)
KEY = {
    "keyId": "k1",
    "customKeyIdentifier": THUMBPRINT,
    "displayName": LOCAL.mark,
    "endDateTime": LATER,
}


def application(**changes: Any) -> dict[str, Any]:
    """One that lacks nothing."""
    access = [{"id": USER_READ, "type": "Role"}]
    return {
        "id": "a1",
        "appId": "c1",
        "tags": [DesiredState().tag],
        "requiredResourceAccess": [
            {"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": access}
        ],
        "keyCredentials": [KEY],
        "passwordCredentials": [],
    } | changes


def make_actual(**changes: Any) -> ActualState:
    values: dict[str, Any] = {
        "application": application(),
        "principal": {"id": "p1", "accountEnabled": True},
        "granted": frozenset({USER_READ}),
    }
    return ActualState(GRAPH, **(values | changes))


def plan(actual: ActualState, local: LocalState = LOCAL, **desired: Any) -> list[str]:
    """The requests, in order, and after a bar what comes when the settings are written."""
    made = plan_changes(DesiredState(**desired), actual, local, NOW)
    before, after = ([f"{c.method} {c.path}" for c in part] for part in (made.before, made.after))
    return [*before, "|", *after]


APP = "/applications/{application}"


@pytest.mark.parametrize(
    ("actual", "local", "expected"),
    [
        (make_actual(), LOCAL, ["|"]),
        (
            ActualState(GRAPH),
            LocalState(),
            [
                "PATCH /applications(uniqueName='graphdaemon-graphdaemon')",
                "POST /servicePrincipals",
                f"PATCH {APP}",
                "POST /servicePrincipals/graph/appRoleAssignedTo",
                "|",
            ],
        ),
        (
            ActualState(GRAPH, deleted={"id": "d1"}),
            LOCAL,
            ["POST /directory/deletedItems/d1/restore", "|"],
        ),
        (
            make_actual(principal=None, deleted_principal={"id": "d2"}),
            LOCAL,
            ["POST /directory/deletedItems/d2/restore", "|"],
        ),
        (make_actual(application=application(tags=[])), LOCAL, [f"PATCH {APP}", "|"]),
        (
            make_actual(principal={"id": "p1", "accountEnabled": False}),
            LOCAL,
            ["PATCH /servicePrincipals/{principal}", "|"],
        ),
        (
            make_actual(application=application(keyCredentials=[KEY | {"endDateTime": EARLIER}])),
            LOCAL,
            [f"PATCH {APP}", "|"],
        ),
        (
            make_actual(
                application=application(keyCredentials=[KEY, KEY | {"customKeyIdentifier": "CD"}])
            ),
            LOCAL,
            ["|", f"PATCH {APP}"],
        ),
        (
            make_actual(application=application(passwordCredentials=[KEY])),
            LOCAL,
            ["|", f"POST {APP}/removePassword"],
        ),
        (
            make_actual(
                application=application(passwordCredentials=[KEY | {"displayName": "hers"}])
            ),
            LOCAL,
            ["|"],
        ),
    ],
    ids="complete nothing binned half-binned untagged disabled expired orphan-key orphan-secret "
    "hers".split(),
)
def test_each_difference_is_one_change(
    actual: ActualState, local: LocalState, expected: list[str]
) -> None:
    """And what is as it should be is left alone."""
    planned = plan(actual, local)
    if actual.principal is None and actual.deleted_principal is not None:
        planned = [one for one in planned if "appRoleAssignedTo" not in one]

    assert planned == expected


def test_keys_of_others_stay_when_one_is_added() -> None:
    """Graph takes the whole list: what is left out is gone."""
    hers = {"keyId": "h", "displayName": "hers", "customKeyIdentifier": "EF" * 20, "key": "MII"}
    lost = KEY | {"customKeyIdentifier": "CD" * 20}
    actual = make_actual(application=application(keyCredentials=[hers, lost]))

    (change,) = plan_changes(DesiredState(), actual, LOCAL, NOW).before

    assert change.body is not None
    assert [one.get("keyId") for one in change.body["keyCredentials"]] == ["h", None]
    assert [one["key"] for one in change.body["keyCredentials"]] == [None, "{certificate}"]


def test_what_is_asked_of_other_apis_stays() -> None:
    """Permissions are added, never taken."""
    others = [{"resourceAppId": "ledger", "resourceAccess": [{"id": "x", "type": "Role"}]}]
    actual = make_actual(
        application=application(requiredResourceAccess=others), granted=frozenset()
    )

    repair, grant = plan_changes(
        DesiredState(permissions=("Group.Read.All",)), actual, LOCAL, NOW
    ).before

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
        plan(make_actual(), permissions=(name,))

    assert caught.value.hint


def test_a_federated_app_that_trusts_nobody_is_asked_whom_to_trust() -> None:
    """Registered again after it was deleted for good: the settings do not say."""
    with pytest.raises(UsageError, match="does not trust the tokens") as caught:
        plan(ActualState(GRAPH), LocalState("federated"))

    assert "--federated" in (caught.value.hint or "")
