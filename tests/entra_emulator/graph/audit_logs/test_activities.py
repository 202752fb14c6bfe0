"""What changes are called in the audit log."""

import pytest

from entra_emulator.graph.audit_logs.activities import name_change, name_route
from entra_emulator.graph.routes import ROUTES

CHANGES = {
    ("user", "created", ()): ["Add user"],
    ("user", "updated", ("city", "jobTitle")): ["Update user"],
    ("user", "updated", ("assignedLicenses", "assignedPlans")): ["Change user license"],
    ("user", "updated", ("lastPasswordChangeDateTime", "signInSessionsValidFromDateTime")): [
        "Reset user password"
    ],
    ("user", "updated", ("signInSessionsValidFromDateTime",)): [
        "Update StsRefreshTokenValidFrom Timestamp"
    ],
    ("user", "updated", ("accountEnabled",)): ["Disable account"],
    ("user", "purged", ()): ["Hard Delete user"],
    ("user", "linked", ("manager",)): ["Set user manager"],
    ("group", "restored", ()): ["Restore Group"],
    ("group", "unlinked", ("members",)): ["Remove member from group"],
    ("group", "linked", ("owners",)): ["Add owner to group"],
    ("application", "updated", ("keyCredentials",)): [
        "Update application – Certificates and secrets management"  # noqa: RUF001 - as written there
    ],
    ("servicePrincipal", "updated", ("passwordCredentials",)): [
        "Add service principal credentials"
    ],
    ("servicePrincipal", "deleted", ()): ["Remove service principal"],
    ("servicePrincipal", "linked", ("owners",)): ["Add owner to service principal"],
    ("device", "linked", ("registeredUsers",)): ["Add registered users to device"],
    ("administrativeUnit", "linked", ("members",)): ["Add member to administrative unit"],
    ("directoryRole", "created", ()): ["Add role from template"],
    ("directoryRole", "unlinked", ("members",)): ["Remove member from role"],
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: " ".join((*change[:2], *change[2])))
def test_a_change_has_the_documented_name(change: tuple[str, str, tuple[str, ...]]) -> None:
    kind, what, names = change
    activities = name_change(kind, what, names, enabled=False)

    assert [activity.text for activity in activities] == CHANGES[change]


REQUESTS = {
    "POST /users": "Add user",
    "PATCH /me": "Update user",
    "DELETE /groups/{key}": "Delete group",
    "POST /groups/{key}/members/$ref": "Add member to group",
    "DELETE /groups/{key}/owners/{target}/$ref": "Remove owner from group",
    "PUT /users/{key}/manager/$ref": "Set user manager",
    "POST /users/{key}/assignLicense": "Change user license",
    "POST /applications/{key}/addPassword": (
        "Update application – Certificates and secrets management"  # noqa: RUF001 - see above
    ),
    "POST /applications/{key}/federatedIdentityCredentials": "Update application",
    "POST /servicePrincipals/{key}/appRoleAssignedTo": (
        "Add app role assignment to service principal"
    ),
    "DELETE /users/{key}/appRoleAssignments/{assignment}": "Remove app role assignment from user",
    "POST /oauth2PermissionGrants": "Add delegated permission grant",
    "DELETE /oauth2PermissionGrants/{grant}": "Remove delegated permission grant",
    "POST /domains": "Add unverified domain",
    "POST /roleManagement/directory/roleAssignments": "Add member to role",
    "DELETE /directory/administrativeUnits/{key}": "Delete administrative unit",
    "POST /directory/deletedItems/{key}/restore": "Restore user",
    "DELETE /directory/deletedItems/microsoft.graph.group/{key}": "Hard Delete group",
}


@pytest.mark.parametrize("request_line", REQUESTS)
def test_a_request_is_named_by_its_route(request_line: str) -> None:
    method, _, template = request_line.partition(" ")

    assert name_route(method, template).text == REQUESTS[request_line]


def test_every_route_that_changes_anything_has_a_name() -> None:
    for route in ROUTES:
        if route.blocking:
            activity = name_route(route.method, route.path)
            assert all((activity.text, activity.category, activity.operation)), route.path
