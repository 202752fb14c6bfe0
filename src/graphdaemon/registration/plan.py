"""What differs between what is wanted and what was found, as the requests that put it right."""

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from graphdaemon.auth.kinds.federated import AUDIENCE
from graphdaemon.errors import UsageError
from graphdaemon.registration.actual import GRAPH_APP_ID, Found
from graphdaemon.registration.change import Change
from graphdaemon.registration.desired import DEFAULT_PERMISSION, Trust, Wish
from graphdaemon.registration.local_files import Held
from graphdaemon.registration.own_keys import thumbprint_of

# A credential with less left than this is as good as ended.
_LEAST = dt.timedelta(hours=1)


class Plan(NamedTuple):
    """
    What to do.

    Attributes:
        kind: Of the credential.
        roles: IDs of the app roles the app is to hold, by name.
        before: What is done before the settings are written.
        after: What no settings need any more.
    """

    kind: str
    roles: Mapping[str, str]
    before: tuple[Change, ...]
    after: tuple[Change, ...]


def plan_changes(wish: Wish, found: Found, held: Held, now: dt.datetime) -> Plan:
    """
    Work out what is missing, in the order in which it can be made.

    Args:
        wish: What is wanted.
        found: What the directory has.
        held: What the files here have.
        now: The time, with its zone.

    Raises:
        UsageError: A permission is not one of Graph's.
    """
    kind = wish.kind or held.kind or "certificate"
    roles = _choose_roles(wish, found)
    if found.application is None and found.deleted is not None:
        return Plan(kind, roles, (_restore(found.deleted, "the app"),), ())
    before = (
        *_plan_application(wish, found, roles),
        *_plan_principal(found),
        *_plan_credential(wish, kind, found, held, now),
        *_plan_consent(found, roles),
    )
    return Plan(kind, roles, before, tuple(plan_removals(kind, found, held, now)))


def needs_key(kind: str, held: Held, now: dt.datetime) -> bool:
    """Whether a key has to be made here: there is none, or its certificate has ended."""
    ended = held.ends_at is not None and held.ends_at - now.timestamp() < _LEAST.total_seconds()
    return kind == "certificate" and (held.thumbprint is None or ended)


def is_contradicted(found: Found, held: Held) -> bool:
    """Whether the settings here have what the directory has lost, or does not know yet."""
    if held.kind is None:
        return False
    keys = {thumbprint_of(key) for key in found.keys}
    secrets = {one.get("keyId") for one in found.passwords}
    return (
        found.principal is None
        or (held.kind == "certificate" and held.thumbprint not in keys)
        or (held.kind == "secret" and held.key_id not in secrets)
    )


def plan_removals(kind: str, found: Found, held: Held, now: dt.datetime) -> list[Change]:
    """What was added from here, and is in no file here: a run that broke off leaves it behind."""
    return [*_drop_secrets(kind, found, held, now), *_drop_keys(kind, found, held, now)]


def _choose_roles(wish: Wish, found: Found) -> dict[str, str]:
    offered = {
        str(role["value"]): str(role["id"])
        for role in found.graph.get("appRoles") or ()
        if role.get("isEnabled") and "Application" in role.get("allowedMemberTypes", ())
    }
    names = {number: name for name, number in offered.items()}
    asked = [names[number] for number in _list_asked(found) if number in names]
    wanted = wish.permissions or tuple(asked) or (DEFAULT_PERMISSION,)
    return dict(_find_role(name, offered) for name in wanted)


def _find_role(name: str, offered: Mapping[str, str]) -> tuple[str, str]:
    folded = {known.casefold(): known for known in offered}
    known = folded.get(name.casefold())
    if known is not None:
        return known, offered[known]
    near = difflib.get_close_matches(name.casefold(), folded, n=3)
    raise UsageError(
        f"Microsoft Graph has no application permission {name!r}",
        code="option_invalid",
        hint=f"Did you mean {', '.join(folded[one] for one in near)}?"
        if near
        else "Look it up under API permissions > Microsoft Graph > Application permissions; "
        "delegated ones are of no use without a user.",
    )


def _list_asked(found: Found) -> list[str]:
    """IDs of the app roles of Graph that the registration asks for."""
    return [
        str(access.get("id"))
        for resource in (found.application or {}).get("requiredResourceAccess") or ()
        if resource.get("resourceAppId") == GRAPH_APP_ID
        for access in resource.get("resourceAccess") or ()
        if access.get("type") == "Role"
    ]


def _plan_application(wish: Wish, found: Found, roles: Mapping[str, str]) -> list[Change]:
    body: dict[str, Any] = {}
    application = found.application or {}
    tags = list(application.get("tags") or ())
    if wish.tag not in tags:
        body["tags"] = [*tags, wish.tag]
    if not set(roles.values()) <= set(_list_asked(found)):
        body["requiredResourceAccess"] = _ask_for(application, roles)
    if found.application is not None:
        words = f"Repair the app's registration ({' and '.join(body)})"
        return [Change(words, "PATCH", "/applications/{application}", body)] if body else []
    return [
        Change(
            f"Register the app {wish.name}",
            "PATCH",
            f"/applications(uniqueName='{wish.unique_name}')",
            {"displayName": wish.name, "signInAudience": "AzureADMyOrg", **body},
            learns="application",
            create=True,
            right="registering_reserved",
        )
    ]


def _ask_for(application: Mapping[str, Any], roles: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the registration asks for, and these app roles of Graph besides."""
    asked = [dict(one) for one in application.get("requiredResourceAccess") or ()]
    graph = next((one for one in asked if one.get("resourceAppId") == GRAPH_APP_ID), None)
    if graph is None:
        graph = {"resourceAppId": GRAPH_APP_ID, "resourceAccess": []}
        asked.append(graph)
    access = list(graph.get("resourceAccess") or ())
    known = {one.get("id") for one in access if one.get("type") == "Role"}
    wanted = [{"id": role, "type": "Role"} for role in roles.values() if role not in known]
    graph["resourceAccess"] = access + wanted
    return asked


def _plan_principal(found: Found) -> list[Change]:
    if found.principal is None and found.deleted_principal is not None:
        return [_restore(found.deleted_principal, "its service principal")]
    if found.principal is None:
        return [
            Change(
                "Bring it into the tenant: make its service principal",
                "POST",
                "/servicePrincipals",
                {"appId": "{client_id}"},
                learns="principal",
            )
        ]
    if found.principal.get("accountEnabled") is False:
        return [
            Change(
                "Switch its service principal on",
                "PATCH",
                "/servicePrincipals/{principal}",
                {"accountEnabled": True},
            )
        ]
    return []


def _restore(deleted: Mapping[str, Any], what: str) -> Change:
    return Change(
        f"Bring {what} back from the recycle bin",
        "POST",
        f"/directory/deletedItems/{deleted['id']}/restore",
        right="registering_reserved",
        again=True,
    )


def _plan_credential(
    wish: Wish, kind: str, found: Found, held: Held, now: dt.datetime
) -> list[Change]:
    if kind == "federated":
        return _plan_trust(wish.trust, found)
    if kind == "secret":
        return [] if _has_secret(found, held, now) else [_add_secret(wish, held, now)]
    if _has_certificate(found, held, now):
        return []
    return [
        Change(
            "Add the certificate",
            "PATCH",
            "/applications/{application}",
            {"keyCredentials": [*_kept_keys(found, held), _describe_key(held)]},
        )
    ]


def _has_certificate(found: Found, held: Held, now: dt.datetime) -> bool:
    return held.thumbprint is not None and any(
        thumbprint_of(key) == held.thumbprint and _lasts(key, now) for key in found.keys
    )


def _has_secret(found: Found, held: Held, now: dt.datetime) -> bool:
    return held.key_id is not None and any(
        one.get("keyId") == held.key_id and _lasts(one, now) for one in found.passwords
    )


def _lasts(credential: Mapping[str, Any], now: dt.datetime) -> bool:
    try:
        end = dt.datetime.fromisoformat(str(credential.get("endDateTime")))
    except ValueError:
        return True
    return end - now > _LEAST


def _describe_key(held: Held) -> dict[str, Any]:
    return {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": held.mark,
        "key": "{certificate}",
    }


def _kept_keys(found: Found, held: Held) -> list[dict[str, Any]]:
    """The keys that are none of ours, as Graph takes them back: it has the key itself."""
    return [{**key, "key": None} for key in found.keys if not held.is_marked(key)]


def _add_secret(wish: Wish, held: Held, now: dt.datetime) -> Change:
    end = (now + dt.timedelta(days=wish.days)).astimezone(dt.UTC)
    password = {"displayName": held.mark, "endDateTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    return Change(
        "Add a client secret",
        "POST",
        "/applications/{application}/addPassword",
        {"passwordCredential": password},
        learns="secret",
    )


def _plan_trust(trust: Trust | None, found: Found) -> list[Change]:
    if trust is None and not found.trusts:
        raise UsageError(
            "the app trusts nobody's tokens, and the settings do not say whose it should",
            code="option_invalid",
            hint="Say so with --federated.",
        )
    if trust is None or any(_same_trust(one, trust) for one in found.trusts):
        return []
    return [
        Change(
            f"Trust the tokens of {trust.subject}",
            "POST",
            "/applications/{application}/federatedIdentityCredentials",
            {
                "name": trust.name,
                "issuer": trust.issuer,
                "subject": trust.subject,
                "audiences": [AUDIENCE],
            },
        )
    ]


def _same_trust(one: Mapping[str, Any], trust: Trust) -> bool:
    return (one.get("issuer"), one.get("subject")) == (trust.issuer, trust.subject)


def _plan_consent(found: Found, roles: Mapping[str, str]) -> Iterable[Change]:
    for name, role in roles.items():
        if role not in found.granted:
            yield Change(
                f"Grant admin consent to {name}",
                "POST",
                f"/servicePrincipals/{found.graph['id']}/appRoleAssignedTo",
                {
                    "principalId": "{principal}",
                    "resourceId": found.graph["id"],
                    "appRoleId": role,
                },
                right="consent_reserved",
            )


def _drop_secrets(kind: str, found: Found, held: Held, now: dt.datetime) -> Iterable[Change]:
    used = held.key_id if kind == "secret" and _has_secret(found, held, now) else None
    for one in found.passwords:
        if held.is_marked(one) and one.get("keyId") != used:
            yield Change(
                "Remove a secret that no file here holds",
                "POST",
                "/applications/{application}/removePassword",
                {"keyId": one["keyId"]},
            )


def _drop_keys(kind: str, found: Found, held: Held, now: dt.datetime) -> Iterable[Change]:
    certified = kind == "certificate"
    if certified and not _has_certificate(found, held, now):
        return  # the request that adds the certificate leaves these out
    used = held.thumbprint if certified else None
    orphans = [one for one in found.keys if held.is_marked(one) and thumbprint_of(one) != used]
    if orphans:
        kept = [{**one, "key": None} for one in found.keys if one not in orphans]
        yield Change(
            "Remove a certificate whose key no file here holds",
            "PATCH",
            "/applications/{application}",
            {"keyCredentials": kept},
        )
