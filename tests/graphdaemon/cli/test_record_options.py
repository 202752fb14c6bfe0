"""What is said when a recording cannot be written or read."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from graphdaemon.cli.record_options import explain_recording
from graphdaemon.errors import OutputError
from tests.support.run_command import run_graphdaemon


def test_only_the_recording_is_explained() -> None:
    """The folder's errors are the folder's."""
    full = OSError(errno.ENOSPC, "No space left on device", "r.jsonl")
    explain_recording(None, full)
    explain_recording(Path("other.jsonl"), full)
    with pytest.raises(OutputError, match=r"cannot be written to r\.jsonl: No space left") as said:
        explain_recording(Path("r.jsonl"), full)
    assert said.value.exit_code == 7


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--record", "precious.txt"), 2, "precious.txt is there, and no recording."),
        (("--record", "missing/r.jsonl"), 7, "The recording cannot be written to missing/r.jsonl"),
        (("--from", "precious.txt"), 2, "precious.txt is no recording"),
        (("--from", "missing.jsonl"), 2, "does not exist"),
        (
            ("--from", "precious.txt", "--users", "3"),
            2,
            "With --from, the file determines what the tenant contains",
        ),
        (("--from", "precious.txt", "--tenant", "precious.txt"), 2, "exclude each other"),
        (("--from", "precious.txt", "--record", "precious.txt"), 2, "precious.txt"),
    ],
)
def test_serve_refuses(tmp_path: Path, options: tuple[str, ...], code: int, words: str) -> None:
    """One sentence and the exit code; no file is touched, and nothing is left of a tenant."""
    (tmp_path / "precious.txt").write_text("precious")
    run = run_graphdaemon(
        *("emulator", "serve", "--listen", "127.0.0.1:0", "--data", "tenant"),
        *options,
        cwd=tmp_path,
        timeout=60,
    )
    assert run.returncode == code, run.stderr
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert (tmp_path / "precious.txt").read_text() == "precious"
    assert not (tmp_path / "tenant" / "parameters.json").exists()
