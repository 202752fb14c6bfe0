"""Requests written byte by byte, and the whole answers to them."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit


class RawAnswer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def send_raw(address: str, data: bytes) -> bytes:
    """Send bytes, and return everything that comes back until the connection ends."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(data)
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


async def ask(
    address: str, target: str = "/", *, method: str = "GET", host: str = "", headers: str = ""
) -> RawAnswer:
    """Send one request that is well formed but for what the arguments say."""
    host = host or urlsplit(address).netloc
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"
    return read_answer(await send_raw(address, head.encode("latin-1")))


def read_answer(data: bytes) -> RawAnswer:
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    pairs = (field.partition(": ") for field in fields)
    return RawAnswer(int(line.split()[1]), {name.lower(): text for name, _, text in pairs}, body)
