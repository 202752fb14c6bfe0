"""The controls that report on the programs that called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.control_api import control
from tests.support.emulator_probe import Probe, register


def test_report(launch: Callable[..., Probe]) -> None:
    """What was called so far, with findings; forgotten on request; the control API is no part."""
    probe = launch(users=120, control=True, report=True)
    app = register(probe, "User.Read.All", "Group.Read.All")
    app.get("/v1.0/users")
    report = control(probe, "GET", "/report").json()

    assert (report["requests"], report["token_requests"]) == (1, 1)
    (application,) = report["applications"]
    assert (application["app_id"], application["least"]) == (app.client_id, ["User.Read.All"])
    assert [finding["rule"] for finding in report["findings"]] == [
        "unneeded-permission",
        "unread-pages",
    ]
    forgotten = control(probe, "DELETE", "/report").json()
    assert (forgotten["requests"], forgotten["token_requests"]) == (0, 0)


def test_without_calls(launch: Callable[..., Probe]) -> None:
    """An emulator that keeps no calls says how to start one that does."""
    probe = launch(users=3, control=True)
    answer = control(probe, "GET", "/report")
    assert (answer.status, answer.code) == (409, "conflict")
    assert "--report" in answer.message
    with pytest.raises(RuntimeError, match="report=True"):
        probe.emulator.report()
