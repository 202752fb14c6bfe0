"""
A small HTTP server in the daemon's own event loop, for whoever watches it.

It answers GET and HEAD, one request a connection, within bounds of time, length and number; what
is anything else is refused in plain words. Its Host header has to name this machine, or a page of
somebody else's could have a browser read it by a name of theirs (DNS rebinding).
"""

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from graphdaemon.errors import UsageError

logger = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"

# Far above what a browser and some monitors need.
_MOST_CONNECTIONS = 64
_LONGEST_HEAD = 16_384
_LONGEST_TARGET = 2_000
_MOST_PARAMETERS = 20
_READ_S = 10.0
_ANSWER_S = 60.0
_WRITE_S = 30.0

_LISTEN = re.compile(r"(?:(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):)?([0-9]{1,5})")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")


class Listening(NamedTuple):
    """
    Where the server answers, and whom.

    Attributes:
        host: A name or an IP address of this machine.
        port: 0 for one that is free.
        remote: Others than this machine are answered, too.
        names: What this machine is called besides its IP addresses, in small letters.
    """

    host: str
    port: int
    remote: bool = False
    names: frozenset[str] = frozenset({"localhost"})


class WatchRequest(NamedTuple):
    """
    What was asked for.

    Attributes:
        path: The path, decoded.
        query: Its parameters, of each the last value.
        languages: The header `Accept-Language`.
        is_local: It came from this machine.
    """

    path: str
    query: Mapping[str, str]
    languages: str
    is_local: bool


class WatchAnswer(NamedTuple):
    """
    What is answered.

    Attributes:
        status: The HTTP status.
        body: The body.
        kind: Its media type.
        headers: Further headers.
    """

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


Answering = Callable[[WatchRequest], Awaitable[WatchAnswer]]


class _RefusedError(Exception):
    """A request that is refused; its only argument is the answer."""


def _refuse(status: int, words: str, *headers: tuple[str, str]) -> _RefusedError:
    return _RefusedError(WatchAnswer(status, f"{words}\n".encode(), headers=headers))


def read_listen(text: str, *, remote: bool = False, names: tuple[str, ...] = ()) -> Listening:
    """
    Read `PORT`, `HOST:PORT` or `[IPv6]:PORT`.

    Args:
        text: The address.
        remote: Others than this machine are answered, too.
        names: By which further names it may be called.

    Raises:
        UsageError: It is none, or one that others reach, which nobody has allowed.
    """
    match = _LISTEN.fullmatch(text)
    if match is None or int(match[2]) > 65_535:
        raise UsageError(
            f"--listen {text} is not an address",
            code="option_invalid",
            hint="Write a port, or host and port: 9464, 127.0.0.1:9464, [::1]:9464.",
        )
    host = (match[1] or DEFAULT_HOST).strip("[]")
    if not (remote or is_loopback(host)):
        raise UsageError(
            f"--listen {text} can be reached from other machines, and nobody has to sign in there",
            code="option_invalid",
            hint=f"Listen on 127.0.0.1:{match[2]}, or allow it: --allow-remote.",
        )
    own = {"localhost", socket.gethostname().lower(), host.lower()}
    return Listening(host, int(match[2]), remote, frozenset(own | {name.lower() for name in names}))


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@asynccontextmanager
async def serve(listening: Listening, answer: Answering) -> AsyncGenerator[str]:
    """
    Answer requests while the block runs; its end waits for nobody.

    Args:
        listening: Where, and whom.
        answer: Answers a request that is well formed; what it raises is a 500.

    Returns:
        The address, such as `http://127.0.0.1:9464`.

    Raises:
        UsageError: Nothing can be answered at the address.
    """
    conversations: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            if len(conversations) <= _MOST_CONNECTIONS:
                await _converse(reader, writer, listening, answer)
        except (OSError, TimeoutError):
            logger.debug("a connection broke, or was too slow")
        except asyncio.CancelledError:
            # The end of the daemon, which asyncio's own callback would report as a failure.
            logger.debug("a connection was cut")
        finally:
            conversations.discard(task)
            writer.transport.abort() if len(conversations) > _MOST_CONNECTIONS else writer.close()

    server = await _open(listening, talk)
    try:
        port = server.sockets[0].getsockname()[1]
        shown = f"[{listening.host}]" if ":" in listening.host else listening.host
        yield f"http://{shown}:{port}"
    finally:
        server.close()
        for task in tuple(conversations):
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


async def _open(
    listening: Listening,
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> asyncio.Server:
    try:
        return await asyncio.start_server(
            talk, listening.host, listening.port, limit=_LONGEST_HEAD, backlog=_MOST_CONNECTIONS
        )
    except OSError as error:
        raise UsageError(
            f"nothing can be answered at {listening.host}, port {listening.port}: {error.strerror}",
            code="option_invalid",
            hint="Choose another port with --listen; 0 takes one that is free.",
        ) from error


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    listening: Listening,
    answer: Answering,
) -> None:
    """Read one request, and answer it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=2 * _LONGEST_HEAD)
    peer = str((writer.get_extra_info("peername") or ("",))[0])
    method = b"GET"
    try:
        async with asyncio.timeout(_READ_S):
            head = await _read_head(reader, connection)
        if head is None:
            return
        method = head.method
        request = _check(head, listening, is_local=is_loopback(peer))
        async with asyncio.timeout(_ANSWER_S):
            given = await answer(request)
    except _RefusedError as refusal:
        (given,) = refusal.args
    except TimeoutError:
        given = WatchAnswer(503, b"This took too long.\n")
    except Exception:
        logger.exception("a request for the status could not be answered")
        given = WatchAnswer(500, b"This is a fault of graphdaemon; its log says more.\n")
    await _send(writer, connection, given, has_body=method != b"HEAD")


async def _read_head(
    reader: asyncio.StreamReader, connection: h11.Connection
) -> h11.Request | None:
    """Return the request without its body; None if nothing came."""
    received = 0
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            if connection.our_state in {h11.ERROR, h11.MUST_CLOSE, h11.CLOSED}:
                return None
            raise _refuse(400, "This is no HTTP request.") from error
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        data = await reader.read(_LONGEST_HEAD)
        received += len(data)
        if received > _LONGEST_HEAD:
            raise _refuse(431, "This request is too long.")
        connection.receive_data(data)


def _check(head: h11.Request, listening: Listening, *, is_local: bool) -> WatchRequest:
    """
    Return a request that may be answered.

    Raises:
        _RefusedError: It may not.
    """
    headers = {bytes(name): bytes(value).decode("latin-1") for name, value in head.headers}
    if not (is_local or listening.remote):
        raise _refuse(403, "Only this machine is answered here.")
    if not _is_own(headers.get(b"host", ""), listening):
        raise _refuse(
            421, "The Host header names no machine that is known here (see --allow-host)."
        )
    if head.method not in {b"GET", b"HEAD"}:
        raise _refuse(405, "This can only be read.", ("Allow", "GET, HEAD"))
    if b"transfer-encoding" in headers or headers.get(b"content-length", "0") != "0":
        raise _refuse(400, "A request to read has no body.")
    if len(head.target) > _LONGEST_TARGET:
        raise _refuse(414, "This address is too long.")
    return _read_target(head.target.decode("latin-1"), headers, is_local=is_local)


def _read_target(target: str, headers: Mapping[bytes, str], *, is_local: bool) -> WatchRequest:
    try:
        parts = urlsplit(target)
        query = parse_qsl(parts.query, True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise _refuse(400, "This address cannot be read.") from None
    if not target.startswith("/") or target.startswith("//"):
        raise _refuse(400, "This address cannot be read.")
    path = unquote(parts.path)
    if "\0" in path or any("\0" in text for pair in query for text in pair):
        # No database takes it in a text.
        raise _refuse(400, "This address cannot be read.")
    languages = headers.get(b"accept-language", "")[:200]
    return WatchRequest(path, dict(query), languages, is_local)


def _is_own(host: str, listening: Listening) -> bool:
    """
    Say whether a Host header means this machine.

    An IP address does: no name of somebody else's has led to it.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].strip("[]").lower().removesuffix(".")
    if name in listening.names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _send(
    writer: asyncio.StreamWriter, connection: h11.Connection, answer: WatchAnswer, *, has_body: bool
) -> None:
    headers = [
        ("Content-Type", answer.kind),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "close"),
        ("X-Content-Type-Options", "nosniff"),
        *answer.headers,
    ]
    with suppress(h11.LocalProtocolError):
        # Where the other side has broken the protocol, h11 writes no more.
        data = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
        if has_body:
            data += connection.send(h11.Data(data=answer.body)) or b""
        writer.write(data)
        async with asyncio.timeout(_WRITE_S):
            await writer.drain()
            writer.close()
            await writer.wait_closed()
