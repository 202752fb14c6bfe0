"""
JSON that a server sends, decoded with a bound to how deeply it is nested.

The decoders of msgspec and of Python call themselves for each level, and end in a RecursionError,
which is no error of decoding, at a depth that differs with the version of Python and with how many
functions are being called. Nothing of Graph's or the token service's is nested more than ten deep.
"""

import json
import re
from typing import Any

DEEPEST = 100
"""Levels of lists and objects within one another that are read."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# The last one may have no end, and matches all the same: the search would begin again within it.
_STRING = rb'"(?:[^"\\]|\\.)*+"?'


class TooDeepError(ValueError):
    """A JSON text is nested more deeply than `DEEPEST`."""


def check_depth(text: bytes) -> None:
    """
    Check that a JSON text, which need not be valid, is not nested more deeply than `DEEPEST`.

    Raises:
        TooDeepError: It is.
    """
    brackets = text.translate(None, _NO_BRACKETS)
    # Each pass takes the innermost level away, which is much faster than to look at each bracket.
    for _ in range(DEEPEST):
        if not brackets:
            return
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    # What is left may be brackets within strings, which open and close nothing.
    depth = 0
    for byte in re.sub(_STRING, b"", text, flags=re.DOTALL).translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        if depth > DEEPEST:
            raise TooDeepError(f"nested more than {DEEPEST} deep")


def decode(text: bytes) -> Any:
    """
    Decode a JSON text as Python does: also one that is not quite valid, and in any Unicode.

    Raises:
        ValueError: It is no JSON, or nested too deeply.
    """
    check_depth(text)
    try:
        return json.loads(text)
    except RecursionError:
        # In UTF-16 and UTF-32, brackets are not where `check_depth` sees them.
        raise TooDeepError("nested too deeply") from None


def decode_object(text: bytes) -> dict[str, Any] | None:
    """Return the JSON object that `text` is, or None if it is none."""
    try:
        value = decode(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
