"""The HTTP server beside the daemon: what it answers, what it refuses, and that it ends at once."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from graphdaemon.daemon.server import (
    Answering,
    Listening,
    WatchAnswer,
    WatchRequest,
    read_listen,
    serve,
)
from graphdaemon.errors import UsageError
from tests.support.raw_http import ask, read_answer, send_raw

HERE = Listening("127.0.0.1", 0)


async def echo(request: WatchRequest) -> WatchAnswer:
    return WatchAnswer(200, f"{request.path} {dict(request.query)} {request.languages}".encode())


def run(
    work: Callable[[str], Awaitable[None]],
    *,
    answer: Answering = echo,
    listening: Listening = HERE,
) -> None:
    """Do something with the address of a server that runs."""

    async def main() -> None:
        async with asyncio.timeout(30), serve(listening, answer) as address:
            await work(address)

    asyncio.run(main())


def test_a_request_is_answered_with_path_query_and_languages() -> None:
    async def work(address: str) -> None:
        given = await ask(address, "/a%20b?q=%C3%A9&q=2&e=", headers="Accept-Language: pt-BR\r\n")
        assert (given.status, given.text) == (200, "/a b {'q': '2', 'e': ''} pt-BR")
        assert given.headers["x-content-type-options"] == "nosniff"
        assert given.headers["connection"] == "close"

    run(work)


def test_head_is_answered_without_a_body() -> None:
    async def work(address: str) -> None:
        given = await ask(address, method="HEAD")
        assert (given.status, given.body, given.headers["content-length"]) == (200, b"", "5")

    async def answer(_: WatchRequest) -> WatchAnswer:
        return WatchAnswer(200, b"12345")

    run(work, answer=answer)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:9464", "[::1]:1", "localhost", "LocalHost.:80", "10.1.2.3:9464"],
)
def test_a_host_that_is_this_machine_by_its_name_or_address_is_answered(host: str) -> None:
    async def work(address: str) -> None:
        assert (await ask(address, host=host)).status == 200

    run(work)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9464",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "local host",
        "[::1",
        "a" * 300,
    ],
)
def test_a_host_of_somebody_elses_is_refused(host: str) -> None:
    """A page that has its own name lead to this machine learns nothing (DNS rebinding)."""

    async def work(address: str) -> None:
        given = await ask(address, host=host)
        assert given.status == 421
        assert "Host header" in given.text

    run(work)


def test_a_name_that_was_allowed_is_answered() -> None:
    async def work(address: str) -> None:
        assert (await ask(address, host="Status.Contoso.example")).status == 200

    run(work, listening=read_listen("0", names=("status.contoso.example",)))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 405),
        ("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET /?q=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (f"GET /{'a' * 2_000} HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (f"GET /?{'a&' * 900} HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nHost: localhost\r\nX: {'a' * 20_000}\r\n\r\n", 431),
        (f"GET /{'a' * 20_000}", 431),
        ("GET / HTTP/9\r\nHost: localhost\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\x00\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_to_read_is_refused_in_plain_words(head: str, status: int) -> None:
    async def work(address: str) -> None:
        given = read_answer(await send_raw(address, head.encode("latin-1")))
        assert given.status == status
        assert given.headers["content-type"].startswith("text/plain")
        assert given.text.endswith(".\n") or given.text.endswith(").\n")
        # It goes on.
        assert (await ask(address)).status == 200

    run(work)


def test_a_path_that_is_no_text_is_one_that_does_not_exist() -> None:
    async def work(address: str) -> None:
        assert (await ask(address, "/%ff%0d%0aX:%201")).status == 200

    run(work)


@pytest.mark.parametrize("data", [b"", b"GET / HT"])
def test_whoever_goes_away_in_the_middle_gets_nothing(data: bytes) -> None:
    async def work(address: str) -> None:
        host, port = address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        writer.write_eof()
        assert b"200" not in await reader.read()
        writer.close()
        assert (await ask(address)).status == 200

    run(work)


def test_a_fault_is_answered_and_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(_: WatchRequest) -> WatchAnswer:
        raise ValueError("broken inside")

    async def work(address: str) -> None:
        given = await ask(address)
        assert given.status == 500
        assert "broken" not in given.text

    run(work, answer=answer)
    assert "broken inside" in caplog.text


def test_its_end_waits_for_nobody() -> None:
    """Neither for whoever is silent, nor for an answer that is not ready."""
    begun = asyncio.Event()

    async def answer(_: WatchRequest) -> WatchAnswer:
        begun.set()
        await asyncio.sleep(3_600)
        raise AssertionError

    async def main() -> None:
        silent: tuple[asyncio.StreamReader, asyncio.StreamWriter]
        async with asyncio.timeout(20):
            async with serve(HERE, answer) as address:
                host, port = address.removeprefix("http://").split(":")
                silent = await asyncio.open_connection(host, int(port))
                waiting = asyncio.ensure_future(
                    send_raw(address, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                )
                await begun.wait()
            assert await waiting == b""
            assert await silent[0].read() == b""
            silent[1].close()

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 10


def test_too_many_connections_are_closed_and_others_go_on() -> None:
    async def work(address: str) -> None:
        host, port = address.removeprefix("http://").split(":")
        silent = [await asyncio.open_connection(host, int(port)) for _ in range(64)]
        while (answered := await _try(address)) is not None:
            assert answered == 200
        silent[0][1].close()
        # Each that is refused gives the loop a turn in which it notices the end of the first.
        while await _try(address) is None:
            pass
        for _, writer in silent[1:]:
            writer.close()

    run(work)


async def _try(address: str) -> int | None:
    """Ask; None where the connection was closed without an answer."""
    try:
        data = await send_raw(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    except OSError:
        return None
    return read_answer(data).status if data else None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9464", "127.0.0.1", 9464),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("localhost:80", "localhost", 80),
        ("[::1]:9464", "::1", 9464),
    ],
)
def test_an_address_to_listen_on(text: str, host: str, port: int) -> None:
    assert read_listen(text)[:3] == (host, port, False)


@pytest.mark.parametrize(
    "text", ["", "a", "1.2.3.4", "127.0.0.1:65536", "a:b", "127.0.0.1:1:2", "http://localhost:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        read_listen(text)


@pytest.mark.parametrize("text", ["0.0.0.0:9464", "[::]:1", "192.0.2.1:1", "contoso.example:1"])
def test_others_reach_it_only_if_that_was_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="other machines") as caught:
        read_listen(text)

    assert "--allow-remote" in str(caught.value.hint)
    assert read_listen(text, remote=True).remote


def find_own_address() -> str | None:
    """An address of this machine that is no loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: it only chooses the address that would be used.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(("remote", "status"), [(False, 403), (True, 200)])
def test_whoever_comes_from_elsewhere_is_answered_only_if_that_was_allowed(
    remote: bool, status: int
) -> None:
    own = find_own_address()
    if own is None or own.startswith("127."):
        pytest.skip("this machine has no other address than its loopback")

    async def work(address: str) -> None:
        given = await ask(address.replace("0.0.0.0", own))
        assert given.status == status

    run(work, listening=Listening("0.0.0.0", 0, remote=remote))


def test_a_port_that_is_taken_is_refused_with_the_next_step() -> None:
    async def work(_: str) -> None:
        raise AssertionError

    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Listening("127.0.0.1", other.getsockname()[1])
        with pytest.raises(UsageError, match="nothing can be answered") as caught:
            run(work, listening=taken)
    assert "--listen" in str(caught.value.hint)
