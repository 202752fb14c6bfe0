"""A bearer token taken apart, without believing it: the header, the claims, the signature."""

import base64
import binascii
from typing import Any, NamedTuple

from graphdaemon.protect.refusal import refuse
from graphdaemon.received.json import decode_object

LARGEST = 32_768
"""Characters of a token that are read; one of Entra ID with 200 groups has 10,000."""

_LONGEST_KID = 256


class UnverifiedToken(NamedTuple):
    """
    A token of the right form, whose content anybody could have written.

    Attributes:
        kid: The name of the key that is said to have signed it.
        claims: What it says.
        signed: What the signature is of.
        signature: The signature.
    """

    kid: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    def __repr__(self) -> str:
        # Reports of a failure show the variables of each function; these two are the token.
        return f"UnverifiedToken(kid={self.kid!r}, claims={self.claims!r})"


def read_authorization(value: str | None) -> str:
    """
    Return the token in the value of the header `Authorization`; it may still be anything.

    Raises:
        CallerRefusedError: There is no such header, or one of another scheme.
    """
    scheme, _, token = (value or "").partition(" ")
    if scheme.lower() != "bearer":
        raise refuse("bearer_missing")
    return token.strip(" ")


def split_token(token: str) -> UnverifiedToken:
    """
    Take a token apart, which has `LARGEST` characters at most.

    Keys and addresses of keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are not looked at: the
    tenant's own keys alone count.

    Raises:
        CallerRefusedError: It is no JWT that Entra ID could have signed.
    """
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    header = _decode_object(head)
    # By list, and never by what the header says: `none` and HS256 are ways to forge.
    if header.get("alg") != "RS256":
        raise refuse("bearer_unsigned")
    if "crit" in header:
        raise refuse("bearer_critical")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID:
        raise refuse("bearer_malformed")
    return UnverifiedToken(kid, _decode_object(body), signed.encode(), _decode(signature))


def _decode_object(part: str) -> dict[str, Any]:
    value = decode_object(_decode(part))
    if value is None:
        raise refuse("bearer_malformed")
    return value


def _decode(part: str) -> bytes:
    try:
        # The decoder wants the padding that a JWT leaves out (RFC 7515, 2).
        content = base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise refuse("bearer_malformed") from None
    # The decoder takes many texts for the same, and each would be remembered as a token of its own.
    if base64.urlsafe_b64encode(content).decode().rstrip("=") != part:
        raise refuse("bearer_malformed")
    return content
