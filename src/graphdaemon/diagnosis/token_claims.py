"""
What an access token says, read without verifying it: to explain, never to decide on access.

The token is meant for its API, and need not even be a JWT; a client may not rely on its content.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphdaemon.cloud import CLOUDS, is_for_graph
from graphdaemon.received.json import decode_object
from graphdaemon.received.numbers import read_time as read_moment


class Claim(NamedTuple):
    """
    One claim, and what it means in plain words.

    Attributes:
        name: The name in the token, such as `roles`.
        value: The value as text; the items of a list are joined.
        sentence: What it means; empty for unknown claims.
    """

    name: str
    value: str
    sentence: str


def read_claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT, or None if `token` is not a JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        # A JWT leaves out the padding that Python's decoder insists on (RFC 7515, 2).
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (ValueError, binascii.Error):
        return None
    return decode_object(body)


def read_roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The app roles in the token; empty if it has none, since the claim is left out then."""
    return _texts(claims.get("roles"))


def read_time(claims: Mapping[str, Any], name: str) -> float | None:
    """The time of `exp`, `iat` or `nbf` in epoch seconds, or None if it has none."""
    return read_moment(claims.get(name))


def is_delegated(claims: Mapping[str, Any]) -> bool:
    """Whether the token acts for a user: delegated permissions are in `scp`."""
    return claims.get("idtyp") != "app" and isinstance(claims.get("scp"), str)


def describe_claims(claims: Mapping[str, Any], now: float) -> list[Claim]:
    """Describe every claim; those that matter most come first."""
    order = {name: position for position, name in enumerate(_SENTENCES)}
    described = []
    for name in sorted(claims, key=lambda name: (order.get(name, len(order)), name)):
        sentence = _SENTENCES.get(name, _NOTHING)(claims, now)
        described.append(Claim(name, _show(claims[name]), sentence))
    # Where nothing was granted the claim is left out, not empty (msgraph-sdk-powershell#1782).
    if "roles" not in claims and not is_delegated(claims):
        described.insert(0, Claim("roles", "", "absent: the app holds no role of this API"))
    return described


def describe_moment(moment: float, now: float) -> str:
    """`in 57 minutes`, or `2 hours 3 minutes ago`."""
    seconds = abs(moment - now)
    parts = [
        (int(seconds // 86400), "day"),
        (int(seconds % 86400 // 3600), "hour"),
        (int(seconds % 3600 // 60), "minute"),
    ]
    shown = [f"{count} {unit}{'s' * (count != 1)}" for count, unit in parts if count][:2]
    words = " ".join(shown) or f"{int(seconds)} second{'s' * (int(seconds) != 1)}"
    return f"in {words}" if moment > now else f"{words} ago"


def format_time(moment: float) -> str:
    """`2026-03-01 09:10:11 UTC`."""
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _show(value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


Claims = Mapping[str, Any]


def _roles(claims: Claims, _: float) -> str:
    count = len(read_roles(claims))
    plural = "s" * (count != 1)
    return f"what the app may do in the whole tenant, with no user ({count} app role{plural})"


def _audience(claims: Claims, _: float) -> str:
    audience = str(claims["aud"])
    if not is_for_graph(audience):
        return "the one API that accepts this token"
    cloud = next((row for row in CLOUDS if audience.rstrip("/").lower() == row.graph), None)
    return f"for Microsoft Graph{f' of the {cloud.name} cloud' if cloud else ''} and no other"


def _time(name: str, describe: Callable[[float, float], str]) -> Callable[[Claims, float], str]:
    """Describe a claim that is a time; `describe` takes it and the time now."""

    def sentence(claims: Claims, now: float) -> str:
        moment = read_time(claims, name)
        return "no time that could be read" if moment is None else describe(moment, now)

    return sentence


def _expiry(moment: float, now: float) -> str:
    word = "expires" if moment > now else "expired"
    return f"{word} {describe_moment(moment, now)} ({format_time(moment)})"


def _issued(moment: float, now: float) -> str:
    return f"issued {describe_moment(moment, now)}: roles granted since then are not in it"


def _start(moment: float, now: float) -> str:
    if moment <= now:
        return "valid already"
    return f"not valid yet; it begins {describe_moment(moment, now)}"


def _choose(name: str, sentences: Mapping[str, str]) -> Callable[[Claims, float], str]:
    """Describe a claim by its value; a value that is not among `sentences` by nothing."""
    return lambda claims, _: sentences.get(str(claims[name]), "")


def _capabilities(claims: Claims, _: float) -> str:
    names = [name.lower() for name in _texts(claims["xms_cc"])]
    if "cp1" in names:
        return "may be revoked before it expires (continuous access evaluation)"
    return "capabilities of the client"


def _facets(name: str, whose: str) -> Callable[[Claims, float], str]:
    """Describe a claim of facets: numbers in any order, of which those of Agent ID are known."""

    def sentence(claims: Claims, _: float) -> str:
        kinds = [_FACETS[word] for word in str(claims[name]).split() if word in _FACETS]
        return f"{whose} is {' and '.join(kinds)}" if kinds else f"what {whose} is, by numbers"

    return sentence


def _relation(claims: Claims, _: float) -> str:
    words = str(claims["xms_idrel"]).split()
    known = [_RELATIONS[word] for word in words if word in _RELATIONS]
    what = f": {' and '.join(known)}" if known else ""
    return f"what the subject is in the tenant{what}"


def _say(sentence: str) -> Callable[[Claims, float], str]:
    return lambda _claims, _now: sentence


_NOTHING = _say("")
_OPAQUE = _say("for Microsoft alone")
_METHODS = {
    "0": "no credential: a public client",
    "1": "the app proved who it is with a secret",
    "2": "the app proved who it is with a certificate or a federated credential",
}
_KINDS = {
    "app": "an app's own token, with no user",
    "user": "a token for a user who is signed in",
}

# "Token claims reference for agents" (Microsoft Entra Agent ID, November 2025). Other numbers stand
# beside these, without a published meaning, and are to be ignored.
_FACETS = {"11": "an agent identity", "13": "an agent's user account"}
_RELATIONS = {
    "1": "a member",
    "3": "a member with a personal Microsoft account",
    "5": "a guest",
    "7": "a service principal",
    "9": "a device",
    "13": "an app without a service principal",
    "33": "a federated managed identity",
}

# Source: "Access token claims reference" on learn.microsoft.com.
_SENTENCES: dict[str, Callable[[Claims, float], str]] = {
    "roles": _roles,
    "scp": _say(
        "delegated permissions: what the app may do for the signed-in user, who must be allowed to"
    ),
    "aud": _audience,
    "exp": _time("exp", _expiry),
    "iat": _time("iat", _issued),
    "nbf": _time("nbf", _start),
    "tid": _say("the tenant whose directory it is for"),
    "appid": _say("the app: its Application (client) ID"),
    "azp": _say("the app: its Application (client) ID"),
    "app_displayname": _say("the app's name"),
    "appidacr": _choose("appidacr", _METHODS),
    "azpacr": _choose("azpacr", _METHODS),
    "idtyp": _choose("idtyp", _KINDS),
    "xms_act_fct": _facets("xms_act_fct", "who acts"),
    "xms_sub_fct": _facets("xms_sub_fct", "the subject"),
    "xms_par_app_azp": _say(
        "the app's parent, for an agent identity its blueprint; to be logged, not to decide by"
    ),
    "xms_idrel": _relation,
    "oid": _say("object ID of the app's service principal in the tenant, or of the user"),
    "sub": _say("whom it is about; for an app the same as oid"),
    "iss": _say("who issued it"),
    "ver": lambda claims, _: f"format of the token, chosen by the API: version {claims['ver']}",
    "xms_cc": _capabilities,
    "upn": _say("the signed-in user"),
    "unique_name": _say("the signed-in user"),
    "preferred_username": _say("the signed-in user"),
    "wids": _say("template IDs of directory roles; 0997a1d0-… is every app's"),
    "tenant_region_scope": _say("the region of the tenant"),
    "idp": _say("where the identity comes from"),
    "xms_tcdt": _say("when the tenant was created"),
    "xms_tnt_fct": _facets("xms_tnt_fct", "the tenant"),
    "xms_ftd": _OPAQUE,
    "aio": _OPAQUE,
    "rh": _OPAQUE,
    "uti": _say("the token's own ID, which sign-in logs show"),
}
