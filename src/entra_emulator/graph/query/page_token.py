"""Page tokens: the position where a page ended, signed, and valid only for the same query."""

import base64
import binascii
import hmac
import struct

from entra_emulator.directory.object_collections import Position
from entra_emulator.errors import deny

# Every recorded token begins so once decoded: "DSpt", version 2.
_MAGIC = b"DSpt\x02\x00"
_HEAD = struct.Struct(">6sdq")
# Half of the digest is enough: nobody can guess sixteen bytes, and links stay short.
_MAC = 16


def seal_position(key: bytes, binding: bytes, now: float, position: Position) -> str:
    """A page token for a position, in base64url; `binding` identifies its query."""
    # The `=` before the value tells an empty value from none.
    value = b"" if position.value is None else b"=" + position.value.encode()
    body = _HEAD.pack(_MAGIC, now, position.seq) + value
    mac = hmac.digest(key, binding + body, "sha256")[:_MAC]
    return base64.urlsafe_b64encode(body + mac).decode().rstrip("=")


def open_position(key: bytes, binding: bytes, now: float, age: float, token: str) -> Position:
    """
    The position in a page token of this query.

    Raises:
        GraphRefusal: 400, the token is altered, of another query, or older than `age` seconds.
    """
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise deny("page_token_invalid") from error
    # The signature is checked before the age, which could be altered as well.
    body, mac = data[:-_MAC], data[-_MAC:]
    expected = hmac.digest(key, binding + body, "sha256")[:_MAC]
    if len(body) < _HEAD.size or not hmac.compare_digest(mac, expected):
        raise deny("page_token_invalid")
    _, issued, seq = _HEAD.unpack_from(body)
    if now - issued > age:
        raise deny("page_token_expired")
    value = body[_HEAD.size :].decode()
    return Position(value[1:] if value else None, seq)
