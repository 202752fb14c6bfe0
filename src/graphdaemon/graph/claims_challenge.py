"""Read a claims challenge: the claims that Graph, refusing a token, demands of the next one."""

import base64
import binascii
import re

from graphdaemon.http.response import Headers
from graphdaemon.received.json import decode_object

# The value is JSON in base64 ("Claims challenges, claims requests, and client capabilities" on
# learn.microsoft.com). Some proxies lose the padding, and some services use the URL-safe alphabet.
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/_=-]+)"')


def read_challenge(headers: Headers) -> str | None:
    """Return the claims of the first `WWW-Authenticate` challenge with any, as JSON, or None."""
    for value in headers.get_all("WWW-Authenticate"):
        match = _CLAIMS.search(value)
        if match is not None:
            return _decode(match[1])
    return None


def _decode(text: str) -> str | None:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        claims = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        return claims.decode() if decode_object(claims) is not None else None
    except (binascii.Error, ValueError):
        return None
