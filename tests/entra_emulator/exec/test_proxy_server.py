"""What a proxy reads of a request; what it does with it is for its users' tests."""

from __future__ import annotations

import pytest

from entra_emulator.exec.proxy_server import end_after, read_target


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("CONNECT Graph.microsoft.com:443 HTTP/1.1", ("CONNECT", "graph.microsoft.com:443")),
        ("GET http://169.254.169.254/metadata?a=b HTTP/1.1", ("http", "169.254.169.254:80")),
        (
            "GET https://user@Graph.microsoft.com/v1.0 HTTP/1.1",
            ("https", "graph.microsoft.com:443"),
        ),
        ("GET http://[::1]?x HTTP/1.1", ("http", "[::1]:80")),
        ("GET http://h:81/ HTTP/1.1", ("http", "h:81")),
        ("GET /users HTTP/1.1", ("", "")),
        ("GET ftp://h/ HTTP/1.1", ("", "")),
        ("GET", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_request_names_its_target(line: str, target: tuple[str, str]) -> None:
    assert read_target(f"{line}\r\nHost: x\r\n\r\n".encode()) == target


def test_a_request_is_the_last_of_its_connection() -> None:
    """The next one on it may be for another host, and would reach this one."""
    head = b"GET http://h/ HTTP/1.1\r\nHost: h\r\nproxy-connection: x\r\nConnection: x\r\n\r\n"
    ended = b"GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert end_after(head) == ended
