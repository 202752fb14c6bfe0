"""
The grants of a client with a user: authorization code, device code and refresh token.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow",
"… device authorization grant flow", "Refresh tokens in the Microsoft identity platform".
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from entra_emulator.clock import format_iso
from entra_emulator.directory.tickets import Ticket, seal
from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.model.first_party_apps import is_in_family
from entra_emulator.model.records import Application
from entra_emulator.token_service.client_authentication import (
    TokenRequest,
    authenticate_client,
    is_public_client,
    read_client_credentials,
)
from entra_emulator.token_service.requested_scopes import (
    RequestedScopes,
    ResourceScopes,
    find_missing_consents,
    read_requested_scopes,
    render_scope,
    require_one_resource,
)
from entra_emulator.token_service.user_clients import (
    find_user_client,
    make_token_facts,
    refuse_other_tenant,
)
from entra_emulator.tokens.app_claims import PUBLIC_CLIENT
from entra_emulator.tokens.claims_challenge import ClaimsRequest, read_claims_request
from entra_emulator.tokens.jwt import encode_base64url
from entra_emulator.tokens.signing import describe_refresh, sign_token
from entra_emulator.tokens.user_claims import (
    UserTokenFacts,
    describe_access_token,
    describe_id_token,
    render_client_info,
)
from entra_emulator.web.browser import list_redirects, matches_redirect

DAY = 86_400.0
# "Refresh tokens in the Microsoft identity platform": they last for 90 days without use. Here those
# of single-page applications do too, which have 24 hours there.
REFRESH_LIFETIME = 90 * DAY
# A poll is accepted after this part of `interval`, because clocks and networks are not exact.
EARLY = 0.8


@dataclass(frozen=True)
class UserGrant:
    """
    A valid grant: who signed in when, in seconds since 1970, and to which client.

    The scope is the one requested when the code was made, or the first token.
    """

    request: TokenRequest
    facts: UserTokenFacts
    signed_in_at: float
    scope: str
    nonce: str | None

    @property
    def issuer(self) -> str:
        """The issuer of tokens of version 2.0."""
        return f"{self.request.origin}/{self.facts.tenant.id}/v2.0"


def grant_authorization_code(request: TokenRequest) -> dict[str, Any]:
    """Tokens for the code that the authorization endpoint gave the client."""
    client = _find_client(request)
    code, redirect_uri = (_require(request, name) for name in ("code", "redirect_uri"))
    # The platform that the redirect URI belongs to tells whether the client is public.
    native = list_redirects(client, "publicClient")
    public = any(matches_redirect(uri, redirect_uri) for uri in native)
    authentication = _authenticate(request, client, public=public)
    key, directory = seal("code", code), request.context.directory
    # In one transaction, so that of two requests with the same code one is refused.
    with directory.transaction():
        ticket = directory.tickets.find(key)
        if ticket is None:
            raise refuse(9002313, error="invalid_grant")
        # A refusal here does not use the code up, so that a mistake does not cost a new sign-in.
        _check_code(request, client, ticket)
        directory.tickets.change(key, {"used": True})
    return _answer(_make_grant(request, client, authentication, ticket.doc))


def grant_device_code(request: TokenRequest) -> dict[str, Any]:
    """Tokens for a device whose user has approved; until then, `authorization_pending`."""
    client = _find_client(request)
    # The endpoint of version 1.0 calls it `code`; MSAL Python sends both.
    code = request.form.get("device_code") or request.form.get("code")
    if not code:
        raise refuse(900144, field="device_code")
    authentication = _authenticate(request, client, public=_may_be_public(client))
    key, directory = seal("device", code), request.context.directory
    with directory.transaction():
        ticket = directory.tickets.find(key)
        if ticket is None or ticket.doc["client"] != client.app_id:
            raise refuse(70018)
        refusal = _poll(request, key, ticket)
    if refusal is not None:  # raised here, so that the transaction keeps what the poll changed
        raise refusal
    return _answer(_make_grant(request, client, authentication, ticket.doc))


def grant_refresh_token(request: TokenRequest) -> dict[str, Any]:
    """New tokens, and a new refresh token, for a refresh token, which stays valid."""
    client = _find_client(request)
    secret = _require(request, "refresh_token")
    ticket = request.context.directory.tickets.find(seal("refresh", secret))
    public = bool(ticket and ticket.doc["public"]) or _may_be_public(client)
    authentication = _authenticate(request, client, public=public)
    if ticket is None:
        raise refuse(9002313, error="invalid_grant")  # recorded 2025
    doc = ticket.doc
    # Microsoft's own command lines share refresh tokens: MSAL's family of client IDs.
    shared = doc["family"] and is_in_family(client.app_id)
    if doc["client"] != client.app_id and not shared:
        raise refuse(700007)
    if request.context.clock.now() >= ticket.expires:
        raise refuse(700082, issued=format_iso(doc["issued"], 7))
    grant = _make_grant(request, client, authentication, doc, issued_at=doc["issued"])
    return _answer(grant, refreshing=True)


def _find_client(request: TokenRequest) -> Application:
    # Only ADAL requested tokens of users there; today's libraries do not.
    if request.version == 1:
        raise refuse(70003, grant=request.form["grant_type"])
    return find_user_client(request.context, request.tenant, read_client_credentials(request)[0])


def _require(request: TokenRequest, name: str) -> str:
    value = request.form.get(name)
    if not value:
        raise refuse(900144, field=name)
    return value


def _may_be_public(client: Application) -> bool:
    """Whether flows without a redirect need no credential ("Allow public client flows")."""
    return bool(client.record["isFallbackPublicClient"])


def _authenticate(request: TokenRequest, client: Application, *, public: bool) -> str:
    """
    Authenticate the client, unless it may be public and its request has no credential.

    Raises:
        TokenRefusal: 7000218, it must send a credential; 700025, it must not; or see
            `authenticate_client`.
    """
    _, secret = read_client_credentials(request)
    if not secret and not request.form.get("client_assertion"):
        if public:
            return PUBLIC_CLIENT
        raise refuse(7000218)
    directory = request.context.directory
    registered = directory.applications.find_anywhere(client.app_id) is not None
    must_be_public = not registered or is_public_client(directory, client)
    if must_be_public or (public and not _may_be_public(client)):
        raise refuse(700025)
    return authenticate_client(request, client, secret)


def _check_code(request: TokenRequest, client: Application, ticket: Ticket) -> None:
    doc, form = ticket.doc, request.form
    if doc["client"] != client.app_id:
        raise refuse(700007)
    if doc["used"]:
        raise refuse(54005)
    if request.context.clock.now() >= ticket.expires:
        raise refuse(70008)
    home = request.context.directory.tenants.find(doc["tenant"])
    if request.tenant != (None if doc["shared"] else home):
        raise refuse(700005)
    if form["redirect_uri"] != doc["redirect_uri"]:
        raise refuse(500112, uri=form["redirect_uri"], expected=doc["redirect_uri"])
    _check_verifier(form.get("code_verifier"), doc)


def _check_verifier(verifier: str | None, doc: Mapping[str, Any]) -> None:
    """Proof Key for Code Exchange (RFC 7636, 4.6)."""
    challenge = doc["challenge"]
    if challenge is None:
        if verifier:  # somebody took the challenge out of the request (RFC 9700, 4.8.2)
            raise refuse(501481)
        return
    if not verifier:
        raise refuse(50148)
    answer = verifier
    if doc["method"] == "S256":
        answer = encode_base64url(sha256(verifier.encode()).digest())
    if not secrets.compare_digest(answer.encode(), challenge.encode()):
        raise refuse(501481)


def _poll(request: TokenRequest, key: str, ticket: Ticket) -> TokenRefusal | None:
    """Why the device gets no tokens yet, or never; None if it gets them now, which happens once."""
    doc, now, directory = ticket.doc, request.context.clock.now(), request.context.directory
    if now >= ticket.expires:
        return refuse(70020)
    tenant_id = request.tenant.id if request.tenant else None
    if tenant_id != doc["asked_tenant"]:
        return refuse(700005)
    if doc["state"] == "declined":
        return refuse(700171)
    if doc["state"] == "approved":
        directory.tickets.change(key, {"state": "used"})
        return None
    # Chosen: what the service answers to a code that has been redeemed is not known.
    if doc["state"] == "used":
        return refuse(70018)
    polled, interval = doc["polled"], doc["interval"]
    too_early = polled is not None and now - polled < interval * EARLY
    # RFC 8628, 3.5: five seconds more from now on.
    directory.tickets.change(key, {"polled": now, "interval": interval + 5 * too_early})
    return refuse(70016, error="slow_down") if too_early else refuse(70016)


def _make_grant(
    request: TokenRequest,
    client: Application,
    authentication: str,
    doc: Mapping[str, Any],
    *,
    issued_at: float | None = None,
) -> UserGrant:
    """
    The grant of a code or a refresh token, if its user's sign-in still counts.

    Args:
        request: the request for a token.
        client: the client that has authenticated, or is public.
        authentication: how it has authenticated.
        doc: the data that were stored with the code or the refresh token.
        issued_at: when the refresh token was made; by default when the user signed in.

    Raises:
        TokenRefusal: 50034, the user was deleted; 50057, is disabled; 50020, is not in this tenant;
            50173, the sign-in was revoked.
    """
    directory = request.context.directory
    tenant = directory.tenants.find(doc["tenant"])
    user = directory.users.find(tenant, doc["user"]) if tenant else None
    if tenant is None or user is None:
        raise refuse(50034, user=doc["user"], tenant=tenant.id if tenant else doc["tenant"])
    request.notes.user = (tenant.id, user["id"])
    if not user.get("accountEnabled", True):
        raise refuse(50057)
    # A user could be a guest of the other tenant; in the emulator, nobody has a second account.
    if request.tenant is not None and request.tenant != tenant:
        raise refuse_other_tenant(user, tenant, request.tenant, client.app_id, client)
    issued_at = doc["at"] if issued_at is None else issued_at
    valid_from = directory.users.read_valid_from(tenant, user["id"])
    if issued_at <= valid_from:
        dates = {"issued": format_iso(issued_at, 7), "valid_from": format_iso(valid_from, 7)}
        raise refuse(50173, **dates)
    facts = make_token_facts(request.context, tenant, user, client, authentication)
    return UserGrant(request, facts, doc["at"], doc["scope"], doc.get("nonce"))


def _answer(grant: UserGrant, *, refreshing: bool = False) -> dict[str, Any]:
    """The answer, its keys in the recorded order (Azure/azure-sdk-for-js, device code, 2021)."""
    form, context = grant.request.form, grant.request.context
    requested, scopes = _read_scopes(grant)
    facts = grant.facts
    granted = _check_consent(grant, requested, scopes)
    claims_request = read_claims_request(form.get("claims"), context.clock.now())
    content = _issue_access_token(grant, scopes, granted, claims_request)
    if refreshing or "offline_access" in requested.openid:
        content["refresh_token"] = _keep_refresh_token(grant, requested)
        if is_in_family(facts.client.app_id):
            content["foci"] = "1"
    if "openid" in requested.openid:
        claims = describe_id_token(
            facts, issuer=grant.issuer, openid=requested.openid, nonce=grant.nonce
        )
        content["id_token"] = sign_token(context.keys, claims)
    if form.get("client_info") == "1":
        content["client_info"] = render_client_info(facts.tenant, facts.user["id"])
    return content


def _read_scopes(grant: UserGrant) -> tuple[RequestedScopes, ResourceScopes]:
    """
    The scopes that this request names, or else those of the first resource of the first request.

    Raises:
        TokenRefusal: see `read_requested_scopes` and `require_one_resource`.
    """
    context, named = grant.request.context, grant.request.form.get("scope", "").strip()
    facts = grant.facts
    requested = read_requested_scopes(context, facts.tenant, facts.client, named or grant.scope)
    scopes = require_one_resource(requested) if named else requested.resources[0]
    return requested._replace(resources=(scopes,)), scopes


def _check_consent(
    grant: UserGrant, requested: RequestedScopes, scopes: ResourceScopes
) -> frozenset[str]:
    """
    Every scope of the resource that the client has for this user.

    Raises:
        TokenRefusal: 65001, not all requested scopes are granted; 650057, none is.
    """
    context, tenant, client = grant.request.context, grant.facts.tenant, grant.facts.client
    user_id = grant.facts.user["id"]
    if find_missing_consents(context, tenant, client, user_id, requested):
        raise refuse(65001, app=client.app_id, name=client.display_name)
    resource = scopes.resource.principal
    # As with the real service, the first token makes the application known in the tenant.
    context.directory.service_principals.find_or_create(tenant, client)
    granted = context.directory.consents.list_granted_scopes(
        tenant, client.app_id, user_id, resource.app_id
    )
    if not granted:
        raise refuse(
            650057,
            app=client.app_id,
            name=client.display_name,
            resource=scopes.resource.identifier,
            resource_app=resource.app_id,
        )
    return granted


def _issue_access_token(
    grant: UserGrant,
    scopes: ResourceScopes,
    granted: frozenset[str],
    claims_request: ClaimsRequest,
) -> dict[str, Any]:
    """The access token, with what the answer says about it."""
    context, facts, resource = grant.request.context, grant.facts, scopes.resource
    handles_challenges = claims_request.handles_challenges
    lifetime = context.draw_lifetime(handles_challenges and resource.is_graph)
    roles = None
    if resource.is_graph:
        roles = context.directory.role_members.list_roles(facts.tenant, facts.user["id"])
    claims = describe_access_token(
        facts,
        lifetime=lifetime,
        audience=resource.identifier,
        resource_app_id=resource.principal.app_id,
        scopes=granted - {"offline_access"},
        version=resource.version,
        issuer=grant.issuer,
        roles=roles,
        handles_challenges=handles_challenges,
    )
    if "idtyp" in resource.optional_claims:
        claims["idtyp"] = "user"
    return {
        "token_type": "Bearer",
        "scope": render_scope(scopes, granted),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        **describe_refresh(lifetime),
        "access_token": sign_token(context.keys, claims),
    }


def _keep_refresh_token(grant: UserGrant, requested: RequestedScopes) -> str:
    secret = "1.AX" + secrets.token_urlsafe(192)
    context, facts, now = grant.request.context, grant.facts, grant.request.context.clock.now()
    doc = {
        "tenant": facts.tenant.id,
        "user": facts.user["id"],
        "client": facts.client.app_id,
        "family": is_in_family(facts.client.app_id),
        "public": facts.authentication == PUBLIC_CLIENT,
        "scope": requested.text,
        "at": grant.signed_in_at,
        "issued": now,
    }
    context.directory.tickets.keep(seal("refresh", secret), doc, expires=now + REFRESH_LIFETIME)
    return secret
