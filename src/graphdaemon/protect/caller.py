"""The caller according to the claims of a token. The claims are checked here, not the signature."""

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from graphdaemon.cloud import is_for_graph
from graphdaemon.protect.refusal import refuse
from graphdaemon.received.numbers import read_time

# The claim that names the client, by the version of the token ("Access token claims reference").
_CLIENT_CLAIMS = {"1.0": "appid", "2.0": "azp"}


class Caller(NamedTuple):
    """
    The caller of a protected API, according to the verified token.

    Attributes:
        client_id: Application (client) ID of the calling app (`azp` or `appid`).
        tenant: The ID of the tenant that issued the token, in lower case.
        object_id: The object ID of the service principal, or of the user on whose behalf the app
            calls.
        roles: The app roles: those of the app if `is_app`, otherwise those of the user.
        scopes: The delegated permissions; empty if `is_app`.
        is_app: The caller is an app without a user.
        version: `1.0` or `2.0`.
        issued: Epoch seconds.
        expires: Epoch seconds.
        claims: All claims, as decoded from JSON.
    """

    client_id: str
    tenant: str
    object_id: str
    roles: frozenset[str]
    scopes: frozenset[str]
    is_app: bool
    version: str
    issued: float
    expires: float
    claims: Mapping[str, Any]


def read_caller(
    claims: Mapping[str, Any], *, audiences: Container[str], now: float, leeway: float
) -> Caller:
    """
    Read and check everything that claims say but issuer and tenant, which take the tenant's keys.

    Args:
        claims: The claims of a token, whether it is verified or not.
        audiences: The accepted values of `aud`, in lower case and without a slash at the end.
        now: Epoch seconds.
        leeway: By how many seconds two clocks may differ.

    Raises:
        CallerRefusedError: A claim is missing or malformed, or the token is for another API, has
            expired, is not valid yet, or is bound to a key.
    """
    _check_audience(_read_text(claims, "aud"), audiences)
    expires = _read_moment(claims, "exp")
    issued = _read_moment(claims, "iat")
    begins = _read_moment(claims, "nbf") if "nbf" in claims else issued
    if now >= expires + leeway:
        raise refuse("bearer_expired")
    if now < begins - leeway:
        raise refuse("bearer_early")
    version = _read_text(claims, "ver")
    if version not in _CLIENT_CLAIMS:
        raise refuse("bearer_version")
    # Its sender has to prove that he holds a key, which a bearer token is no proof of (RFC 7800).
    if "cnf" in claims:
        raise refuse("bearer_bound")
    is_app = _is_app(claims)
    return Caller(
        client_id=_read_text(claims, _CLIENT_CLAIMS[version]).lower(),
        tenant=_read_text(claims, "tid").lower(),
        object_id=_read_text(claims, "oid") if is_app or "oid" in claims else "",
        roles=_read_roles(claims),
        scopes=frozenset() if is_app else _read_scopes(claims),
        is_app=is_app,
        version=version,
        issued=issued,
        expires=expires,
        claims=claims,
    )


def bare_audience(audience: str) -> str:
    """Return an audience as it is compared: in small letters, without a slash at the end."""
    # One of version 1.0 is spelt as the caller asked for it, with a slash or without.
    return audience.removesuffix("/").lower()


def _check_audience(audience: str, audiences: Container[str]) -> None:
    if bare_audience(audience) in audiences:
        return
    if is_for_graph(audience):
        raise refuse("bearer_for_graph")
    raise refuse("bearer_for_other", audience=audience)


def _is_app(claims: Mapping[str, Any]) -> bool:
    """Whether an app calls on its own; `idtyp` is an optional claim of APIs but Graph."""
    if "idtyp" in claims:
        return bool(claims["idtyp"] == "app")
    return "scp" not in claims and _read_text(claims, "sub") == claims.get("oid")


def _read_text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise refuse("bearer_claims_missing", claim=name)
    return value


def _read_moment(claims: Mapping[str, Any], name: str) -> float:
    # A number as text is none here (RFC 7519, 2).
    value = claims.get(name)
    moment = None if isinstance(value, str) else read_time(value)
    if moment is None:
        raise refuse("bearer_claims_missing", claim=name)
    return moment


def _read_roles(claims: Mapping[str, Any]) -> frozenset[str]:
    # Without any role the claim is left out, not empty.
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise refuse("bearer_claims_missing", claim="roles")
    return frozenset(roles)


def _read_scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    scopes = claims.get("scp", "")
    if not isinstance(scopes, str):
        raise refuse("bearer_claims_missing", claim="scp")
    return frozenset(scopes.split())
