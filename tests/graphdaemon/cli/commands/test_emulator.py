"""`graphdaemon emulator seed`: what it makes, and why it makes nothing."""

import resource
from pathlib import Path

from tests.support.run_command import run_graphdaemon


def test_seed_says_what_it_made(tmp_path: Path) -> None:
    """`emulator seed` says what it made; a second time it says what to do instead."""
    data = tmp_path / "tenant"
    arguments = ("emulator", "seed", "--users", "40", "--groups", "6", "--data", data)
    first, second = (run_graphdaemon(*arguments) for _ in range(2))

    assert (first.returncode, first.stdout) == (0, "")
    assert "40 users, 6 groups, 8 devices" in first.stderr
    assert f"Try: graphdaemon emulator serve --data {data}" in first.stderr
    assert "\r" not in first.stderr
    assert second.returncode == 2
    assert f"There is a tenant in {data} already" in second.stderr


def test_seed_without_room(tmp_path: Path) -> None:
    """A full disk is one sentence and the exit code of what cannot be written."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    run = run_graphdaemon(
        "emulator", "seed", "--users", "3000", "--data", tmp_path / "t", preexec_fn=limit
    )

    assert run.returncode == 7
    assert run.stderr.startswith(f"Error: There is no room for the tenant in {tmp_path / 't'}.\n")
    assert "Traceback" not in run.stderr
    assert list((tmp_path / "t").iterdir()) == []
