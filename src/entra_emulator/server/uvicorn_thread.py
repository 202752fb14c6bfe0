"""An ASGI application behind a listening socket, on the event loop of a thread."""

import asyncio
import socket
import ssl
from collections.abc import Callable

import trustme
import uvicorn
from starlette.types import ASGIApp

from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.server.open_files import limit_connections, refuse_crowd
from entra_emulator.web.connection import expose

# Seconds that requests in progress are given when the server stops.
GRACE = 0.25
# Seconds that work in threads is given then; a seeding of a million objects takes longer.
LONGEST = 60.0
# Seconds between two looks at what is still in progress: uvicorn does not tell when it ends.
_LOOK = 0.001


def make_tls(authority: trustme.CA, names: tuple[str, ...]) -> ssl.SSLContext:
    """TLS settings with a new certificate for these names, issued by this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The real services have refused TLS 1.0 and 1.1 since 2022.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*names).configure_cert(context)
    return context


def run_server(
    app: ASGIApp, listener: socket.socket, tls: ssl.SSLContext | None, thread: LoopThread
) -> Callable[[], None]:
    """
    Serve on the loop of a thread, and return once connections are accepted.

    Returns:
        A function that stops the server.
    """
    config = uvicorn.Config(
        expose(app),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,  # the process, and its logging, may be a test's
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # answers carry the time of the emulator's clock
        proxy_headers=False,  # else a header could make anybody look like this machine
        # Longer than most clients keep an idle connection, since a request is lost if the server
        # closes the connection at the same moment.
        timeout_keep_alive=75,
    )
    config.load()
    # Uvicorn's own settings take certificates from files only.
    config.ssl = tls
    server = _Server(config)
    # Known only when the server is made, which takes the application from its settings.
    connections = server.server_state.connections
    config.loaded_app = refuse_crowd(config.loaded_app, connections, limit_connections())
    thread.run(server.startup([listener]))
    return lambda: thread.run(server.shutdown([listener]))


class _Server(uvicorn.Server):
    """Uvicorn's server on a loop that runs already, which stops without waiting for clients."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan = self.config.lifespan_class(self.config)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await _wait_until(lambda: not any(map(_is_busy, state.connections)), GRACE)
        # An orderly close of TLS waits for the client's answer, which may never come.
        for connection in list(state.connections):
            connection.transport.abort()
        # The database is closed next, which a thread that still works would trip over.
        await _wait_until(lambda: not (state.connections or state.tasks), LONGEST)
        await self.lifespan.shutdown()


def _is_busy(connection: object) -> bool:
    """Whether a client still has an answer to get on this connection of uvicorn's."""
    cycle, transport = getattr(connection, "cycle", None), getattr(connection, "transport", None)
    if cycle is not None and not cycle.response_complete:
        return True
    return transport is not None and transport.get_write_buffer_size() > 0


async def _wait_until(holds: Callable[[], bool], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    # Once at least, so that what was just closed has gone.
    await asyncio.sleep(0)
    while not holds() and loop.time() < end:  # noqa: ASYNC110 - uvicorn tells no event
        await asyncio.sleep(_LOOK)
