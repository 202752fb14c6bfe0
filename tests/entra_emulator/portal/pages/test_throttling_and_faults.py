"""The page of limits and faults does what the control API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from entra_emulator.faults.fault import KINDS, Fault
from entra_emulator.portal.pages.throttling_and_faults import PRESETS
from tests.support.emulator_probe import App, Probe, register, running
from tests.support.portal_visitor import (
    Visitor,
)


@pytest.fixture(scope="module")
def troubled(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("troubled")
    with running(keys, data, users=30) as probe:  # type: ignore[arg-type]  # the fixture
        yield probe


@pytest.fixture(scope="module")
def reader(troubled: Probe) -> App:
    return register(troubled, "User.Read.All", name="Reader")


@pytest.fixture
def visitor(troubled: Probe) -> Iterator[Visitor]:
    visitor = Visitor(troubled)
    visitor.sign_in(None)
    visitor.open(f"/portal/{troubled.emulator.tenant.id}/trouble")
    yield visitor
    troubled.emulator.clock.resume()
    troubled.emulator.faults.clear()
    troubled.emulator.throttle.clear()
    troubled.emulator.throttle.change(enabled=True, size="", scale=1.0)


def test_budget(visitor: Visitor, reader: App) -> None:
    """How much of which limit an application has used, and what it did, by its name."""
    visitor.probe.emulator.clock.freeze()  # or the budget is whole again at once
    for _ in range(3):
        reader.get("/v1.0/users")
    visitor.open(visitor.url)
    text = visitor.page.text

    assert "Throttling is on." in text
    assert "Reader Tenant_Application/ReadWrite" in text
    assert "of 3,500" in text
    visitor.press("Reset all budgets")
    assert "All budgets are whole again." in visitor.page.text
    assert "Nobody has used up any of the budget." in visitor.page.text


def test_change_limits(visitor: Visitor) -> None:
    """Off and on, by size and scale; a scale may have a comma."""
    throttle = visitor.probe.emulator.throttle
    visitor.press("Save", size="M", scale="0,5")
    off = (throttle.enabled, throttle.size, throttle.scale)
    visitor.press("Save", ticked=[("enabled", "yes")], size="", scale="1")

    assert off == (True, "M", 0.5)
    assert (throttle.enabled, throttle.size, throttle.scale) == (True, None, 1.0)
    assert "The limits are changed." in visitor.page.text


def test_switch_off(visitor: Visitor) -> None:
    """What is not ticked is off."""
    token = visitor.page.form("Save").fields[0][1]
    visitor.post(visitor.url, {"token": token, "act": "throttle", "size": "", "scale": "1"})

    assert not visitor.probe.emulator.throttle.enabled
    assert "Throttling is off." in visitor.page.text


@pytest.mark.parametrize("scale", ["", "0", "-1", "nan", "inf", "much"])
def test_wrong_scale(visitor: Visitor, scale: str) -> None:
    """A scale that allows nothing is refused where it stands, and nothing changes."""
    visitor.press("Save", scale=scale)

    assert visitor.status == 400
    assert visitor.page.ids["scale-error"] == "Give a number above 0."
    assert visitor.probe.emulator.throttle.scale == 1.0


def test_next_requests_fail(visitor: Visitor, reader: App) -> None:
    """The next two calls of a route fail as planned, no others; the page counts along."""
    token = reader.token()
    visitor.press("Plan the fault", fault="graph_503", number="2", route="GET /users*")
    assert "The next 2" in visitor.page.ids["plans"]
    paths = ("users", "users/x@y", "users")
    statuses = [reader.get(f"/v1.0/{path}", token).status for path in paths]
    visitor.open(visitor.url)

    assert statuses == [503, 503, 200]
    assert "Nothing is planned to fail." in visitor.page.text


def test_for_a_time(visitor: Visitor) -> None:
    """For some seconds, or until it is called off, by chance."""
    faults = visitor.probe.emulator.faults
    visitor.press("Plan the fault", fault="token_429", extent="seconds", number="90", chance="50")
    visitor.press("Plan the fault", fault="latency", extent="ever", number="")
    first, second = faults.plans()
    until = visitor.probe.emulator.clock.now() + 90
    text = visitor.page.ids["plans"]
    visitor.press("Call off all faults")

    assert first.until == pytest.approx(until, abs=30)
    assert (first.left, first.chance, first.fault) == (None, 0.5, Fault(code=90055))
    assert (second.until, second.left) == (None, None)
    assert "Token service: throttled, 429 (AADSTS90055)" in text
    assert "Until it is called off" in text
    assert faults.plans() == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"fault": "nothing"}, "fault"),
        ({"extent": "century"}, "extent"),
        ({"number": "0"}, "number"),
        ({"number": "1.5"}, "number"),
        ({"number": "1e99"}, "number"),
        ({"chance": "101"}, "chance"),
        ({"route": "x" * 300}, "route"),
    ],
)
def test_wrong_order(visitor: Visitor, typed: dict[str, Any], field: str) -> None:
    """An order that makes no sense is marked at its field, and nothing is planned."""
    visitor.press("Plan the fault", typed)

    assert visitor.status == 400
    assert f"{field}-error" in visitor.page.ids
    assert visitor.probe.emulator.faults.plans() == []


def test_other_plans(visitor: Visitor) -> None:
    """A fault with settings of its own is shown with them."""
    visitor.probe.emulator.faults.fail_next(1, Fault(kind="latency", delay=0.25))
    visitor.open(visitor.url)

    assert "latency delay=0.25" in visitor.page.ids["plans"]


def test_unknown_act(visitor: Visitor) -> None:
    """A form that says nothing does nothing."""
    token = visitor.page.form("Save").fields[0][1]
    visitor.post(visitor.url, {"token": token, "act": "explode"})

    assert visitor.status == 400


def test_presets_cover_every_kind() -> None:
    """Every kind of fault has a name on the page."""
    assert {Fault(**settings).kind for settings in PRESETS.values()} == set(KINDS)
