"""One request to an ASGI application, as its server would hand it on, and the answer."""

import asyncio
import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from anyio import to_thread
from starlette.types import ASGIApp, Message, Scope

from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.web.connection import EXTENSION

Headers = list[tuple[bytes, bytes]]

_log = logging.getLogger(__name__)


class InProcessRequest(NamedTuple):
    """
    A request, as a client library has it.

    Args:
        method: e.g. `GET`.
        url: the whole address.
        headers: with `Host`, or without.
        body: the whole body.
        patience: seconds without a byte after which nobody waits any more; None is for ever.
    """

    method: str
    url: str
    headers: Iterable[tuple[bytes, bytes]]
    body: bytes
    patience: float | None


class InProcessAnswer(NamedTuple):
    """
    An answer, or the part of it that came before the connection broke.

    Args:
        status: the HTTP status.
        headers: as they were sent.
        body: what came of it.
        whole: nothing is missing.
    """

    status: int
    headers: Headers
    body: bytes
    whole: bool


class OtherHostError(Exception):
    """The request is for a host that the emulator does not answer for; nothing was sent."""


class NoAnswerError(Exception):
    """The connection was broken off before an answer."""


class LateAnswerError(Exception):
    """No byte came for as long as the client waits."""


class InProcess:
    """
    An application, and the loop on which it is called.

    Args:
        app: answers.
        thread: whose loop it runs on, whatever thread or loop a request comes from.
        names: the host names that it answers for, in small letters.
    """

    def __init__(self, app: ASGIApp, thread: LoopThread, names: Iterable[str]) -> None:
        self._app, self._thread, self._names = app, thread, frozenset(names)

    def send(self, request: InProcessRequest) -> InProcessAnswer:
        """
        The answer.

        Raises:
            OtherHostError: the request is for another host.
            NoAnswerError: the connection was broken off.
            LateAnswerError: no byte came in time.
        """
        exchange = self._begin(request)
        return _wait(exchange, self._thread.start(exchange.run(self._app)))

    async def send_async(self, request: InProcessRequest) -> InProcessAnswer:
        """As `send`, for callers on an event loop, asyncio's or trio's."""
        exchange = self._begin(request)
        future = self._thread.start(exchange.run(self._app))
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return await to_thread.run_sync(_wait, exchange, future)
        waiting = asyncio.wrap_future(future, loop=loop)
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=exchange.left())
            if done:
                return waiting.result()
            _give_up_if_late(exchange, future)

    def _begin(self, request: InProcessRequest) -> "_Exchange":
        parts = urlsplit(request.url)
        if parts.hostname not in self._names:
            raise OtherHostError(
                f"{parts.hostname} was not asked: this transport leads to the emulator, which "
                f"answers for {', '.join(sorted(self._names))}"
            )
        return _Exchange(request, _draft_scope(request))


class _Exchange:
    """A request on its way through the application, and the connection that it came on."""

    def __init__(self, request: InProcessRequest, scope: Scope) -> None:
        self._request, self._scope = request, scope
        scope["extensions"] = {EXTENSION: self}
        self._last = time.monotonic()
        self._messages: list[Message] = []
        self._closed = asyncio.Event()
        self._received = self._sent_all = False

    async def run(self, app: ASGIApp) -> InProcessAnswer:
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:  # noqa: BLE001 - whatever failed, the client has its answer
            # The application has answered 500 by then, and its server would write this too.
            _log.exception("%s %s failed", self._request.method, self._scope["path"])
        finally:
            self._closed.set()
        if not self._messages:
            raise NoAnswerError("the connection was broken off before an answer")
        start, *bodies = self._messages
        body = b"".join(message.get("body", b"") for message in bodies)
        if self._request.method == "HEAD":
            body = b""
        return InProcessAnswer(start["status"], list(start["headers"]), body, self._sent_all)

    def left(self) -> float | None:
        """Seconds that the client waits for the next byte."""
        if self._request.patience is None:
            return None
        return max(0.0, self._last + self._request.patience - time.monotonic())

    async def _receive(self) -> Message:
        if not self._received:
            self._received = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._closed.is_set():
            return  # nobody reads what is written to a connection that is closed
        self._last = time.monotonic()
        self._messages.append(message)
        ends = message["type"] == "http.response.body" and not message.get("more_body")
        self._sent_all = self._sent_all or ends

    # The connection, as `web.connection` has it: what is written is with the client at once.

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _: str) -> Any:
        return None

    def is_closing(self) -> bool:
        return self._closed.is_set()

    def close(self) -> None:
        self._closed.set()

    abort = close


def _wait(exchange: _Exchange, future: Future[InProcessAnswer]) -> InProcessAnswer:
    while True:
        try:
            return future.result(exchange.left())
        except TimeoutError:
            _give_up_if_late(exchange, future)


def _give_up_if_late(exchange: _Exchange, future: Future[InProcessAnswer]) -> None:
    """Take the request back, unless a byte has come meanwhile."""
    if exchange.left() == 0.0 and not future.done():
        future.cancel()
        raise LateAnswerError("no byte came in time")


def _draft_scope(request: InProcessRequest) -> Scope:
    """What uvicorn would say of the request, sent by a program on this machine."""
    parts = urlsplit(request.url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    headers = [(name.lower(), value) for name, value in request.headers]
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", parts.netloc.rpartition("@")[2].encode("ascii")))
    path = parts.path or "/"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": parts.query.encode("ascii"),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, port),
    }
