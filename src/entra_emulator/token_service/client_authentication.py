"""Client authentication at the token endpoint: by a secret or an assertion (RFC 6749, 2.3)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from entra_emulator.directory.directory import Directory
from entra_emulator.errors import refuse
from entra_emulator.model.records import Application, Tenant
from entra_emulator.token_service.federated_assertion import check_federated_assertion, is_foreign
from entra_emulator.tokens.app_claims import SECRET, SIGNED_ASSERTION
from entra_emulator.tokens.client_assertion import verify_assertion
from entra_emulator.tokens.jwt import MalformedTokenError, split_token
from entra_emulator.web.context import Context
from entra_emulator.web.request_notes import RequestNotes

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class TokenRequest:
    """
    A request for a token, before anything in it has been checked.

    On `common` and `organizations` the tenant is None; the segment is its name in the address. The
    origin is that of this token service, as the client addressed it. The header `Authorization` is
    empty if there is none. The version is that of the endpoint, 1 or 2. Facts that are found out
    while the request is answered are noted, for the logs.
    """

    context: Context
    tenant: Tenant | None
    segment: str
    origin: str
    form: Mapping[str, str]
    authorization: str
    version: int
    notes: RequestNotes = field(default_factory=RequestNotes)


def read_client_credentials(request: TokenRequest) -> tuple[str, str | None]:
    """
    The client ID and secret, from the form or from HTTP Basic (RFC 6749, 2.3.1).

    Raises:
        TokenRefusal: 9002313, the header cannot be read; 900144, there is no client ID.
    """
    client_id, secret = request.form.get("client_id"), request.form.get("client_secret")
    scheme, _, encoded = request.authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        except ValueError as error:  # not ASCII, not base64, or not UTF-8 within
            raise refuse(9002313) from error
        # Both were form-encoded before they were joined (RFC 6749, 2.3.1).
        name, _, value = decoded.partition(":")
        client_id, secret = client_id or unquote_plus(name), secret or unquote_plus(value)
    if not client_id:
        raise refuse(900144, field="client_id")
    return client_id, secret


def find_principal(context: Context, tenant: Tenant, client_id: str) -> Application:
    """
    The service principal of an application that may ask for tokens in this tenant.

    Raises:
        TokenRefusal: 700016; 7000229, it is registered, and has no service principal here.
    """
    directory = context.directory
    principal = directory.service_principals.find(tenant, client_id)
    if principal is None and context.rules >= 2026 and _may_be_here(directory, tenant, client_id):
        # "From March 2026, Microsoft Entra ID will no longer support app authentication without a
        # service principal" ("Retirement of service principal-less authentication").
        raise refuse(7000229, app=client_id, tenant=tenant.id)
    # Microsoft's own applications may not ask, because nobody here has their credentials.
    if principal is None or (
        principal.record["servicePrincipalType"] != "ManagedIdentity"
        and directory.applications.find_anywhere(principal.app_id) is None
    ):
        raise refuse(700016, app=client_id, tenant=tenant.display_name)
    return principal


def _may_be_here(directory: Directory, tenant: Tenant, client_id: str) -> bool:
    """Whether an application could have a service principal in the tenant."""
    registration = directory.applications.find_anywhere(client_id)
    if registration is None:
        return False
    at_home = directory.applications.find(tenant, client_id) is not None
    return at_home or registration.record["signInAudience"] != "AzureADMyOrg"


def check_enabled(context: Context, principal: Application) -> None:
    """
    Refuse an application that is disabled, in this tenant or everywhere.

    Raises:
        TokenRefusal: 7000112.
    """
    registration = context.directory.applications.find_anywhere(principal.app_id)
    disabled = registration is not None and registration.record.get("isDisabled")
    if disabled or not principal.record["accountEnabled"]:
        raise refuse(7000112, app=principal.app_id, name=principal.display_name)


def authenticate_client(request: TokenRequest, principal: Application, secret: str | None) -> str:
    """
    Check the credential of the client, and return its kind: `SECRET` or `SIGNED_ASSERTION`.

    Raises:
        TokenRefusal: 700025, a public client sent one; 7000216, it is missing; 7000215, it is
            wrong; 7000222, it has expired; or see `verify_assertion` and
            `check_federated_assertion`.
    """
    directory, now = request.context.directory, request.context.clock.now()
    assertion = request.form.get("client_assertion")
    if (assertion or secret) and is_public_client(directory, principal):
        raise refuse(700025)
    if assertion:
        _check_assertion(request, principal, assertion)
        return SIGNED_ASSERTION
    if not secret:
        raise refuse(7000216)
    password = directory.credentials.find_password(
        principal.app_id, secret, principal_id=principal.id
    )
    # The number for a secret that is not valid yet is not known.
    if password is None or now < password.start:
        raise refuse(7000215, app=principal.app_id)
    if now >= password.end:
        raise refuse(7000222, app=principal.app_id)
    request.notes.key_id = password.key_id
    return SECRET


def is_public_client(directory: Directory, principal: Application) -> bool:
    """Whether the application is a public client; with a credential it never is."""
    registration = directory.applications.find_anywhere(principal.app_id)
    if registration is None or not registration.record["isFallbackPublicClient"]:
        return False
    names = ("passwordCredentials", "keyCredentials")
    return not (
        any(registration.record[name] or principal.record[name] for name in names)
        or directory.credentials.list_federated(principal.app_id)
    )


def _check_assertion(request: TokenRequest, principal: Application, assertion: str) -> None:
    if request.form.get("client_assertion_type") != JWT_BEARER:
        raise refuse(900144, field="client_assertion_type")
    try:
        parts = split_token(assertion)
    except MalformedTokenError as error:
        raise refuse(50027) from error
    context, app_id = request.context, principal.app_id
    if is_foreign(parts, app_id):
        check_federated_assertion(context, request.origin, assertion, parts, app_id)
        return
    certificate = verify_assertion(
        assertion,
        client_id=app_id,
        certificates=context.directory.credentials.list_certificates(
            app_id, principal_id=principal.id
        ),
        audiences=_list_audiences(request),
        now=context.clock.now(),
    )
    request.notes.key_id = certificate.key_id


def _list_audiences(request: TokenRequest) -> set[str]:
    """
    The accepted values of `aud`: addresses with the tenant's GUID, or its name as in the request.

    On `common` and `organizations` those of every tenant are accepted, because the tenant of the
    user is not known yet.
    """
    tenants = [request.tenant] if request.tenant else request.context.directory.tenants.list_all()
    ids = [tenant.id for tenant in tenants]
    # MSAL Python sends the GUID, and azure-identity's aio the tenant as it was configured.
    return {f"{request.origin}/{tenant_id}/v2.0" for tenant_id in ids} | {
        f"{request.origin}/{segment}/oauth2/{version}token"
        for segment in (*ids, request.segment)
        for version in ("v2.0/", "")
    }
