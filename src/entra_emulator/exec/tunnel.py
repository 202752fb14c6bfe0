"""A proxy on the loopback that leads to the emulator, and nowhere else."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path

from entra_emulator.exec.refused_connections import Refusals
from entra_emulator.exec.relay import relay

# Bytes and seconds that the head of a request may take.
_LONGEST_HEAD, _PATIENCE = 65_536, 30.0
_PORTS = {"http": 80, "https": 443}
_OF_CONNECTION = frozenset({b"connection", b"keep-alive", b"proxy-connection"})

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
"""What a proxy answers when a tunnel leads to its target."""

Address = tuple[str, int]


def start_tunnel(targets: Mapping[str, Address], trust: Path, refusals: Refusals) -> int:
    """
    Serve a proxy in a thread of its own; return its port on 127.0.0.1.

    Args:
        targets: where the connections go that are asked for, by `HOST:PORT`.
        trust: the certificate of the emulator's authority.
        refusals: gets what leads nowhere.
    """
    tls = ssl.create_default_context(cafile=str(trust))
    listener = socket.create_server(("127.0.0.1", 0))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            await _answer(reader, writer, targets, tls, refusals)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, sock=listener, limit=_LONGEST_HEAD)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), name="tunnel", daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    targets: Mapping[str, Address],
    trust: ssl.SSLContext,
    refusals: Refusals,
) -> None:
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
    except asyncio.LimitOverrunError:
        writer.write(_refuse("431 Request Header Fields Too Large", "The request is too long."))
        await writer.drain()
        return
    scheme, wanted = read_target(head)
    target = targets.get(wanted)
    if target is None:
        refusals.note(wanted, f"the program asked the proxy for {wanted} and was refused")
        text = f"{wanted} is not one of the emulator's hosts."
        writer.write(_refuse("403 Forbidden", text))
        await writer.drain()
    elif scheme == "CONNECT":
        await relay(reader, writer, target, greeting=ESTABLISHED)
    else:
        # The address stays whole, which every server takes (RFC 9112, 3.2.2).
        await relay(reader, writer, target, end_after(head), trust if scheme == "https" else None)


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


def _refuse(status: str, text: str) -> bytes:
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
