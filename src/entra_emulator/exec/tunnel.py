"""A proxy on the loopback that leads to the emulator, and nowhere else."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

from entra_emulator.exec.proxy_server import (
    ESTABLISHED,
    Address,
    end_after,
    read_target,
    refuse,
    serve_proxy,
)
from entra_emulator.exec.refused_connections import Refusals
from entra_emulator.exec.relay import relay


def start_tunnel(targets: Mapping[str, Address], trust: Path, refusals: Refusals) -> int:
    """
    Serve a proxy in a thread of its own; return its port on 127.0.0.1.

    Args:
        targets: where the connections go that are asked for, by `HOST:PORT`.
        trust: the certificate of the emulator's authority.
        refusals: gets what leads nowhere.
    """
    tls = ssl.create_default_context(cafile=str(trust))

    async def answer(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        scheme, place = read_target(head)
        target = targets.get(place)
        if target is None:
            refusals.note(place, f"the program asked the proxy for {place} and was refused")
            await refuse(writer, "403 Forbidden", f"{place} is not one of the emulator's hosts.")
        elif scheme == "CONNECT":
            await relay(reader, writer, target, greeting=ESTABLISHED)
        else:
            # The address stays whole, which every server takes (RFC 9112, 3.2.2).
            sent = end_after(head)
            await relay(reader, writer, target, sent, tls if scheme == "https" else None)

    return serve_proxy(answer)
