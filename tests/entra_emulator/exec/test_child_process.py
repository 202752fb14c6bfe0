"""Children that are started, waited for, and told apart by how they ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entra_emulator.exec.child_process import run_child, start_child, wait_for
from entra_emulator.exec.program import ProgramNotStarted

VARIABLES = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137), ("kill -2 $$", 130)]
)
def test_both_ways_tell_the_same_end(script: str, code: int) -> None:
    """The exit code, or 128 and the signal's number, as shells have it."""
    assert wait_for(start_child(["sh", "-c", script], VARIABLES, ())) == code
    # In a process of its own, whose signal handlers it may change.
    asked = (
        "import os; from entra_emulator.exec.child_process import run_child;"
        f"raise SystemExit(run_child(['sh', '-c', {script!r}], dict(os.environ), print))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False)
    assert done.returncode == code
    assert done.stdout.strip().isdigit(), "its process ID was told"


def test_what_python_changes_for_itself_is_put_right(tmp_path: Path) -> None:
    """A closed pipe ends the program, and no signal is held back from it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        seen = f"grep -E 'Sig(Blk|Ign)' /proc/self/status > {tmp_path}/seen"
        assert wait_for(start_child(["sh", "-c", seen], VARIABLES, ())) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    masks = dict(line.split(":\t") for line in (tmp_path / "seen").read_text().splitlines())
    assert int(masks["SigBlk"], 16) == 0
    assert not int(masks["SigIgn"], 16) & 1 << (signal.SIGPIPE - 1)


@pytest.mark.parametrize("content", [None, b"no program", b"#!/nowhere/at/all\n"])
def test_what_cannot_be_run_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "program"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o755)

    with pytest.raises(ProgramNotStarted, match=f"{path} could not be started: "):
        start_child([str(path)], VARIABLES, ())
    with pytest.raises(ProgramNotStarted, match=f"{path} could not be started: "):
        run_child([str(path)], VARIABLES, print)
