"""The proxy of a program that is recorded: what it looks into, and what it passes on untouched."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping

import pytest
import trustme

from entra_emulator.exec.recording_tunnel import WayOut, start_recording_tunnel
from tests.support.connect_proxy import connect_proxy, make_tls
from tests.support.scripted_server import Answer, ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.script = [Answer(200, b"real")]
        yield scripted


def start(
    server: ScriptedServer,
    recorded: Mapping[str, tuple[str, int]] | None = None,
    proxies: Mapping[str, str] | None = None,
) -> int:
    """A tunnel that trusts the server, whatever it is to it."""
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    return start_recording_tunnel(recorded or {}, trust, WayOut(proxies or {}, trust))


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
    port = start(server, {"graph.test:443": ("127.0.0.1", server.port)})
    connection, answer = ask(port, connect("Graph.Test:443"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"real" in get_through(connection, server, "graph.test")


def test_another_host(server: ScriptedServer) -> None:
    """TLS ends at the host itself: nothing here can read it."""
    port = start(server)
    connection, answer = ask(port, connect(f"127.0.0.1:{server.port}"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"real" in get_through(connection, server, "127.0.0.1")


def test_another_host_behind_a_proxy(server: ScriptedServer) -> None:
    """The user's own proxy leads there, and gets its password."""
    with connect_proxy(server.port) as (proxy, heads):
        port = start(server, proxies={"https": f"http://ann:hush@{proxy}"})
        connection, answer = ask(port, connect("graph.test:443"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"real" in get_through(connection, server, "graph.test")
    assert heads[0].startswith("CONNECT graph.test:443 ")
    assert "Proxy-Authorization: Basic YW5uOmh1c2g=" in heads[0]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        ("GET https://127.0.0.1:1/ HTTP/1.1\r\n\r\n", b"502"),
        ("nonsense\r\n\r\n", b"400"),
        (connect("127.0.0.1:1"), b"502"),
        (connect("127.0.0.1:x"), b"502"),
    ],
)
def test_what_leads_nowhere(server: ScriptedServer, head: str, status: bytes) -> None:
    """A host that cannot be reached is known before TLS begins: the program sees what it is."""
    port = start(server)
    connection, answer = ask(port, head)
    connection.close()
    assert answer.split(b" ")[1] == status


def test_a_proxy_behind_tls(server: ScriptedServer) -> None:
    """As `https://` in front of its name says; its certificate is verified."""
    authority = trustme.CA()
    trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with connect_proxy(server.port, tls=make_tls(authority)) as (proxy, heads):
        way_out = WayOut({"all": f"https://{proxy}"}, trust)
        connection, answer = ask(
            start_recording_tunnel({}, trust, way_out), connect("graph.test:443")
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"real" in get_through(connection, server, "graph.test")
        connection, answer = ask(
            start(server, proxies={"all": f"https://{proxy}"}), connect("graph.test:443")
        )
        connection.close()
        assert answer.startswith(b"HTTP/1.1 502 ")
    assert len(heads) == 1


@pytest.mark.parametrize("is_recorded", [True, False])
def test_an_address_of_https_without_a_tunnel(server: ScriptedServer, is_recorded: bool) -> None:
    """As axios asks; TLS leads on from here."""
    place = f"127.0.0.1:{server.port}"
    recorded = {"graph.test:443": ("127.0.0.1", server.port)} if is_recorded else {}
    host = "graph.test" if is_recorded else place
    connection, answer = ask(
        start(server, recorded), f"GET https://{host}/x HTTP/1.1\r\nHost: {host}\r\n\r\n"
    )
    with connection:
        while b"real" not in answer and (part := connection.recv(4096)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"real")


def test_plain_http(server: ScriptedServer) -> None:
    """
    It is handed on as it came, but that the connection ends after one answer.

    Clients ask a proxy for other hosts on the same connection, which would all reach the first.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    connection = socket.create_connection(("127.0.0.1", start(server)), timeout=10)
    head = f"GET http://{place}/x HTTP/1.1\r\nHost: {place}\r\nProxy-Connection: keep-alive"
    connection.sendall(f"{head}\r\nconnection: keep-alive\r\n\r\nbody".encode())
    with listener, connection:
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as file:
            sent = f"GET http://{place}/x HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n"
            assert file.read(len(sent) + 6) == f"{sent}\r\nbody".encode()
