"""Requests to an application without a socket."""

import sys
from collections.abc import Iterator

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from entra_emulator.in_process.call import (
    InProcess,
    InProcessRequest,
    LateAnswerError,
    OtherHostError,
)
from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.in_process.service_names import SERVICE_NAMES
from entra_emulator.server.emulator import Emulator
from tests.support.in_process_token import get_token


async def echo(request: Request) -> Response:
    body = (await request.body()).decode()
    target = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
    lines = [request.method, request.url.scheme, target, request.headers["host"], body]
    return PlainTextResponse("\n".join(lines))


async def never(request: Request) -> Response:
    await anyio.sleep_forever()
    raise AssertionError(request)


async def fail(_: Request) -> Response:
    raise ZeroDivisionError("a bug")


@pytest.fixture
def in_process() -> Iterator[InProcess]:
    routes = [
        Route("/echo/{rest:path}", echo, methods=["GET", "POST"]),
        Route("/never", never),
        Route("/fail", fail),
    ]
    with LoopThread() as thread:
        yield InProcess(Starlette(routes=routes), thread, ["graph.example"])


def ask(
    url: str, method: str = "GET", body: bytes = b"", patience: float | None = None
) -> InProcessRequest:
    return InProcessRequest(method, url, [], body, patience)


def test_the_application_sees_what_a_server_would_show_it(in_process: InProcess) -> None:
    """Method, address, host and body; an escaped slash is none."""
    answer = in_process.send(ask("https://graph.example/echo/a%2Fb?c=%20d", "POST", b"body"))

    assert answer.status == 200
    assert answer.whole
    assert answer.body.decode().splitlines() == [
        "POST",
        "https",
        "/echo/a%2Fb?c=%20d",
        "graph.example",
        "body",
    ]


def test_the_head_alone_is_answered_to_head(in_process: InProcess) -> None:
    answer = in_process.send(ask("https://graph.example/echo/x", "HEAD"))

    assert (answer.status, answer.body) == (200, b"")


def test_no_other_host_is_asked(in_process: InProcess) -> None:
    """Names that only begin or end alike are others."""
    for host in ("graph.example.com", "other.example", "graph.example@other.example"):
        with pytest.raises(OtherHostError, match=r"answers for graph\.example"):
            in_process.send(ask(f"https://{host}/echo/x"))


def test_patience_ends(in_process: InProcess) -> None:
    with pytest.raises(LateAnswerError):
        in_process.send(ask("https://graph.example/never", patience=0.01))


def test_a_bug_is_answered_as_by_a_server(
    in_process: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """500, and the traceback is in the log."""
    answer = in_process.send(ask("https://graph.example/fail"))

    assert answer.status == 500
    assert "ZeroDivisionError: a bug" in caplog.text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_loops_of_either_kind_may_ask(in_process: InProcess, backend: str) -> None:
    """Side by side, with the same answers and the same errors."""

    async def ask_twice() -> list[int]:
        statuses: list[int] = []

        async def ask_once() -> None:
            answer = await in_process.send_async(ask("https://graph.example/echo/x"))
            statuses.append(answer.status)

        async with anyio.create_task_group() as group:
            group.start_soon(ask_once)
            group.start_soon(ask_once)
        with pytest.raises(LateAnswerError):
            await in_process.send_async(ask("https://graph.example/never", patience=0.01))
        with pytest.raises(OtherHostError):
            await in_process.send_async(ask("https://other.example/"))
        return statuses

    assert anyio.run(ask_twice, backend=backend) == [200, 200]


def test_nothing_connects_and_nothing_listens(entra: Emulator) -> None:
    """An emulator in process has no socket of the network, from its start to a listing."""
    events: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in {"socket.connect", "socket.bind", "socket.getaddrinfo"}:
            events.append(f"{event} {arguments[1:]}")

    sys.addaudithook(watch)
    with Emulator(in_process=True, users=3) as emulator:
        token = get_token(emulator)
        with emulator.requests_session() as session:
            answer = session.get(
                f"{emulator.graph_url}/users", headers={"Authorization": f"Bearer {token}"}
            )
    watching = False

    assert len(answer.json()["value"]) == 3
    assert events == []


def test_it_answers_for_every_cloud(entra: Emulator) -> None:
    """By Microsoft's own names, with links that lead to the same."""
    with entra.requests_session() as session:
        for name in SERVICE_NAMES:
            url = f"https://{name}/{entra.tenant.id}/v2.0/.well-known/openid-configuration"
            answer = session.get(url).json()

            assert answer["token_endpoint"].startswith(f"https://{name}/{entra.tenant.id}/")
