"""
Logs who signed in: in the directory, with the user, and in the log that Graph shows.

A sign-in on a page is logged when its code is redeemed, because only then is it known that it
succeeded, and for which application. Nothing secret of a request is logged.
"""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request

from entra_emulator.audit import SignIn
from entra_emulator.errors import TokenRefusal
from entra_emulator.model.records import Tenant
from entra_emulator.token_service.client_authentication import TokenRequest
from entra_emulator.web.context import context_of, trace_of
from entra_emulator.web.request_notes import notes_of

# The log cuts names that the sender chose to so many characters, because they may have any length.
LONGEST = 500

# By the grant: the event type, and the protocol as `authenticationProtocol` has it.
_EVENTS = {
    "authorization_code": ("interactiveUser", "oAuth2"),
    "urn:ietf:params:oauth:grant-type:device_code": ("interactiveUser", "deviceCode"),
    "device_code": ("interactiveUser", "deviceCode"),
    "refresh_token": ("nonInteractiveUser", "oAuth2"),
}


class _Attempt(NamedTuple):
    """An attempt to sign in: who, to which client, and how; see `SignIn`."""

    event: str
    user_id: str
    app_id: str
    protocol: str


def note_sign_in(
    request: Request, token_request: TokenRequest, refusal: TokenRefusal | None = None
) -> None:
    """Log the outcome of a request for a token, if the client or the user is known."""
    notes, tenant = token_request.notes, token_request.tenant
    if notes.user is not None:
        home = token_request.context.directory.tenants.find(notes.user[0])
        assert home is not None, "the user of a grant is in a tenant"
        event, protocol = _EVENTS[token_request.form["grant_type"]]
        note_user_sign_in(
            request,
            home,
            notes.user[1],
            app_id=notes.client_id,
            event=event,
            protocol=protocol,
            refusal=refusal,
        )
    elif token_request.form["grant_type"] == "client_credentials" and tenant is not None:
        note_app_sign_in(request, tenant, notes.client_id, refusal=refusal)


def note_user_sign_in(
    request: Request,
    tenant: Tenant,
    user_id: str,
    *,
    app_id: str,
    event: str = "interactiveUser",
    protocol: str = "oAuth2",
    refusal: TokenRefusal | None = None,
) -> None:
    """Log that a user signed in to an application, or tried to."""
    context, trace = context_of(request), trace_of(request)
    user = context.directory.objects.find(tenant, user_id, kind="user")
    if user is None:
        return
    context.directory.sign_ins.note(
        user,
        trace.request_id,
        trace.now,
        interactive=event == "interactiveUser",
        succeeded=refusal is None,
    )
    _note(request, tenant, _Attempt(event, user_id, app_id, protocol), refusal)


def note_app_sign_in(
    request: Request,
    tenant: Tenant,
    app_id: str,
    *,
    managed: bool = False,
    refusal: TokenRefusal | None = None,
) -> None:
    """Log that an application got a token for itself, or was refused one."""
    principals = context_of(request).directory.service_principals
    # A tenant logs only the sign-ins of service principals that it has.
    if refusal is None or principals.find(tenant, app_id) is not None:
        event = "managedIdentity" if managed else "servicePrincipal"
        _note(request, tenant, _Attempt(event, "", app_id, "none"), refusal)


def _note(
    request: Request, tenant: Tenant, attempt: _Attempt, refusal: TokenRefusal | None
) -> None:
    trace, notes = trace_of(request), notes_of(request.scope)
    sign_in = SignIn(
        id=trace.request_id,
        at=trace.now,
        tenant_id=tenant.id,
        event=attempt.event,
        user_id=attempt.user_id,
        app_id=attempt.app_id,
        audience=str(notes.claims.get("aud", ""))[:LONGEST],
        protocol=attempt.protocol,
        credential=_name_credential(request, attempt, notes.form),
        code=refusal.code if refusal else 0,
        reason=refusal.text[:LONGEST] if refusal else "",
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", "")[:LONGEST],
        correlation_id=trace.client_request_id or trace.request_id,
        key_id=notes.key_id,
    )
    context_of(request).audit.sign_ins.note(sign_in)


def _name_credential(request: Request, attempt: _Attempt, form: Mapping[str, str]) -> str:
    """The `clientCredentialType` for the credential that the client sent."""
    if attempt.event == "managedIdentity":
        return "managedIdentity"
    if form.get("client_assertion"):
        return "clientAssertion"
    has_secret = form.get("client_secret") or request.headers.get("authorization")
    return "clientSecret" if has_secret else "none"
