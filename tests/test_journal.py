"""
A listing that is stopped at any instant goes on, and its output is exact.

LISTING_KILLS=1000 kills as many real processes.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.journal import Journal, forget
from graphdaemon.listing import ListingOptions
from graphdaemon.query import Query
from tests.conftest import Command, WriteParameters
from tests.listing_world import Outcome, list_world
from tests.pretend_graph import Lies, PretendGraph, Weather

KILLS = int(os.environ.get("LISTING_KILLS", "30"))
CASES = int(os.environ.get("LISTING_CASES", "100"))


class KilledError(Exception):
    """The process is no more."""


def make_world(count: int = 80, **about: object) -> PretendGraph:
    draws = random.Random(count)
    people = [
        {"userPrincipalName": f"{draws.choice('abcxyz')}{number}", "displayName": f"N{number}"}
        for number in range(count)
    ]
    return PretendGraph(people, **about)  # type: ignore[arg-type]  # what a test says about it


def kill_after(pages: int, journal: Path, torn: Callable[[bytes], bytes]) -> Callable[[], None]:
    """Stop a listing after so many pages, leaving what was on the disk at that moment."""
    seen = 0

    def watch() -> None:
        nonlocal seen
        seen += 1
        if seen == pages:
            left = torn(journal.read_bytes())
            raise KilledError(left)

    return watch


def list_with_kills(
    world: PretendGraph,
    journal: Path,
    kills: list[int],
    options: ListingOptions,
    torn: Callable[[bytes], bytes] = lambda left: left,
) -> Outcome:
    for pages in kills:
        try:
            list_world(world, options=options, watch=kill_after(pages, journal, torn))
        except KilledError as killed:
            # On its way out a living process would have committed: this one did not.
            journal.write_bytes(killed.args[0])
    return list_world(world, options=options)


@settings(
    max_examples=CASES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
@given(
    st.lists(st.integers(1, 40), max_size=6),
    st.sampled_from([0.0, 0.02, 0.1]),
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from([None, " ge "]),
    st.integers(1, 6),
)
def test_a_listing_killed_again_and_again_is_exact_in_the_end(
    kills: list[int], change: float, seed: int, torn: bool, refused: str | None, chains: int
) -> None:
    """Every record of the directory is written once, whenever the listing was stopped."""
    draws = random.Random(seed)

    def tear(left: bytes) -> bytes:
        if not torn:
            return left
        end = left.rindex(b'#{"commit"')
        end = left.index(b"\n", end) + 1
        return left[: draws.randint(end, len(left))] + draws.randbytes(draws.randint(0, 50))

    weather = Weather(change=change, expired=0.05, lost=0.02)
    world = make_world(seed=seed, weather=weather, make=lambda _, n: {"displayName": f"M{n}"})
    world.lies = Lies(refuses=(refused,) if refused else ())
    with TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        options = ListingOptions(journal=journal, page_size=5, chains=chains)
        outcome = list_with_kills(world, journal, kills, options, tear)

    note(f"{outcome.record} {outcome.error}")
    assert outcome.twice == []
    if outcome.record is not None and outcome.record.verdict == "complete":
        assert outcome.written == world.shown(directory=world.at_last_delta)


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    """Half of the pages were there: the other half is asked for."""
    journal = tmp_path / "journal"
    options = ListingOptions(journal=journal, page_size=5, method="chain")
    world = make_world(100)

    with pytest.raises(KeyboardInterrupt):
        list_world(world, options=options, watch=interrupt_after(10))
    before = len(world.asked)
    outcome = list_world(world, options=options)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown()
    assert len(world.asked) - before < 15
    assert "50 records were kept" in outcome.proved.notes[0]


def interrupt_after(pages: int) -> Callable[[], None]:
    left = [pages]

    def watch() -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    return watch


def test_a_finished_listing_goes_on_from_its_delta(tmp_path: Path) -> None:
    """Nothing is lost if the output was not put in its place: the journal knows all of it."""
    journal = tmp_path / "journal"
    options = ListingOptions(journal=journal, page_size=5)
    world = make_world(50)
    list_world(world, options=options)
    for _ in range(20):
        world.change()

    outcome = list_world(world, options=options)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown()


def test_a_journal_that_is_too_old_is_begun_anew(tmp_path: Path) -> None:
    """A delta link lives a week; without one nothing would tell what changed since."""
    journal = tmp_path / "journal"
    options = ListingOptions(journal=journal, page_size=5)
    world = make_world(50)
    list_world(world, options=options)
    world.lies.dead_delta = True

    outcome = list_world(world, options=options)

    assert outcome.twice == []
    assert outcome.written == world.shown()
    assert "too old" in outcome.proved.notes[0]


def test_the_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    """Two listings do not become one."""
    journal = tmp_path / "journal"
    world = make_world(5)
    list_world(world, options=ListingOptions(journal=journal))

    outcome = list_world(world, Query(("displayName",)), ListingOptions(journal=journal))

    assert isinstance(outcome.error, UsageError)
    assert outcome.error.code == "journal_mismatch"


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    """The second one is told who is there."""
    journal = Journal(tmp_path / "journal", {})

    with pytest.raises(UsageError) as caught:
        Journal(tmp_path / "journal", {})

    assert caught.value.code == "journal_busy"
    journal.close()


def test_what_is_no_journal_is_left_alone_or_begun(tmp_path: Path) -> None:
    """A file without a sound commit is empty; a folder is none."""
    path = tmp_path / "journal"
    path.write_bytes(b'{"id": "1"}\n#{"commit":1}\n')
    journal = Journal(path, {})
    journal.close()

    assert not journal.resumed
    with pytest.raises(OutputError) as caught:
        Journal(tmp_path, {})
    assert caught.value.code == "journal_unusable"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_owner_reads_a_journal(tmp_path: Path) -> None:
    """It holds names and a delta link."""
    journal = Journal(tmp_path / "journal", {})
    journal.begin("https://graph.test/v1.0/users/delta?$deltatoken=x")
    journal.close()

    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0
    forget(tmp_path / "journal")
    assert not (tmp_path / "journal").exists()


def test_the_command_forgets_a_journal_whose_records_are_in_place(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    """It is kept as long as it may be needed, and no longer."""
    journal, output = tmp_path / "users.journal", tmp_path / "users.ndjson"

    done = command("list", "users", parameters(), "--resume", journal, "--output", output)

    assert done.code == 0, done.err
    assert len(output.read_bytes().splitlines()) == 250
    assert not journal.exists()


CHILD = """
import json, os, sys
from pathlib import Path
from graphdaemon.listing import ListingOptions
from tests.conftest import Command, WriteParameters
from tests.listing_world import list_world
from tests.test_journal import make_world
folder = Path(sys.argv[1])
print("ready", flush=True)
options = ListingOptions(journal=folder / "journal", page_size=20)
outcome = list_world(make_world(1500), options=options)
new = folder / "new"
new.write_text(json.dumps(outcome.written))
new.replace(folder / "output")
print(outcome.proved.verdict, outcome.twice)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_killed_at_random_instants_leaves_an_exact_file(tmp_path: Path) -> None:
    """However often, and whenever: the file is the directory, or not there yet."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    draws = random.Random(seed)
    expected = make_world(1500).shown()
    kills = 0
    while kills < KILLS:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(draws.uniform(0, 0.5))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        kills += 1
        output = tmp_path / "output"
        if output.exists():
            assert json.loads(output.read_text()) == expected
            assert rest in ("", "complete []\n")
            output.unlink()
            forget(tmp_path / "journal")
