"""Which permissions a call needs to get the answer that it got."""

from __future__ import annotations

from typing import Any

import pytest

from entra_emulator.traffic.report.least_permissions import find_least
from entra_emulator.traffic.report.logged_call import AppCaller
from entra_emulator.traffic.report.requirements import is_covered, list_requirements, opened_by
from tests.support.logged_calls import graph_call

DEEP = {"properties": ("id", "displayName", "mail")}

# Route, method, what else is known of the call, the least permissions.
CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("/users", "GET", {}, "User.Read.All"),
    ("/users", "GET", DEEP, "User.ReadBasic.All"),
    ("/users", "GET", DEEP | {"filtered": frozenset({"department"})}, "User.Read.All"),
    ("/users", "GET", DEEP | {"filtered": frozenset({"eq", "mail"})}, "User.ReadBasic.All"),
    ("/users/{key}", "GET", {"properties": ("accountEnabled",)}, "User.Read.All"),
    (
        "/users",
        "GET",
        {"properties": ("id", "signInActivity")},
        "AuditLog.Read.All User.Read.All",
    ),
    ("/users", "POST", {"written": frozenset({"displayName"})}, "User.ReadWrite.All"),
    (
        "/users/{key}",
        "PATCH",
        {"written": frozenset({"accountEnabled"})},
        "User.EnableDisableAccount.All",
    ),
    (
        "/users/{key}",
        "PATCH",
        {"written": frozenset({"accountEnabled", "mobilePhone"})},
        "User-Phone.ReadWrite.All User.EnableDisableAccount.All",
    ),
    (
        "/users/{key}",
        "PATCH",
        {"written": frozenset({"accountEnabled", "jobTitle"})},
        "User.ReadWrite.All",
    ),
    ("/users/{key}/manager", "GET", {"types": frozenset({"user"})}, "User.Read.All"),
    ("/groups", "GET", {}, "Group.Read.All"),
    ("/groups", "GET", {"properties": ("id",)}, "Group.ReadBasic.All"),
    (
        "/groups/{key}/members",
        "GET",
        {"types": frozenset({"user"}), **DEEP},
        "GroupMember.ReadBasic.All User.ReadBasic.All",
    ),
    (
        "/groups/{key}/members",
        "GET",
        {"types": frozenset({"user"}), "properties": ("id",)},
        "GroupMember.ReadBasic.All",
    ),
    (
        "/groups/{key}/members",
        "GET",
        {"types": frozenset({"user", "device"})},
        "Device.Read.All GroupMember.ReadBasic.All User.Read.All",
    ),
    ("/applications", "GET", {}, "Application.Read.All"),
    ("/applications/{key}", "PATCH", {"key": "other"}, "Application.ReadWrite.All"),
    ("/applications/{key}", "PATCH", {"key": "own"}, "Application.ReadWrite.OwnedBy"),
    (
        "/servicePrincipals/{key}/appRoleAssignedTo",
        "POST",
        {"key": "other"},
        "AppRoleAssignment.ReadWrite.All Application.Read.All",
    ),
    ("/auditLogs/signIns", "GET", {}, "AuditLog.Read.All"),
    ("/$batch", "POST", {"known": False}, ""),
    ("/users/{id}/photo", "GET", {"known": False}, ""),
    ("/me", "GET", {}, ""),
]


@pytest.mark.parametrize(("route", "method", "fields", "least"), CASES)
def test_least(route: str, method: str, fields: dict[str, Any], least: str) -> None:
    requirements = list_requirements(graph_call(route, method, **fields), {"own"})
    assert sorted(find_least(requirements)) == least.split()


def test_delegated() -> None:
    """Calls for a user need delegated permissions."""
    call = graph_call("/me", caller=AppCaller("a", "t", delegated=True))
    (requirement,) = list_requirements(call)
    assert is_covered(requirement, {"User.Read"})
    assert not is_covered(requirement, {"Group.Read.All"})


@pytest.mark.parametrize(
    ("held", "covered"),
    [
        ({"User.ReadWrite.All"}, True),
        ({"Directory.Read.All"}, True),
        ({"User.ReadBasic.All"}, False),
        ({"Group.Read.All"}, False),
        (set[str](), False),
    ],
)
def test_more_is_enough_too(held: set[str], covered: bool) -> None:
    (requirement,) = list_requirements(graph_call("/users"))
    assert is_covered(requirement, held) == covered


def test_beside_another() -> None:
    """A permission that counts only beside another one is advised with it."""
    call = graph_call("/applications/{key}/appManagementPolicies/$ref", "POST")
    assert find_least(list_requirements(call)) == {
        "Application.Read.All",
        "Policy.ReadWrite.ApplicationConfiguration",
    }


def test_what_a_permission_opens() -> None:
    """A permission to write opens more than the one to read, and that of everything most."""
    assert opened_by("User.Read.All") < opened_by("User.ReadWrite.All")
    assert len(opened_by("Directory.Read.All")) > len(opened_by("Group.Read.All"))
    assert opened_by("Mail.Send") == frozenset()
