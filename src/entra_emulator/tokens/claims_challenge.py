"""
Claims challenges of continuous access evaluation: the ones given, and the answers to them.

Sources: "Claims challenges, claims requests and client capabilities", Microsoft
identity platform; a real challenge (azure-sdk-for-js, recorded 2021).
"""

import base64
import json
from typing import Any, NamedTuple

from entra_emulator.errors import refuse
from entra_emulator.tokens.jwt import read_number

LIMIT = 8192
# How far ahead of now a token may have to begin: what Graph tolerates at the other end.
LEEWAY = 300


class Wish(NamedTuple):
    """
    What a token request's `claims` asks of the access token.

    Args:
        handles_challenges: the client declares the capability `cp1`.
        begins: seconds since 1970 that the token must not begin before.
    """

    handles_challenges: bool = False
    begins: int = 0


NO_WISH = Wish()


def read_wish(text: str | None, now: float) -> Wish:
    """
    The wish in a `claims` parameter; what it does not know it ignores.

    Raises:
        OAuthFault: 90100, not JSON of that form, or it asks for a token of the future.
    """
    if not text:
        return NO_WISH
    wanted = _member(_parse(text), "access_token")
    capabilities = _member(wanted, "xms_cc").get("values", [])
    if not isinstance(capabilities, list):
        raise refuse(90100, field="claims")
    able = any(isinstance(value, str) and value.lower() == "cp1" for value in capabilities)
    begins = _member(wanted, "nbf").get("value", 0)
    moment = read_number(begins)
    if moment is None or moment > now + LEEWAY:
        raise refuse(90100, field="claims")
    return Wish(able, int(moment))


def render_challenge(revoked: int) -> str:
    """The `claims` of a `WWW-Authenticate` header: standard base64, and the recorded blank."""
    text = f'{{"access_token":{{"nbf":{{"essential":true, "value":"{revoked}"}}}}}}'
    return base64.b64encode(text.encode()).decode()


def _parse(text: str) -> dict[str, Any]:
    if len(text) > LIMIT:
        raise refuse(90100, field="claims")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse(90100, field="claims") from error
    if not isinstance(value, dict):
        raise refuse(90100, field="claims")
    return value


def _member(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in an object; null is as good as absent (OpenID Connect Core, 5.5)."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(90100, field="claims")
    return value
