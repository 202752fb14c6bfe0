"""The requests that bring the actual state of an app to the desired one; pure, without I/O."""

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from graphdaemon.auth.kinds.federated import AUDIENCE
from graphdaemon.cloud import GRAPH_APP_ID
from graphdaemon.errors import UsageError
from graphdaemon.registration.actual import ActualState
from graphdaemon.registration.admin_graph import Change
from graphdaemon.registration.desired import DEFAULT_PERMISSION, DesiredState, FederatedCredential
from graphdaemon.registration.exposed_api import (
    DEFAULT_URI,
    ExposedApi,
    find_role_id,
    list_missing,
)
from graphdaemon.registration.local_files import LocalState
from graphdaemon.registration.own_keys import read_thumbprint
from graphdaemon.registration.requested_roles import list_requested, request_roles

# With less time left than this a credential counts as expired: it would end before the daemon that
# it is for has been set up.
_LEAST_LEFT = dt.timedelta(hours=1)


class ChangePlan(NamedTuple):
    """
    The changes that remain to be made.

    Attributes:
        kind: Kind of the credential that the app is to have; `api` for one that needs none.
        roles: IDs of the app roles that the app is to hold, by name.
        before: What is made before the settings are written.
        after: What is removed afterwards, when no settings need it any more.
    """

    kind: str
    roles: Mapping[str, str]
    before: tuple[Change, ...]
    after: tuple[Change, ...]


def plan_changes(
    desired: DesiredState, actual: ActualState, local: LocalState, now: dt.datetime
) -> ChangePlan:
    """
    Work out what is missing, in the order in which it can be made.

    Args:
        desired: What the administrator wants.
        actual: What the directory has.
        local: What the files here have.
        now: The time, with its zone.

    Raises:
        UsageError: A permission is not one of Graph's, or nobody said whose tokens to trust.
    """
    exposed = desired.exposed is not None
    kind = "api" if exposed else desired.kind or local.kind or "certificate"
    roles = {} if exposed else _choose_roles(desired, actual)
    if actual.application is None and actual.deleted is not None:
        # What a restored app still has is known only when it is read again, so this step is all.
        return ChangePlan(kind, roles, (_restore(actual.deleted, "the app"),), ())
    if desired.exposed is not None:
        return ChangePlan(kind, roles, tuple(_plan_api(desired, desired.exposed, actual)), ())
    # The service principal needs the app, and consent needs both. Consent comes last, since it may
    # be refused and the rest is of use without it.
    before = (
        *_plan_application(desired, actual, roles),
        *_plan_principal(actual),
        *_plan_credential(desired, kind, actual, local, now),
        *_plan_consent(actual, roles),
    )
    return ChangePlan(kind, roles, before, tuple(plan_removals(kind, actual, local, now)))


def needs_key(kind: str, local: LocalState, now: dt.datetime) -> bool:
    """Whether a key has to be made here: there is none, or its certificate has expired."""
    latest = (now + _LEAST_LEFT).timestamp()
    expired = local.expires_at is not None and local.expires_at < latest
    return kind == "certificate" and (local.thumbprint is None or expired)


def is_contradicted(actual: ActualState, local: LocalState) -> bool:
    """Whether the settings here have what the directory has lost, or does not know yet."""
    if local.kind is None:
        return False
    keys = {read_thumbprint(key) for key in actual.keys}
    secrets = {password.get("keyId") for password in actual.passwords}
    return (
        actual.principal is None
        or (local.kind == "certificate" and local.thumbprint not in keys)
        or (local.kind == "secret" and local.key_id not in secrets)
    )


def plan_removals(
    kind: str, actual: ActualState, local: LocalState, now: dt.datetime
) -> list[Change]:
    """Remove what was added from here and is in no file here: a stopped run left it behind."""
    key_id = local.key_id if kind == "secret" and _has_secret(actual, local, now) else None
    changes = [
        Change(
            "Remove a secret that no file on this machine contains",
            "POST",
            "/applications/{application}/removePassword",
            {"keyId": password["keyId"]},
        )
        for password in actual.passwords
        if local.is_marked(password) and password.get("keyId") != key_id
    ]
    if kind == "certificate" and not _has_certificate(actual, local, now):
        return changes  # the request that adds the certificate leaves the orphans out
    thumbprint = local.thumbprint if kind == "certificate" else None
    kept = [
        key for key in actual.keys if not local.is_marked(key) or read_thumbprint(key) == thumbprint
    ]
    if len(kept) < len(actual.keys):
        changes.append(
            _set_keys("Remove a certificate whose key no file on this machine contains", kept)
        )
    return changes


def _choose_roles(desired: DesiredState, actual: ActualState) -> dict[str, str]:
    offered = {
        str(role["value"]): str(role["id"])
        for role in actual.graph.get("appRoles") or ()
        if role.get("isEnabled") and "Application" in role.get("allowedMemberTypes", ())
    }
    names = {role_id: name for name, role_id in offered.items()}
    requested = [
        names[role_id]
        for role_id in list_requested(actual.application, GRAPH_APP_ID)
        if role_id in names
    ]
    default = () if desired.scope is not None else (DEFAULT_PERMISSION,)
    permissions = desired.permissions or requested or default
    return dict(_find_role(name, offered) for name in permissions)


def _find_role(name: str, offered: Mapping[str, str]) -> tuple[str, str]:
    folded = {permission.casefold(): permission for permission in offered}
    permission = folded.get(name.casefold())
    if permission is not None:
        return permission, offered[permission]
    near = difflib.get_close_matches(name.casefold(), folded, n=3)
    raise UsageError(
        f"Microsoft Graph has no application permission {name!r}",
        code="option_invalid",
        hint=f"Did you mean {', '.join(folded[key] for key in near)}?"
        if near
        else "Look it up under API permissions > Microsoft Graph > Application permissions. "
        "Delegated permissions are useless without a user.",
    )


def _plan_application(
    desired: DesiredState, actual: ActualState, roles: Mapping[str, str]
) -> list[Change]:
    application = actual.application or {}
    body = _list_offered(desired, application)
    tags = list(application.get("tags") or ())
    if desired.tag not in tags:
        body["tags"] = [*tags, desired.tag]
    if not set(roles.values()) <= set(list_requested(actual.application, GRAPH_APP_ID)):
        body["requiredResourceAccess"] = request_roles(application, GRAPH_APP_ID, roles.values())
    if actual.application is not None:
        summary = f"Repair the app's registration ({' and '.join(body)})"
        return [Change(summary, "PATCH", "/applications/{application}", body)] if body else []
    return [
        Change(
            f"Register the app {desired.name}",
            "PATCH",
            f"/applications(uniqueName='{desired.unique_name}')",
            # By default Graph lets every tenant and personal accounts in ("Create application").
            {"displayName": desired.name, "signInAudience": "AzureADMyOrg", **body},
            learns="application",
            # With POST, a run that was stopped or lost the answer would make a second app.
            create=True,
            forbidden_case="registering_reserved",
        )
    ]


def _list_offered(desired: DesiredState, application: Mapping[str, Any]) -> dict[str, Any]:
    """What of the API that the app is to be can be set in the same request as all else."""
    if desired.exposed is None:
        return {}
    offered = list_missing(desired.exposed, application, desired.unique_name)
    if not application and desired.exposed.uri == DEFAULT_URI:
        # The ID that it is made of is not known yet.
        del offered["identifierUris"]
    return offered


def _plan_api(desired: DesiredState, exposed: ExposedApi, actual: ActualState) -> Iterable[Change]:
    yield from _plan_application(desired, actual, {})
    if actual.application is None and exposed.uri == DEFAULT_URI:
        yield Change(
            "Set the App ID URI",
            "PATCH",
            "/applications/{application}",
            {"identifierUris": [DEFAULT_URI]},
        )
    yield from _plan_principal(actual)
    application = actual.application or {}
    given: dict[str, list[str]] = {}
    for caller, value in dict.fromkeys(exposed.assignments):
        role = find_role_id(exposed, application, value, desired.unique_name)
        given.setdefault(caller, []).append(role)
        principal = actual.callers[caller].principal
        if (principal, role) not in actual.holders:
            yield Change(
                f"Assign the app role {value} to {caller}",
                "POST",
                "/servicePrincipals/{principal}/appRoleAssignedTo",
                {"principalId": principal, "resourceId": "{principal}", "appRoleId": role},
                forbidden_case="assigning_reserved",
            )
    client_id = str(application.get("appId") or "{client_id}")
    for caller, roles in given.items():
        yield from _plan_asking(caller, actual.callers[caller].application, client_id, roles)


def _plan_asking(
    caller: str, application: Mapping[str, Any] | None, api: str, roles: list[str]
) -> Iterable[Change]:
    """Show in the caller's registration what it was given, as if it had asked for it there."""
    # Else the portal lists it under "Other permissions granted", and the next consent may take it
    # away.
    if application is None or set(roles) <= set(list_requested(application, api)):
        return
    yield Change(
        f"Request it in the registration of {caller}",
        "PATCH",
        f"/applications/{application['id']}",
        {"requiredResourceAccess": request_roles(application, api, roles)},
        dispensable=True,
    )


def _plan_principal(actual: ActualState) -> list[Change]:
    if actual.principal is None and actual.deleted_principal is not None:
        return [_restore(actual.deleted_principal, "its service principal")]
    if actual.principal is None:
        return [
            Change(
                "Bring it into the tenant: create its service principal",
                "POST",
                "/servicePrincipals",
                {"appId": "{client_id}"},
                learns="principal",
            )
        ]
    if actual.principal.get("accountEnabled") is False:
        return [
            Change(
                "Enable its service principal",
                "PATCH",
                "/servicePrincipals/{principal}",
                {"accountEnabled": True},
            )
        ]
    return []


def _restore(deleted: Mapping[str, Any], what: str) -> Change:
    return Change(
        f"Restore {what} from the recycle bin",
        "POST",
        f"/directory/deletedItems/{deleted['id']}/restore",
        forbidden_case="registering_reserved",
        reread=True,
    )


def _plan_credential(
    desired: DesiredState, kind: str, actual: ActualState, local: LocalState, now: dt.datetime
) -> list[Change]:
    if kind == "federated":
        return _plan_federated(desired.federated_credential, actual)
    if kind == "secret":
        return [] if _has_secret(actual, local, now) else [_add_secret(desired, local, now)]
    if _has_certificate(actual, local, now):
        return []
    added = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": local.mark,
        "key": "{certificate}",
    }
    others = [key for key in actual.keys if not local.is_marked(key)]
    return [_set_keys("Add the certificate", others, added)]


def _set_keys(summary: str, kept: Iterable[dict[str, Any]], *added: dict[str, Any]) -> Change:
    """Replace the app's list of keys; Graph keeps a key whose content is sent back as null."""
    keys = [*({**key, "key": None} for key in kept), *added]
    return Change(summary, "PATCH", "/applications/{application}", {"keyCredentials": keys})


def _has_certificate(actual: ActualState, local: LocalState, now: dt.datetime) -> bool:
    return local.thumbprint is not None and any(
        read_thumbprint(key) == local.thumbprint and _lasts(key, now) for key in actual.keys
    )


def _has_secret(actual: ActualState, local: LocalState, now: dt.datetime) -> bool:
    return local.key_id is not None and any(
        password.get("keyId") == local.key_id and _lasts(password, now)
        for password in actual.passwords
    )


def _lasts(credential: Mapping[str, Any], now: dt.datetime) -> bool:
    try:
        expires_at = dt.datetime.fromisoformat(str(credential.get("endDateTime")))
    except ValueError:
        return True
    return expires_at.replace(tzinfo=expires_at.tzinfo or dt.UTC) - now > _LEAST_LEFT


def _add_secret(desired: DesiredState, local: LocalState, now: dt.datetime) -> Change:
    expires_at = (now + dt.timedelta(days=desired.days)).astimezone(dt.UTC)
    # Without an end Graph takes two years ("application: addPassword").
    password = {"displayName": local.mark, "endDateTime": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}"}
    return Change(
        "Add a client secret",
        "POST",
        "/applications/{application}/addPassword",
        {"passwordCredential": password},
        learns="secret",
    )


def _plan_federated(trusted: FederatedCredential | None, actual: ActualState) -> list[Change]:
    if trusted is None and not actual.federated_credentials:
        raise UsageError(
            "the app does not trust the tokens of any platform, and the settings do not name a "
            "platform",
            code="option_invalid",
            hint="Name the platform with --federated.",
        )
    present = {
        (credential.get("issuer"), credential.get("subject"))
        for credential in actual.federated_credentials
    }
    if trusted is None or (trusted.issuer, trusted.subject) in present:
        return []
    return [
        Change(
            f"Trust the tokens of {trusted.subject}",
            "POST",
            "/applications/{application}/federatedIdentityCredentials",
            {
                "name": trusted.name,
                "issuer": trusted.issuer,
                "subject": trusted.subject,
                # Graph takes exactly one (federatedIdentityCredential on learn.microsoft.com).
                "audiences": [AUDIENCE],
            },
        )
    ]


def _plan_consent(actual: ActualState, roles: Mapping[str, str]) -> Iterable[Change]:
    for name, role in roles.items():
        if role not in actual.granted:
            yield Change(
                f"Grant admin consent to {name}",
                "POST",
                f"/servicePrincipals/{actual.graph['id']}/appRoleAssignedTo",
                {"principalId": "{principal}", "resourceId": actual.graph["id"], "appRoleId": role},
                forbidden_case="consent_reserved",
            )
