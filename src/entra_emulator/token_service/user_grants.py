"""
Tokens for a user's client: for a code, for a device's code, for a refresh token.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow",
"… device authorization grant flow", "Refresh tokens in the Microsoft identity platform".
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from entra_emulator.clock import format_iso
from entra_emulator.directory.tickets import Ticket, seal
from entra_emulator.errors import OAuthFault, refuse
from entra_emulator.model.first_party_apps import is_in_family
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.token_service.client_authentication import (
    TokenRequest,
    is_public,
    prove,
    read_client,
)
from entra_emulator.token_service.requested_scopes import (
    Aim,
    Aims,
    check_single,
    find_missing,
    read_aims,
    render_scope,
)
from entra_emulator.token_service.user_clients import find_visitor, make_subject
from entra_emulator.tokens.claims_challenge import read_wish
from entra_emulator.tokens.signing import sign_token
from entra_emulator.tokens.user_claims import (
    Subject,
    describe_access,
    describe_id,
    render_client_info,
)
from entra_emulator.web.browser import list_redirects, matches_redirect

DAY = 86_400.0
# "Refresh tokens have a default lifetime of 90 days" of inactivity.
REFRESH_LIFETIME = 90 * DAY
# How much sooner than `interval` a poll may come: clocks and networks are not exact.
EARLY = 0.8


@dataclass(frozen=True)
class Grant:
    """
    Something redeemed: who signed in to which client, and how that was proved.

    Args:
        asked: the request.
        tenant: the user's.
        user: the user's record.
        client: who redeems it.
        proof: "0" for a public client, "1" for a secret, "2" for a certificate.
        at: when the user signed in, in seconds since 1970.
        scope: what was asked for when it was made.
        nonce: for the ID token.
    """

    asked: TokenRequest
    tenant: Tenant
    user: Record
    client: Application
    proof: str
    at: float
    scope: str
    nonce: str | None = None


def grant_authorization_code(asked: TokenRequest) -> dict[str, Any]:
    """Tokens for the code that the authorization endpoint gave the client."""
    client = _find_client(asked)
    code, redirect_uri = (_need(asked, name) for name in ("code", "redirect_uri"))
    native = list_redirects(client, "publicClient")
    public = any(matches_redirect(uri, redirect_uri) for uri in native)
    proof = _authenticate(asked, client, public=public)
    key, directory = seal("code", code), asked.context.directory
    with directory.transaction():
        ticket = directory.tickets.find(key)
        if ticket is None:
            raise refuse(9002313, error="invalid_grant")
        _check_code(asked, client, ticket)
        directory.tickets.change(key, {"used": True})
    doc = ticket.doc
    tenant, user = _find_user(asked, client, doc, signed_in=doc["at"])
    grant = Grant(asked, tenant, user, client, proof, doc["at"], doc["scope"], doc["nonce"])
    return _answer(grant)


def grant_device_code(asked: TokenRequest) -> dict[str, Any]:
    """Tokens for a device whose user has approved; until then, `authorization_pending`."""
    client = _find_client(asked)
    # The endpoint of version 1.0 calls it `code`; MSAL Python sends both.
    code = asked.form.get("device_code") or asked.form.get("code")
    if not code:
        raise refuse(900144, field="device_code")
    proof = _authenticate(asked, client, public=_may_be_public(client))
    key, directory = seal("device", code), asked.context.directory
    fault: OAuthFault | None = None
    with directory.transaction():
        ticket = directory.tickets.find(key)
        if ticket is None or ticket.doc["client"] != client.app_id:
            raise refuse(70018)
        fault = _poll(asked, key, ticket)
    if fault is not None:  # raised here, so that the transaction keeps what the poll changed
        raise fault
    doc = ticket.doc
    tenant, user = _find_user(asked, client, doc, signed_in=doc["at"])
    return _answer(Grant(asked, tenant, user, client, proof, doc["at"], doc["scope"]))


def grant_refresh_token(asked: TokenRequest) -> dict[str, Any]:
    """New tokens for an old refresh token, which stays good; a new one comes with them."""
    client = _find_client(asked)
    secret = _need(asked, "refresh_token")
    ticket = asked.context.directory.tickets.find(seal("refresh", secret))
    public = bool(ticket and ticket.doc["public"]) or _may_be_public(client)
    proof = _authenticate(asked, client, public=public)
    if ticket is None:
        raise refuse(9002313, error="invalid_grant")  # recorded 2025
    doc = ticket.doc
    shared = doc["family"] and is_in_family(client.app_id)
    if doc["client"] != client.app_id and not shared:
        raise refuse(700007)
    if asked.context.clock.now() >= ticket.expires:
        raise refuse(700082, issued=format_iso(doc["issued"], 7))
    tenant, user = _find_user(asked, client, doc, signed_in=doc["issued"])
    grant = Grant(asked, tenant, user, client, proof, doc["at"], doc["scope"])
    return _answer(grant, refreshing=True)


def _find_client(asked: TokenRequest) -> Application:
    if asked.version == 1:
        raise refuse(70003, grant=asked.form["grant_type"])
    client_id, _ = read_client(asked)
    return find_visitor(asked.context, asked.tenant, client_id)


def _need(asked: TokenRequest, name: str) -> str:
    value = asked.form.get(name)
    if not value:
        raise refuse(900144, field=name)
    return value


def _may_be_public(client: Application) -> bool:
    """Whether flows without a redirect need no credential ("Allow public client flows")."""
    return bool(client.record["isFallbackPublicClient"])


def _authenticate(asked: TokenRequest, client: Application, *, public: bool) -> str:
    """
    Check the client's credential, if it must have one or shows one.

    Raises:
        OAuthFault: 7000218, it must and does not; 700025, it must not and does; or see `prove`.
    """
    _, secret = read_client(asked)
    shown = secret or asked.form.get("client_assertion")
    if not shown:
        if public:
            return "0"
        raise refuse(7000218)
    registered = asked.context.directory.applications.find_anywhere(client.app_id)
    if registered is None or is_public(asked.context.directory, client):
        raise refuse(700025)
    if public and not _may_be_public(client):
        raise refuse(700025)
    tenant = asked.tenant or asked.context.directory.tenants.list_all()[0]
    return prove(asked, tenant, client, secret)


def _check_code(asked: TokenRequest, client: Application, ticket: Ticket) -> None:
    doc, form = ticket.doc, asked.form
    if doc["client"] != client.app_id:
        raise refuse(700007)
    if doc["used"]:
        raise refuse(54005)
    if asked.context.clock.now() >= ticket.expires:
        raise refuse(70008)
    home = asked.context.directory.tenants.find(doc["tenant"])
    if asked.tenant != (None if doc["shared"] else home):
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
    found = verifier
    if doc["method"] == "S256":
        digest = sha256(verifier.encode()).digest()
        found = urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not secrets.compare_digest(found.encode(), challenge.encode()):
        raise refuse(501481)


def _poll(asked: TokenRequest, key: str, ticket: Ticket) -> OAuthFault | None:
    """Why a device gets nothing yet, or any more; None when it is approved, once."""
    doc, now, directory = ticket.doc, asked.context.clock.now(), asked.context.directory
    if now >= ticket.expires:
        return refuse(70020)
    asked_id = asked.tenant.id if asked.tenant else None
    if asked_id != doc["asked_tenant"]:
        return refuse(700005)
    if doc["state"] == "declined":
        return refuse(700171)
    if doc["state"] == "approved":
        directory.tickets.change(key, {"state": "used"})
        return None
    if doc["state"] == "used":
        return refuse(70018)
    polled, interval = doc["polled"], doc["interval"]
    hasty = polled is not None and now - polled < interval * EARLY
    # RFC 8628, 3.5: five seconds more from now on.
    directory.tickets.change(key, {"polled": now, "interval": interval + 5 * hasty})
    return refuse(70016, error="slow_down") if hasty else refuse(70016)


def _find_user(
    asked: TokenRequest, client: Application, doc: Mapping[str, Any], *, signed_in: float
) -> tuple[Tenant, Record]:
    """
    Who signed in, if that still counts.

    Raises:
        OAuthFault: 50034, deleted; 50057, disabled; 50020, not in this tenant; 50173, revoked.
    """
    directory = asked.context.directory
    tenant = directory.tenants.find(doc["tenant"])
    user = directory.users.find(tenant, doc["user"]) if tenant else None
    if tenant is None or user is None:
        raise refuse(50034, user=doc["user"], tenant=tenant.id if tenant else doc["tenant"])
    if not user.get("accountEnabled", True):
        raise refuse(50057)
    if asked.tenant not in {None, tenant}:
        assert asked.tenant is not None
        raise refuse(
            50020,
            user=user["userPrincipalName"],
            idp=f"https://sts.windows.net/{tenant.id}/",
            tenant=asked.tenant.display_name,
            app=client.app_id,
            name=client.display_name,
        )
    valid_from = directory.users.read_valid_from(tenant, user["id"])
    if signed_in <= valid_from:
        dates = {"issued": format_iso(signed_in, 7), "valid_from": format_iso(valid_from, 7)}
        raise refuse(50173, **dates)
    return tenant, user


def _answer(grant: Grant, *, refreshing: bool = False) -> dict[str, Any]:
    """The answer, keys in the recorded order (Azure/azure-sdk-for-js, device code, 2021)."""
    asked, context = grant.asked, grant.asked.context
    aims, aim = _read_aims(grant)
    subject = make_subject(context, grant.tenant, grant.user, grant.client, grant.proof)
    granted = _check_consent(grant, aims, aim)
    wish = read_wish(asked.form.get("claims"), context.clock.now())
    able = wish.handles_challenges
    lifetime = context.draw_lifetime(able and aim.resource.is_graph)
    content: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": render_scope(aim, granted),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
    }
    if lifetime >= 7200:
        content["refresh_in"] = lifetime // 2
    content["access_token"] = _mint(grant, subject, aim, granted, lifetime=lifetime, able=able)
    if refreshing or "offline_access" in aims.openid:
        content["refresh_token"] = _keep_refresh(grant, aims)
        if is_in_family(grant.client.app_id):
            content["foci"] = "1"
    if "openid" in aims.openid:
        claims = describe_id(
            subject, issuer=_name_issuer(grant), openid=aims.openid, nonce=grant.nonce
        )
        content["id_token"] = sign_token(context.keys, claims)
    if asked.form.get("client_info") == "1":
        content["client_info"] = render_client_info(grant.tenant, grant.user["id"])
    return content


def _read_aims(grant: Grant) -> tuple[Aims, Aim]:
    """What this request asks for, or else what the first one did: the first of its resources."""
    asked = grant.asked
    own = asked.form.get("scope", "").strip()
    aims = read_aims(asked.context, grant.tenant, grant.client, own or grant.scope)
    aim = check_single(aims) if own else aims.aims[0]
    return aims._replace(aims=(aim,)), aim


def _check_consent(grant: Grant, aims: Aims, aim: Aim) -> frozenset[str]:
    """
    Every scope of the resource that the client has for this user.

    Raises:
        OAuthFault: 65001, not all that is asked for; 650057, none at all.
    """
    context, tenant, client = grant.asked.context, grant.tenant, grant.client
    if find_missing(context, tenant, client, grant.user["id"], aims):
        raise refuse(65001, app=client.app_id, name=client.display_name)
    resource = aim.resource.principal
    context.directory.service_principals.find_or_create(tenant, client)
    granted = context.directory.consents.list_granted_scopes(
        tenant, client.app_id, grant.user["id"], resource.app_id
    )
    if not granted:
        raise refuse(
            650057,
            app=client.app_id,
            name=client.display_name,
            resource=aim.resource.identifier,
            resource_app=resource.app_id,
        )
    return granted


def _mint(
    grant: Grant,
    subject: Subject,
    aim: Aim,
    granted: frozenset[str],
    *,
    lifetime: int,
    able: bool,
) -> str:
    resource, directory = aim.resource, grant.asked.context.directory
    roles = (
        directory.role_members.list_roles(grant.tenant, grant.user["id"])
        if resource.is_graph
        else None
    )
    claims = describe_access(
        subject,
        lifetime=lifetime,
        audience=resource.identifier,
        resource_app_id=resource.principal.app_id,
        scopes=granted - {"offline_access"},
        version=resource.version,
        issuer=_name_issuer(grant),
        roles=roles,
        able=able,
    )
    if "idtyp" in resource.optional_claims:
        claims["idtyp"] = "user"
    return sign_token(grant.asked.context.keys, claims)


def _keep_refresh(grant: Grant, aims: Aims) -> str:
    secret = "1.AX" + secrets.token_urlsafe(192)
    context, now = grant.asked.context, grant.asked.context.clock.now()
    doc = {
        "tenant": grant.tenant.id,
        "user": grant.user["id"],
        "client": grant.client.app_id,
        "family": is_in_family(grant.client.app_id),
        "public": grant.proof == "0",
        "scope": aims.text,
        "at": grant.at,
        "issued": now,
    }
    context.directory.tickets.keep(seal("refresh", secret), doc, expires=now + REFRESH_LIFETIME)
    return secret


def _name_issuer(grant: Grant) -> str:
    return f"{grant.asked.origin}/{grant.tenant.id}/v2.0"
