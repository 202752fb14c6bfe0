"""The API that a token is for, and the last step of every app-only grant: the token."""

from dataclasses import dataclass

from entra_emulator.directory.directory import Directory
from entra_emulator.errors import refuse
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Tenant
from entra_emulator.tokens.app_claims import AppTokenFacts, describe_for_api, describe_for_graph
from entra_emulator.tokens.claims_challenge import NO_CLAIMS_REQUEST, ClaimsRequest
from entra_emulator.tokens.signing import sign_token
from entra_emulator.web.context import Context, is_guid, names_graph

_OPENID = {"openid", "profile", "offline_access", "email"}


@dataclass(frozen=True)
class Resource:
    """
    An API that tokens are for: its service principal in the client's tenant.

    The identifier is its client ID or an identifier URI, as the client wrote it. The version of the
    token format, 1 or 2, and the optional claims are those that the API's registration requests.
    """

    principal: Application
    identifier: str
    version: int
    optional_claims: frozenset[str]

    @property
    def is_graph(self) -> bool:
        """Whether it is Microsoft Graph."""
        return self.principal.app_id == GRAPH_APP_ID


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
        unset = _say_unset(context, tenant, identifier)
        raise refuse(500011, resource=identifier, tenant=tenant.display_name, unset=unset)
    registration = directory.applications.find_anywhere(principal.app_id)
    # Its owner can disable it for all tenants, and a tenant can disable it for itself.
    disabled = registration is not None and registration.record.get("isDisabled")
    if disabled or not principal.record["accountEnabled"]:
        raise refuse(500014, resource=identifier)
    if registration is None:  # Microsoft's own
        return Resource(principal, identifier, 1, frozenset())
    optional = (registration.record["optionalClaims"] or {}).get("accessToken", [])
    # An API that requests no version gets version 1.0 ("Access tokens").
    version = registration.record["api"]["requestedAccessTokenVersion"] or 1
    return Resource(principal, identifier, version, frozenset(c["name"] for c in optional))


def _say_unset(context: Context, tenant: Tenant, identifier: str) -> str:
    """Name the application that the caller probably means if its URI is not set; ours alone."""
    app_id = identifier.removeprefix("api://").lower()
    named = identifier.startswith("api://") and is_guid(app_id)
    application = context.directory.applications.find(tenant, app_id) if named else None
    if application is None:
        return ""
    uris = application.record["identifierUris"]
    state = f"has the Application ID URI {uris[0]}" if uris else "has no Application ID URI"
    return (
        f" The application '{application.display_name}' of this tenant {state}: set this one under "
        "Expose an API."
    )


def issue_app_token(
    context: Context,
    tenant: Tenant,
    principal: Application,
    resource: Resource,
    *,
    authentication: str,
    origin: str,
    claims_request: ClaimsRequest = NO_CLAIMS_REQUEST,
    lifetime: int | None = None,
    resource_id: str | None = None,
) -> tuple[str, AppTokenFacts]:
    """
    An app-only token with the app roles that are granted at this moment, and what it was made of.

    The principal is the service principal of a client that has authenticated in the way that
    `authentication` names. The origin is that of this token service, for issuers of version 2.0.
    The lifetime is in seconds; None chooses one at random. The resource ID is the Azure resource of
    a managed identity.

    Raises:
        TokenRefusal: 501051, the resource requires callers to be assigned, and this one is not;
            53003, a policy blocks it.
    """
    directory, api = context.directory, resource.principal
    policy = directory.token_policies.find(tenant, principal.app_id)
    if policy.blocked:
        raise refuse(53003)
    _check_assigned(directory, tenant, principal, api)
    now, handles_challenges = int(context.clock.now()), claims_request.handles_challenges
    facts = AppTokenFacts(
        tenant,
        principal,
        # "Access tokens": version 1.0 has what the client wrote, version 2.0 the API's client ID.
        resource.identifier if resource.version == 1 else api.app_id,
        directory.consents.list_granted_roles(tenant, principal.app_id, api.app_id),
        authentication,
        now,
        # A token issued within the second of a revocation must not count as revoked.
        max(now, claims_request.not_before, policy.revoked),
        # Only tokens for Graph live long, because Graph can challenge them before they expire.
        lifetime or context.draw_lifetime(handles_challenges and resource.is_graph),
        handles_challenges,
        resource_id,
    )
    issuer, optional = f"{origin}/{tenant.id}/v2.0", resource.optional_claims
    claims = (
        describe_for_graph(facts)
        if resource.is_graph
        else describe_for_api(facts, version=resource.version, issuer=issuer, optional=optional)
    )
    return sign_token(context.keys, claims), facts


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
