"""For whom a token is meant, and the token: the last steps of every app-only grant."""

from dataclasses import dataclass
from typing import Any

from entra_emulator.errors import refuse
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Tenant
from entra_emulator.tokens.app_claims import Facts, describe_for_api, describe_for_graph
from entra_emulator.tokens.claims_challenge import NO_WISH, Wish
from entra_emulator.tokens.signing import sign_token
from entra_emulator.web.context import Context, names_graph

_OPENID = {"openid", "profile", "offline_access", "email"}


@dataclass(frozen=True)
class Resource:
    """
    An API that tokens are for, by its service principal in the caller's tenant.

    Args:
        principal: that service principal.
        identifier: what the caller called it.
        version: of the token format it wants.
        optional_claims: what it wants tokens to say besides.
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
class Order:
    """
    A token to be issued.

    Args:
        tenant: in which directory.
        principal: to which service principal, which has proved itself.
        resource: for which API.
        proof: see `Facts`.
        origin: this token service's, for issuers of version 2.0.
        wish: see `read_wish`.
        lifetime: seconds; None draws one.
        resource_id: of a managed identity.
    """

    tenant: Tenant
    principal: Application
    resource: Resource
    proof: str
    origin: str
    wish: Wish = NO_WISH
    lifetime: int | None = None
    resource_id: str | None = None


@dataclass(frozen=True)
class Issued:
    """A token, when it was issued, when it begins, and how many seconds it lives."""

    token: str
    at: int
    begins: int
    lifetime: int

    @property
    def refresh_in(self) -> int | None:
        """
        After how many seconds to ask for the next: half the life of a long one.

        Short ones do not say; every library's limit is two hours.
        """
        return self.lifetime // 2 if self.lifetime >= 7200 else None


def read_scope(scope: str) -> str:
    """
    The resource of `{resource}/.default`, from which exactly that suffix is taken.

    A resource that ends in a slash keeps it ("scopes and permissions", Microsoft identity
    platform). The OpenID scopes that MSAL Go and Node add are no harm (recorded 2021-2024).

    Raises:
        OAuthFault: 90014, 1002012 or 70011.
    """
    if not scope.strip():
        raise refuse(90014, field="scope")
    asked = [value for value in scope.split() if value not in _OPENID]
    if not asked or not all(value.endswith("/.default") for value in asked):
        raise refuse(1002012, scope=scope)
    resources = {value.removesuffix("/.default") for value in asked}
    if len(resources) > 1 or "" in resources:
        raise refuse(70011, scope=scope)
    return resources.pop()


def find_resource(context: Context, tenant: Tenant, identifier: str) -> Resource:
    """
    The API of this appId or identifier URI in the tenant.

    Raises:
        OAuthFault: 500011, unknown there; 500014, its service principal is disabled.
    """
    directory = context.directory
    if names_graph(context, identifier):
        principal = directory.service_principals.find(tenant, GRAPH_APP_ID)
    else:
        principal = directory.service_principals.find_api(tenant, identifier)
    if principal is None:
        raise refuse(500011, resource=identifier, tenant=tenant.display_name)
    registration = directory.applications.find_anywhere(principal.app_id)
    off = registration is not None and registration.record.get("isDisabled")
    if off or not principal.record["accountEnabled"]:
        raise refuse(500014, resource=identifier)
    if registration is None:  # Microsoft's own
        return Resource(principal, identifier, 1, frozenset())
    optional = (registration.record["optionalClaims"] or {}).get("accessToken", [])
    version = registration.record["api"]["requestedAccessTokenVersion"] or 1
    return Resource(principal, identifier, version, frozenset(c["name"] for c in optional))


def issue_token_for(context: Context, order: Order) -> Issued:
    """
    Issue an app-only token, which holds what is granted at this moment.

    Raises:
        OAuthFault: 501051, the resource wants callers to be assigned, and this one is not;
            53003, a policy blocks it.
    """
    directory, tenant, principal = context.directory, order.tenant, order.principal
    resource = order.resource.principal
    standing = directory.token_policies.find(tenant, principal.app_id)
    if standing.blocked:
        raise refuse(53003)
    if resource.record["appRoleAssignmentRequired"] and not directory.consents.is_assigned(
        tenant, principal.app_id, resource.app_id
    ):
        raise refuse(
            501051,
            app=principal.app_id,
            name=principal.display_name,
            resource=resource.app_id,
            resource_name=resource.display_name,
        )
    issued = int(context.clock.now())
    able = order.wish.handles_challenges
    drawn = order.lifetime or context.draw_lifetime(able and order.resource.is_graph)
    facts = Facts(
        tenant,
        principal,
        _name_audience(order.resource),
        directory.consents.list_granted_roles(tenant, principal.app_id, resource.app_id),
        order.proof,
        issued,
        # Not before the last revocation, within the second of which it may be issued.
        max(issued, order.wish.begins, standing.revoked),
        drawn,
        able,
        order.resource_id,
    )
    token = sign_token(context.keys, _describe(facts, order))
    return Issued(token, issued, facts.begins, drawn)


def _name_audience(resource: Resource) -> str:
    """Version 1.0 says what was asked for, version 2.0 always the client ID."""
    return resource.identifier if resource.version == 1 else resource.principal.app_id


def _describe(facts: Facts, order: Order) -> dict[str, Any]:
    if order.resource.is_graph:
        return describe_for_graph(facts)
    return describe_for_api(
        facts,
        version=order.resource.version,
        issuer=f"{order.origin}/{order.tenant.id}/v2.0",
        optional=order.resource.optional_claims,
    )
