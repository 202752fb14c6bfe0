"""An ASGI application behind a listening socket, in a thread of its own."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable

import trustme
import uvicorn
from starlette.types import ASGIApp

from entra_emulator.server.connection import expose
from entra_emulator.server.open_files import limit_connections, refuse_crowd

# Seconds that requests in progress are given when the server stops.
GRACE = 0.25
# Seconds that work in threads is given then; a seeding of a million objects takes longer.
LONGEST = 60.0


def make_tls(authority: trustme.CA, names: tuple[str, ...]) -> ssl.SSLContext:
    """TLS settings with a new certificate for these names, issued by this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The real services have refused TLS 1.0 and 1.1 since 2022.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*names).configure_cert(context)
    return context


def run_server(
    app: ASGIApp, listener: socket.socket, tls: ssl.SSLContext | None
) -> Callable[[], None]:
    """
    Serve in a thread of its own, and return once connections are accepted.

    Returns:
        A function that stops the server.

    Raises:
        RuntimeError: the server ended before it accepted connections.
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

    def serve() -> None:
        try:
            server.run([listener])
        except BaseException as error:  # the thread that waits tells of it
            server.failure = error
            if server.accepting.is_set():
                raise

    # A daemon thread: a test that forgets to stop the server must not keep the process alive.
    thread = threading.Thread(target=serve, name="emulator", daemon=True)
    thread.start()
    # Not for a number of seconds: on a busy machine any number is too small one day.
    while not server.accepting.wait(timeout=0.1):
        if not thread.is_alive() and not server.accepting.is_set():
            reason = "the emulator's server ended before it accepted connections"
            raise RuntimeError(reason) from server.failure

    def stop() -> None:
        server.should_exit = True
        # The database is closed next, which a thread that still works would trip over.
        thread.join(timeout=LONGEST)

    return stop


class _Server(uvicorn.Server):
    """Uvicorn's server, with an event for its start and a stop that does not wait for clients."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self.failure: BaseException | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # An orderly close of TLS waits for the client's answer, which may never come.
        stopping = asyncio.ensure_future(super().shutdown(sockets))
        await asyncio.wait({stopping}, timeout=GRACE)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await stopping
