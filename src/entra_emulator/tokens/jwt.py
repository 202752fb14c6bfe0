"""Take a JSON Web Token apart, before anything in it is verified."""

import base64
import binascii
import json
import re
from typing import Any, NamedTuple

# Characters. Real assertions and tokens have fewer than 8,000, even with a certificate chain.
LIMIT = 32_768

_SEGMENT = re.compile(r"[A-Za-z0-9_-]*={0,2}")


class MalformedTokenError(ValueError):
    """The text is no signed token in compact form; `part` names the part that is wrong."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part


class UnverifiedToken(NamedTuple):
    """A token's decoded parts, and the bytes its signature covers."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bytes
    signed: bytes


def split_token(token: str) -> UnverifiedToken:
    """
    The parts of a signed token; nothing is verified.

    Segments may carry `=` padding, as azure-identity's asynchronous
    certificate credential sends them. A name twice in one object is refused,
    because readers disagree on which one counts.

    Raises:
        MalformedTokenError: too long, not three segments, not base64url, not
            JSON objects, or with a repeated name.
    """
    if len(token) > LIMIT:
        raise MalformedTokenError("token", "too long")
    segments = token.split(".")
    if len(segments) != 3:
        raise MalformedTokenError("token", f"{len(segments)} segments")
    header, claims, signature = segments
    return UnverifiedToken(
        _decode_object("header", header),
        _decode_object("payload", claims),
        _decode_segment("signature", signature),
        f"{header}.{claims}".encode(),
    )


def read_number(value: object) -> float | None:
    """A NumericDate: an integer, a float (MSAL Python) or a numeric string (MSAL.NET)."""
    # To Python `True` is an `int` too, but in JSON it is no number.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    # Until the year 9999, so that every number can be printed as a date.
    return number if 0 <= number < 253_402_300_800 else None


def encode_base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode_segment(part: str, segment: str) -> bytes:
    if not _SEGMENT.fullmatch(segment):
        raise MalformedTokenError(part, "not base64url")
    bare = segment.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error as error:
        raise MalformedTokenError(part, "not base64url") from error


def _decode_object(part: str, segment: str) -> dict[str, Any]:
    def refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise MalformedTokenError(part, "a name occurs twice")
        return members

    data = _decode_segment(part, segment)
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=refuse_repeats)
    except MalformedTokenError:  # a ValueError too, but it says already what is wrong
        raise
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or too long a number
        raise MalformedTokenError(part, "not JSON") from error
    if not isinstance(value, dict):
        raise MalformedTokenError(part, "not an object")
    # Only an escape can be half a character, and encoding every token again would cost time.
    if b"\\u" in data and not _is_text(value):
        raise MalformedTokenError(part, "half a character")
    return value


def _is_text(value: object) -> bool:
    """Whether every string in it is whole text: an escape can be half of a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
