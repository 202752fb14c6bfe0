"""Traces as a receiver of OTLP gets them."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from graphdaemon.daemon.traces import trace
from graphdaemon.errors import NetworkError
from graphdaemon.http.span import span
from tests.support.otlp_receiver import receive_spans


async def work() -> None:
    async with trace():
        with span("job", tenant="t", collection="users") as note:
            await asyncio.gather(ask("/users"), ask("/users/delta"))
            note("rows", 3)
    with span("afterwards"):
        pass


async def ask(path: str) -> None:
    with span(f"graph request {path}", http__request__method="GET"):
        await asyncio.sleep(0)
        if path == "/users":
            return
    with contextlib.suppress(NetworkError), span("failing"):
        raise NetworkError("eyJhbGciOi.secret went astray", code="timed_out")


def test_spans_arrive_with_their_parents_and_without_what_failures_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receive_spans() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        asyncio.run(work())

        spans = receiver.spans()
    assert spans.keys() == {"job", "graph request /users", "graph request /users/delta", "failing"}
    assert spans["job"] == {
        "parent": None,
        "failed": False,
        "events": 0,
        "tenant": "t",
        "collection": "users",
        "rows": 3,
    }
    assert spans["graph request /users"]["parent"] == "job"
    assert spans["failing"] == {
        "parent": "job",
        "failed": True,
        "events": 0,
        "error.type": "timed_out",
    }
    assert not any(b"secret" in body for body in receiver.bodies)


def test_a_receiver_that_is_silent_delays_the_end_by_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receive_spans(silent=True) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        started = time.monotonic()
        asyncio.run(work())
        # By itself the exporter waits ten seconds.
        assert time.monotonic() - started < 9
