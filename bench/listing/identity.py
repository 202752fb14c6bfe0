"""What the identity platform answers: where things are, and tokens, which are counted."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from bench.listing.wire import Request, write_response

TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
CLIENT_ID = "11111111-2222-4333-8444-555555555555"
SECRET = "not-a-secret"

_LIFE_S = 3599
_ALIASES = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com"]


class Identity:
    """
    Gives anybody a token.

    Attributes:
        issued: How many so far.
    """

    def __init__(self) -> None:
        self.issued = 0

    def answer(self, request: Request) -> bytes | None:
        """The whole response to ``request``; None if it is not for the identity platform."""
        _, tenant, *rest = request.path.split("/")
        if request.path.endswith("/token"):
            self.issued += 1
            return _write(_issue(tenant))
        if request.path.endswith("/.well-known/openid-configuration"):
            return _write(_describe(f"{request.base}/{tenant}"))
        if rest == ["discovery", "instance"]:
            return _write(_name_aliases(request))
        if tenant in ("subscriptions", "tenants"):
            return _write({"value": []})  # az asks for them on signing in
        return None


def _issue(tenant: str) -> dict[str, Any]:
    """A token that is as long as Graph's, and says what clients look for; nobody checks it."""
    now = int(time.time())
    claims = {
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + _LIFE_S,
        "app_displayname": "bench",
        "appid": CLIENT_ID,
        "idtyp": "app",
        "oid": CLIENT_ID,
        "roles": ["User.Read.All", "Directory.Read.All"],
        "sub": CLIENT_ID,
        "tid": tenant,
        "ver": "1.0",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    }
    token = f"{_encode({'typ': 'JWT', 'alg': 'RS256'})}.{_encode(claims)}.{'s' * 342}"
    return {"token_type": "Bearer", "expires_in": _LIFE_S, "access_token": token}


def _describe(authority: str) -> dict[str, Any]:
    return {
        "token_endpoint": f"{authority}/oauth2/v2.0/token",
        "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{authority}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{authority}/discovery/v2.0/keys",
        "issuer": f"{authority}/v2.0",
        "response_types_supported": ["code", "id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": "graph.microsoft.com",
    }


def _name_aliases(request: Request) -> dict[str, Any]:
    discovery = f"{request.base}/common/v2.0/.well-known/openid-configuration"
    known = {
        "preferred_network": _ALIASES[0],
        "preferred_cache": _ALIASES[1],
        "aliases": _ALIASES,
    }
    return {"tenant_discovery_endpoint": discovery, "api-version": "1.1", "metadata": [known]}


def _encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _write(value: Any) -> bytes:
    return write_response(200, json.dumps(value).encode())
