"""What a report is asked for, and what each report reads and finds."""

import datetime as dt
from collections.abc import Mapping
from typing import Literal, NamedTuple

from graphdaemon.client.reports import credentials, permissions, stale
from graphdaemon.errors import UsageError

Name = Literal["credentials", "stale", "permissions"]
Of = Literal["users", "guests", "devices"]


class ReportOptions(NamedTuple):
    """
    What a report is asked for; what is for another report is left as it is.

    Attributes:
        within: `credentials`: what ends within this time from now on has the finding `ends_soon`.
        longest: `credentials`: how long a credential may be valid; None for what the tenant's
            default app management policy says, where it can be read.
        skip_expired: `credentials`: what expired longer ago than this is left out; None keeps all.
        since: `stale` and `permissions`: what was not seen, or used, for so long.
        of: `stale`: which objects to look at.
        high: `permissions`: the privilege level from which on a permission is reported, 1 to 4.
        run: `permissions`: the report of a recorded run, as JSON.
        app_id: `permissions`: the client ID of the app that ran; by default the client's own.
        activity: Whether to ask for Graph's records of use, which only its beta version has.
        now: The moment that everything is judged by; None for that of the report.
    """

    within: dt.timedelta | None = None
    longest: dt.timedelta | None = None
    skip_expired: dt.timedelta | None = None
    since: dt.timedelta = dt.timedelta(days=90)
    of: tuple[Of, ...] = ("users", "guests", "devices")
    high: int = 4
    run: bytes | None = None
    app_id: str | None = None
    activity: bool = True
    now: dt.datetime | None = None


def read_kinds(text: str) -> tuple[Of, ...]:
    """
    Return the kinds of objects in a list with commas.

    Raises:
        UsageError: One of them is none, or there is none.
    """
    names = {name.strip().casefold() for name in text.split(",")} - {""}
    kinds: tuple[Of, ...] = ("users", "guests", "devices")
    unknown = sorted(names.difference(kinds))
    if unknown or not names:
        raise UsageError(
            f"--of {text}: there are no {', '.join(unknown) or 'kinds'}",
            code="option_invalid",
            hint="There are users, guests and devices.",
        )
    return tuple(kind for kind in kinds if kind in names)


class ReportInput(NamedTuple):
    """
    A part of the directory that a report reads.

    Attributes:
        collection: Its path.
        select: The properties.
        role: The least application permission that opens it.
        is_needed: Whether there is no report without it.
    """

    collection: str
    select: tuple[str, ...]
    role: str
    is_needed: bool = True


class ReportRow(NamedTuple):
    """
    A report as a row of the table of reports.

    Attributes:
        title: What its page is called.
        inputs: What it reads.
        rules: What it finds, and what each finding means.
        columns: What a table shows of its rows.
    """

    title: str
    inputs: tuple[ReportInput, ...]
    rules: Mapping[str, str]
    columns: tuple[str, ...]

    def find_input(self, collection: str) -> ReportInput:
        """Return the input that is a collection."""
        return next(one for one in self.inputs if one.collection == collection)


CREDENTIAL_USE = "beta/reports/appCredentialSignInActivities"
"""When credentials were last used: only in Graph's beta version, in August 2026."""
APP_USE = "beta/reports/servicePrincipalSignInActivities"
"""When applications last signed in: only in Graph's beta version, in August 2026."""
POLICY = "policies/defaultAppManagementPolicy"

_HOLDER = tuple("displayName appId createdDateTime passwordCredentials keyCredentials".split())

_OWNER = ("id", "displayName", "userPrincipalName")

REPORTS: Mapping[str, ReportRow] = {
    "credentials": ReportRow(
        "Secrets and certificates",
        (
            ReportInput("applications", _HOLDER, "Application.Read.All"),
            ReportInput(
                "servicePrincipals", (*_HOLDER, "servicePrincipalType"), "Application.Read.All"
            ),
            ReportInput("applications/owners", _OWNER, "Application.Read.All"),
            ReportInput("servicePrincipals/owners", _OWNER, "Application.Read.All"),
            ReportInput("applications/federatedIdentityCredentials", (), "Application.Read.All"),
            ReportInput(POLICY, (), "Policy.Read.All", is_needed=False),
            ReportInput(CREDENTIAL_USE, (), "AuditLog.Read.All", is_needed=False),
        ),
        credentials.RULES,
        tuple("displayName kind name endDateTime daysLeft use owners findings".split()),
    ),
    "stale": ReportRow(
        "Users and devices that were not seen",
        (
            ReportInput(
                "users",
                tuple(
                    "displayName userPrincipalName userType accountEnabled createdDateTime "
                    "assignedLicenses signInActivity".split()
                ),
                "AuditLog.Read.All",
            ),
            ReportInput(
                "devices",
                tuple(
                    "displayName accountEnabled registrationDateTime "
                    "approximateLastSignInDateTime".split()
                ),
                "Device.Read.All",
            ),
            ReportInput("subscribedSkus", (), "LicenseAssignment.Read.All", is_needed=False),
        ),
        stale.RULES,
        tuple("displayName userPrincipalName kind lastSeenDateTime days licences findings".split()),
    ),
    "permissions": ReportRow(
        "Permissions of applications",
        (
            ReportInput(
                "servicePrincipals",
                tuple(
                    "displayName appId accountEnabled appOwnerOrganizationId createdDateTime "
                    "appRoles oauth2PermissionScopes".split()
                ),
                "Application.Read.All",
            ),
            ReportInput("servicePrincipals/appRoleAssignedTo", (), "Application.Read.All"),
            ReportInput("oauth2PermissionGrants", (), "Directory.Read.All"),
            ReportInput(APP_USE, (), "AuditLog.Read.All", is_needed=False),
        ),
        permissions.RULES,
        tuple("displayName permission kind resource level users use findings".split()),
    ),
}
"""Every report by its name."""
