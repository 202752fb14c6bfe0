"""Lines of the daemon's log, for machines and for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from graphdaemon.daemon.events import DaemonEvent, make_event
from graphdaemon.daemon.log_lines import tell_log, write_lines

TOKEN = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2lnbmF0dXJl"
REFUSED = make_event(
    "failed",
    tenant="t",
    name="contoso",
    collection="users",
    code="secret_expired",
    message=f"refused\n2026-01-01T00:00:00Z INFO forged {TOKEN} $deltatoken=abc \ud800",
    hint="",
    failures=2,
    due="2026-11-01T08:00:00Z",
)


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    yield
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def test_a_line_of_json_has_the_time_the_level_the_event_and_its_fields() -> None:
    lines: list[str] = []
    event = DaemonEvent("stopping", {"running": 3}, 1_793_520_000.5, "info")

    write_lines("json", lines.append)(event)

    assert [json.loads(line) for line in lines] == [
        {
            "at": "2026-11-01T08:00:00.500000Z",
            "level": "info",
            "event": "stopping",
            "running": 3,
        }
    ]


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_a_stranger_wrote_is_one_line_without_tokens(form: str) -> None:
    lines: list[str] = []

    write_lines("json" if form == "json" else "text", lines.append)(REFUSED)

    (line,) = lines
    line.encode()
    assert "\n" not in line
    assert TOKEN not in line
    assert "abc" not in line
    assert "forged [redacted]" in line


def test_a_line_for_people_is_a_sentence_behind_time_and_level() -> None:
    lines: list[str] = []
    write_lines("text", lines.append)(DaemonEvent("ready", {}, 1_793_520_000.5, "info"))

    assert lines == ["2026-11-01T08:00:00Z INFO ready"]


@pytest.mark.usefixtures("_log_as_before")
def test_what_others_write_to_the_log_is_an_event_with_their_level() -> None:
    events: list[DaemonEvent] = []
    tell_log(events.append, 0)

    logging.getLogger("a.b").error("broken %s", "pipe")
    logging.getLogger("a.b").info("unheard")
    logging.getLogger("msal.x").error("a refusal that is told elsewhere")

    assert [(event.name, event.level, dict(event.fields)) for event in events] == [
        ("note", "error", {"logger": "a.b", "message": "broken pipe"})
    ]
