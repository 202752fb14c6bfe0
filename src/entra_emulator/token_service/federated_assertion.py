"""
Federated credentials: an application proves its identity with another issuer's token.

Sources: "Workload identity federation" and "Important considerations and
restrictions for federated identity credentials", Microsoft Entra Workload ID.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

from entra_emulator.errors import OAuthFault, refuse
from entra_emulator.model.records import FederatedCredential
from entra_emulator.tokens.client_assertion import check_time
from entra_emulator.tokens.foreign_keys import ALGORITHMS, Keys
from entra_emulator.tokens.jwt import MalformedTokenError, Parts, split_token
from entra_emulator.web.context import Context

# How a token service like this one is called as an issuer; each tenant is one.
_ENTRA = re.compile(r"(?P<origin>https://[^/]+)/(?P<tenant>[0-9a-f-]{36})(?P<end>/v2\.0|/)")
# Subjects of Entra's own agents and managed services; the tenant is encoded in them.
_EID1 = re.compile(r"(/eid1/c/pub/t/)[^/]+(/a/.+)")


def is_foreign(parts: Parts, client_id: str) -> bool:
    """
    Whether a client assertion is another issuer's, not the client's own.

    The client's own name it as their issuer. GitHub's tokens have an `x5t`
    header too, so that alone does not tell.
    """
    issuer = parts.claims.get("iss")
    if not isinstance(issuer, str) or issuer.lower() == client_id.lower():
        return False
    return issuer.startswith("https://") or not {"x5t", "x5t#S256"} & set(parts.header)


async def load_keys(context: Context, origin: str, form: Mapping[str, str]) -> None:
    """
    Fetch the keys that this request's assertion will be checked with, if any.

    Only an issuer that the application trusts is asked, and only for an
    assertion that would do if its signature does: nobody else can make this
    program send requests. Other requests go on meanwhile.
    """
    assertion, client_id = form.get("client_assertion"), form.get("client_id")
    if not assertion or not client_id:
        return
    try:
        parts = split_token(assertion)
        if not is_foreign(parts, client_id):
            return
        credentials = context.directory.credentials.list_federated(client_id)
        match_credential(parts, credentials, context.clock.now())
    except (MalformedTokenError, OAuthFault):
        return  # the request is about to be refused for that
    issuer = str(parts.claims["iss"])
    if _own_keys(context, origin, issuer) is None:
        future = context.issuers.load(issuer, str(parts.header.get("kid")))
        # Others may wait for the same answer: one who goes away must not take it along.
        await asyncio.shield(asyncio.wrap_future(future))


def prove_federated(
    context: Context, origin: str, assertion: str, parts: Parts, client_id: str
) -> None:
    """
    Accept a foreign assertion as the application's proof of identity.

    Raises:
        OAuthFault: 5002730, 50027, 700211, 700213, 7002137, 7002138, 700212,
            700024, 50166, 7000272, 700027 or 700229.
    """
    credentials = context.directory.credentials.list_federated(client_id)
    match_credential(parts, credentials, context.clock.now())
    issuer, kid = str(parts.claims["iss"]), str(parts.header.get("kid"))
    own = _own_keys(context, origin, issuer)
    keys = own or context.issuers.load(issuer, kid).result()
    _check_signature(assertion, issuer, kid, keys, client_id)
    if own is not None and ("scp" in parts.claims or parts.claims.get("idtyp") == "user"):
        raise refuse(700229)


def match_credential(
    parts: Parts, credentials: Iterable[FederatedCredential], now: float
) -> FederatedCredential:
    """
    The credential that names the assertion's issuer, subject and audience exactly.

    An audience may be one of several, as in the tokens of Kubernetes.

    Raises:
        OAuthFault: see `prove_federated`.
    """
    if parts.header.get("alg") not in ALGORITHMS.values():
        raise refuse(5002730)
    if "crit" in parts.header:
        raise refuse(50027)
    issuer, subject = parts.claims.get("iss"), parts.claims.get("sub")
    audiences = _read_audiences(parts.claims)
    if not isinstance(issuer, str) or not isinstance(subject, str) or audiences is None:
        raise refuse(50027)
    same_issuer = [c for c in credentials if c.issuer == issuer]
    if not same_issuer:
        raise refuse(700211, issuer=issuer)
    same_subject = [c for c in same_issuer if c.subject == subject]
    if not same_subject:
        raise _refuse_subject(subject, same_issuer)
    for credential in same_subject:
        if credential.audience in audiences:
            check_time(parts.claims, now)
            return credential
    raise refuse(700212, audience=", ".join(audiences))


def _read_audiences(claims: Mapping[str, Any]) -> list[str] | None:
    audience = claims.get("aud")
    values = audience if isinstance(audience, list) else [audience]
    texts = [value for value in values if isinstance(value, str)]
    return texts if texts and texts == values else None


def _refuse_subject(subject: str, candidates: Iterable[FederatedCredential]) -> OAuthFault:
    """Say which kind of near miss it is, as the service does since 2024."""
    presented = _EID1.fullmatch(subject)
    for credential in candidates:
        if credential.subject.casefold() == subject.casefold():
            return refuse(7002138, subject=subject)
        registered = _EID1.fullmatch(credential.subject)
        if presented and registered and presented.groups() == registered.groups():
            return refuse(7002137, subject=subject)
    return refuse(700213, subject=subject)


def _own_keys(context: Context, origin: str, issuer: str) -> Keys | None:
    """Our own keys, if the issuer is a tenant of ours; they need no fetching."""
    named = _ENTRA.fullmatch(issuer)
    if named is None or context.directory.tenants.find(named["tenant"]) is None:
        return None
    origins = {
        "/": {"https://sts.windows.net"},
        "/v2.0": {"https://login.microsoftonline.com", origin},
    }
    if named["origin"] not in origins[named["end"]]:
        return None
    found = {key.kid: jwt.PyJWK(key.jwk, algorithm="RS256") for key in context.keys.keys}
    return Keys(found, "", context.clock.now(), 0.0)


def _check_signature(assertion: str, issuer: str, kid: str, keys: Keys, client_id: str) -> None:
    key = keys.found.get(kid)
    if key is None:
        raise refuse(50166) if keys.failure else refuse(7000272, kid=kid, issuer=issuer)
    try:
        jwt.PyJWS().decode(assertion, key, algorithms=[key.algorithm_name])
    except jwt.PyJWTError as error:
        reason = "The key was found, but use of the key to verify the signature failed."
        raise refuse(700027, reason=reason, thumbprint=kid, found="", app=client_id) from error
