"""An application that hands every request on to the real host that it was meant for."""

from collections.abc import Callable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from entra_emulator.traffic.recording.real_service import (
    RealAnswer,
    RealRequest,
    RealService,
    ServiceUnreachable,
)
from entra_emulator.web.context import host_name

# These concern a connection and no request (RFC 9110, 7.6.1); the body's length is counted anew.
_OF_CONNECTION = frozenset(
    "connection content-length expect keep-alive proxy-authenticate proxy-authorization "
    "proxy-connection te trailer transfer-encoding upgrade".split()
)


def make_forwarder(
    service: RealService, hosts: frozenset[str], say: Callable[[str], None]
) -> ASGIApp:
    """
    The application.

    Args:
        service: sends the requests.
        hosts: those that requests are handed on to.
        say: is told of a host that does not answer.
    """

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        host = host_name(request.headers.get("host", ""))
        body = await request.body()
        real = RealRequest(
            host, request.method, _read_target(scope), tuple(_list_headers(request, body)), body
        )
        try:
            answer = await run_in_threadpool(service.send, real)
        except ServiceUnreachable as error:
            say(str(error))
            await _answer_unreachable(str(error))(scope, receive, send)
            return
        await _answer(answer)(scope, receive, send)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        host = host_name(Request(scope).headers.get("host", ""))
        if host in hosts:
            await forward(scope, receive, send)
        else:
            # Whatever else reaches this address is sent nowhere.
            text = f"{host or 'an unnamed host'} is none that is recorded"
            await _answer_unreachable(text)(scope, receive, send)

    return guard


def _list_headers(request: Request, body: bytes) -> list[tuple[str, str]]:
    """The headers to hand on; answers come in a form that the recording can read."""
    headers = []
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "accept-encoding":
            value = "gzip" if "gzip" in value.lower() else "identity"
        if name not in _OF_CONNECTION:
            headers.append((name, value))
    if body or request.method in {"POST", "PUT", "PATCH"}:
        headers.append(("content-length", str(len(body))))
    return headers


def _read_target(scope: Scope) -> str:
    path = bytes(scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = bytes(scope["query_string"]).decode("latin-1")
    return f"{path}{'?' if query else ''}{query}"


def _answer(answer: RealAnswer) -> Response:
    response = Response(answer.body, answer.status)
    kept = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers
        if name not in _OF_CONNECTION
    ]
    bodiless = answer.status in {204, 304} or answer.status < 200
    length = [] if bodiless else [(b"content-length", str(len(answer.body)).encode())]
    response.raw_headers = kept + length
    return response


def _answer_unreachable(text: str) -> Response:
    content = {"error": {"code": "recorder_upstream", "message": f"graphdaemon record: {text}"}}
    return Response(msgspec.json.encode(content), 502, media_type="application/json")
