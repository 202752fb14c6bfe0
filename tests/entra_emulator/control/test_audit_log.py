"""The control that shows the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.control_api import read_audit_log
from tests.support.emulator_probe import App, Probe, register, running


@pytest.fixture(scope="module")
def watched(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    with running(keys, tmp_path_factory.mktemp("watched"), users=30, control=True) as probe:
        yield probe


@pytest.fixture(autouse=True)
def tidy(watched: Probe) -> Iterator[None]:
    watched.emulator.audit.clear()
    yield
    watched.emulator.faults.clear()


@pytest.fixture(scope="module")
def reader(watched: Probe) -> App:
    return register(watched, "User.Read.All", name="Reader")


@pytest.fixture(scope="module")
def stranger(watched: Probe) -> App:
    return register(watched, name="Stranger")


def test_filters(watched: Probe, reader: App, stranger: App) -> None:
    """By application, service, verdict and text, newest first, page by page."""
    reader.get("/v1.0/users?$top=1")
    stranger.get("/v1.0/groups")

    assert [e["service"] for e in read_audit_log(watched)] == ["graph", "token", "graph", "token"]
    assert {e["app_id"] for e in read_audit_log(watched, f"?app={reader.client_id}")} == {
        reader.client_id
    }
    assert [e["status"] for e in read_audit_log(watched, "?verdict=refused")] == [403]
    assert [e["path"] for e in read_audit_log(watched, "?service=graph&text=GROUPS")] == [
        "/v1.0/groups"
    ]
    first, second, third, fourth = [e["number"] for e in read_audit_log(watched)]
    assert [e["number"] for e in read_audit_log(watched, f"?before={second}&limit=1")] == [third]
    assert [e["number"] for e in read_audit_log(watched, f"?after={fourth}&limit=2")] == [
        second,
        third,
    ]
    assert first > second


def test_wrong_filters(watched: Probe) -> None:
    """What cannot be filtered by is refused, with what can."""
    for query in ("limit=all", "color=red", "verdict=maybe"):
        answer = watched.get(f"/_emulator/audit?{query}")
        assert (answer.status, answer.code) == (400, "bad_request")


def test_clear(watched: Probe, reader: App) -> None:
    """The log can be emptied, so that a test sees its own requests only."""
    reader.token()
    cleared = watched.send("DELETE", "/_emulator/audit").json()

    assert cleared == {"entries": []}
    assert read_audit_log(watched) == []
