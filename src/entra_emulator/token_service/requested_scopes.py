"""What a client wants to do for a user: scopes with their resources, and whose consent it needs."""

from collections.abc import Iterable
from typing import NamedTuple

from entra_emulator.errors import refuse
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.directory_roles import may_consent
from entra_emulator.model.first_party_apps import list_preauthorized
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.model.scopes import (
    DEFAULT,
    OPENID,
    Named,
    find_scope,
    is_restricted,
    split_scope,
)
from entra_emulator.token_service.app_grant import Resource, find_resource
from entra_emulator.web.context import Context


class Aim(NamedTuple):
    """
    The scopes asked of one resource, as written and as the resource has them.

    `default`: whatever the client's registration asks for, or has been granted.
    """

    resource: Resource
    words: tuple[Named, ...]
    scopes: tuple[Record, ...]
    default: bool


class Aims(NamedTuple):
    """A whole `scope` parameter; there is always at least one aim."""

    text: str
    openid: frozenset[str]
    aims: tuple[Aim, ...]


class Wanted(NamedTuple):
    """The scopes asked of one resource, the OpenID ones included, which are Graph's."""

    principal: Application
    scopes: tuple[Record, ...]
    default: bool


class Missing(NamedTuple):
    """Scopes of one resource that nobody has consented to yet."""

    resource: Application
    scopes: tuple[Record, ...]


def read_aims(context: Context, tenant: Tenant, client: Application, text: str) -> Aims:
    """
    What a `scope` parameter asks for in this tenant.

    With OpenID scopes only, the access token is Microsoft Graph's.

    Raises:
        OAuthFault: 900144, empty; 500011, no such resource; 650053, no such scope.
    """
    if not text.strip():
        raise refuse(900144, field="scope")
    openid, named = split_scope(text)
    groups: dict[str, list[Named]] = {}
    resources: dict[str, Resource] = {}
    for word in named or (Named("", "", ""),):
        resource = find_resource(context, tenant, word.resource or GRAPH_APP_ID)
        resources.setdefault(resource.principal.app_id, resource)
        groups.setdefault(resource.principal.app_id, []).append(word)
    aims = tuple(
        _read_aim(resources[key], [word for word in words if word.text], client)
        for key, words in groups.items()
    )
    return Aims(text, openid, aims)


def check_single(aims: Aims) -> Aim:
    """
    The one aim of a token request.

    Raises:
        OAuthFault: 28000, there are several.
    """
    if len(aims.aims) > 1:
        raise refuse(28000, scope=aims.text)
    return aims.aims[0]


def list_wanted(context: Context, tenant: Tenant, aims: Aims) -> dict[str, Wanted]:
    """What is wanted of each resource; the OpenID scopes are Graph's."""
    wanted = {
        aim.resource.principal.app_id: Wanted(aim.resource.principal, aim.scopes, aim.default)
        for aim in aims.aims
    }
    graph = context.directory.service_principals.find(tenant, GRAPH_APP_ID)
    if aims.openid and graph is not None:
        found = (find_scope(graph, name) for name in OPENID if name in aims.openid)
        openid = tuple(scope for scope in found if scope is not None)
        held = wanted.get(GRAPH_APP_ID, Wanted(graph, (), False))
        wanted[GRAPH_APP_ID] = held._replace(scopes=openid + held.scopes)
    return wanted


def find_missing(
    context: Context,
    tenant: Tenant,
    client: Application,
    user_id: str,
    aims: Aims,
    *,
    anew: bool = False,
) -> list[Missing]:
    """
    What somebody has to consent to before the client may act so for this user.

    `.default` asks for the registration's scopes only if nothing of the resource
    is granted yet ("Scopes and permissions", Microsoft identity platform).

    With `anew` what is granted already is among it, as `prompt=consent` wants.

    Raises:
        OAuthFault: 65002, a client of Microsoft's own whose permissions are fixed.
    """
    directory = context.directory
    found: list[Missing] = []
    for resource, wanted in list_wanted(context, tenant, aims).items():
        granted = directory.consents.list_granted_scopes(tenant, client.app_id, user_id, resource)
        scopes = list(wanted.scopes)
        if wanted.default and (anew or granted <= set(OPENID)):
            scopes += directory.applications.list_requested_scopes(tenant, client.app_id).get(
                resource, []
            )
        chosen = {s["value"]: s for s in scopes if anew or s["value"] not in granted}
        if chosen:
            found.append(Missing(wanted.principal, tuple(chosen.values())))
    if list_preauthorized(client.app_id, GRAPH_APP_ID):
        unknown = [m for m in found if not _is_preauthorized(client, m)]
        if unknown:
            raise refuse(65002, app=client.app_id, resource=unknown[0].resource.app_id)
        return []
    return found


def may_agree(context: Context, tenant: Tenant, user_id: str, missing: Iterable[Missing]) -> bool:
    """Whether the user may consent to all of that: with a role, or if nothing is restricted."""
    if may_agree_for_all(context, tenant, user_id):
        return True
    return not any(is_restricted(scope) for one in missing for scope in one.scopes)


def may_agree_for_all(context: Context, tenant: Tenant, user_id: str) -> bool:
    """Whether the user has a role that consents to scopes for everybody."""
    return may_consent(
        context.directory.role_members.list_roles(tenant, user_id), graph_roles=False
    )


def grant_missing(
    context: Context,
    tenant: Tenant,
    client: Application,
    missing: Iterable[Missing],
    *,
    user_id: str | None,
) -> None:
    """Write down a user's consent, or with None an administrator's for everybody."""
    with context.directory.transaction():
        for resource, scopes in missing:
            context.directory.consents.grant_scopes(
                tenant,
                client.app_id,
                [scope["value"] for scope in scopes],
                user=user_id,
                resource_app_id=resource.app_id,
            )


def render_scope(aim: Aim, granted: Iterable[str]) -> str:
    """
    The `scope` of an answer: everything granted, and each scope asked for as it was written.

    MSAL files the token under these words, and looks for those it asked with.
    The order is that of recorded answers; `offline_access` is not among them.
    """
    held = set(granted)
    asked = {scope["value"]: word.text for scope, word in zip(aim.scopes, _named(aim), strict=True)}
    prefix = _prefix(aim)
    openid = [name for name in OPENID[:3] if name in held] if aim.resource.is_graph else []
    others = sorted(held.difference(OPENID), key=str.casefold)
    names = [asked.get(name, f"{prefix}{name}") for name in others]
    return " ".join([*openid, *names, *(w.text for w in aim.words if w.name == DEFAULT)])


def _is_preauthorized(client: Application, missing: Missing) -> bool:
    allowed = list_preauthorized(client.app_id, missing.resource.app_id)
    return all(scope["value"] in allowed for scope in missing.scopes)


def _read_aim(resource: Resource, words: list[Named], client: Application) -> Aim:
    scopes = []
    for word in words:
        if word.name == DEFAULT:
            continue
        scope = find_scope(resource.principal, word.name)
        if scope is None:
            raise refuse(
                650053,
                name=client.display_name,
                scope=word.name,
                resource=resource.principal.app_id,
            )
        scopes.append(scope)
    return Aim(resource, tuple(words), tuple(scopes), any(w.name == DEFAULT for w in words))


def _named(aim: Aim) -> list[Named]:
    return [word for word in aim.words if word.name != DEFAULT]


def _prefix(aim: Aim) -> str:
    """What stands before scopes that were not asked for: the resource as the client wrote it."""
    for word in aim.words:
        return f"{word.resource.removesuffix('/')}/" if word.resource else ""
    return ""
