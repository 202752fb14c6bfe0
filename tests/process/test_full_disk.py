"""A full disk, by the operating system's own means: one sentence, exit code 7, and nothing lost."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from graphdaemon.listing.record import RECORD_BEGINNING
from tests.support.run_command import WriteParameters, clean_environment, run_graphdaemon
from tests.support.shared_tokens import shared


def run_with_room(room: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, which can write no file longer than `room` bytes; pipes have room."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = run_graphdaemon(*words, preexec_fn=limit, env=clean_environment(), timeout=120)
    assert "Traceback" not in done.stderr
    return done


def ids_in(lines: str) -> set[str]:
    return {json.loads(line)["id"] for line in lines.splitlines()}


@pytest.mark.parametrize("room", [0, 100])
def test_a_journal_without_room_ends_the_listing_and_the_next_run_goes_on(
    parameters: WriteParameters, tmp_path: Path, room: int
) -> None:
    journal = tmp_path / "users.journal"
    line = ("users", parameters(), "-f", "ndjson", "--resume", journal)

    stopped = run_with_room(room, *line)
    finished = run_graphdaemon(*line, env=clean_environment())

    assert stopped.returncode == 7, stopped.stderr
    assert f"the journal {journal} cannot be used: File too large" in stopped.stderr
    assert ids_in(stopped.stdout) <= ids_in(finished.stdout)
    assert finished.returncode == 0, finished.stderr
    assert len(ids_in(finished.stdout)) == 250
    assert not journal.exists()


@pytest.mark.parametrize("room", [0, 1_000])
@pytest.mark.parametrize("name", ["users.json", "users.csv.gz", "users.ndjson"])
def test_an_output_without_room_is_not_there_and_the_old_one_is(
    parameters: WriteParameters, tmp_path: Path, room: int, name: str
) -> None:
    output = tmp_path / "out" / name
    output.parent.mkdir()
    output.write_text("yesterday's")

    done = run_with_room(room, "users", parameters(), "-o", output)

    assert done.returncode == 7, done.stderr
    assert "could not be written: File too large" in done.stderr
    assert output.read_text() == "yesterday's"
    assert [output] == list(output.parent.iterdir())


def test_a_proof_without_room_is_named_and_the_old_one_stays(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """The records were printed, all of them; what is missing is the account."""
    proof = tmp_path / "proof.json"
    before = RECORD_BEGINNING + b' "yesterday"}'
    proof.write_bytes(before)

    done = run_with_room(100, "users", parameters(), "-f", "ndjson", "--proof", proof)

    assert done.returncode == 7
    assert len(ids_in(done.stdout)) == 250
    account, error, *_ = done.stderr.splitlines()
    assert account.startswith("250 records, complete: ")
    assert error == f"Error: {proof} could not be written: File too large"
    assert proof.read_bytes() == before


def test_a_budget_file_without_room_is_named(parameters: WriteParameters, tmp_path: Path) -> None:
    budget = tmp_path / "budget"

    done = run_with_room(100, "users", parameters(budget_file=str(budget)))

    assert done.returncode == 7
    assert f"Error: the budget file {budget} cannot be used: File too large" in done.stderr


def test_a_cache_without_room_is_a_warning(parameters: WriteParameters, tmp_path: Path) -> None:
    """Tokens are not shared, and nothing of one is left; the cuts that are learned are not kept."""
    folder = tmp_path / "tokens"
    path = parameters(**shared(folder))

    done = run_with_room(50, "users", path, "-f", "ndjson")

    assert done.returncode == 0, done.stderr
    assert len(ids_in(done.stdout)) == 250
    assert done.stderr.count("tokens are not shared: File too large") == 1
    assert [one.name for one in folder.iterdir() if one.suffix != ".lock"] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("-o", "/dev/full"), ("--proof", "/dev/full")], ids=" ".join)
def test_a_device_without_room_is_named(
    parameters: WriteParameters, words: tuple[str, str]
) -> None:
    done = run_graphdaemon("users", parameters(), *words, env=clean_environment())

    assert done.returncode == 7
    assert "Error: /dev/full could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("users", "--help"),
        ("explain", "7000215"),
        ("completion", "bash"),
    ],
    ids=" ".join,
)
def test_standard_output_without_room_is_one_error(words: tuple[str, ...]) -> None:
    """Also where click prints its help by itself; a reader that has gone is no error."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "graphdaemon", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 7
    assert "could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr

    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_a_quickstart_without_room_is_one_error(tmp_path: Path) -> None:
    """It names the folder that has no room, and the option that names another."""
    folder = tmp_path / "kept"
    done = run_with_room(1_000, "quickstart", "--users", "3", "--folder", folder)

    assert done.returncode == 7
    assert f"the folder {folder} cannot be used: " in done.stderr
    assert "--folder" in done.stderr


def test_a_store_that_may_not_grow_names_the_limit(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """The disk is sound, and nobody should look for a fault in it."""
    store = tmp_path / "a.db"

    refused = run_with_room(20_000, "sync", "--store", f"sqlite:{store}", parameters(), "users")

    assert refused.returncode == 7
    assert "the limit on the size of a file (ulimit -f)" in refused.stderr
