"""
Client authentication by a federated credential: with a token of another issuer.

Sources: "Workload identity federation" and "Important considerations and
restrictions for federated identity credentials", Microsoft Entra Workload ID.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.model.records import FederatedCredential
from entra_emulator.tokens.client_assertion import check_times
from entra_emulator.tokens.foreign_keys import ALGORITHMS, KeySet
from entra_emulator.tokens.jwt import MalformedTokenError, UnverifiedToken, split_token
from entra_emulator.web.context import Context

# The issuer of a tenant's own tokens, of version 2.0 and of version 1.0.
_ENTRA = re.compile(r"(?P<origin>https://[^/]+)/(?P<tenant>[0-9a-f-]{36})(?P<end>/v2\.0|/)")
# Subjects of Entra's own agents and managed services; they encode the tenant.
_EID1 = re.compile(r"(/eid1/c/pub/t/)[^/]+(/a/.+)")


def is_foreign(parts: UnverifiedToken, client_id: str) -> bool:
    """
    Whether a client assertion comes from another issuer, and not from the client itself.

    The client's own assertions name the client as their issuer. The header `x5t` does not show it,
    because GitHub's tokens have one, too.
    """
    issuer = parts.claims.get("iss")
    if not isinstance(issuer, str) or issuer.lower() == client_id.lower():
        return False
    return issuer.startswith("https://") or not {"x5t", "x5t#S256"} & set(parts.header)


async def fetch_issuer_keys(context: Context, origin: str, form: Mapping[str, str]) -> None:
    """
    Fetch the keys that the assertion of a token request will be checked with.

    Only an issuer that the application trusts is contacted, and only if the signature is all that
    is left to check, so that nobody else can make this program send requests. Other requests are
    answered meanwhile.
    """
    assertion, client_id = form.get("client_assertion"), form.get("client_id")
    if not assertion or not client_id:
        return
    try:
        parts = split_token(assertion)
        if not is_foreign(parts, client_id):
            return
        credentials = context.directory.credentials.list_federated(client_id)
        match_federated_credential(parts, credentials, context.clock.now())
    except (MalformedTokenError, TokenRefusal):
        return  # the request is about to be refused for the same reason
    issuer = str(parts.claims["iss"])
    if _find_own_keys(context, origin, issuer) is None:
        future = context.issuers.load(issuer, str(parts.header.get("kid")))
        # Other requests may wait for the same keys: a client that hangs up must not cancel them.
        await asyncio.shield(asyncio.wrap_future(future))


def check_federated_assertion(
    context: Context, origin: str, assertion: str, parts: UnverifiedToken, client_id: str
) -> None:
    """
    Check an assertion of another issuer against the application's federated credentials.

    Raises:
        TokenRefusal: 5002730, 50027, 700211, 700213, 7002137, 7002138, 700212,
            700024, 50166, 7000272, 700027 or 700229.
    """
    credentials = context.directory.credentials.list_federated(client_id)
    match_federated_credential(parts, credentials, context.clock.now())
    issuer, kid = str(parts.claims["iss"]), str(parts.header.get("kid"))
    own_keys = _find_own_keys(context, origin, issuer)
    # This seldom waits, because `fetch_issuer_keys` has run before.
    keys = own_keys or context.issuers.load(issuer, kid).result()
    key = keys.keys.get(kid)
    if key is None:
        raise refuse(50166) if keys.failure else refuse(7000272, kid=kid, issuer=issuer)
    try:
        jwt.PyJWS().decode(assertion, key, algorithms=[key.algorithm_name])
    except jwt.PyJWTError as error:
        reason = "The key was found, but use of the key to verify the signature failed."
        raise refuse(700027, reason=reason, thumbprint=kid, known_key="", app=client_id) from error
    # The token of a user proves who the user is, but not which program sends it.
    if own_keys is not None and ("scp" in parts.claims or parts.claims.get("idtyp") == "user"):
        raise refuse(700229)


def match_federated_credential(
    parts: UnverifiedToken, credentials: Iterable[FederatedCredential], now: float
) -> FederatedCredential:
    """
    The credential that names the assertion's issuer, subject and audience exactly.

    If the assertion has several audiences, one of them is enough: tokens of Kubernetes have a list.

    Raises:
        TokenRefusal: see `check_federated_assertion`.
    """
    if parts.header.get("alg") not in ALGORITHMS.values():
        raise refuse(5002730)
    if "crit" in parts.header:
        raise refuse(50027)
    issuer, subject = parts.claims.get("iss"), parts.claims.get("sub")
    audiences = _read_audiences(parts.claims)
    if not isinstance(issuer, str) or not isinstance(subject, str) or audiences is None:
        raise refuse(50027)
    # Case matters, as in the service since 2024 (Azure/login#517). The order of the checks is
    # chosen: the refusal names the first of issuer, subject and audience that is not registered.
    same_issuer = [c for c in credentials if c.issuer == issuer]
    if not same_issuer:
        raise refuse(700211, issuer=issuer)
    same_subject = [c for c in same_issuer if c.subject == subject]
    if not same_subject:
        raise _refuse_subject(subject, same_issuer)
    for credential in same_subject:
        if credential.audience in audiences:
            check_times(parts.claims, now)
            return credential
    raise refuse(700212, audience=", ".join(audiences))


def _read_audiences(claims: Mapping[str, Any]) -> list[str] | None:
    audience = claims.get("aud")
    values = audience if isinstance(audience, list) else [audience]
    texts = [value for value in values if isinstance(value, str)]
    return texts if texts and texts == values else None


def _refuse_subject(subject: str, candidates: Iterable[FederatedCredential]) -> TokenRefusal:
    """The refusal of a subject; near misses have other numbers, as in the service since 2024."""
    presented = _EID1.fullmatch(subject)
    for credential in candidates:
        if credential.subject.casefold() == subject.casefold():
            return refuse(7002138, subject=subject)
        registered = _EID1.fullmatch(credential.subject)
        if presented and registered and presented.groups() == registered.groups():
            return refuse(7002137, subject=subject)
    return refuse(700213, subject=subject)


def _find_own_keys(context: Context, origin: str, issuer: str) -> KeySet | None:
    """The emulator's own keys, if the issuer is one of its tenants, so that nothing is fetched."""
    entra = _ENTRA.fullmatch(issuer)
    if entra is None or context.directory.tenants.find(entra["tenant"]) is None:
        return None
    # Tokens of version 1.0 name Microsoft's host as their issuer, also those of the emulator.
    origins = {
        "/": {"https://sts.windows.net"},
        "/v2.0": {"https://login.microsoftonline.com", origin},
    }
    if entra["origin"] not in origins[entra["end"]]:
        return None
    keys = {key.kid: jwt.PyJWK(key.jwk, algorithm="RS256") for key in context.keys.keys}
    return KeySet(keys, "", context.clock.now(), 0.0)
