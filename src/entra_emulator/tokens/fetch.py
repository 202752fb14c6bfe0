"""Fetch a small document over TLS from a host that may be slow or hostile."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

# Bytes. Real keys documents have a few thousand; a hostile host could send without end.
LIMIT = 262_144


class FetchFailed(Exception):  # noqa: N818 - the name says what happened
    """The document could not be fetched; the text says why."""


def make_fetch(authority: Path | None = None, *, seconds: float = 5.0) -> Callable[[str], bytes]:
    """
    A function that gets the body of an https URL, or raises FetchFailed.

    It follows no redirect, takes no body above 256 kB, and hangs up after `seconds`, even while
    bytes still arrive. Only the look-up of the host's name may take longer. It trusts only the
    certificate authorities in the PEM file `authority`; by default the system's.
    """

    # Made for the first fetch, as reading the system's authorities would slow down every start.
    @cache
    def make_tls() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(authority) if authority else None)

    if authority is not None:
        make_tls()  # so that a wrong file fails now

    def fetch(url: str) -> bytes:
        try:
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname or parts.username is not None:
                raise FetchFailed(f"{url}: not an https URL")
            with _connect(parts, make_tls(), seconds) as connection:
                return _get(connection, parts)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchFailed(f"{url}: {error}") from error

    return fetch


def _get(connection: http.client.HTTPSConnection, parts: SplitResult) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={"Accept": "application/json"})
    response = connection.getresponse()
    # A redirect is not followed: it could lead to a host that nobody trusts.
    if response.status != 200:
        raise FetchFailed(f"{parts.geturl()}: answered {response.status}")
    body = response.read(LIMIT + 1)
    if len(body) > LIMIT:
        raise FetchFailed(f"{parts.geturl()}: more than {LIMIT} bytes")
    return body


@contextlib.contextmanager
def _connect(
    parts: SplitResult, tls: ssl.SSLContext, seconds: float
) -> Iterator[http.client.HTTPSConnection]:
    """
    A connection that ends after `seconds`, whatever it is doing.

    The timeout of a socket starts again with each byte that arrives; a timer bounds the whole.
    """
    host, port = parts.hostname or "", parts.port or 443
    deadline = time.monotonic() + seconds
    connected = socket.create_connection((host, port), timeout=seconds)
    remaining = max(deadline - time.monotonic(), 0.0)
    with contextlib.ExitStack() as stack:
        stack.enter_context(connected)
        duplicate = stack.enter_context(connected.dup())  # TLS takes the first one over
        timer = threading.Timer(remaining, _hang_up, (duplicate,))
        timer.daemon = True
        timer.start()
        stack.callback(timer.join)
        stack.callback(timer.cancel)
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=tls)
        stack.callback(connection.close)
        connection.sock = stack.enter_context(tls.wrap_socket(connected, server_hostname=host))
        yield connection


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
