"""The transport over real TLS: what is given up, refused and ended."""

import asyncio
import gc
import itertools
import socket
import threading
from collections.abc import Iterator

import pytest

from graphdaemon.client.client import Client
from graphdaemon.errors import NetworkError, UsageError
from graphdaemon.graph.query import Query
from graphdaemon.http.limits import Limits
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
from tests.support.compressed import make_bomb
from tests.support.hostile_server import HostileServer, answer, endless, head, steps
from tests.support.scripted_listing import list_users, listing, settings_of
from tests.support.scripted_server import Answer, Request, ScriptedServer, page


def test_untrusted_certificates_are_refused_at_once(scripted: ScriptedServer) -> None:
    """Without the CA there is no connection; the hint names ca_file."""
    with pytest.raises(NetworkError, match="not trusted") as caught:
        listing(scripted, ca_file=None)

    assert caught.value.code == "tls_untrusted"
    assert "ca_file" in (caught.value.hint or "")


def test_no_network_is_said_at_once() -> None:
    """A port where nothing listens, and a name that does not exist."""
    base = {"client_id": "c", "secret": "s"}
    codes = []
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        for host in (f"127.0.0.1:{bound.getsockname()[1]}", "no-such-host.invalid"):
            settings = read_settings(None, {}, base | {"authority": f"https://{host}/t"})
            with pytest.raises(NetworkError) as caught:
                asyncio.run(list_users(settings, Query()))
            codes.append(caught.value.code)

    assert codes == ["connection_failed", "host_unknown"]


def test_a_host_that_says_nothing_is_given_up() -> None:
    """The timeout is the settings' own."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = read_settings(
            None,
            {},
            {
                "client_id": "c",
                "secret": "s",
                "timeout": 0.2,
                "authority": f"https://127.0.0.1:{silent.getsockname()[1]}/t",
            },
        )

        with pytest.raises(NetworkError, match="did not answer") as caught:
            asyncio.run(list_users(settings, Query()))

    assert caught.value.code == "timed_out"


def test_cancelling_drops_the_connection(scripted: ScriptedServer) -> None:
    """A cancelled request leaves no thread waiting for the host."""
    asked = asyncio.Event()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        def answer(_: Request) -> Answer:
            loop.call_soon_threadsafe(asked.set)
            release.wait(120)
            return page()

        release = threading.Event()
        scripted.script = answer
        async with Client(settings_of(scripted)) as client:
            task = asyncio.create_task(client.get("users/x"))
            await asyncio.wait_for(asked.wait(), 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            release.set()

    asyncio.run(scenario())


def test_a_closed_transport_sends_nothing(scripted: ScriptedServer) -> None:
    """What comes too late is told so at once: it is no failure of the network to try again."""
    transport = Transport(ca_file=scripted.ca_file)
    transport.close()

    with pytest.raises(UsageError, match="the client is closed") as caught:
        transport.exchange("GET", scripted.url, {})

    assert caught.value.code == "client_closed"
    assert scripted.connections == 0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A host that accepts connections and never says a word, so that TLS does not begin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_closing_ends_the_threads_in_the_middle_of_an_answer(hostile: HostileServer) -> None:
    """Else they would still use TLS when the program ends, and it would crash."""
    transport = Transport(ca_file=hostile.ca_file)
    begun = threading.Semaphore(0)
    hostile.script = [steps(head(200, "Content-Length: 9"), begun.release, hostile.pause())]
    failures: list[NetworkError] = []

    def ask() -> None:
        with pytest.raises(NetworkError) as caught:
            transport.exchange("GET", hostile.url, {})
        failures.append(caught.value)

    for _ in range(5):
        transport.start(ask)
    for _ in range(5):
        begun.acquire()
    work = len(transport._work)
    transport.close()

    assert work == len(failures) == 5
    assert not transport._work


def test_closing_ends_the_threads_before_tls_has_begun(silent: socket.socket) -> None:
    """The socket is known before the handshake, so that it can be shut down during it."""
    transport = Transport()
    failures: list[NetworkError] = []

    def ask() -> None:
        with pytest.raises(NetworkError) as caught:
            transport.exchange("GET", f"https://127.0.0.1:{silent.getsockname()[1]}", {})
        failures.append(caught.value)

    transport.start(ask)
    with silent.accept()[0] as accepted:
        # The first bytes of TLS: the handshake waits for the answer to them.
        assert accepted.recv(1)
        transport.close()

    assert len(failures) == 1
    assert not transport._work


def test_closing_does_not_wait_for_ever_for_work_that_does_not_end() -> None:
    """What is left cannot be stopped; the bound is a limit with a name."""
    transport = Transport(limits=Limits(close_seconds=0))
    release = threading.Event()
    transport.start(release.wait)  # type: ignore[arg-type]
    transport.close()

    assert len(transport._work) == 1
    release.set()
    with transport._lock:
        assert transport._work_ended.wait_for(lambda: not transport._work, 60)


def test_a_thread_may_close_the_transport_that_runs_it() -> None:
    """It does not wait for itself."""
    transport = Transport()
    closed = threading.Event()

    def close() -> None:
        transport.close()
        closed.set()

    transport.start(close)

    assert closed.wait(60)


@pytest.mark.parametrize(
    "url", ["https://[::1/", "https://\u2100.test/", "https://a:99999/", "https://a/\u00fc", "x"]
)
def test_an_address_that_is_none_is_said_to_be(url: str) -> None:
    """It is not shown: it may be a page link."""
    transport = Transport()

    with pytest.raises(NetworkError) as caught:
        transport.exchange("GET", url, {})

    assert caught.value.code == "address_invalid"
    assert url not in str(caught.value)


@pytest.mark.parametrize("name", ["a..test", f"{'x' * 64}.test", ".test", "a.test."])
def test_a_name_that_no_host_can_have_is_a_failure_of_the_network(name: str) -> None:
    """Wherever Python notices it."""
    with pytest.raises(NetworkError):
        Transport(timeout=5).exchange("GET", f"https://{name}/", {})


def test_a_bomb_ends_at_the_limit(hostile: HostileServer) -> None:
    """The connection is not used again."""
    transport = Transport(ca_file=hostile.ca_file, limits=Limits(content_bytes=1 << 20))
    bomb = answer(make_bomb(4096), "Content-Encoding: gzip")
    hostile.script = [steps(bomb), steps(answer(b"next"))]

    with pytest.raises(NetworkError, match="larger than 1 MB when decompressed"):
        transport.exchange("GET", hostile.url, {})

    assert transport.exchange("GET", hostile.url, {}).body == b"next"
    transport.close()


def test_an_endless_body_ends_at_the_limit(hostile: HostileServer) -> None:
    """Nobody reads on, and the host notices."""
    transport = Transport(ca_file=hostile.ca_file, limits=Limits(sent_bytes=1 << 20))
    hostile.script = [steps(head(200), endless(b"x" * 16_384))]

    with pytest.raises(NetworkError, match="larger than 1 MB") as caught:
        transport.exchange("GET", hostile.url, {})

    assert caught.value.code == "limit_exceeded"
    assert hostile.ended[1].wait(60)
    transport.close()


def test_an_answer_of_one_byte_a_second_ends_with_its_time(hostile: HostileServer) -> None:
    """Each byte is in time; the seconds pass by a clock of the test's own."""
    clock = itertools.count()
    transport = Transport(ca_file=hostile.ca_file, timeout=3, clock=lambda: float(next(clock)))
    hostile.script = [steps(head(200), endless(b"x"))]

    with pytest.raises(NetworkError, match="takes longer than 30 s as a whole") as caught:
        transport.exchange("GET", hostile.url, {})

    assert caught.value.code == "limit_exceeded"
    transport.close()


def test_a_transport_that_nobody_closed_leaves_no_connection_open(scripted: ScriptedServer) -> None:
    """Scripts forget it; the connection is closed with the transport, and not left to chance."""
    scripted.script = lambda _: page()
    transport = Transport(ca_file=scripted.ca_file)
    transport.exchange("GET", scripted.url, {})
    ((connection,),) = transport._idle.values()
    sock = connection._sock
    assert sock is not None
    assert sock.fileno() != -1
    del transport
    gc.collect()

    assert sock.fileno() == -1
