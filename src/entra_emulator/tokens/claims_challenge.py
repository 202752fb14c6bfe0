"""
Claims challenges of continuous access evaluation, and the claims requests that answer them.

Sources: "Claims challenges, claims requests and client capabilities", Microsoft
identity platform; a real challenge (azure-sdk-for-js, recorded 2021).
"""

import base64
import json
from typing import Any, NamedTuple

from entra_emulator.errors import refuse
from entra_emulator.tokens.jwt import read_number

# Characters. A real claims request has about a hundred.
LIMIT = 8192
# Seconds of clock skew: Graph accepts a token this long before it begins.
LEEWAY = 300


class ClaimsRequest(NamedTuple):
    """
    What the `claims` parameter of a token request asks of the access token.

    The client handles challenges if it declares the capability `cp1`; the token may not begin
    before `not_before`, in seconds since 1970.
    """

    handles_challenges: bool = False
    not_before: int = 0


NO_CLAIMS_REQUEST = ClaimsRequest()


def read_claims_request(text: str | None, now: float) -> ClaimsRequest:
    """
    Read a `claims` parameter; members without a meaning here are ignored.

    Raises:
        TokenRefusal: 90100, it is no such JSON, or asks for a token that begins in the future.
    """
    if not text:
        return NO_CLAIMS_REQUEST
    access_token = _member(_parse(text), "access_token")
    capabilities = _member(access_token, "xms_cc").get("values", [])
    if not isinstance(capabilities, list):
        raise refuse(90100, field="claims")
    # "Claims challenges, claims requests and client capabilities": capabilities ignore case.
    handles_challenges = any(
        isinstance(value, str) and value.lower() == "cp1" for value in capabilities
    )
    not_before = read_number(_member(access_token, "nbf").get("value", 0))
    # Graph would refuse a token that begins later than this until then.
    if not_before is None or not_before > now + LEEWAY:
        raise refuse(90100, field="claims")
    return ClaimsRequest(handles_challenges, int(not_before))


def render_challenge(revoked: int) -> str:
    """
    The `claims` of a `WWW-Authenticate` header, in standard base64.

    Args:
        revoked: tokens that began earlier count no more, in seconds since 1970.
    """
    # The blank before `"value"` is as in the recorded challenge.
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
    """The object that is a member of another; null means absent (OpenID Connect Core, 5.5)."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(90100, field="claims")
    return value
