"""A proxy on the loopback that leads Microsoft's hosts to a recorder, and everything else on."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import NamedTuple
from urllib.request import proxy_bypass

from entra_emulator.exec.relay import relay
from entra_emulator.exec.tunnel import ESTABLISHED, end_after, read_target
from entra_emulator.traffic.recording.real_service import Proxy, ServiceUnreachable, read_proxy

# Bytes and seconds that the head of a request may take.
_LONGEST_HEAD, _PATIENCE = 65_536, 30.0

Address = tuple[str, int]


class WayOut(NamedTuple):
    """
    How a connection reaches a host that is not recorded.

    Args:
        proxies: the proxies, by scheme, as `urllib.request.getproxies` returns them.
        tls: what is trusted there.
    """

    proxies: Mapping[str, str]
    tls: ssl.SSLContext


def start_recording_tunnel(
    recorded: Mapping[str, Address], recorder: ssl.SSLContext, way_out: WayOut
) -> int:
    """
    Serve a proxy in a thread of its own; return its port on 127.0.0.1.

    Args:
        recorded: where the connections go that are asked for, by `HOST:PORT`; all others go where
            they were meant to.
        recorder: what is trusted there.
        way_out: how the others go.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            await _answer(reader, writer, recorded, recorder, way_out)
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
    recorder: ssl.SSLContext,
    way_out: WayOut,
) -> None:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)
    scheme, place = read_target(head)
    if not place:
        await _refuse(writer, "400 Bad Request", "This proxy takes CONNECT and whole addresses.")
        return
    host, _, port = place.rpartition(":")
    target = recorded.get(place)
    proxy = None if target else _choose_proxy(scheme, host.strip("[]"), way_out.proxies)
    try:
        if proxy is not None:
            # It answers the request itself, to whom its credentials are added.
            sent = _add_headers(head if scheme == "CONNECT" else end_after(head), proxy)
            trust = way_out.tls if proxy.is_secure else None
            await relay(reader, writer, (proxy.host, proxy.port), sent, trust)
            return
        reached = target or (host.strip("[]"), int(port))
        if scheme == "CONNECT":
            await relay(reader, writer, reached, greeting=ESTABLISHED)
        else:
            # As axios asks for https.
            trust = (recorder if target else way_out.tls) if scheme == "https" else None
            await relay(reader, writer, reached, end_after(head), trust)
    except (OSError, ValueError) as error:
        await _refuse(writer, "502 Bad Gateway", f"{host} cannot be reached: {error}")


def _choose_proxy(scheme: str, host: str, proxies: Mapping[str, str]) -> Proxy | None:
    name = "http" if scheme == "http" else "https"
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
