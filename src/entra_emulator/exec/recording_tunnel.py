"""A proxy on the loopback that leads Microsoft's hosts to a recorder, and everything else on."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.request import proxy_bypass

from entra_emulator.exec.proxy_server import (
    ESTABLISHED,
    Address,
    end_after,
    read_target,
    refuse,
    serve_proxy,
)
from entra_emulator.exec.relay import relay
from entra_emulator.traffic.recording.real_service import Proxy, ServiceUnreachable, read_proxy


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

    async def answer(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        scheme, place = read_target(head)
        if not place:
            text = "graphdaemon record: this proxy takes CONNECT and whole addresses."
            await refuse(writer, "400 Bad Request", text)
            return
        host, _, port = place.rpartition(":")
        try:
            reached = host.strip("[]"), int(port)
            target = recorded.get(place)
            proxy = None if target else _choose_proxy(scheme, reached[0], way_out.proxies)
            if proxy is not None:
                # It answers the request itself, to whom its credentials are added.
                sent = _add_headers(head if scheme == "CONNECT" else end_after(head), proxy)
                trust = way_out.tls if proxy.is_secure else None
                await relay(reader, writer, (proxy.host, proxy.port), sent, trust)
            elif scheme == "CONNECT":
                await relay(reader, writer, target or reached, greeting=ESTABLISHED)
            else:
                # As axios asks for https.
                tls = recorder if target else way_out.tls
                trust = tls if scheme == "https" else None
                await relay(reader, writer, target or reached, end_after(head), trust)
        except (OSError, ValueError) as error:
            text = f"graphdaemon record: {host} cannot be reached: {error}"
            await refuse(writer, "502 Bad Gateway", text)

    return serve_proxy(answer)


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
