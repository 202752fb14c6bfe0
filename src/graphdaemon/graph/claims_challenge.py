"""What Graph demands of a new token when it takes the old one back: a claims challenge."""

import base64
import binascii
import json
import re
from email.message import Message

# "Claims challenges, claims requests, and client capabilities" on learn.microsoft.com: standard
# base64; some proxies' padding is lost, and some services write it URL-safe.
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/_=-]+)"')


def read_challenge(headers: Message) -> str | None:
    """Return the demanded claims as JSON text, or None; there may be several challenges."""
    for value in headers.get_all("WWW-Authenticate") or ():
        found = _CLAIMS.search(str(value))
        if found is not None:
            return _decode(found[1])
    return None


def _decode(text: str) -> str | None:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        claims = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
        return claims if isinstance(json.loads(claims), dict) else None
    except (binascii.Error, ValueError):
        return None
