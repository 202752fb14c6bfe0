"""Which services of this machine `--allow` names."""

from __future__ import annotations

import socket
import sys

import pytest

from entra_emulator.exec.allowed_services import Service, list_listening_ports, read_services


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("localhost:5432", Service("localhost", 5432)),
        ("127.0.0.1:1", Service("127.0.0.1", 1)),
        ("127.9.9.9:65535", Service("127.9.9.9", 65535)),
        ("[::1]:80", Service("::1", 80)),
    ],
)
def test_a_host_with_a_port_is_one_service(text: str, service: Service) -> None:
    assert read_services([text, text]) == [service]


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1", "::1", "[::1]"])
def test_a_host_alone_is_every_service_that_listens(text: str) -> None:
    """What listens on the loopback, or on every address, in either family."""
    if sys.platform != "linux":
        pytest.skip("only Linux lists them in a file")
    places = [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("", socket.AF_INET)]
    listeners = [socket.create_server((host, 0), family=family) for host, family in places]
    ports = {listener.getsockname()[1] for listener in listeners}

    assert ports <= {service.port for service in read_services([text])}
    for listener in listeners:
        listener.close()
    assert not ports & set(list_listening_ports())


@pytest.mark.parametrize(
    "text",
    ["localhost:", "localhost:0", "localhost:65536", "localhost:x", "localhost:-1", "[::1]:x"],
)
def test_a_port_is_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="HOST or HOST:PORT"):
        read_services([text])


@pytest.mark.parametrize(
    "text", ["10.0.0.1:80", "example.com", "[2001:db8::1]:80", "0.0.0.0:1", ""]
)
def test_other_machines_are_refused(text: str) -> None:
    """Nobody is to believe that a program was let out."""
    with pytest.raises(ValueError, match="services of this machine"):
        read_services([text])
