"""Grants as rows: names of roles, consent of users, levels, use."""

from __future__ import annotations

import datetime as dt
from typing import Any

from graphdaemon.client.reports.needs import RunVerdict
from graphdaemon.client.reports.permissions import (
    GRAPH_APP_ID,
    NO_ROLE,
    PermissionRow,
    PermissionRules,
    Principal,
    Use,
    list_permissions,
    read_assignments,
    read_grants,
    read_principal,
)

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
LATELY, LONG_AGO = NOW - dt.timedelta(days=90), NOW - dt.timedelta(days=90, seconds=1)
GRAPH = {
    "id": "graph",
    "appId": GRAPH_APP_ID,
    "displayName": "Microsoft Graph",
    "appRoles": [
        {"id": "r1", "value": "User.Read.All"},
        {"id": "r2", "value": "Directory.ReadWrite.All"},
        {"id": "r3", "value": None},
        {"value": "without ID"},
        7,
    ],
    "oauth2PermissionScopes": [{"value": "User.Read"}, {"value": 3}],
}
CLIENT = {
    "id": "client",
    "appId": "app",
    "displayName": "Nightly",
    "accountEnabled": True,
    "createdDateTime": "2020-01-01T00:00:00Z",
}


def principals(**changes: Any) -> dict[str, Principal]:
    return {
        "graph": read_principal(GRAPH),
        "client": read_principal(CLIENT | changes),
    }


def assignment(role: str, **changes: Any) -> dict[str, Any]:
    return {
        "principalId": "client",
        "principalType": "ServicePrincipal",
        "resourceId": "graph",
        "appRoleId": role,
    } | changes


def report(
    *assigned: dict[str, Any], rules: PermissionRules | None = None, **changes: Any
) -> list[PermissionRow]:
    known = principals(**changes)
    rules = rules or PermissionRules(NOW, dt.timedelta(days=90))
    return list_permissions(read_assignments(assigned, known), known, rules)


def test_roles_have_their_names_and_levels() -> None:
    rows = report(assignment("r1"), assignment("r2"), assignment("r3"), assignment("gone"))

    assert [(row.permission, row.level, row.findings) for row in rows] == [
        ("Directory.ReadWrite.All", 4, ["high_privilege"]),
        ("User.Read.All", 3, []),
        ("gone", None, ["unresolved"]),
        ("r3", None, []),
    ]
    assert {(row.display_name, row.resource, row.kind) for row in rows} == {
        ("Nightly", "Microsoft Graph", "application")
    }


def test_what_is_no_permission_of_an_app_has_no_row() -> None:
    """Default access, and roles of users and groups."""
    assert report(assignment(NO_ROLE), assignment("r1", principalType="User"), {}) == []


def test_a_grant_without_its_ends_is_still_a_row() -> None:
    (row,) = report(assignment("r1", principalId="deleted", resourceId="gone"))

    assert (row.display_name, row.resource, row.permission, row.findings) == (
        None,
        None,
        "r1",
        ["unresolved"],
    )


def test_levels_are_of_microsoft_graph_alone() -> None:
    known = principals(appRoles=[{"id": "r2", "value": "Directory.ReadWrite.All"}])
    own = [assignment("r2", resourceId="client")]
    rules = PermissionRules(NOW, dt.timedelta(days=90))

    (row,) = list_permissions(read_assignments(own, known), known, rules)

    assert (row.permission, row.level, row.findings) == ("Directory.ReadWrite.All", None, [])


def test_consent_of_users_is_counted_and_consent_for_all_stands_apart() -> None:
    grant: dict[str, Any] = {
        "clientId": "client",
        "resourceId": "graph",
        "consentType": "Principal",
    }
    grants = [
        grant | {"principalId": None, "scope": " User.Read  openid User.Read"},
        grant | {"principalId": "u1", "scope": "User.Read"},
        grant | {"principalId": "u2", "scope": "User.Read Old.Scope"},
        grant | {"principalId": "u2", "scope": None},
    ]
    known = principals()

    rows = list_permissions(
        read_grants(grants, known), known, PermissionRules(NOW, dt.timedelta(days=90))
    )

    assert [(row.permission, row.users, row.findings) for row in rows] == [
        ("Old.Scope", 1, ["unresolved"]),
        ("User.Read", None, []),
        ("User.Read", 2, []),
        ("openid", None, []),
    ]


def test_unused_is_told_to_the_second_and_not_of_new_applications() -> None:
    def told(used: Use | None, **changes: Any) -> tuple[str, list[str]]:
        uses = {} if used is None else {"app": used}
        rules = PermissionRules(NOW, dt.timedelta(days=90), used=uses)
        (row,) = report(assignment("r1"), rules=rules, **changes)
        return row.use, row.findings

    assert told(Use(LATELY, None)) == ("recorded", [])
    assert told(Use(LONG_AGO, LATELY)) == ("recorded", ["unused"])
    assert told(Use(None, LATELY)) == told(None) == ("none recorded", ["unused"])
    assert told(None, createdDateTime="2026-11-01T00:00:00Z") == ("none recorded", [])
    assert told(None, createdDateTime=None) == ("none recorded", ["unused"])


def test_a_run_marks_what_is_needless_and_adds_what_is_absent() -> None:
    verdict = RunVerdict(
        not_needed=frozenset({"User.Read.All"}),
        too_broad=frozenset({"Directory.ReadWrite.All"}),
        not_granted=frozenset({"Group.Read.All"}),
    )
    rules = PermissionRules(NOW, dt.timedelta(days=90), high=5, verdicts={"app": verdict})

    rows = report(assignment("r1"), assignment("r2"), rules=rules)

    assert [(row.permission, row.granted, row.findings) for row in rows] == [
        ("Directory.ReadWrite.All", True, ["too_broad"]),
        ("Group.Read.All", False, ["not_granted"]),
        ("User.Read.All", True, ["not_needed"]),
    ]
