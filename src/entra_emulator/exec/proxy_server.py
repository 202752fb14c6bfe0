"""A server that takes requests to a proxy, and what it reads of them."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import TypeAlias

# Bytes and seconds that the head of a request may take.
_LONGEST_HEAD, _PATIENCE = 65_536, 30.0
_PORTS = {"http": 80, "https": 443}
_OF_CONNECTION = frozenset({b"connection", b"keep-alive", b"proxy-connection"})

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
"""What a proxy answers when a tunnel leads to its target."""

Address = tuple[str, int]
Answer: TypeAlias = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def serve_proxy(answer: Answer) -> int:
    """
    Serve in a thread of its own; return the port on 127.0.0.1.

    Args:
        answer: gets the head of each connection's first request, and the connection.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    # The event loop alone does not keep a connection on which nothing is read for a while.
    under_way: set[object] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        under_way.add(task)
        try:
            await take_request(reader, writer)
        finally:
            under_way.discard(task)

    async def take_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
            except asyncio.LimitOverrunError:
                text = "The request is too long."
                await refuse(writer, "431 Request Header Fields Too Large", text)
            else:
                await answer(head, reader, writer)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(take, sock=listener, limit=_LONGEST_HEAD)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), name="proxy", daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def read_target(head: bytes) -> tuple[str, str]:
    """
    What a request to a proxy asks for: `CONNECT`, `http` or `https`, and `host:port`.

    Both are empty if it is no such request. Asking a proxy for an https address without a tunnel is
    what axios does.
    """
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3:
        return "", ""
    method, address, _ = words
    if method == "CONNECT":
        return method, address.lower()
    scheme, _, rest = address.partition("://")
    scheme = scheme.lower()
    if scheme not in _PORTS:
        return "", ""
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2].lower()
    return scheme, host if ":" in host.rpartition("]")[2] else f"{host}:{_PORTS[scheme]}"


def end_after(head: bytes) -> bytes:
    """
    The head of a request after whose answer the connection ends.

    A client may ask a proxy for another host on the same connection, and only the first request of
    a connection is looked at here.
    """
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in _OF_CONNECTION]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])


async def refuse(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    """Answer a request with a sentence, after which the connection ends."""
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError, RuntimeError):
        writer.write(head.encode("ascii") + body)
        await writer.drain()
