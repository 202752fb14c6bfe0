"""A CONNECT proxy on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphdaemon.client import Client
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import TENANT, ScriptedServer


def _end(connection: socket.socket) -> None:
    """End it for whoever waits for it: closing alone would leave it open."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one of them ends, and end both."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _read_head(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (part := client.recv(4096)):
            raise ConnectionError("the client went away")
        head += part
    return head.decode()


@contextmanager
def connect_proxy(target_port: int, status: str = "200 OK") -> Iterator[tuple[str, list[str]]]:
    """A CONNECT proxy that leads every name to ``target_port``; yields address and heads seen."""
    heads: list[str] = []
    clients: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(*task: Any) -> threading.Thread:
        thread = threading.Thread(target=task[0], args=task[1:], daemon=True)
        thread.start()
        return thread

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            heads.append(_read_head(client))
            client.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
            if "200 " in status:
                with socket.create_connection(("127.0.0.1", target_port)) as upstream:
                    forth = start(_pump, client, upstream)
                    _pump(upstream, client)
                    forth.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                clients.append(listener.accept()[0])
                threads.append(start(serve, clients[-1]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = start(accept)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", heads
        finally:
            _end(listener)
            accepting.join()
            for client in clients:
                _end(client)
            for thread in threads:
                thread.join()


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
