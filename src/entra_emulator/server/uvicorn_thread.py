"""An ASGI application behind a listening socket, in a thread of its own."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable

import trustme
import uvicorn
from starlette.applications import Starlette

from entra_emulator.server.connection import expose

# Seconds that requests under way may take when the server stops.
GRACE = 0.25


def make_tls(authority: trustme.CA, names: tuple[str, ...]) -> ssl.SSLContext:
    """TLS with a new certificate of this authority, good for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*names).configure_cert(context)
    return context


def run_server(
    app: Starlette, listener: socket.socket, tls: ssl.SSLContext | None
) -> Callable[[], None]:
    """Serve in a thread, accepting connections on return; the answer stops it."""
    config = uvicorn.Config(
        expose(app),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # the clock's time, not the machine's
        proxy_headers=False,
        timeout_keep_alive=75,
    )
    config.load()
    config.ssl = tls
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
    thread.start()
    if not server.accepting.wait(timeout=10):
        raise RuntimeError("the emulator's server did not start within ten seconds")

    def stop() -> None:
        server.should_exit = True
        thread.join(timeout=5)

    return stop


class _Server(uvicorn.Server):
    """Uvicorn's server, which says when it accepts connections and stops without delay."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Closing a TLS connection politely waits for the client, who need not answer.
        stopping = asyncio.ensure_future(super().shutdown(sockets))
        await asyncio.wait({stopping}, timeout=GRACE)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await stopping
