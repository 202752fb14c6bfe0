"""A server on the loop of a thread: what it owes to its clients when it stops."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.server.uvicorn_thread import run_server


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running


def test_a_request_in_progress_is_answered_before_the_server_stops(thread: LoopThread) -> None:
    """Its connection is not broken off while the answer is being made."""
    begun, client_waits = threading.Event(), threading.Event()

    async def answer(_: Request) -> PlainTextResponse:
        begun.set()
        await asyncio.to_thread(client_waits.wait)
        return PlainTextResponse("whole")

    listener = socket.create_server(("127.0.0.1", 0))
    client = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=60)
    stop = run_server(Starlette(routes=[Route("/", answer)]), listener, None, thread)
    client.request("GET", "/")
    assert begun.wait(60)

    stopping = threading.Thread(target=stop)
    stopping.start()
    client_waits.set()

    assert client.getresponse().read() == b"whole"
    stopping.join()
    client.close()


def test_two_servers_share_a_loop_and_stop_apart(thread: LoopThread) -> None:
    """When one has stopped, the other still answers."""

    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [listener.getsockname() for listener in listeners]
    stop_first, stop_second = (
        run_server(Starlette(routes=[Route("/", answer)]), listener, None, thread)
        for listener in listeners
    )

    stop_first()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(addresses[0])
    client = http.client.HTTPConnection("127.0.0.1", addresses[1][1], timeout=60)
    client.request("GET", "/")
    assert client.getresponse().read() == b"here"
    client.close()
    stop_second()


def test_a_server_that_cannot_start_says_so_at_once(thread: LoopThread) -> None:
    listener = socket.socket()
    listener.close()

    with pytest.raises((OSError, ValueError)):
        run_server(Starlette(), listener, None, thread)
