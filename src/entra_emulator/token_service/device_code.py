"""
The device code flow: codes for a device, and the page where its user approves.

Source: "Microsoft identity platform and the OAuth 2.0 device authorization grant
flow", and RFC 8628.
"""

import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.directory.tickets import Ticket, seal
from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.model.records import Application, Tenant
from entra_emulator.token_service.consent_log import note_consent
from entra_emulator.token_service.consent_page import describe_scopes, render_approval_needed
from entra_emulator.token_service.requested_scopes import (
    MissingConsent,
    RequestedScopes,
    find_missing_consents,
    grant_consents,
    may_consent_to,
    read_requested_scopes,
    require_one_resource,
)
from entra_emulator.token_service.sign_in_page import render_sign_in
from entra_emulator.token_service.user_clients import find_user_client
from entra_emulator.web.browser import check_form, check_same_origin
from entra_emulator.web.context import Context, context_of, find_tenant, origin_of
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import SignedIn, find_signed_in
from entra_emulator.web.token_service_answers import answer_oauth, read_form

# Seconds for which a device may wait for its user, as recorded 2021-2025.
LIFETIME = 900
# The letters of user codes: no vowels, so that no words arise, and none that look like digits.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 9
PAGE = "/devicelogin"


class DeviceAuthorization(NamedTuple):
    """A device authorization that waits for its user, who belongs to `tenant`; None for any."""

    key: str
    ticket: Ticket
    client: Application
    tenant: Tenant | None


async def authorize_device(request: Request) -> Response:
    """`POST /{tenant}/oauth2/v2.0/devicecode`: codes for a device and its user."""
    form = await read_form(request)
    return answer_oauth(request, await run_in_threadpool(_start, request, form))


async def show_device_page(request: Request) -> Response:
    """`GET /devicelogin`: where to type the code; with a code, what the device asks for."""
    code = _read_code(request.query_params)
    if not code:
        return render_dialog(request, None, "device_code.html", action=PAGE)
    return await run_in_threadpool(_show, request, code)


async def answer_device_page(request: Request) -> Response:
    """`POST /devicelogin`: approve the device, or decline."""
    check_same_origin(request)
    return await run_in_threadpool(_decide, request, await read_form(request))


def _start(request: Request, form: Mapping[str, str]) -> dict[str, object]:
    context, segment = context_of(request), request.path_params["tenant"]
    tenant = find_tenant(context, segment)
    client_id = form.get("client_id")
    if not client_id:
        raise refuse(900144, field="client_id")
    client = find_user_client(context, tenant, client_id)
    requested = _read_scopes(context, tenant, client, form.get("scope", ""))
    require_one_resource(requested)
    device_code, user_code = _keep_codes(context, tenant, segment, client, requested.text)
    # The real page, https://microsoft.com/devicelogin, does not know the codes of the emulator.
    uri = f"{origin_of(request)}{PAGE}"
    # Without `verification_uri_complete`, which the documentation calls unsupported.
    return {
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": uri,
        "expires_in": LIFETIME,
        "interval": context.device_interval,
        "message": f"To sign in, use a web browser to open the page {uri} and enter the code "
        f"{user_code} to authenticate.",
    }


def _read_scopes(
    context: Context, tenant: Tenant | None, client: Application, scope: str
) -> RequestedScopes:
    """
    The requested scopes, which must exist in the tenant.

    On `common` the tenant of the user is not known yet, so it is enough if one tenant has them.
    """
    refusal = refuse(50059)
    for one in [tenant] if tenant else context.directory.tenants.list_all():
        try:
            return read_requested_scopes(context, one, client, scope)
        except TokenRefusal as refused:
            refusal = refused
    raise refusal


def _keep_codes(
    context: Context, tenant: Tenant | None, segment: str, client: Application, scope: str
) -> tuple[str, str]:
    """Make a device code and a user code, and store what they are for."""
    device_code = "BAQAB" + secrets.token_urlsafe(96)
    user_code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    key, expires = seal("device", device_code), context.clock.now() + LIFETIME
    doc = {
        "client": client.app_id,
        "asked_tenant": tenant.id if tenant else None,
        "segment": segment,
        "scope": scope,
        "interval": context.device_interval,
        "polled": None,
        "state": "pending",
    }
    # In one transaction: a user code without its device code would be refused as a wrong one.
    with context.directory.transaction():
        context.directory.tickets.keep(key, doc, expires=expires)
        context.directory.tickets.keep(seal("user code", user_code), {"key": key}, expires=expires)
    return device_code, user_code


def _show(request: Request, code: str) -> Response:
    device = _find_device(context_of(request), code)
    signed_in = find_signed_in(request, device.tenant)
    here = f"{PAGE}?{urlencode({'user_code': code})}"
    if signed_in is None:
        return render_sign_in(request, device.ticket.doc["segment"], after=here)
    missing = _find_missing(request, device, signed_in)
    if not may_consent_to(context_of(request), signed_in.tenant, signed_in.user_id, missing):
        return render_approval_needed(request, signed_in, device.client, missing, again=here)
    return render_dialog(
        request,
        signed_in,
        "device.html",
        client=device.client,
        scopes=describe_scopes(missing),
        action=PAGE,
        user_code=code,
    )


def _decide(request: Request, form: Mapping[str, str]) -> Response:
    check_form(request, form)
    context, code = context_of(request), _read_code(form)
    if not code:
        raise refuse(90119)
    device = _find_device(context, code)
    signed_in = find_signed_in(request, device.tenant)
    if signed_in is None:
        raise refuse(50058)
    client = device.client
    if form.get("decision") != "accept":
        context.directory.tickets.change(device.key, {"state": "declined"})
        return render_dialog(request, signed_in, "device_done.html", client=client, accepted=False)
    missing = _find_missing(request, device, signed_in)
    tenant, user_id = signed_in.tenant, signed_in.user_id
    if not may_consent_to(context, tenant, user_id, missing):
        raise refuse(90094, tenant=tenant.display_name, name=client.display_name)
    grant_consents(context, tenant, client, missing, user_id=user_id)
    if missing:
        note_consent(request, tenant, user_id, client, missing, everybody=False)
    state = {"state": "approved", "tenant": tenant.id, "user": user_id, "at": signed_in.at}
    context.directory.tickets.change(device.key, state)
    return render_dialog(request, signed_in, "device_done.html", client=client, accepted=True)


def _find_device(context: Context, code: str) -> DeviceAuthorization:
    """
    The device authorization of a user code, if it still waits for an answer.

    Raises:
        TokenRefusal: 70018, the code does not exist; 70020, it has expired; 90120, it was answered.
    """
    user_code = context.directory.tickets.find(seal("user code", code))
    ticket = context.directory.tickets.find(user_code.doc["key"]) if user_code else None
    if user_code is None or ticket is None:
        raise refuse(70018)
    if context.clock.now() >= ticket.expires:
        raise refuse(70020)
    if ticket.doc["state"] != "pending":
        raise refuse(90120)
    tenant_id = ticket.doc["asked_tenant"]
    tenant = context.directory.tenants.find(tenant_id) if tenant_id else None
    client = find_user_client(context, tenant, ticket.doc["client"])
    return DeviceAuthorization(user_code.doc["key"], ticket, client, tenant)


def _find_missing(
    request: Request, device: DeviceAuthorization, signed_in: SignedIn
) -> list[MissingConsent]:
    context, tenant = context_of(request), signed_in.tenant
    requested = read_requested_scopes(context, tenant, device.client, device.ticket.doc["scope"])
    return find_missing_consents(context, tenant, device.client, signed_in.user_id, requested)


def _read_code(values: Mapping[str, str]) -> str:
    """The user code, in which case, blanks and hyphens do not matter."""
    for name in ("user_code", "otc"):
        if values.get(name):
            return "".join(letter for letter in values[name].upper() if letter.isalnum())[:20]
    return ""
