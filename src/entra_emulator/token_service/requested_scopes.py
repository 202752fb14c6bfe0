"""The scopes that a client requests for a user, and the consent that they need."""

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
    ScopeName,
    find_scope,
    is_restricted,
    split_scope,
)
from entra_emulator.token_service.app_grant import Resource, find_resource
from entra_emulator.web.context import Context


class ResourceScopes(NamedTuple):
    """
    The scopes requested of one resource.

    Args:
        written: the scopes as the client wrote them, `.default` included.
        records: the scopes named one by one, as the resource publishes them.
        default: whether `.default` is among them, which stands for everything that the client's
            registration requests, or that has been granted.
    """

    resource: Resource
    written: tuple[ScopeName, ...]
    records: tuple[Record, ...]
    default: bool


class RequestedScopes(NamedTuple):
    """A `scope` parameter: its text, its OpenID scopes, and the scopes of at least one resource."""

    text: str
    openid: frozenset[str]
    resources: tuple[ResourceScopes, ...]


class MissingConsent(NamedTuple):
    """Scopes of one resource that nobody has consented to yet."""

    resource: Application
    scopes: tuple[Record, ...]


def read_requested_scopes(
    context: Context, tenant: Tenant, client: Application, text: str
) -> RequestedScopes:
    """
    The scopes that a `scope` parameter requests in this tenant.

    If it has only OpenID scopes, the access token is for Microsoft Graph.

    Raises:
        TokenRefusal: 900144, it is empty; 500011, a resource does not exist; 650053, a scope does
            not exist.
    """
    if not text.strip():
        raise refuse(900144, field="scope")
    openid, named_scopes = split_scope(text)
    written: dict[str, list[ScopeName]] = {}
    resources: dict[str, Resource] = {}
    for named in named_scopes or (ScopeName("", "", ""),):
        resource = find_resource(context, tenant, named.resource or GRAPH_APP_ID)
        resources.setdefault(resource.principal.app_id, resource)
        written.setdefault(resource.principal.app_id, []).append(named)
    return RequestedScopes(
        text,
        openid,
        tuple(
            _find_records(resources[app_id], [named for named in names if named.text], client)
            for app_id, names in written.items()
        ),
    )


def require_one_resource(requested: RequestedScopes) -> ResourceScopes:
    """
    The scopes of the only resource that a token request may name.

    Raises:
        TokenRefusal: 28000, it names several.
    """
    if len(requested.resources) > 1:
        raise refuse(28000, scope=requested.text)
    return requested.resources[0]


def group_by_resource(
    context: Context, tenant: Tenant, requested: RequestedScopes
) -> dict[str, ResourceScopes]:
    """The requested scopes by the client ID of their resource; OpenID scopes belong to Graph."""
    groups = {scopes.resource.principal.app_id: scopes for scopes in requested.resources}
    graph = context.directory.service_principals.find(tenant, GRAPH_APP_ID)
    if requested.openid and graph is not None:
        scopes = groups.get(GRAPH_APP_ID) or ResourceScopes(
            Resource(graph, GRAPH_APP_ID, 1, frozenset()), (), (), default=False
        )
        openid = [find_scope(graph, name) for name in OPENID if name in requested.openid]
        records = tuple(record for record in openid if record is not None)
        groups[GRAPH_APP_ID] = scopes._replace(records=records + scopes.records)
    return groups


def find_missing_consents(
    context: Context,
    tenant: Tenant,
    client: Application,
    user_id: str,
    requested: RequestedScopes,
    *,
    anew: bool = False,
) -> list[MissingConsent]:
    """
    The scopes that somebody must consent to before the client may act for this user.

    `.default` requests the scopes in the registration only if no scope of the resource is granted
    yet ("Scopes and permissions", Microsoft identity platform).

    With `anew`, as for `prompt=consent`, scopes that are granted already are included.

    Raises:
        TokenRefusal: 65002, a client of Microsoft's own whose permissions are fixed.
    """
    directory = context.directory
    missing: list[MissingConsent] = []
    for app_id, scopes in group_by_resource(context, tenant, requested).items():
        granted = directory.consents.list_granted_scopes(tenant, client.app_id, user_id, app_id)
        records = list(scopes.records)
        if scopes.default and (anew or granted <= set(OPENID)):
            records += directory.applications.list_requested_scopes(tenant, client.app_id).get(
                app_id, []
            )
        by_name = {r["value"]: r for r in records if anew or r["value"] not in granted}
        if by_name:
            missing.append(MissingConsent(scopes.resource.principal, tuple(by_name.values())))
    # Microsoft's own clients need no consent, because their permissions are fixed.
    if list_preauthorized(client.app_id, GRAPH_APP_ID):
        for consent in missing:
            allowed = list_preauthorized(client.app_id, consent.resource.app_id)
            if not all(scope["value"] in allowed for scope in consent.scopes):
                raise refuse(65002, app=client.app_id, resource=consent.resource.app_id)
        return []
    return missing


def may_consent_to(
    context: Context, tenant: Tenant, user_id: str, missing: Iterable[MissingConsent]
) -> bool:
    """Whether the user may consent to all these scopes: with a role, or if none is restricted."""
    if may_consent_for_all(context, tenant, user_id):
        return True
    return not any(is_restricted(scope) for consent in missing for scope in consent.scopes)


def may_consent_for_all(context: Context, tenant: Tenant, user_id: str) -> bool:
    """Whether the user has a role that consents to scopes for everybody."""
    return may_consent(
        context.directory.role_members.list_roles(tenant, user_id), graph_roles=False
    )


def grant_consents(
    context: Context,
    tenant: Tenant,
    client: Application,
    missing: Iterable[MissingConsent],
    *,
    user_id: str | None,
) -> None:
    """Store the consent of a user, or with None the consent of an administrator for everybody."""
    with context.directory.transaction():
        for resource, scopes in missing:
            context.directory.consents.grant_scopes(
                tenant,
                client.app_id,
                [scope["value"] for scope in scopes],
                user=user_id,
                resource_app_id=resource.app_id,
            )


def render_scope(scopes: ResourceScopes, granted: Iterable[str]) -> str:
    """
    The `scope` of an answer: all granted scopes, and each requested scope as it was written.

    MSAL caches the token under these words, and searches for those of its request. The order is
    that of recorded answers; `offline_access` is not among them.
    """
    held = set(granted)
    one_by_one = [named for named in scopes.written if named.name != DEFAULT]
    texts = {r["value"]: n.text for r, n in zip(scopes.records, one_by_one, strict=True)}
    # Scopes that were not requested begin with the resource as the client wrote it.
    written = scopes.written[0].resource if scopes.written else ""
    prefix = f"{written.removesuffix('/')}/" if written else ""
    openid = [name for name in OPENID[:3] if name in held] if scopes.resource.is_graph else []
    others = sorted(held.difference(OPENID), key=str.casefold)
    names = [texts.get(name, f"{prefix}{name}") for name in others]
    defaults = [named.text for named in scopes.written if named.name == DEFAULT]
    return " ".join([*openid, *names, *defaults])


def _find_records(
    resource: Resource, written: list[ScopeName], client: Application
) -> ResourceScopes:
    """
    Look each scope up at its resource.

    Raises:
        TokenRefusal: 650053, it has no such scope.
    """
    records = []
    for named in written:
        if named.name == DEFAULT:
            continue
        record = find_scope(resource.principal, named.name)
        if record is None:
            app_id = resource.principal.app_id
            raise refuse(650053, name=client.display_name, scope=named.name, resource=app_id)
        records.append(record)
    default = len(records) < len(written)
    return ResourceScopes(resource, tuple(written), tuple(records), default)
