"""The report `permissions`: what each application may do, and whether it must. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from graphdaemon.client.reports.needs import RunVerdict
from graphdaemon.client.reports.privileges import find_level
from graphdaemon.client.reports.values import (
    read_flag,
    read_moment,
    read_objects,
    read_text,
    write_moment,
)

Kind = Literal["application", "delegated"]

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""The client ID of Microsoft Graph."""

NO_ROLE = "00000000-0000-0000-0000-000000000000"
"""The app role of an assignment that gives none ("appRoleAssignment resource type")."""

RULES = {
    "high_privilege": "its privilege level, as Microsoft publishes it, is --high or above",
    "unused": "no sign-in of its application in this way is recorded since --since",
    "unresolved": "its resource does not offer it, or no longer offers it",
    "not_needed": "nothing in the recorded run needs it",
    "too_broad": "the recorded run needs it only for want of a narrower one",
    "not_granted": "the recorded run needs it, and nothing that is granted does as well",
}
"""What this report finds, and what each finding means."""


class PermissionRow(msgspec.Struct, rename="camel"):
    """
    A permission of an application.

    Attributes:
        display_name: What the application is called.
        permission: Its name, such as `User.Read.All`; its ID where no name is known.
        kind: `application`, or `delegated` in the name of a user.
        resource: The API that it is a permission of.
        level: How much it allows, from 1 to 4 (high), as Microsoft publishes it for Microsoft
            Graph; null where nothing is published.
        users: How many users have consented; null where it is for everybody.
        account_enabled: Whether the application may sign in.
        last_used_date_time: The last sign-in of the application in this way, as far as recorded.
        use: `recorded`, `none recorded`, or `unknown` where the record could not be read.
        granted: Whether it is granted; false where only a recorded run asks for it.
        findings: What was found, each by its name.
        app_id: The application's client ID.
        id: The object ID of its service principal.
        app_owner_organization_id: The tenant that the application is registered in.
        resource_id: The object ID of the API's service principal.
    """

    display_name: str | None
    permission: str
    kind: Kind
    resource: str | None
    level: int | None
    users: int | None
    account_enabled: bool | None
    last_used_date_time: str | None
    use: Literal["recorded", "none recorded", "unknown"]
    granted: bool
    findings: list[str]
    app_id: str | None
    id: str
    app_owner_organization_id: str | None
    resource_id: str


class Use(NamedTuple):
    """When an application last signed in as itself, and when in the name of a user."""

    application: dt.datetime | None
    delegated: dt.datetime | None


class PermissionRules(NamedTuple):
    """
    What permissions are judged by.

    Attributes:
        now: The moment of the report.
        since: An application that has not signed in for so long does not use its permissions.
        high: The level from which on a permission is of high privilege.
        used: When applications last signed in, by client ID; None where that could not be read.
        verdicts: What a recorded run says of an application's permissions, by its client ID.
    """

    now: dt.datetime
    since: dt.timedelta
    high: int = 4
    used: Mapping[str, Use] | None = None
    verdicts: Mapping[str, RunVerdict] = {}


class Principal(NamedTuple):
    """What is needed of a service principal, as client and as resource."""

    id: str
    app_id: str | None
    name: str | None
    owner: str | None
    enabled: bool | None
    made: dt.datetime | None
    roles: Mapping[str, str]
    scopes: frozenset[str]
    offers_roles: bool


class Grant(NamedTuple):
    """A permission that a client has of a resource, both by object ID."""

    client: str
    resource: str
    kind: Kind
    permission: str
    users: int | None
    is_known: bool = True


def read_principal(record: Mapping[str, Any]) -> Principal:
    """Return what is needed of a service principal."""
    roles = {
        role_id: read_text(role, "value") or role_id
        for role in read_objects(record, "appRoles")
        if (role_id := read_text(role, "id")) is not None
    }
    scopes = read_objects(record, "oauth2PermissionScopes")
    return Principal(
        read_text(record, "id") or "",
        read_text(record, "appId"),
        read_text(record, "displayName"),
        read_text(record, "appOwnerOrganizationId"),
        read_flag(record, "accountEnabled"),
        read_moment(record.get("createdDateTime")),
        roles,
        frozenset(value for one in scopes if (value := read_text(one, "value")) is not None),
        bool(roles),
    )


def read_assignments(
    records: Iterable[Mapping[str, Any]], principals: Mapping[str, Principal]
) -> Iterator[Grant]:
    """Yield the application permissions among app role assignments, those of users left out."""
    for record in records:
        client, resource = read_text(record, "principalId"), read_text(record, "resourceId")
        role = read_text(record, "appRoleId")
        if read_text(record, "principalType") != "ServicePrincipal" or role in (None, NO_ROLE):
            continue
        offer = principals.get(resource or "")
        name = offer.roles.get(role or "") if offer is not None else None
        yield Grant(
            client or "", resource or "", "application", name or role or "", None, name is not None
        )


def read_grants(
    records: Iterable[Mapping[str, Any]], principals: Mapping[str, Principal]
) -> Iterator[Grant]:
    """Yield the delegated permissions in grants: one for everybody, one for all single users."""
    for_all: set[tuple[str, str, str]] = set()
    users: dict[tuple[str, str, str], set[str]] = {}
    for record in records:
        ends = read_text(record, "clientId") or "", read_text(record, "resourceId") or ""
        user = read_text(record, "principalId")
        # The API itself writes a blank before the first name ("Create oAuth2PermissionGrant").
        for scope in dict.fromkeys((read_text(record, "scope") or "").split()):
            if user is None:
                for_all.add((*ends, scope))
            else:
                users.setdefault((*ends, scope), set()).add(user)
    for key, number in (
        *((key, None) for key in for_all),
        *((key, len(ids)) for key, ids in users.items()),
    ):
        client, resource, scope = key
        offer = principals.get(resource)
        known = offer is None or scope in offer.scopes or scope in _SIGN_IN
        yield Grant(client, resource, "delegated", scope, number, known)


# Of Microsoft Graph; whoever signs users in asks for them (OpenID Connect).
_SIGN_IN = frozenset({"openid", "profile", "email", "offline_access"})


def list_permissions(
    grants: Iterable[Grant], principals: Mapping[str, Principal], rules: PermissionRules
) -> list[PermissionRow]:
    """Return a row for each permission, by application, resource and name."""
    rows = [_describe(grant, principals, rules, granted=True) for grant in grants]
    rows += _list_not_granted(principals, rules)
    return sorted(rows, key=_order)


def _order(row: PermissionRow) -> tuple[str, str, str, str, str, str, bool]:
    name = (row.display_name or "").casefold()
    place = (row.resource or "").casefold(), row.resource_id
    return (name, row.id, *place, row.kind, row.permission, row.users is not None)


def _describe(
    grant: Grant, principals: Mapping[str, Principal], rules: PermissionRules, *, granted: bool
) -> PermissionRow:
    client, resource = principals.get(grant.client), principals.get(grant.resource)
    app_id = client.app_id if client is not None else None
    is_graph = resource is not None and resource.app_id == GRAPH_APP_ID
    last, use = _find_use(app_id, grant.kind, rules)
    row = PermissionRow(
        display_name=client.name if client is not None else None,
        permission=grant.permission,
        kind=grant.kind,
        resource=resource.name if resource is not None else None,
        level=find_level(grant.permission, grant.kind) if is_graph else None,
        users=grant.users,
        account_enabled=client.enabled if client is not None else None,
        last_used_date_time=write_moment(last),
        use=use,
        granted=granted,
        findings=[],
        app_id=app_id,
        id=grant.client,
        app_owner_organization_id=client.owner if client is not None else None,
        resource_id=grant.resource,
    )
    made = client.made if client is not None else None
    checks = {
        "high_privilege": row.level is not None and row.level >= rules.high,
        "unused": _is_unused(row, last, made, rules),
        "unresolved": not grant.is_known,
        **_judge(row, rules.verdicts.get(app_id or "") if is_graph else None),
    }
    row.findings = [name for name in RULES if checks.get(name)]
    return row


def _find_use(
    app_id: str | None, kind: Kind, rules: PermissionRules
) -> tuple[dt.datetime | None, Literal["recorded", "none recorded", "unknown"]]:
    if rules.used is None:
        return None, "unknown"
    use = rules.used.get(app_id or "")
    moment = None if use is None else getattr(use, kind)
    return moment, "none recorded" if moment is None else "recorded"


def _is_unused(
    row: PermissionRow,
    last: dt.datetime | None,
    made: dt.datetime | None,
    rules: PermissionRules,
) -> bool:
    if row.use == "unknown" or not row.granted:
        return False
    if last is None:
        # Who has only just come had no time to sign in.
        return made is None or rules.now - made > rules.since
    return rules.now - last > rules.since


def _judge(row: PermissionRow, judgement: RunVerdict | None) -> dict[str, bool]:
    if judgement is None:
        return {}
    if not row.granted:
        return {"not_granted": True}
    unneeded = judgement.not_needed if row.kind == "application" else judgement.delegated_excess
    return {
        "not_needed": row.permission in unneeded,
        "too_broad": row.kind == "application" and row.permission in judgement.too_broad,
    }


def _list_not_granted(
    principals: Mapping[str, Principal], rules: PermissionRules
) -> Iterator[PermissionRow]:
    graph = next((one for one in principals.values() if one.app_id == GRAPH_APP_ID), None)
    for client in principals.values():
        judgement = rules.verdicts.get(client.app_id or "")
        if judgement is None or graph is None:
            continue
        absent: Sequence[tuple[Kind, str]] = [
            *(("application", name) for name in sorted(judgement.not_granted)),
            *(("delegated", name) for name in sorted(judgement.delegated_absent)),
        ]
        for kind, name in absent:
            grant = Grant(client.id, graph.id, kind, name, None)
            yield _describe(grant, principals, rules, granted=False)
