"""The connection that a request came on, for answers that break it off."""

import asyncio
import socket
import struct
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

# The name of the ASGI extension that holds a request's connection; in a batch there is none.
EXTENSION = "graphdaemon.connection"

# Seconds that a client which does not read may hold up a reset.
PATIENCE = 2.0


class Connection(Protocol):
    """What faults do to a connection: of TCP an `asyncio.Transport`."""

    def get_write_buffer_size(self) -> int:
        """How many bytes have not left this program yet."""
        ...

    def get_extra_info(self, name: str) -> Any:
        """What is known of this name, e.g. its `socket`; None if nothing is."""
        ...

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        ...

    def close(self) -> None:
        """Close it, in order."""
        ...

    def abort(self) -> None:
        """Close it at once."""
        ...


def expose(app: ASGIApp) -> ASGIApp:
    """Give the application the connection of each request, in the request's scope."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of the object that holds the transport.
        connection = getattr(getattr(send, "__self__", None), "transport", None)
        if connection is not None:
            scope.setdefault("extensions", {})[EXTENSION] = connection
        await app(scope, receive, send)

    return answer


def connection_of(scope: Scope) -> Connection | None:
    """The connection that a request came on, if it came on one of its own."""
    connection: Connection | None = scope.get("extensions", {}).get(EXTENSION)
    return connection


async def flush(connection: Connection) -> None:
    """Wait until what was written has left this program, for at most PATIENCE seconds."""
    # A transport tells only its protocol, which is uvicorn's, when its buffer is empty.
    waited = 0.0
    while connection.get_write_buffer_size() and waited < PATIENCE:
        await asyncio.sleep(0.005)
        waited += 0.005
    # A reset throws away what the kernel has not delivered yet.
    await asyncio.sleep(0.02)


async def reset(connection: Connection) -> None:
    """Break the connection off with a TCP reset instead of an orderly close."""
    own = connection.get_extra_info("socket")
    if own is not None:  # there is none where client and emulator are one process
        # Closing with a linger time of zero sends a reset (socket(7)) and no TLS goodbye.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()
    # Let the server notice that the client is gone, so that it does not miss an answer.
    await asyncio.sleep(0.001)
