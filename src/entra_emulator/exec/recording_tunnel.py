"""A proxy on the loopback that leads Microsoft's hosts to a recorder, and everything else on."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Mapping
from urllib.request import proxy_bypass

from entra_emulator.exec.relay import relay
from entra_emulator.exec.tunnel import read_target
from entra_emulator.traffic.recording.real_service import Proxy, ServiceUnreachable, read_proxy

# Bytes and seconds that the head of a request may take.
_LONGEST_HEAD, _PATIENCE = 65_536, 30.0

Address = tuple[str, int]


def start_recording_tunnel(recorded: Mapping[str, Address], proxies: Mapping[str, str]) -> int:
    """
    Serve a proxy in a thread of its own; return its port on 127.0.0.1.

    Args:
        recorded: where the connections go that are asked for, by `HOST:PORT`; all others go where
            they were meant to.
        proxies: the proxies through which those go, by scheme.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            await _answer(reader, writer, recorded, proxies)
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
    recorded: Mapping[str, Address],
    proxies: Mapping[str, str],
) -> None:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
    scheme, place = read_target(head)
    if not place or scheme == "https":
        # An address of https without a tunnel would have to be sent on in the clear.
        await _refuse(writer, "400 Bad Request", "This proxy takes CONNECT and http addresses.")
        return
    host, _, port = place.rpartition(":")
    target = recorded.get(place)
    proxy = None if target else _choose_proxy(scheme, host.strip("[]"), proxies)
    try:
        if proxy is not None:
            # It answers the request itself, to whom its credentials are added.
            await relay(reader, writer, (proxy.host, proxy.port), _add_headers(head, proxy))
        elif scheme == "CONNECT":
            reached = target or (host.strip("[]"), int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await relay(reader, writer, reached)
        else:
            await relay(reader, writer, (host.strip("[]"), int(port)), head)
    except (OSError, ValueError) as error:
        await _refuse(writer, "502 Bad Gateway", f"{host} cannot be reached: {error}")


def _choose_proxy(scheme: str, host: str, proxies: Mapping[str, str]) -> Proxy | None:
    name = "https" if scheme == "CONNECT" else "http"
    url = proxies.get(name) or proxies.get("all")
    if not url or proxy_bypass(host):
        return None
    try:
        return read_proxy(url)
    except ServiceUnreachable as error:
        raise OSError(str(error)) from None


def _add_headers(head: bytes, proxy: Proxy) -> bytes:
    line, _, rest = head.partition(b"\r\n")
    added = "".join(f"{name}: {value}\r\n" for name, value in proxy.headers)
    return line + b"\r\n" + added.encode("ascii") + rest


async def _refuse(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"graphdaemon record: {text}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError, RuntimeError):
        writer.write(head.encode("ascii") + body)
        await writer.drain()
