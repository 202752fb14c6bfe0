"""Exchanges as they are taken at the edge of an application."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entra_emulator.web.exchange import (
    Exchange,
    expand_body,
    find_header,
    read_caller,
    watch_exchanges,
)


def scope(path: str = "/v1.0/users", **changes: Any) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"$top=%31",
        "headers": [(b"Host", b"graph.test:8443"), (b"X-One", b"caf\xe9")],
        "client": ("127.0.0.1", 5000),
        **changes,
    }


def watch(app: ASGIApp, given: Scope, *parts: bytes) -> list[Exchange]:
    """What is noted of a request with a body in these parts."""
    noted: list[Exchange] = []
    times = iter((1.0, 2.0))
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        watched = watch_exchanges(app, noted.append, lambda: next(times), ("/portal",))
        await watched(given, receive, send)

    asyncio.run(run())
    assert sent, "the answer goes on to the client"
    return noted


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    answer = Response(b"<" + await request.body() + b">", 201, {"X-Two": "2"})
    scope["path"] = "/changed"
    await answer(scope, receive, send)


def test_an_exchange() -> None:
    """Both bodies whole, headers in small letters, the address as it was sent."""
    (one,) = watch(echo, scope(), b"a", b"b")

    assert (one.started, one.ended, one.connection) == (1.0, 2.0, "127.0.0.1:5000")
    assert (one.method, one.url) == ("POST", "https://graph.test:8443/v1.0/users?$top=%31")
    assert (one.request_body, one.status, one.response_body) == (b"ab", 201, b"<ab>")
    assert find_header(one.request_headers, "x-one") == "caf\xe9"
    assert find_header(one.response_headers, "x-two") == "2"
    assert find_header(one.response_headers, "x-three") == ""


def test_what_is_passed() -> None:
    assert watch(echo, scope("/portal/x")) == []


def test_no_answer() -> None:
    """A connection that is broken off is noted with status 0, and the failure goes on."""

    async def fail(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "unknown"})
        raise RuntimeError

    noted: list[Exchange] = []

    async def run() -> None:
        async def send(_: Message) -> None:
            return

        watched = watch_exchanges(fail, noted.append, lambda: 1.0)
        await watched(scope(), send, send)  # type: ignore[arg-type]  # nothing is received

    with pytest.raises(RuntimeError):
        asyncio.run(run())
    assert [one.status for one in noted] == [0]


# A time in it would stand in the names of the tests, which processes that share them compare.
PACKED = gzip.compress(b"text", mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body", "expanded"),
    [
        ("gzip", PACKED, b"text"),
        ("GZIP", PACKED, b"text"),
        ("gzip", b"text", b"text"),
        ("gzip", PACKED[:-9], PACKED[:-9]),
        ("gzip", b"", b""),
        ("", b"text", b"text"),
    ],
)
def test_compression(encoding: str, body: bytes, expanded: bytes) -> None:
    """What is cut off, or called gzip and is none, stays as it is."""
    headers = (("content-encoding", encoding),) if encoding else ()
    assert expand_body(headers, body) == expanded


def bearer(claims: Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"Bearer e30.{part}.sig"


CLAIMS = {"appid": "a", "tid": "t", "roles": ["User.Read.All"]}


@pytest.mark.parametrize(
    ("value", "caller"),
    [
        (bearer(CLAIMS | {"name": "Ann", "upn": "ann@x"}), CLAIMS),
        (bearer(CLAIMS).replace("Bearer", "bearer "), CLAIMS),
        (bearer([]), {}),
        (bearer(CLAIMS).replace("Bearer", "Basic"), {}),
        ("Bearer opaque", {}),
        ("Bearer a.\xe9.c", {}),
        ("Bearer a.b.c", {}),
        ("Bearer e30.W1tb.c", {}),
        ("", {}),
    ],
)
def test_callers(value: str, caller: dict[str, Any]) -> None:
    """Only the claims that say who calls, and nobody's name; none of what is no JWT."""
    assert read_caller((("authorization", value),)) == caller
