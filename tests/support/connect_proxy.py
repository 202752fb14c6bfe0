"""Proxies on this machine: HTTP's CONNECT, over TLS or not, and SOCKS 5."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trustme

from graphdaemon.client.client import Client
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import TENANT, ScriptedServer


def _end(connection: socket.socket) -> None:
    """End it for whoever waits for it: closing alone would leave it open."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _relay(client: socket.socket, target_port: int) -> None:
    """Copy to and fro until one of the two ends."""
    with socket.create_connection(("127.0.0.1", target_port)) as upstream:
        ends = {client: upstream, upstream: client}
        while True:
            # What TLS has decrypted already the system does not know of.
            pending = isinstance(client, ssl.SSLSocket) and client.pending()
            for source in [client] if pending else select.select(ends, [], [])[0]:
                data = source.recv(65536)
                if not data:
                    # The copy that is kept of it would hold the connection open.
                    _end(client)
                    return
                ends[source].sendall(data)


@contextmanager
def _serving(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve each client in a thread; yields the address."""
    clients: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve_one(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            serve(client)
            _end(client)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                # A copy, since TLS takes the socket over.
                clients.append(client.dup())
                threads.append(threading.Thread(target=serve_one, args=(client,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            _end(listener)
            accepting.join()
            for client in clients:
                _end(client)
                client.close()
            for thread in threads:
                thread.join()


def _read_head(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (part := client.recv(4096)):
            raise ConnectionError("the client went away")
        head += part
    return head.decode()


@contextmanager
def connect_proxy(
    target_port: int,
    status: str = "200 OK",
    *,
    headers: tuple[str, ...] = (),
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """
    A CONNECT proxy that leads every name to ``target_port``; yields address and heads seen.

    ``headers`` are lines of its answer, and with ``tls`` it is spoken to over TLS.
    """
    heads: list[str] = []

    def serve(client: socket.socket) -> None:
        if tls is not None:
            client = tls.wrap_socket(client, server_side=True)
        with client:
            heads.append(_read_head(client))
            lines = [f"HTTP/1.1 {status}", *headers, "", ""]
            client.sendall("\r\n".join(lines).encode())
            if "200 " in status:
                _relay(client, target_port)

    with _serving(serve) as address:
        yield address, heads


def make_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """TLS of a proxy with these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names or ("127.0.0.1",)).configure_cert(context)
    return context


@contextmanager
def no_proxy(answer: bytes = b"", *, close: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """Something else, which reads, answers so, and hangs up or not; yields address and bytes."""
    read: list[bytes] = []

    def serve(client: socket.socket) -> None:
        read.append(client.recv(4096))
        client.sendall(answer)
        while not close and client.recv(4096):
            pass

    with _serving(serve) as address:
        yield address, read


def _read_exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        if not (part := client.recv(count - len(data))):
            raise ConnectionError("the client went away")
        data += part
    return data


@contextmanager
def socks_proxy(
    target_port: int, *, user: str | None = None, password: str = "", reply: int = 0
) -> Iterator[tuple[str, list[str]]]:
    """
    A SOCKS 5 proxy (RFC 1928, RFC 1929) that leads every name to ``target_port``.

    Yields its address, and what it was asked to connect to. ``reply`` is its answer, 0 for success.
    """
    asked: list[str] = []

    def serve(client: socket.socket) -> None:
        _, count = _read_exactly(client, 2)
        methods = _read_exactly(client, count)
        method = 2 if user is not None else 0
        if method not in methods:
            client.sendall(b"\x05\xff")
            return
        client.sendall(bytes([5, method]))
        if user is not None:
            given = _read_exactly(client, _read_exactly(client, 2)[1])
            secret = _read_exactly(client, _read_exactly(client, 1)[0])
            right = (given.decode(), secret.decode()) == (user, password)
            client.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        kind = _read_exactly(client, 4)[3]
        if kind == 3:
            name = _read_exactly(client, _read_exactly(client, 1)[0]).decode()
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            name = socket.inet_ntop(family, _read_exactly(client, 4 if kind == 1 else 16))
        (port,) = struct.unpack("!H", _read_exactly(client, 2))
        asked.append(f"{name}:{port}")
        client.sendall(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if reply == 0:
            _relay(client, target_port)

    with _serving(serve) as address:
        yield address, asked


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
