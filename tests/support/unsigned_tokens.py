"""Tokens that say what a test wants, signed by nobody."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

GRAPH = "https://graph.microsoft.com"


def make_token(**claims: Any) -> str:
    """An app-only token for Graph but for ``claims``; None leaves one out."""
    now = int(time.time())
    said = {"aud": GRAPH, "idtyp": "app", "iat": now, "nbf": now, "exp": now + 3600} | claims
    kept = {name: value for name, value in said.items() if value is not None}
    return ".".join([_encode({"alg": "RS256", "typ": "JWT"}), _encode(kept), "c2lnbmVk"])


def _encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
