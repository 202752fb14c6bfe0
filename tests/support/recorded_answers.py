"""
Answers of Graph and of the token service as they are when nothing is wrong with them.

Some are the repository's own: their form is that of recorded ones, and their content made up. Where
the published recordings lie beside the checkout, their answers come besides.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.support.places import PUBLISHED

GRAPH = "https://graph.microsoft.com/v1.0"
SECRET_TOKEN = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJTRUNSRVQtVE9LRU4ifQ.U0VDUkVUVE9LRU4"
SECRET_PLACE = "SECRETxPLACE"
"""Stands in every page link, which may hold names of users."""

KINDS = ("page", "object", "count", "batch", "delta", "token", "metadata")

_HEADERS = {
    "Content-Type": "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8",
    "Date": "Fri, 06 Sep 2024 09:31:10 GMT",
    "OData-Version": "4.0",
    "request-id": "4aee456b-e6a4-44e2-9296-911e381972da",
    "x-ms-resource-unit": "2",
    "x-ms-throttle-limit-percentage": "0.8",
}
_TEXT = _HEADERS | {"Content-Type": "text/plain"}
_THROTTLED = _HEADERS | {"Retry-After": "7"}
_CHALLENGED = _HEADERS | {
    "WWW-Authenticate": 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4i'
    'Ont9fQ=="'
}


class RecordedAnswer(NamedTuple):
    """An answer, and the kind of request that it answers, one of `KINDS`."""

    kind: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def _json(kind: str, body: object, status: int = 200, **more: str) -> RecordedAnswer:
    headers = _HEADERS | {name.replace("_", "-"): value for name, value in more.items()}
    return RecordedAnswer(kind, status, headers, json.dumps(body).encode())


def _error(kind: str, status: int, code: str, message: str, headers: Any = None) -> RecordedAnswer:
    inner = {"date": "2024-09-06T09:31:10", "request-id": "4aee456b", "client-request-id": "4aee"}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return RecordedAnswer(kind, status, headers or _HEADERS, json.dumps(body).encode())


_USERS = [
    {"id": f"{at:08}-1111-4111-8111-111111111111", "displayName": name, "accountEnabled": True}
    | {"businessPhones": ["+1 425 555 0109"], "assignedPlans": [{"service": "x", "n": at}]}
    for at, name in enumerate(["Ana", "Bo", "Çelik", "Đặng", "[Sales"])
]
_NEXT = f"{GRAPH}/users?$top=5&$skiptoken={SECRET_PLACE}"
_ISSUER = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555"

OWN = (
    _json("page", {"@odata.context": "x", "@odata.nextLink": _NEXT, "value": _USERS}),
    _json("page", {"@odata.count": 5, "value": _USERS}),
    _json("object", _USERS[0] | {"@odata.context": f"{GRAPH}/$metadata#users/$entity"}),
    RecordedAnswer("count", 200, _TEXT, b"\xef\xbb\xbf250"),
    _error("page", 400, "Directory_ExpiredPageToken", "The specified page token has expired."),
    _error("object", 403, "Authorization_RequestDenied", "Insufficient privileges."),
    _error("object", 401, "InvalidAuthenticationToken", "Continuous access.", _CHALLENGED),
    _error("count", 429, "TooManyRequests", "Too many requests.", _THROTTLED),
    RecordedAnswer("object", 302, _HEADERS | {"Location": f"{GRAPH}/x?s={SECRET_PLACE}"}, b""),
    _json(
        "batch",
        {
            "responses": [
                {"id": "1", "status": 200, "headers": _HEADERS, "body": _USERS[0]},
                {"id": "2", "status": 404, "headers": {}, "body": {"error": {"code": "x"}}},
                {"id": "3", "status": 429, "headers": {"Retry-After": "2"}, "body": None},
            ]
        },
    ),
    _json(
        "delta",
        {
            "@odata.context": f"{GRAPH}/$metadata#users/$delta",
            "@odata.deltaLink": f"{GRAPH}/users/delta?$deltatoken={SECRET_PLACE}",
            "value": [*_USERS[:2], {"id": "3", "@removed": {"reason": "changed"}}],
        },
    ),
    _json(
        "token",
        {"token_type": "Bearer", "expires_in": 86_399, "ext_expires_in": 86_399}
        | {"refresh_in": 43_199, "access_token": SECRET_TOKEN},
    ),
    _json(
        "token",
        {
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 4a",
            "error_codes": [7_000_215],
            "timestamp": "2024-09-06 09:31:10Z",
            "trace_id": "4aee456b-e6a4-44e2-9296-911e381972da",
            "correlation_id": "4aee456b-e6a4-44e2-9296-911e381972da",
            "error_uri": "https://login.microsoftonline.com/error?code=7000215",
        },
        401,
    ),
    _json(
        "metadata",
        {
            "issuer": f"{_ISSUER}/v2.0",
            "authorization_endpoint": f"{_ISSUER}/oauth2/v2.0/authorize",
            "token_endpoint": f"{_ISSUER}/oauth2/v2.0/token",
            "response_types_supported": ["code", "id_token"],
        },
    ),
)


def load_recorded() -> list[RecordedAnswer]:
    """Return the repository's own answers, and those recorded with the real services if present."""
    return [*OWN, *_read_published()]


def _read_published() -> Iterator[RecordedAnswer]:
    for path in sorted((PUBLISHED / "recordings").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            content = entry["response_body"]
            kind = _find_kind(entry["url"], content)
            headers = {
                name: value
                for name, value in (entry["response_headers"] or {}).items()
                if isinstance(value, str)
            }
            body = content if isinstance(content, str) else json.dumps(content or {})
            if kind is not None and isinstance(entry["status"], int):
                yield RecordedAnswer(kind, entry["status"], headers, body.encode())


def _find_kind(url: str, content: Any) -> str | None:
    parts = urlsplit(url)
    if parts.hostname == "graph.microsoft.com":
        if isinstance(content, dict) and "responses" in content:
            return "batch"
        if "/delta" in parts.path:
            return "delta"
        return "page" if isinstance(content, dict) and "value" in content else "object"
    if not (parts.hostname or "").startswith("login."):
        return None
    return "metadata" if "openid-configuration" in parts.path else "token"
