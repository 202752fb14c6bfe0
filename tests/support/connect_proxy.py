"""A CONNECT proxy on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graphdaemon.client import Client
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import TENANT, ScriptedServer


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return


@contextmanager
def connect_proxy(target_port: int, status: str = "200 OK") -> Iterator[tuple[str, list[str]]]:
    """A CONNECT proxy that leads every name to ``target_port``; yields address and heads seen."""
    listener = socket.create_server(("127.0.0.1", 0))
    heads: list[str] = []
    sockets: list[socket.socket] = []

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        heads.append(head.decode())
        client.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("200"):
            client.close()
            return
        upstream = socket.create_connection(("127.0.0.1", target_port))
        sockets.append(upstream)
        threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
        _pump(upstream, client)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            sockets.append(client)
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", heads
    finally:
        sockets.insert(0, listener)
        for one in sockets:
            # A thread still waits for it: closing alone would leave it open.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def far_listing(server: ScriptedServer) -> int:
    """List users of a Graph whose name only the proxy can resolve."""
    settings = read_settings(
        None,
        {},
        server.settings(
            authority=f"{server.url}/{TENANT}",
            endpoint=f"https://graph.test:{server.port}/v1.0/users",
        ),
    )

    async def count() -> int:
        async with Client(settings) as client:
            users = client.list("users", options=ListingOptions(proved=False))
            return len([user async for user in users])

    return asyncio.run(count())
