"""HTTP/1.1 as far as the page server needs it: requests in, responses out, as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple, Protocol

_LONGEST_HEAD = 65_536


class Request(NamedTuple):
    """
    One request.

    Attributes:
        method: The verb.
        base: Scheme, host and port that it came to.
        path: Without options.
        query: The options, as they came.
        headers: By lower-case name.
        body: What came with it.
    """

    method: str
    base: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Reader(Protocol):
    """What bytes come from: a socket."""

    def recv(self, size: int, /) -> bytes:
        """Some of them, or none at the end."""


def read_request(reader: Reader, rest: bytes = b"") -> tuple[Request, bytes] | None:
    """The next request, and what came after it; None at the end."""
    while (end := rest.find(b"\r\n\r\n")) < 0:
        more = reader.recv(_LONGEST_HEAD)
        if not more or len(rest) > _LONGEST_HEAD:
            return None
        rest += more
    first, *lines = rest[:end].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    rest = rest[end + 4 :]
    length = int(headers.get("content-length", 0))
    while len(rest) < length:
        more = reader.recv(_LONGEST_HEAD)
        if not more:
            return None
        rest += more
    path, _, query = target.partition("?")
    base = f"https://{headers.get('host', 'localhost')}"
    return Request(method, base, path, query, headers, rest[:length]), rest[length:]


def write_response(
    status: int,
    body: bytes,
    kind: str = "application/json;odata.metadata=minimal",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole response."""
    lines = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + body
