"""Who asks the token endpoint: the client, and what proves that it is the client."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from entra_emulator.directory.directory import Directory
from entra_emulator.errors import refuse
from entra_emulator.model.records import Application, Tenant
from entra_emulator.token_service.federated_assertion import is_foreign, prove_federated
from entra_emulator.tokens.client_assertion import verify_assertion
from entra_emulator.tokens.jwt import MalformedTokenError, split_token
from entra_emulator.web.context import Context

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class TokenRequest:
    """
    One request for a token, before anything in it is believed.

    `tenant` is None on `common` and `organizations`; `version` is the endpoint's.
    """

    context: Context
    tenant: Tenant | None
    segment: str
    origin: str
    form: Mapping[str, str]
    authorization: str
    version: int


def read_client(asked: TokenRequest) -> tuple[str, str | None]:
    """The client ID and secret, from the form or from HTTP Basic (RFC 6749, 2.3.1)."""
    client_id, secret = asked.form.get("client_id"), asked.form.get("client_secret")
    scheme, _, encoded = asked.authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        except ValueError as error:  # not ASCII, not base64, or not UTF-8 within
            raise refuse(9002313) from error
        name, _, value = decoded.partition(":")
        client_id, secret = client_id or unquote_plus(name), secret or unquote_plus(value)
    if not client_id:
        raise refuse(900144, field="client_id")
    return client_id, secret


def find_principal(context: Context, tenant: Tenant, client_id: str) -> Application:
    """
    The service principal of an application that may ask for tokens in this tenant.

    Raises:
        OAuthFault: 700016.
    """
    principal = context.directory.service_principals.find(tenant, client_id)
    if principal is None or not _is_client(context, principal):
        raise refuse(700016, app=client_id, tenant=tenant.display_name)
    return principal


def _is_client(context: Context, principal: Application) -> bool:
    """Whether it can ask for tokens here; Microsoft's own applications cannot."""
    if principal.record["servicePrincipalType"] == "ManagedIdentity":
        return True
    return context.directory.applications.find_anywhere(principal.app_id) is not None


def check_enabled(context: Context, principal: Application) -> None:
    """
    Refuse an application that is disabled, here or everywhere.

    Raises:
        OAuthFault: 7000112.
    """
    registration = context.directory.applications.find_anywhere(principal.app_id)
    off = registration is not None and registration.record.get("isDisabled")
    if off or not principal.record["accountEnabled"]:
        raise refuse(7000112, app=principal.app_id, name=principal.display_name)


def prove(asked: TokenRequest, tenant: Tenant, principal: Application, secret: str | None) -> str:
    """Check the client's credential; "1" for a secret, "2" for a certificate."""
    directory, now = asked.context.directory, asked.context.clock.now()
    assertion = asked.form.get("client_assertion")
    if (assertion or secret) and is_public(directory, principal):
        raise refuse(700025)
    if assertion:
        _prove_by_assertion(asked, tenant, principal, assertion)
        return "2"
    if not secret:
        raise refuse(7000216)
    password = directory.credentials.find_password(
        principal.app_id, secret, principal_id=principal.id
    )
    if password is None or now < password.start:
        raise refuse(7000215, app=principal.app_id)
    if now >= password.end:
        raise refuse(7000222, app=principal.app_id)
    return "1"


def is_public(directory: Directory, principal: Application) -> bool:
    """Whether it is a public client; a credential makes it a confidential one all the same."""
    registration = directory.applications.find_anywhere(principal.app_id)
    if registration is None or not registration.record["isFallbackPublicClient"]:
        return False
    names = ("passwordCredentials", "keyCredentials")
    return not (
        any(registration.record[name] or principal.record[name] for name in names)
        or directory.credentials.list_federated(principal.app_id)
    )


def _prove_by_assertion(
    asked: TokenRequest, tenant: Tenant, principal: Application, assertion: str
) -> None:
    if asked.form.get("client_assertion_type") != JWT_BEARER:
        raise refuse(900144, field="client_assertion_type")
    try:
        parts = split_token(assertion)
    except MalformedTokenError as error:
        raise refuse(50027) from error
    if is_foreign(parts, principal.app_id):
        prove_federated(asked.context, asked.origin, assertion, parts, principal.app_id)
        return
    verify_assertion(
        assertion,
        client_id=principal.app_id,
        certificates=asked.context.directory.credentials.list_certificates(
            principal.app_id, principal_id=principal.id
        ),
        audiences=_audiences(asked, tenant),
        now=asked.context.clock.now(),
    )


def _audiences(asked: TokenRequest, tenant: Tenant) -> set[str]:
    """Either endpoint's address, with the tenant's GUID or as the caller wrote it."""
    return {f"{asked.origin}/{tenant.id}/v2.0"} | {
        f"{asked.origin}/{segment}/oauth2/{version}token"
        for segment in (tenant.id, asked.segment)
        for version in ("v2.0/", "")
    }
