"""The proxy on the loopback: where it leads, and where not."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from entra_emulator.exec.refused_connections import Refusals
from entra_emulator.exec.tunnel import start_tunnel
from entra_emulator.server.emulator import Emulator

HOST = "graph.microsoft.com"


@pytest.fixture(scope="module")
def emulator_of_hosts() -> object:
    with Emulator(users=3, hostnames=(HOST,)) as emulator:
        yield emulator


def connect(emulator: Emulator, said: list[str]) -> socket.socket:
    port = int(emulator.url.rpartition(":")[2])
    targets = {f"{HOST}:443": ("127.0.0.1", port)}
    tunnel = start_tunnel(targets, emulator.ca_file, Refusals(said.append))
    return socket.create_connection(("127.0.0.1", tunnel), timeout=30)


def read_all(connection: socket.socket | ssl.SSLSocket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


REQUEST = f"GET {{}}/v1.0/users HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"


def test_a_tunnel_leads_to_the_emulator(emulator_of_hosts: Emulator) -> None:
    """Whose certificate is for the host that was asked for."""
    said: list[str] = []
    trust = ssl.create_default_context(cafile=emulator_of_hosts.ca_file)
    with connect(emulator_of_hosts, said) as plain:
        plain.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
        assert plain.recv(39) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        with trust.wrap_socket(plain, server_hostname=HOST) as secure:
            secure.sendall(REQUEST.format("").encode())
            assert b"InvalidAuthenticationToken" in read_all(secure)
    assert said == []


def test_an_address_of_https_leads_there_too(emulator_of_hosts: Emulator) -> None:
    """Without a tunnel, as axios asks."""
    with connect(emulator_of_hosts, []) as plain:
        plain.sendall(REQUEST.format(f"https://{HOST}").encode())
        answer = read_all(plain)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"InvalidAuthenticationToken" in answer


@pytest.mark.parametrize("target", ["example.com:443", f"{HOST}:80", f"{HOST}:443.evil:443"])
def test_everything_else_is_refused_and_said(emulator_of_hosts: Emulator, target: str) -> None:
    said: list[str] = []
    with connect(emulator_of_hosts, said) as plain:
        plain.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        answer = read_all(plain)

    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert said == [f"the program asked the proxy for {target} and was refused"]


@pytest.mark.parametrize("sent", [b"", b"CONNECT", b"\0" * 70_000])
def test_what_is_no_request_ends(emulator_of_hosts: Emulator, sent: bytes) -> None:
    with connect(emulator_of_hosts, []) as plain:
        plain.sendall(sent)
        plain.shutdown(socket.SHUT_WR)
        answer = read_all(plain)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_certificates_are_checked_towards_the_emulator(
    emulator_of_hosts: Emulator, tmp_path: Path
) -> None:
    """Whoever else has taken its port gets nothing."""
    other = tmp_path / "other.pem"
    with Emulator(users=0, groups=0, devices=0) as stranger:
        other.write_bytes(stranger.ca_file.read_bytes())
    port = int(emulator_of_hosts.url.rpartition(":")[2])
    tunnel = start_tunnel({f"{HOST}:443": ("127.0.0.1", port)}, other, Refusals(print))
    with socket.create_connection(("127.0.0.1", tunnel), timeout=30) as plain:
        plain.sendall(REQUEST.format(f"https://{HOST}").encode())

        assert read_all(plain) == b""
