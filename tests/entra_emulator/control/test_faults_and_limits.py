"""The controls of faults and limits."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator.clock import Clock
from entra_emulator.faults.fault import KINDS, Fault
from entra_emulator.faults.schedule import Faults
from tests.support.control_api import JSON, control
from tests.support.emulator_probe import Answer, App, Probe, register, running
from tests.support.throttled_app import exhaust, throttled


@pytest.fixture(scope="module")
def busy(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with throttled(keys, tmp_path_factory.mktemp("busy")) as app:
        yield app


@pytest.fixture(scope="module")
def weak(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An application whose emulator the tests make fail; its clock stands still."""
    data, clock = tmp_path_factory.mktemp("weak"), Clock(at=1_800_000_000)
    with running(keys, data, users=30, clock=clock, throttle=False, control=True) as probe:
        yield register(probe, "User.ReadWrite.All", "Group.ReadWrite.All")


@pytest.fixture
def faults(weak: App) -> Iterator[Faults]:
    faults = weak.probe.emulator.faults
    yield faults
    faults.clear()


def test_limits(busy: App) -> None:
    """The control API shows buckets and counts, changes settings and forgets."""
    probe: Probe = busy.probe
    exhaust(busy, busy.token())

    def ask(method: str, body: object = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        return probe.send(method, "/_emulator/throttle", headers=JSON, body=content)

    shown = ask("GET").json()
    changed = ask("POST", {"size": "L", "scale": 1.0}).json()
    refused = [ask("POST", {"scale": -1}), ask("POST", {"size": "XL"}), ask("POST", {"sise": 1})]
    back = ask("POST", {"size": "", "scale": 0.004}).json()
    forgotten = ask("DELETE").json()

    assert (shown["enabled"], shown["size"], shown["scale"]) == (True, None, 0.004)
    assert shown["buckets"][0] == {
        "scope": f"Tenant_Application/ReadWrite/{busy.client_id}/{busy.tenant.id}",
        "information": "ResourceUnitLimitExceeded",
        "used": 14.0,
        "limit": 14.0,
    }
    assert shown["counts"][0]["refused"] == 1
    assert (changed["size"], changed["scale"]) == ("L", 1.0)
    assert [answer.status for answer in refused] == [400, 400, 400]
    assert (back["size"], back["scale"]) == (None, 0.004)
    assert (forgotten["buckets"], forgotten["counts"]) == ([], [])


def test_faults(weak: App, faults: Faults) -> None:
    """Every kind of fault can be ordered over the control API, and is shown as ordered."""
    for kind in KINDS:
        answer = control(weak.probe, "POST", "/faults", {"kind": kind, "route": "/nothing"})
        assert answer.json()["faults"][-1]["fault"]["kind"] == kind
    order = {"kind": "status", "status": 502, "route": "GET /users", "count": 2, "chance": 0.5}
    plan = control(weak.probe, "POST", "/faults", order).json()["faults"][-1]
    wrong = [
        control(weak.probe, "POST", "/faults", body)
        for body in ({"kind": "fire"}, {"kind": "drip", "lag": 1}, {"count": 1, "seconds": 1})
    ]

    assert plan == {
        "fault": {"kind": "status", "status": 502},
        "route": "GET /users",
        "left": 2,
        "until": None,
        "chance": 0.5,
    }
    assert [answer.status for answer in wrong] == [400, 400, 400]
    assert "there are outage, status, latency" in wrong[0].message
    assert wrong[1].message == "of drip one can say rate, not lag"


def test_control_is_safe(weak: App, faults: Faults) -> None:
    """Whatever fails, the control API does not."""
    faults.fail_for(None, Fault(kind="reset"), route="/*")

    assert control(weak.probe, "DELETE", "/faults").json() == {"faults": []}
