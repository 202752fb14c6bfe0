"""
The middleware in which planned faults happen: requests are delayed, refused, cut and reset.

A request in a batch has no connection of its own: what would break one
becomes a 503, or a 504 once the request was carried out.
"""

import asyncio
import gzip
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entra_emulator.control.control import PREFIX
from entra_emulator.errors import deny, refuse
from entra_emulator.faults.fault import BESIDE, Fault
from entra_emulator.graph.access.admission import THROTTLED
from entra_emulator.graph.error_object import answer_refusal
from entra_emulator.web.connection import Connection, connection_of, flush, reset
from entra_emulator.web.context import context_of
from entra_emulator.web.pages.request import PREFIX as PORTAL
from entra_emulator.web.request_notes import notes_of
from entra_emulator.web.token_service_answers import answer_oauth, describe_refusal

# In how many pieces a second a slow body is sent.
_DRIPS = 20

# A front door's own page knows nothing of OAuth or Graph: clients must not count on JSON.
_FRONT_DOOR_PAGE = (
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>"
    "<h2>Our services aren't available right now</h2><p>We're working to restore all services as "
    "soon as possible. Please check back soon.</p></body></html>"
)


def inject_faults(app: ASGIApp) -> ASGIApp:
    """Let requests fail as planned, before the application itself looks at them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        faults = _draw(scope) if scope["type"] == "http" else ()
        if not faults:
            await app(scope, receive, send)
            return
        notes_of(scope).faults = faults
        await asyncio.sleep(sum(fault.delay or 0.0 for fault in faults))
        spoiling = next((fault for fault in faults if fault.kind not in BESIDE), None)
        if spoiling is None:
            await app(scope, receive, send)
        else:
            await _SpoiltRequest(app, scope, receive, send).answer(spoiling)

    return answer


def _draw(scope: Scope) -> tuple[Fault, ...]:
    if scope["path"].startswith((f"{PREFIX}/", PORTAL)):
        return ()  # faults are planned there, and must be called off there
    query = scope["query_string"].decode("latin-1")
    return context_of(Request(scope)).faults.draw(scope["method"], scope["path"], query)


class _SpoiltRequest:
    """One request whose answer goes wrong."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._scope, self._receive, self._send = app, scope, receive, send
        self._connection = connection_of(scope)

    async def answer(self, fault: Fault) -> None:
        """Let the fault happen."""
        if fault.kind in {"outage", "status"}:
            await self._refuse(fault)
        elif self._connection is None:
            done = fault.kind != "reset" or fault.after or fault.when != "before"
            await self._refuse(Fault(kind="status", status=504 if done else 503, after=done))
        elif fault.kind == "reset":
            await self._reset(fault, self._connection)
        else:
            await self._spoil(fault, self._connection)

    async def _refuse(self, fault: Fault) -> None:
        """Answer with a refusal, though the request may be carried out all the same."""
        if fault.after:
            await self._carry_out()
        answer = _answer_outage(Request(self._scope), fault)
        await answer(self._scope, self._receive, self._send)

    async def _reset(self, fault: Fault, connection: Connection) -> None:
        """Break the connection off before, during or after the body."""
        if fault.after or fault.when != "before":
            start, body = await self._carry_out()
            if fault.when != "before":
                await self._send(start)
                whole = fault.when == "after"
                await self._write(body if whole else body[: len(body) // 2], more=not whole)
                await flush(connection)
        await reset(connection)

    async def _spoil(self, fault: Fault, connection: Connection) -> None:
        """Send a body that is cut, broken or slow."""
        start, body = await self._carry_out()
        if fault.kind == "drip":
            await self._send(_resize(start))
            await self._drip(body, fault.rate or 1.0, connection)
        elif fault.framing == "length":
            await self._send(_resize(start, len(body)))
            await self._write(body[: len(body) // 2], more=True)
            connection.close()
            await asyncio.sleep(0.001)
        else:
            change = _halve if fault.kind == "truncated" else _garble
            await self._send(_resize(start))
            await self._write(_edit(start, body, change))

    async def _drip(self, body: bytes, rate: float, connection: Connection) -> None:
        size = max(1, round(rate / _DRIPS))
        for start in range(0, len(body), size):
            if connection.is_closing():
                return  # the client has gone, and a slow body can last for hours
            await self._write(body[start : start + size], more=True)
            await asyncio.sleep(size / rate)
        await self._write(b"")

    async def _carry_out(self) -> tuple[Message, bytes]:
        """Let the application answer, and keep the answer: its start and its body."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(self._scope, self._receive, keep)
        start, *bodies = messages
        return start, b"".join(message.get("body", b"") for message in bodies)

    async def _write(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _resize(start: Message, length: int | None = None) -> Message:
    """The start of an answer that promises another length, or none."""
    headers = [header for header in start["headers"] if header[0].lower() != b"content-length"]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {**start, "headers": headers}


def _edit(start: Message, body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The body with its text changed, compressed or not."""
    # Spoilt from outside, compressed text would fail in the client's gzip and never reach its JSON.
    if (b"content-encoding", b"gzip") not in start["headers"]:
        return change(body)
    return gzip.compress(change(gzip.decompress(body)), 1)


def _halve(text: bytes) -> bytes:
    return text[: len(text) // 2]


def _garble(text: bytes) -> bytes:
    """Spoil JSON: put `=` for the colon behind the first name in the second half."""
    quote = text.find(b'":', len(text) // 2)
    return b"<" + text[1:] if quote < 0 else text[: quote + 1] + b"=" + text[quote + 2 :]


def _answer_outage(request: Request, fault: Fault) -> Response:
    """The answer to a request that is made to fail with an outage or a status."""
    if fault.html:
        answer = Response(_FRONT_DOOR_PAGE, fault.answer, media_type="text/html")
    elif fault.kind == "outage":
        assert fault.code is not None
        content = describe_refusal(request, refuse(fault.code))
        answer = answer_oauth(request, content, status=fault.answer, code=fault.code)
    else:
        answer = _answer_status(request, fault)
    if fault.wait is not None:
        answer.headers["Retry-After"] = str(fault.wait)
    return answer


def _answer_status(request: Request, fault: Fault) -> Response:
    if fault.answer == 429:
        refusal = deny("throttled", inner=THROTTLED)
    else:
        refusal = deny(f"broken_{fault.answer}")
    if fault.error is not None:
        refusal.code = fault.error
    return answer_refusal(request, refusal)
