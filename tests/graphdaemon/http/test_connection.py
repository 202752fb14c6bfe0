"""Kept connections: when one is used again, and what is sent once more when it was dead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from graphdaemon.auth.msal_http import HttpClient
from graphdaemon.auth.token import Token
from graphdaemon.errors import NetworkError
from graphdaemon.graph.graph import Graph, GraphRequest
from graphdaemon.http.transport import Transport
from tests.support.connect_proxy import connect_proxy
from tests.support.hostile_server import (
    CLOSE,
    CUT,
    NOTIFY,
    RESET,
    Ending,
    HostileServer,
    Step,
    answer,
    chunked,
    head,
    steps,
)


@pytest.fixture
def transport(hostile: HostileServer) -> Iterator[Transport]:
    transport = Transport(ca_file=hostile.ca_file)
    yield transport
    transport.close()


def test_an_informational_response_by_itself_shifts_no_answers(
    hostile: HostileServer, transport: Transport
) -> None:
    """Each request gets its own answer, over one connection (RFC 9110, 15.2)."""
    names = ["ALICE", "BOB", "CAROL"]
    hostile.script = [steps(head(103, "Link: </a>"), answer(name.encode())) for name in names]

    answers = [transport.exchange("GET", f"{hostile.url}/{name}", {}) for name in names]

    assert [(one.status, one.body.decode()) for one in answers] == [(200, name) for name in names]
    assert hostile.connections == 1


LEFT: dict[str, tuple[Step, ...]] = {
    "in the same record": (answer(b"ALICE") + answer(b"FOREIGN"),),
    "in a record of its own": (answer(b"ALICE"), answer(b"FOREIGN")),
    "behind an answer without a body": (head(204) + b"FOREIGN",),
    "behind the last chunk": (chunked(b"ALICE") + answer(b"FOREIGN"),),
    "an informational response": (answer(b"ALICE"), head(103)),
    "an empty line": (answer(b"ALICE"), b"\r\n"),
}


@pytest.mark.parametrize("parts", LEFT.values(), ids=LEFT.keys())
def test_what_nobody_asked_for_is_never_an_answer(
    hostile: HostileServer, transport: Transport, parts: tuple[Step, ...]
) -> None:
    """It lies there before the next request is written, which goes over a new connection."""
    arrived = threading.Event()
    hostile.script = [steps(*parts, arrived.set), steps(answer(b"BOB"))]
    transport.exchange("GET", f"{hostile.url}/alice", {})
    assert arrived.wait(60)

    assert transport.exchange("GET", f"{hostile.url}/bob", {}).body == b"BOB"
    assert [request.connection for request in hostile.requests] == [1, 2]


IDLE = [(ending, method) for ending in Ending for method in ("GET", "POST")]


@pytest.mark.parametrize(("ending", "method"), IDLE)
def test_a_connection_that_died_idle_is_replaced_before_anything_is_written(
    hostile: HostileServer, transport: Transport, ending: Ending, method: str
) -> None:
    """Even a POST can be sent then: not a byte of it has gone out."""
    die, dead = hostile.pause(), threading.Event()
    last: tuple[Step, ...] = (NOTIFY, dead.set, hostile.pause()) if ending is NOTIFY else (ending,)
    hostile.script = [steps(answer(b"1"), die, *last), steps(answer(b"2"))]
    transport.exchange(method, hostile.url, {}, b"")
    die.set()
    assert (dead if ending is NOTIFY else hostile.ended[1]).wait(60)

    assert transport.exchange(method, hostile.url, {}, b"").body == b"2"
    assert [request.connection for request in hostile.requests] == [1, 2]


DYING = [CLOSE, CUT, RESET]


@pytest.mark.parametrize("ending", DYING)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_what_is_idempotent_is_sent_again_when_a_kept_connection_dies_of_it(
    hostile: HostileServer, transport: Transport, ending: Ending, method: str
) -> None:
    """Doing it twice does the same as once (RFC 9110, 9.2.2)."""
    hostile.script = [steps(head(204)), steps(ending), steps(head(204))]
    transport.exchange("GET", hostile.url, {})

    assert transport.exchange(method, hostile.url, {}).status == 204
    assert [request.connection for request in hostile.requests] == [1, 1, 2]


@pytest.mark.parametrize("ending", DYING)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_been_done_is_not_sent_again(
    hostile: HostileServer, transport: Transport, ending: Ending, method: str
) -> None:
    """Its bytes had gone out; whoever sent it has to look what became of it."""
    hostile.script = [steps(head(204)), steps(ending), steps(head(204))]
    transport.exchange("GET", hostile.url, {})

    with pytest.raises(NetworkError) as caught:
        transport.exchange(method, hostile.url, {}, b"{}")

    assert caught.value.code == "connection_lost"
    assert len(hostile.requests) == 2


@pytest.mark.parametrize("ending", DYING)
@pytest.mark.parametrize("sent", [b"HTTP/1.1 200", head(103), head(200, "Content-Length: 9")])
def test_nothing_is_sent_again_by_itself_once_an_answer_has_begun(
    hostile: HostileServer, transport: Transport, ending: Ending, sent: bytes
) -> None:
    """The connection was alive; whoever asked may ask again."""
    hostile.script = [steps(head(204)), steps(sent, ending), steps(head(204))]
    transport.exchange("GET", hostile.url, {})

    with pytest.raises(NetworkError) as caught:
        transport.exchange("GET", hostile.url, {})

    assert caught.value.code == "connection_lost"
    assert len(hostile.requests) == 2


@pytest.mark.parametrize("ending", DYING)
def test_a_new_connection_that_breaks_is_a_failure(
    hostile: HostileServer, transport: Transport, ending: Ending
) -> None:
    """It was not idle, so that it did not die of that."""
    hostile.script = [steps(ending)]

    with pytest.raises(NetworkError):
        transport.exchange("GET", hostile.url, {})

    assert len(hostile.requests) == 1


@pytest.mark.parametrize("ending", DYING)
def test_a_token_is_asked_for_again_when_the_kept_connection_dies_of_it(
    hostile: HostileServer, transport: Transport, ending: Ending
) -> None:
    """Asking for a token changes nothing, so that it may be asked for twice."""
    hostile.script = [steps(answer(b"{}")), steps(ending), steps(answer(b'{"access_token":"x"}'))]
    client = HttpClient(transport, 5, None)
    client.post(hostile.url, data={"grant_type": "client_credentials"})

    again = client.post(hostile.url, data={"grant_type": "client_credentials"})

    assert again.text == '{"access_token":"x"}'
    assert len(hostile.requests) == 3


def test_a_code_is_not_redeemed_twice(hostile: HostileServer, transport: Transport) -> None:
    """The second time would end the tokens of the first (RFC 6749, 4.1.2)."""
    hostile.script = [steps(answer(b"{}")), steps(CUT), steps(answer(b"{}"))]
    client = HttpClient(transport, 5, None)
    client.get(hostile.url)

    with pytest.raises(NetworkError):
        client.post(hostile.url, data={"grant_type": "authorization_code", "code": "x"})

    assert len(hostile.requests) == 2


class NewTokens:
    async def token(self) -> Token:
        return Token("first", 0)

    async def renew(self, refused: Token, claims: str | None = None) -> Token:  # noqa: ARG002  a protocol
        return Token("second", 0)


@pytest.mark.parametrize("refusal", [401, 429])
@pytest.mark.parametrize("ending", DYING)
def test_a_post_that_was_refused_and_then_lost_is_not_sent_a_third_time(
    hostile: HostileServer, transport: Transport, ending: Ending, refusal: int
) -> None:
    """A refusal shows that nothing was done, a lost line does not, whatever came before it."""
    refused = answer(b"{}", "Retry-After: 0", status=refusal)
    hostile.script = [steps(refused), steps(ending), steps(answer(b"{}", status=201))]
    graph = Graph(transport, NewTokens())
    post = GraphRequest(f"{hostile.url}/x", "x", method="POST", body=b"{}", repeatable=False)

    with pytest.raises(NetworkError) as caught:
        asyncio.run(graph.ask(post, lambda response, _: response))

    assert caught.value.code == "connection_lost"
    assert [request.connection for request in hostile.requests] == [1, 1]


PROXY_ANSWERS = {
    "informational first": ("103 x\r\n\r\nHTTP/1.1 200 OK", None),
    "what it says is no HTTP": ("OK", "proxy_foreign"),
    "endless headers": ("200 OK\r\nA: " + "b" * 200_000, "proxy_foreign"),
    "more than the answer": ("200 OK\r\n\r\nfor TLS", "proxy_foreign"),
}


@pytest.mark.parametrize(("status", "case"), PROXY_ANSWERS.values(), ids=PROXY_ANSWERS.keys())
def test_a_proxy_is_believed_no_more_than_a_host(
    hostile: HostileServer, monkeypatch: pytest.MonkeyPatch, status: str, case: str | None
) -> None:
    """The same rules and limits hold for its answer."""
    hostile.script = [steps(answer(b"far"))]
    with connect_proxy(hostile.port, status) as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        transport = Transport(ca_file=hostile.ca_file)
        try:
            got = transport.exchange("GET", f"https://graph.test:{hostile.port}/", {}).body
        except NetworkError as error:
            got = error.case.encode()
        transport.close()

    assert got == (b"far" if case is None else case.encode())


@pytest.mark.parametrize(("ending", "is_whole"), [(CLOSE, True), (CUT, False), (RESET, False)])
def test_a_body_that_only_the_end_ends_counts_only_if_tls_says_so(
    hostile: HostileServer, transport: Transport, ending: Ending, is_whole: bool
) -> None:
    """Whoever cuts the line could shorten it otherwise (RFC 9112, 9.8)."""
    hostile.script = [steps(head(200) + b"tail", ending)]

    with nullcontext() if is_whole else pytest.raises(NetworkError, match="broke"):
        assert transport.exchange("GET", hostile.url, {}).body == b"tail"
