"""The connection under a request, for answers that break off."""

import asyncio
import socket
import struct

from starlette.types import ASGIApp, Receive, Scope, Send

# Where the scope of a request has its connection; a request in a batch has none.
_PLACE = "graphdaemon.connection"

# How long a client that does not read may hold up a reset.
PATIENCE = 2.0


def expose(app: ASGIApp) -> ASGIApp:
    """The application, with the connection of each request in its scope."""

    async def exposed(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of the object that holds the transport.
        connection = getattr(getattr(send, "__self__", None), "transport", None)
        if connection is not None:
            scope.setdefault("extensions", {})[_PLACE] = connection
        await app(scope, receive, send)

    return exposed


def connection_of(scope: Scope) -> asyncio.Transport | None:
    """The connection that a request came on, if it came on one of its own."""
    connection: asyncio.Transport | None = scope.get("extensions", {}).get(_PLACE)
    return connection


async def flush(connection: asyncio.Transport) -> None:
    """Wait until what was written has left, or nobody takes it."""
    waited = 0.0
    while connection.get_write_buffer_size() and waited < PATIENCE:
        await asyncio.sleep(0.005)
        waited += 0.005
    # What the kernel has yet to deliver, a reset would throw away.
    await asyncio.sleep(0.02)


async def reset(connection: asyncio.Transport) -> None:
    """Break the connection off with a TCP reset, which no polite close can be mistaken for."""
    own = connection.get_extra_info("socket")
    # To linger for no time is to reset (socket(7)); closing a TLS connection would say goodbye.
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
    # The server learns of it in its next turn, and then does not miss an answer.
    await asyncio.sleep(0.001)
