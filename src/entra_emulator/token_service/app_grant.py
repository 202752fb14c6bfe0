"""The API that a token is for, and the last step of every app-only grant: the token."""

from dataclasses import dataclass
from typing import Any

from entra_emulator.directory.directory import Directory
from entra_emulator.errors import refuse
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Tenant
from entra_emulator.tokens.app_claims import AppTokenFacts, describe_for_api, describe_for_graph
from entra_emulator.tokens.claims_challenge import NO_CLAIMS_REQUEST, ClaimsRequest
from entra_emulator.tokens.signing import sign_token
from entra_emulator.web.context import Context, names_graph

_OPENID = {"openid", "profile", "offline_access", "email"}


@dataclass(frozen=True)
class Resource:
    """
    An API that tokens are for.

    Args:
        principal: its service principal in the client's tenant.
        identifier: its client ID or identifier URI, as the client wrote it.
        version: of the token format that it wants, 1 or 2.
        optional_claims: the names of further claims that it wants.
    """

    principal: Application
    identifier: str
    version: int
    optional_claims: frozenset[str]

    @property
    def is_graph(self) -> bool:
        """Whether it is Microsoft Graph."""
        return self.principal.app_id == GRAPH_APP_ID


@dataclass(frozen=True)
class AppGrant:
    """
    A grant of an app-only token to a client that has authenticated.

    Args:
        tenant: in whose directory.
        principal: the client's service principal there.
        resource: the API that the token is for.
        authentication: see `AppTokenFacts`.
        origin: this token service's, for issuers of version 2.0.
        claims_request: what the client asks of the token.
        lifetime: seconds; None draws one.
        resource_id: of a managed identity, the Azure resource.
    """

    tenant: Tenant
    principal: Application
    resource: Resource
    authentication: str
    origin: str
    claims_request: ClaimsRequest = NO_CLAIMS_REQUEST
    lifetime: int | None = None
    resource_id: str | None = None


@dataclass(frozen=True)
class IssuedToken:
    """A token, its first two times in seconds since 1970, and its lifetime in seconds."""

    token: str
    issued_at: int
    not_before: int
    lifetime: int


def read_default_scope(scope: str) -> str:
    """
    The resource that the scope `{resource}/.default` names.

    A resource that ends in a slash keeps it ("scopes and permissions", Microsoft identity
    platform). The OpenID scopes that MSAL Go and Node add are ignored (recorded 2021-2024).

    Raises:
        TokenRefusal: 90014, 1002012 or 70011.
    """
    if not scope.strip():
        raise refuse(90014, field="scope")
    scopes = [value for value in scope.split() if value not in _OPENID]
    if not scopes or not all(value.endswith("/.default") for value in scopes):
        raise refuse(1002012, scope=scope)
    resources = {value.removesuffix("/.default") for value in scopes}
    if len(resources) > 1 or "" in resources:
        raise refuse(70011, scope=scope)
    return resources.pop()


def find_resource(context: Context, tenant: Tenant, identifier: str) -> Resource:
    """
    The API with this client ID or identifier URI in the tenant.

    Raises:
        TokenRefusal: 500011, unknown there; 500014, its service principal is disabled.
    """
    directory = context.directory
    if names_graph(context, identifier):
        principal = directory.service_principals.find(tenant, GRAPH_APP_ID)
    else:
        principal = directory.service_principals.find_api(tenant, identifier)
    if principal is None:
        raise refuse(500011, resource=identifier, tenant=tenant.display_name)
    registration = directory.applications.find_anywhere(principal.app_id)
    disabled = registration is not None and registration.record.get("isDisabled")
    if disabled or not principal.record["accountEnabled"]:
        raise refuse(500014, resource=identifier)
    if registration is None:  # Microsoft's own
        return Resource(principal, identifier, 1, frozenset())
    optional = (registration.record["optionalClaims"] or {}).get("accessToken", [])
    version = registration.record["api"]["requestedAccessTokenVersion"] or 1
    return Resource(principal, identifier, version, frozenset(c["name"] for c in optional))


def issue_app_token(context: Context, grant: AppGrant) -> IssuedToken:
    """
    Issue an app-only token with the app roles that are granted at this moment.

    Raises:
        TokenRefusal: 501051, the resource wants callers to be assigned, and this one is not;
            53003, a policy blocks it.
    """
    directory, tenant, principal = context.directory, grant.tenant, grant.principal
    resource = grant.resource.principal
    policy = directory.token_policies.find(tenant, principal.app_id)
    if policy.blocked:
        raise refuse(53003)
    _check_assigned(directory, tenant, principal, resource)
    now = int(context.clock.now())
    handles_challenges = grant.claims_request.handles_challenges
    lifetime = grant.lifetime or context.draw_lifetime(
        handles_challenges and grant.resource.is_graph
    )
    facts = AppTokenFacts(
        tenant,
        principal,
        _name_audience(grant.resource),
        directory.consents.list_granted_roles(tenant, principal.app_id, resource.app_id),
        grant.authentication,
        now,
        # A token issued within the second of a revocation must not count as revoked.
        max(now, grant.claims_request.not_before, policy.revoked),
        lifetime,
        handles_challenges,
        grant.resource_id,
    )
    token = sign_token(context.keys, _describe(facts, grant))
    return IssuedToken(token, now, facts.not_before, lifetime)


def _check_assigned(
    directory: Directory, tenant: Tenant, principal: Application, resource: Application
) -> None:
    if not resource.record["appRoleAssignmentRequired"]:
        return
    if not directory.consents.is_assigned(tenant, principal.app_id, resource.app_id):
        raise refuse(
            501051,
            app=principal.app_id,
            name=principal.display_name,
            resource=resource.app_id,
            resource_name=resource.display_name,
        )


def _name_audience(resource: Resource) -> str:
    """The audience is what the client wrote in version 1.0, in version 2.0 always the client ID."""
    return resource.identifier if resource.version == 1 else resource.principal.app_id


def _describe(facts: AppTokenFacts, grant: AppGrant) -> dict[str, Any]:
    if grant.resource.is_graph:
        return describe_for_graph(facts)
    return describe_for_api(
        facts,
        version=grant.resource.version,
        issuer=f"{grant.origin}/{grant.tenant.id}/v2.0",
        optional=grant.resource.optional_claims,
    )
