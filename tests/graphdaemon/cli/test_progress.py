"""Progress: one line on a terminal, nothing anywhere else."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from graphdaemon.cli.progress import ProgressLine, describe, shorten
from graphdaemon.listing.record import Progress
from tests.support.pseudo_terminal import run_on_terminal
from tests.support.run_command import WriteParameters, clean_environment
from tests.support.scripted_server import Answer, Request, ScriptedServer, page


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(records: int = 0, total: int | None = None, **more: object) -> Progress:
    start = Progress(records, total, 1, 4, 10, 0.0, None, "", "listing")
    return start._replace(**more)  # type: ignore[arg-type]  # names are the test's


@pytest.mark.parametrize(
    ("told", "rate", "line"),
    [
        (progress(), 0, "0 users · 4 in flight"),
        (progress(45_000), 12_345.6, "45,000 users · 12,346/s · 4 in flight"),
        (
            progress(45_000, 100_000),
            10_000,
            "45,000 of 100,000 users · 10,000/s · 6 s left · 4 in flight",
        ),
        (
            progress(1, 1_000_000, unit_rate=400, unit_limit=800),
            50,
            "1 of 1,000,000 users · 50/s · 5.6 h left · 50% of the budget · 4 in flight",
        ),
        (
            progress(5, 10, waiting="Graph (429, 7 s)"),
            3,
            "5 of 10 users · waiting for Graph (429, 7 s) · 4 in flight",
        ),
        (
            progress(5, stage="replay", unit_rate=12.4),
            3,
            "5 users · reading what changed meanwhile · 12 units/s · 4 in flight",
        ),
    ],
)
def test_it_says_how_far_it_is(told: Progress, rate: float, line: str) -> None:
    """Records, rate, time left, budget; or what is being waited for."""
    assert shorten(describe(told, "users", rate), 200) == line


@given(st.integers(0, 200), st.text(max_size=10))
def test_it_is_never_wider_than_the_terminal(width: int, noun: str) -> None:
    """However narrow that is: what matters less is left out, and the first cut at last."""
    line = shorten(describe(progress(12_345, 99_999), noun, 77), width)

    assert wcswidth(line) <= width


def test_the_line_is_redrawn_and_gone_at_the_end() -> None:
    """Ten times a second at most; afterwards nothing of it is left."""
    terminal, clock = Terminal(), iter([0.0, 0.05, 1.0])

    with ProgressLine(terminal, "users", now=lambda: next(clock), width=lambda: 80) as line:
        line.update(progress(0, 900))
        line.update(progress(5, 900))
        line.update(progress(300, 900))

    assert terminal.getvalue() == (
        "\r0 of 900 users · 4 in flight"
        "\r300 of 900 users · 300/s · 2 s left · 4 in flight"
        "\r                                                 \r"
    )


def test_what_is_logged_meanwhile_gets_a_line_of_its_own() -> None:
    """A warning is not written behind half a progress line."""
    terminal = Terminal()
    handler = logging.StreamHandler(terminal)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with ProgressLine(terminal, "users", width=lambda: 80) as line:
            line.update(progress(5))
            root.warning("Graph asked to wait")
    finally:
        root.removeHandler(handler)

    assert terminal.getvalue().endswith(f"in flight\r{' ' * 21}\rGraph asked to wait\n")


def test_nothing_is_drawn_where_nothing_can_be_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe, no stream at all, a dumb terminal."""
    monkeypatch.setenv("TERM", "dumb")
    for stream in (io.StringIO(), None, Terminal()):
        with ProgressLine(stream, "users") as line:
            line.update(progress(5))
        assert stream is None or stream.getvalue() == ""


def serve(scripted: ScriptedServer) -> threading.Event:
    """Three pages, of which the last waits for the event."""

    def answer(request: Request) -> Answer:
        if "/users?" not in request.target:
            return Answer(400)
        number = len([one for one in scripted.requests if "/users?" in one.target])
        link = f"{scripted.url}/v1.0/users?$skiptoken={number}" if number < 3 else None
        if number == 3:
            shown.wait(60)
        return page(*({"id": f"{number}-{n}"} for n in range(10)), next_link=link)

    shown = threading.Event()
    scripted.script = answer
    return shown


def run_on_a_terminal(
    *arguments: object, seen: threading.Event | None = None, **variables: str
) -> str:
    """
    The real command with stderr on a terminal of 80 cells; what was shown there.

    ``seen`` is set when 20 users have been on it.
    """
    controller, terminal = pty.openpty()
    environment = clean_environment() | {"COLUMNS": "80", "TERM": "xterm"} | variables
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env=environment,
    ):
        os.close(terminal)
        shown = b""
        try:
            while data := os.read(controller, 4096):
                shown += data
                if seen is not None and b"20 users" in shown:
                    seen.set()
        except OSError:  # how Linux says that nobody has the terminal any more
            pass
    os.close(controller)
    return shown.decode()


def test_a_terminal_shows_it_and_the_last_line_stands_alone(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Seen on a real terminal: the line grows, vanishes, and the account follows."""
    seen = serve(scripted)

    shown = run_on_a_terminal("users", scripted.write_parameters(tmp_path), seen=seen)

    assert re.search(r"\r20 users · ", shown)
    assert re.search(r"\r +\r30 records, ", shown)


def test_colours_are_never_used(scripted: ScriptedServer, tmp_path: Path) -> None:
    """So NO_COLOR has nothing to switch off, and is kept to."""
    seen = serve(scripted)
    path = scripted.write_parameters(tmp_path)

    shown = run_on_a_terminal("users", path, seen=seen, NO_COLOR="1")

    assert "\x1b" not in shown


def test_an_error_on_a_terminal_stands_alone(scripted: ScriptedServer, tmp_path: Path) -> None:
    """The progress line is gone before it."""
    scripted.script = [Answer(400), page({"id": "1"}, next_link="https://evil.example/x")]

    shown = run_on_a_terminal("users", scripted.write_parameters(tmp_path))

    assert re.search(r"(^|\n|\r)Error: ", shown)
    assert "\nTry: " in shown


def test_the_last_line_is_broken_between_words_on_a_narrow_terminal(
    parameters: WriteParameters,
) -> None:
    """And goes on further in, as the lines of an error do."""
    shown = run_on_terminal(
        "users", parameters(), "-f", "csv", output=Path(os.devnull), env={"COLUMNS": "40"}
    )

    *_, first, second, third, _ = shown.text.split("\r\n")
    assert first.endswith("250 records, complete: one answer holds")
    assert (second, third) == ("  everything, and what changed meanwhile", "  is in it")
