"""The proxy of a program that is recorded: what it looks into, and what it passes on untouched."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from entra_emulator.exec.recording_tunnel import start_recording_tunnel
from tests.support.connect_proxy import connect_proxy
from tests.support.scripted_server import Answer, ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.script = [Answer(200, b"real")]
        yield scripted


def ask(port: int, head: str) -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(head.encode())
    return connection, connection.recv(4096)


def get_through(connection: socket.socket, server: ScriptedServer, name: str) -> bytes:
    """What the server answers within TLS that ends there, as its certificate proves."""
    tls = ssl.create_default_context(cafile=str(server.ca_file))
    with tls.wrap_socket(connection, server_hostname=name) as secured:
        secured.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while b"real" not in answer and (part := secured.recv(4096)):
            answer += part
    return answer


def connect(place: str) -> str:
    return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n"


def test_a_recorded_host(server: ScriptedServer) -> None:
    """It leads to the recorder, whatever the host's own address is."""
    port = start_recording_tunnel({"graph.test:443": ("127.0.0.1", server.port)}, {})
    connection, answer = ask(port, connect("Graph.Test:443"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"real" in get_through(connection, server, "graph.test")


def test_another_host(server: ScriptedServer) -> None:
    """TLS ends at the host itself: nothing here can read it."""
    port = start_recording_tunnel({}, {})
    connection, answer = ask(port, connect(f"127.0.0.1:{server.port}"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"real" in get_through(connection, server, "127.0.0.1")


def test_another_host_behind_a_proxy(server: ScriptedServer) -> None:
    """The user's own proxy leads there, and gets its password."""
    with connect_proxy(server.port) as (proxy, heads):
        port = start_recording_tunnel({}, {"https": f"http://ann:hush@{proxy}"})
        connection, answer = ask(port, connect("graph.test:443"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"real" in get_through(connection, server, "graph.test")
    assert heads[0].startswith("CONNECT graph.test:443 ")
    assert "Proxy-Authorization: Basic YW5uOmh1c2g=" in heads[0]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        ("GET https://graph.test/ HTTP/1.1\r\n\r\n", b"400"),
        ("nonsense\r\n\r\n", b"400"),
        (connect("127.0.0.1:1"), b"200"),
        (connect("127.0.0.1:x"), b"502"),
    ],
)
def test_what_leads_nowhere(head: str, status: bytes) -> None:
    """An address of https without a tunnel is refused: it would have to be sent in the clear."""
    port = start_recording_tunnel({}, {})
    connection, answer = ask(port, head)
    connection.close()
    assert answer.split(b" ")[1] == status


def test_plain_http(server: ScriptedServer) -> None:
    """It is handed on as it came."""
    listener = socket.create_server(("127.0.0.1", 0))
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    port = start_recording_tunnel({}, {})
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(f"GET http://{place}/x HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    with listener, connection:
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(4096).startswith(f"GET http://{place}/x HTTP/1.1".encode())
