"""The opaque page token: a position in an order, signed, bound to its query."""

import base64
import binascii
import hmac
import struct

from entra_emulator.directory.object_collections import Position
from entra_emulator.errors import deny

# "DSpt", version 2: so begins every recorded token once decoded.
_MAGIC = b"DSpt\x02\x00"
_HEAD = struct.Struct(">6sdq")
_MAC = 16


def seal_position(key: bytes, binding: bytes, now: float, position: Position) -> str:
    """A page token: base64url, good for this query only."""
    value = b"" if position.value is None else b"=" + position.value.encode()
    body = _HEAD.pack(_MAGIC, now, position.seq) + value
    mac = hmac.digest(key, binding + body, "sha256")[:_MAC]
    return base64.urlsafe_b64encode(body + mac).decode().rstrip("=")


def open_position(key: bytes, binding: bytes, now: float, age: float, token: str) -> Position:
    """
    The position in a page token of this query that is at most `age` seconds old.

    Raises:
        GraphFault: 400, altered or of another query, or expired.
    """
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise deny("page_token_invalid") from error
    body, mac = data[:-_MAC], data[-_MAC:]
    expected = hmac.digest(key, binding + body, "sha256")[:_MAC]
    if len(body) < _HEAD.size or not hmac.compare_digest(mac, expected):
        raise deny("page_token_invalid")
    _, issued, seq = _HEAD.unpack_from(body)
    if now - issued > age:
        raise deny("page_token_expired")
    value = body[_HEAD.size :].decode()
    return Position(value[1:] if value else None, seq)
