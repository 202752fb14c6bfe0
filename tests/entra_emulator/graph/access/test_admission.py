"""Requests are charged, warned of limits and refused at them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.control_api import JSON
from tests.support.emulator_probe import App, Probe, register
from tests.support.throttled_app import exhaust, throttled


@pytest.fixture(scope="module")
def busy(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with throttled(keys, tmp_path_factory.mktemp("busy")) as app:
        yield app


@pytest.fixture(autouse=True)
def rested(busy: App) -> Iterator[None]:
    yield
    busy.probe.emulator.throttle.clear()


def test_answer(busy: App) -> None:
    """A throttled request is answered with the documented headers and body."""
    token = busy.token()
    answer = exhaust(busy, token)

    headers, error = answer.headers, answer.json()["error"]
    assert answer.status == 429
    assert headers["retry-after"] == "2"
    assert headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    scope = f"Tenant_Application/ReadWrite/{busy.client_id}/{busy.tenant.id}"
    assert headers["x-ms-throttle-scope"] == scope
    assert 1 <= float(headers["x-ms-throttle-limit-percentage"]) <= 1.8
    assert {k: v for k, v in error.items() if k != "innerError"} == {
        "code": "TooManyRequests",
        "message": "Please retry again later.",
    }
    assert list(error["innerError"]) == ["code", "date", "message", "request-id", "status"]
    assert error["innerError"]["message"] == "Please retry after"
    assert error["innerError"]["request-id"] == headers["request-id"]


def test_warning(busy: App) -> None:
    """From 0.8 of the limit on answers say how much is used."""
    token = busy.token()
    seen = [
        busy.get("/v1.0/users", token).headers.get("x-ms-throttle-limit-percentage")
        for _ in range(7)
    ]

    assert seen == [None, None, None, None, None, "0.9", "1.0"]


def test_again_after_the_wait(busy: App) -> None:
    """Who waits goes on; who does not is refused again and counted."""
    token, emulator = busy.token(), busy.probe.emulator
    exhaust(busy, token)
    early = busy.get("/v1.0/users", token)
    emulator.clock.move(int(early.headers["retry-after"]))
    late = busy.get("/v1.0/users", token)

    assert (early.status, late.status) == (429, 200)
    (count,) = emulator.throttle.counts()
    assert (count.app_id, count.refused, count.early) == (busy.client_id, 2, 1)


def test_priority(busy: App) -> None:
    """`x-ms-throttle-priority: low` is refused while others go on."""
    token = busy.token()
    for _ in range(6):
        busy.get("/v1.0/users", token)

    low = busy.get("/v1.0/users", token, x_ms_throttle_priority="low")

    assert low.status == 429


def test_batch(busy: App) -> None:
    """Requests in a batch are throttled one by one, and the batch itself succeeds."""
    requests = [{"id": str(n), "method": "GET", "url": "/users"} for n in range(20)]
    answer = busy.probe.send(
        "POST",
        "/v1.0/$batch",
        headers={"Authorization": f"Bearer {busy.token()}"} | JSON,
        body=json.dumps({"requests": requests}).encode(),
    )

    answers = answer.json()["responses"]
    refused = [one for one in answers if one["status"] == 429]
    assert answer.status == 200
    assert len(refused) == 13
    assert all(int(one["headers"]["Retry-After"]) > 0 for one in refused)
    assert busy.probe.emulator.throttle.counts()[0].early == 0


def test_off(launch: Callable[..., Probe]) -> None:
    """Throttling can be switched off for good."""
    probe = launch(users=1, throttle=False, throttle_scale=0.001)
    app = register(probe, "User.Read.All")
    token = app.token()

    assert {app.get("/v1.0/users", token).status for _ in range(5)} == {200}
