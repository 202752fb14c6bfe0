"""Connections that are handed on to another address, byte by byte."""

import asyncio
import contextlib
import ssl

# Bytes at a time.
_PIECE = 65_536


async def relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: tuple[str, int],
    head: bytes = b"",
    trust: ssl.SSLContext | None = None,
    *,
    greeting: bytes = b"",
) -> None:
    """
    Hand everything on in both directions until both have ended.

    Args:
        reader: of the connection that came in.
        writer: of the same connection; it is closed in the end.
        target: the host and the port to hand on to.
        head: what is sent there first.
        trust: speak TLS to the target, whose certificate is for its address.
        greeting: what is sent back first, once the target is reached.

    Raises:
        OSError: nobody listens at the target.
    """
    back, forth = await asyncio.open_connection(*target, ssl=trust)
    writer.write(greeting)
    forth.write(head)
    try:
        await asyncio.gather(_hand_on(reader, forth), _hand_on(back, writer))
    finally:
        for end in (forth, writer):
            end.close()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Whichever side breaks off, the other learns of it by the end of what it reads.
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            # Through TLS only the end of both directions can be said.
            writer.close()
