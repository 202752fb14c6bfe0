"""Proxies: honoured for what is far, never for what is here, and explained when they refuse."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graphdaemon.client import Client
from graphdaemon.errors import NetworkError
from graphdaemon.settings import read_settings
from tests.scripted import TENANT, ScriptedServer, page


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
        listener.close()
        for one in sockets:
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
            return len([user async for user in client.list("users")])

    return asyncio.run(count())


def test_a_far_host_is_reached_through_the_proxy_with_its_password(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONNECT to the host, authorised; the token service on this machine is reached directly."""
    scripted.script = [page({"id": "1"})]
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@{address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert far_listing(scripted) == 1

    assert [head.split()[:2] for head in heads] == [["CONNECT", f"graph.test:{scripted.port}"]]
    assert base64.b64encode(b"me:p@ss").decode() in heads[0]
    assert "Bearer" not in "".join(heads)


def test_a_proxy_that_refuses_is_named(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own words are repeated, its password is not."""
    with connect_proxy(scripted.port, "407 Proxy Authentication Required") as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret-word@{address}")

        with pytest.raises(NetworkError, match="407 Proxy Authentication Required") as caught:
            far_listing(scripted)

    assert caught.value.code == "proxy_refused"
    assert "secret-word" not in f"{caught.value} {caught.value.hint}"


def test_no_proxy_is_honoured(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exempted host is asked for directly, and so, here, not found."""
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "graph.test")

        with pytest.raises(NetworkError):
            far_listing(scripted)

    assert heads == []
