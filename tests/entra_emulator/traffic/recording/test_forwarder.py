"""What is handed on, and what is not."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httpx
import pytest

from entra_emulator.traffic.recording.forwarder import make_forwarder
from entra_emulator.traffic.recording.real_service import (
    RealAnswer,
    RealRequest,
    RealService,
    ServiceUnreachable,
)

HOSTS = frozenset({"graph.microsoft.com"})


class Service:
    """A real service that answers what it is told to."""

    def __init__(self, answer: RealAnswer | None) -> None:
        self.answer = answer
        self.requests: list[RealRequest] = []

    def send(self, request: RealRequest) -> RealAnswer:
        self.requests.append(request)
        if self.answer is None:
            raise ServiceUnreachable("graph.microsoft.com does not answer: no route")
        return self.answer


def ask(service: Service, method: str = "GET", **options: Any) -> tuple[httpx.Response, list[str]]:
    said: list[str] = []
    app = make_forwarder(cast("RealService", service), HOSTS, said.append)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            url = options.pop("url", "https://graph.microsoft.com/v1.0/us%65rs?$top=%31")
            return await client.request(method, url, **options)

    return asyncio.run(run()), said


def test_a_request() -> None:
    """Path and query as they were written; what concerns the connection alone is left out."""
    service = Service(RealAnswer(200, (("x-one", "1"), ("transfer-encoding", "chunked")), b"ok"))
    headers = {"Authorization": "Bearer x", "Accept-Encoding": "br, gzip", "TE": "trailers"}
    answer, _ = ask(service, headers=headers)
    (sent,) = service.requests

    assert (sent.host, sent.method) == ("graph.microsoft.com", "GET")
    assert sent.target == "/v1.0/us%65rs?$top=%31"
    assert dict(sent.headers)["authorization"] == "Bearer x"
    assert dict(sent.headers)["accept-encoding"] == "gzip"
    assert not {"te", "connection", "content-length"} & dict(sent.headers).keys()
    assert (answer.status_code, answer.text, answer.headers["x-one"]) == (200, "ok", "1")
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["content-length"] == "2"


@pytest.mark.parametrize(("body", "length"), [(b"{}", "2"), (b"", "0")])
def test_a_body(body: bytes, length: str) -> None:
    service = Service(RealAnswer(204, (), b""))
    answer, _ = ask(service, "POST", content=body)
    assert service.requests[0].body == body
    assert dict(service.requests[0].headers)["content-length"] == length
    assert "content-length" not in answer.headers


def test_no_answer() -> None:
    """The program gets a 502 that says whose it is, and people are told."""
    answer, said = ask(Service(None))
    assert answer.status_code == 502
    assert json.loads(answer.text)["error"]["message"].startswith("graphdaemon record: graph.")
    assert said == ["graph.microsoft.com does not answer: no route"]


def test_other_hosts() -> None:
    """Whatever claims another host is sent nowhere, least of all a token."""
    service = Service(RealAnswer(200, (), b""))
    answer, _ = ask(service, url="https://evil.example/", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, service.requests) == (502, [])
