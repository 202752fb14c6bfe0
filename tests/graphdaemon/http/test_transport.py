"""The socket over real TLS: what is reused, dropped, given up and refused."""

import asyncio
import socket

import pytest

from graphdaemon.client import Client
from graphdaemon.errors import NetworkError
from graphdaemon.graph.query import Query
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
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

        import threading

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


def test_a_connection_the_host_closed_meanwhile_is_replaced(scripted: ScriptedServer) -> None:
    """Keep-alive ends at the host's wish; the next request simply reconnects."""
    transport = Transport(ca_file=scripted.ca_file, timeout=60)
    scripted.script = [page()]
    first = transport.exchange("GET", f"{scripted.url}/v1.0/users", {})
    for connection in scripted._open:
        connection.close()

    second = transport.exchange("GET", f"{scripted.url}/v1.0/users", {})
    transport.close()

    assert first.body == second.body
