"""The emulator's application called as its server calls it, without a network between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue

from starlette.types import ASGIApp, Message, Scope

from tests.support.emulator_probe import Answer

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Line:
    """An application, and the loop it runs on."""

    app: ASGIApp
    loop: asyncio.AbstractEventLoop

    def send(
        self,
        method: str,
        path: bytes,
        *,
        query: bytes = b"",
        body: bytes = b"",
        headers: Headers = (),
        more: Scope | None = None,
    ) -> Answer:
        """The answer; a failure of the application's is raised here."""
        scope: Scope = {
            "type": "http",
            "method": method,
            "scheme": "https",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [*headers, (b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
            **(more or {}),
        }
        future = asyncio.run_coroutine_threadsafe(self._send(scope, body), self.loop)
        return future.result(timeout=60)

    async def _send(self, scope: Scope, body: bytes) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], headers, content)


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs all the time: the application's threads end with what the loop runs."""
    loops: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def run() -> None:
        stopped = asyncio.Event()
        loops.put((asyncio.get_running_loop(), stopped))
        await stopped.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    loop, stopped = loops.get(timeout=60)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
