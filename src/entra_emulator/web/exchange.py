"""
Exchanges: a request as it came and its answer as it went, for whoever analyses or records them.

They are taken at the very edge of an application, so that they show what faults made of an answer,
and a batch as the one request that it is.
"""

import base64
import binascii
import gzip
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers: TypeAlias = tuple[tuple[str, str], ...]

# The claims of an access token that say who calls, and what it may do.
_CALLER = ("appid", "azp", "tid", "oid", "idtyp", "roles", "scp")

# Claims and headers are read by the thousand.
_decode = msgspec.json.Decoder(type=dict[str, Any]).decode


class Exchange(NamedTuple):
    """
    One request and its answer.

    Args:
        started: when the request came, in seconds since 1970.
        ended: when the last byte of the answer had been sent.
        connection: names the connection that it came on.
        method: e.g. `GET`.
        url: the whole address as it was sent, percent-encoded.
        request_headers: names in small letters, in their order.
        request_body: what was sent.
        status: of the answer; 0 if the connection was broken off before one.
        response_headers: names in small letters, in their order.
        response_body: what was answered, without compression.
        caller: the claims `appid`, `tid`, `oid`, `roles` and `scp` of the request's access token,
            which nobody verified; empty without a token that can be read.
    """

    started: float
    ended: float
    connection: str
    method: str
    url: str
    request_headers: Headers = ()
    request_body: bytes = b""
    status: int = 0
    response_headers: Headers = ()
    response_body: bytes = b""
    caller: Mapping[str, Any] = {}


Note: TypeAlias = Callable[[Exchange], None]


def watch_exchanges(
    app: ASGIApp, note: Note, now: Callable[[], float], passed: Iterable[str] = ()
) -> ASGIApp:
    """
    Note every exchange with the application when its answer is complete.

    Args:
        app: is wrapped.
        note: is called in the event loop, and must return soon.
        now: tells the time, in seconds since 1970.
        passed: beginnings of the paths that are not noted.
    """
    unnoted = tuple(passed)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(unnoted):
            await app(scope, receive, send)
            return
        started = now()
        sent, answered = bytearray(), bytearray()
        start: Message = {"status": 0, "headers": ()}

        async def listen() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def watch(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                answered.extend(message.get("body", b""))
            await send(message)

        # What the application changes in the path is no part of what was sent.
        url = _join_url(scope)
        try:
            await app(scope, listen, watch)
        finally:
            headers = _read_headers(scope["headers"])
            answer_headers = _read_headers(start["headers"])
            note(
                Exchange(
                    started,
                    now(),
                    ":".join(map(str, scope.get("client") or ())),
                    scope["method"],
                    url,
                    headers,
                    bytes(sent),
                    start["status"],
                    answer_headers,
                    expand_body(answer_headers, bytes(answered)),
                    read_caller(headers),
                )
            )

    return watched


def find_header(headers: Headers, name: str) -> str:
    """The value of the first header of this name, in small letters; empty without one."""
    return next((value for known, value in headers if known == name), "")


def expand_body(headers: Headers, body: bytes) -> bytes:
    """The body without gzip; as it is if it is cut off, or no gzip at all."""
    if find_header(headers, "content-encoding").lower() != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body


def read_caller(headers: Headers) -> dict[str, Any]:
    """The claims that say who calls; none without an access token that is a JWT."""
    scheme, _, token = find_header(headers, "authorization").partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        return {}
    try:
        # base64url comes without the padding that Python insists on.
        claims = _decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (msgspec.DecodeError, UnicodeError, binascii.Error, RecursionError, ValueError):
        return {}
    return {name: claims[name] for name in _CALLER if name in claims}


def _join_url(scope: Scope) -> str:
    headers = _read_headers(scope["headers"])
    path = bytes(scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = bytes(scope["query_string"]).decode("latin-1")
    host = find_header(headers, "host")
    return f"{scope['scheme']}://{host}{path}{'?' if query else ''}{query}"


def _read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers
    )
