"""The real command as a child process: what the shell around it sees."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graphdaemon.output.formats import FORMATS
from tests.support.client_app import App
from tests.support.run_command import WriteParameters, clean_environment
from tests.support.scripted_server import Answer, Request, ScriptedServer, page

COMMAND = [sys.executable, "-m", "graphdaemon"]


@contextmanager
def started(*arguments: object, folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The command, running in a folder; killed at the end if it still is."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=clean_environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_ctrl_c_ends_it_at_once_without_a_traceback(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Interrupted while the host is silent: one sentence, exit code 130, nothing to wait for."""
    asked, release = threading.Event(), threading.Event()

    def answer(_: Request) -> Answer:
        asked.set()
        release.wait(120)
        return page()

    scripted.script = answer
    with started("users", scripted.write_parameters(tmp_path)) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    release.set()

    assert process.returncode == 130
    # The line break is click's: a terminal has just shown ^C.
    assert errors.decode() == (
        "\nInterrupted: what was printed so far is incomplete.\n"
        "Try: With --resume FILE, a listing that was interrupted can continue where it stopped.\n"
    )


@pytest.mark.parametrize(
    ("words", "step"),
    [
        (("users", "--resume", "a journal"), "run it again with --resume 'a journal'."),
        (("sync", "users"), "Run it again: what was committed stays, and the rest is read again."),
    ],
)
def test_ctrl_c_says_how_to_go_on(
    scripted: ScriptedServer, tmp_path: Path, words: tuple[str, ...], step: str
) -> None:
    """With a command that a shell takes as it stands."""
    asked, release = threading.Event(), threading.Event()

    def answer(_: Request) -> Answer:
        asked.set()
        release.wait(120)
        return page()

    scripted.script = answer
    with started(*words, scripted.write_parameters(tmp_path), folder=tmp_path) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    release.set()

    assert process.returncode == 130
    assert errors.decode().endswith(f"{step}\n")


def test_ctrl_c_while_modules_are_imported_ends_it_without_a_word(tmp_path: Path) -> None:
    """As if somebody pressed it at the moment in which click is imported."""
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = subprocess.run(
        [sys.executable, "-m", "graphdaemon", "--version"],
        capture_output=True,
        env=clean_environment() | {"PYTHONPATH": str(tmp_path)},
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "--format", "ndjson"),
        ("users", "--format", "csv"),
        ("list", "users", "--method", "chain"),
        ("list", "users", "--format", "table"),
        ("request", "GET", "users", "--all"),
    ],
    ids=" ".join,
)
def test_a_closed_pipe_ends_it_quietly(
    scripted: ScriptedServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """`graphdaemon users | head` stops asking Graph, says nothing, and exits like any filter."""

    def answer(request: Request) -> Answer:
        if request.target.partition("?")[0] != "/v1.0/users":
            return Answer(400)
        number = len(scripted.requests)
        link = f"{scripted.url}/v1.0/users?$skiptoken={number}"
        records = ({"id": f"{number}-{n}", "displayName": "x" * 200} for n in range(999))
        return page(*records, next_link=link)

    scripted.script = answer
    scripted.write_parameters(tmp_path)
    with started(*arguments, folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=60)
        assert process.stderr is not None
        errors = process.stderr.read()

    assert process.returncode == 141
    assert errors == b""


def test_progress_and_errors_never_reach_stdout(parameters: WriteParameters) -> None:
    """stdout is data alone, even with everything said."""
    with started("users", parameters(), "-vv", "--format", "ndjson") as process:
        out, errors = process.communicate(timeout=60)

    assert process.returncode == 0
    assert {line[:1] for line in out.splitlines()} == {b"{"}
    assert b"250 records, complete" in errors


def test_nothing_sensitive_is_said_with_everything_said(
    parameters: WriteParameters, app: App
) -> None:
    """With DEBUG on, MSAL's own logs included, neither secret nor token appears."""
    with started("users", parameters(), "-vv", "--format", "ndjson") as process:
        _, errors = process.communicate(timeout=60)

    assert app.secret.encode() not in errors
    assert b"eyJ" not in errors


def test_a_flat_memory_for_a_large_directory(scripted: ScriptedServer, tmp_path: Path) -> None:
    """A hundred pages need no more memory than ten: records leave as they come."""
    peaks = []
    for pages in (10, 100):
        left = [pages]

        def answer(request: Request, left: list[int] = left) -> Answer:
            if "/users?" not in request.target:
                return Answer(400)
            left[0] -= 1
            link = f"{scripted.url}/v1.0/users?$skiptoken={left[0]}" if left[0] else None
            records = ({"id": f"{left[0]}-{n}", "name": "x" * 300} for n in range(999))
            return page(*records, next_link=link)

        scripted.script = answer
        code = (
            "import resource, sys; from graphdaemon.cli import run; "
            "assert run([*sys.argv[1:], '--allow-unproved', '--method', 'chain']) == 0; "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        )
        arguments = ["users", str(scripted.write_parameters(tmp_path)), "--format", "ndjson"]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
            env=os.environ | clean_environment(),
        )
        peaks.append(int(done.stderr.split()[-1]))

    assert peaks[1] - peaks[0] < 8 * 1024


@pytest.mark.parametrize(
    "arguments",
    [
        *(("users", "-f", name) for name in FORMATS),
        ("users", "-f", "ndjson", "--compress", "gzip"),
        ("users", "--sort", "id"),
        ("users", "--output", "/dev/full"),
        ("count", "users"),
        ("completion", "fish"),
        ("get", "users?$top=999"),
        ("request", "GET", "users?$top=999"),
        ("request", "GET", "users", "--all", "--hold"),
    ],
    ids=" ".join,
)
def test_a_full_disk_is_one_clear_error(
    parameters: WriteParameters, arguments: tuple[str, ...]
) -> None:
    """What could not be written is said once, with the next step and exit code 7."""
    if "parquet" in arguments:
        pytest.importorskip("pyarrow")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=parameters().parent,
            env=clean_environment(),
        )

    *_, error, hint = done.stderr.splitlines()
    assert done.returncode == 7
    output = "/dev/full" if "--output" in arguments else "the output"
    assert error.startswith(f"Error: {output} could not be written: No space left on device")
    assert hint.startswith("Try: ")
    assert done.stderr.count("Error") == 1
    assert "Traceback" not in done.stderr
    assert not re.search(r"[1-9]\d* rows? written", done.stderr), "nothing has reached the disk"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("format_", ["ndjson", "csv"])
def test_a_signal_leaves_no_file(
    scripted: ScriptedServer, tmp_path: Path, number: signal.Signals, format_: str
) -> None:
    """However it is ended in the middle, neither a file nor a part of one is there."""
    asked, release = threading.Event(), threading.Event()

    def answer(request: Request) -> Answer:
        if "/users?" not in request.target:
            return Answer(400)
        if "skiptoken" in request.target:
            asked.set()
            release.wait(120)
        link = f"{scripted.url}/v1.0/users?$skiptoken=1"
        return page(*({"id": str(n)} for n in range(999)), next_link=link)

    scripted.script = answer
    scripted.write_parameters(tmp_path)
    folder = tmp_path / "out"
    folder.mkdir()
    output = ("--output", f"out/users.{format_}", "--method", "chain")
    with started("users", *output, folder=tmp_path) as process:
        assert asked.wait(60)
        process.send_signal(number)
        process.communicate(timeout=60)
    release.set()

    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert list(folder.iterdir()) == []
