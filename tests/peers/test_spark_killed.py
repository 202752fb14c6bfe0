"""
Queries and listings of Spark whose processes are killed; `make test-nightly` runs them.

Each has a tenant and drivers of its own, on this machine alone (`local`) and on a cluster, whose
executors are processes of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from tests.support.client_app import register
from tests.support.places import ROOT
from tests.support.spark_directory import (
    SELECT,
    change,
    list_names,
    names_of,
    read_delta_names,
    replay,
    replay_frame,
    write_settings,
)
from tests.support.spark_session import (
    command_of,
    descendants,
    kill_one,
    once_reading,
    open_session,
    parent_of,
)

pytest.importorskip("pyspark", reason="PySpark is not installed")
if shutil.which("java") is None or "SPARK_CLUSTER" not in os.environ:
    pytest.skip("make test-nightly runs it, where Java is installed", allow_module_level=True)

SEED = int(os.environ.get("LISTING_SEED", "0"))
# A task that failed is tried again only where a number stands behind the comma.
LOCAL, CLUSTER = "local[2,4]", "local-cluster[2,1,1024]"
EXECUTOR = "CoarseGrainedExecutorBackend"


class Query(NamedTuple):
    """A query over a tenant of three pages, and where it writes."""

    emulator: Emulator
    parameters: str
    folder: Path
    master: str

    def start(self, place: str) -> subprocess.Popen[bytes]:
        """A driver that stands still at ``place``, as `spark_query` has it."""
        program = [sys.executable, "-m", "tests.support.spark_query", self.master, self.parameters]
        return subprocess.Popen(
            [*program, str(self.folder), place], cwd=ROOT, start_new_session=True
        )

    def run(self, place: str = "") -> None:
        """Run it until nothing is new."""
        assert self.start(place).wait(timeout=300) == 0

    def halt(self, place: str) -> tuple[subprocess.Popen[bytes], int]:
        """Start it, and wait until it stands still; the driver, and the process that does."""
        driver, halted = self.start(place), self.folder / "halted"
        until = time.monotonic() + 300
        while not halted.exists():
            assert driver.poll() is None, "it ended without standing still"
            assert time.monotonic() < until
            time.sleep(0.1)
        return driver, int(halted.read_text())

    def kill_at(self, place: str) -> None:
        """SIGKILL for the driver and its executors, and whoever stands still."""
        driver, halted = self.halt(place)
        end(driver)
        # Spark's Python has a group of processes of its own.
        if halted != driver.pid:
            os.kill(halted, signal.SIGKILL)

    def read(self, batch: int) -> list[Any]:
        """What was written of a batch, each time that it was."""
        paths = sorted(self.folder.glob(f"batch-{batch}-*.json"))
        return [json.loads(path.read_bytes()) for path in paths]

    def batches(self) -> list[Any]:
        """All batches as they were written last."""
        numbers = {int(path.name.split("-")[1]) for path in self.folder.glob("batch-*.json")}
        assert numbers == set(range(len(numbers)))
        return [self.read(number)[-1] for number in sorted(numbers)]

    def offsets(self) -> dict[str, bytes]:
        """What Spark has noted down of each batch."""
        paths = (self.folder / "checkpoint" / "offsets").glob("[0-9]*")
        return {path.name: path.read_bytes() for path in paths}

    def change(self, name: str) -> None:
        """One user is renamed, one deleted, one comes."""
        change(self.emulator, self.parameters, name)

    def check(self) -> None:
        """What was written is the list."""
        rows = [row for batch in self.batches() for row in batch]
        assert replay(rows) == list_names(self.parameters)


@pytest.fixture(params=[LOCAL, CLUSTER])
def master(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def query(master: str, key_pair: tuple[str, bytes], tmp_path: Path) -> Iterator[Query]:
    with Emulator(users=2_100, seed=0) as emulator:
        parameters = write_settings(emulator, register(emulator, key_pair), tmp_path)
        yield Query(emulator, parameters, tmp_path, master)


def end(driver: subprocess.Popen[bytes]) -> None:
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_driver_that_is_killed_repeats_its_batch(query: Query, place: str) -> None:
    """SIGKILL before or after the sink has written: the same batch, whatever has changed since."""
    query.run()
    query.change("one")
    query.kill_at(place)
    offset = query.offsets()["1"]
    query.change("two")
    query.run()

    assert query.offsets()["1"] == offset
    repeated = query.read(1)
    assert len(repeated) == (1 if place == "before" else 2)
    assert repeated[0] == repeated[-1]
    names = {name for *_, name in repeated[0]}
    assert "new one" in names
    assert "new two" not in names
    query.check()


@pytest.mark.parametrize(("batch", "expected"), [(0, {"new two"}), (1, {"new one", "new two"})])
def test_a_round_of_which_spark_does_not_know_is_in_the_next_batch(
    query: Query, batch: int, expected: set[str]
) -> None:
    """SIGKILL once a round is in the store, before Spark has noted down its number."""
    if batch == 1:
        query.run()
        query.change("one")
    query.kill_at("stored")
    assert str(batch) not in query.offsets()
    assert (query.folder / "store").exists()
    query.change("two")
    query.run()

    assert len(query.batches()) == batch + 1, "both rounds are in one batch"
    (rows,) = query.read(batch)
    ids = [id_ for _, _, id_, _ in rows]
    assert len(ids) == len(set(ids)), "nobody is there twice"
    assert {"new one", "new two"}.intersection(name for *_, name in rows) == expected
    query.check()


@pytest.mark.parametrize(
    ("master", "victim"),
    [(LOCAL, "worker"), (CLUSTER, "worker"), (CLUSTER, "executor")],
    indirect=["master"],
)
@pytest.mark.parametrize("batch", [0, 1])
def test_a_worker_or_executor_that_is_killed_is_replaced(
    query: Query, victim: str, batch: int
) -> None:
    """SIGKILL in the middle of a task: the query goes on, and what it writes is the list."""
    if batch == 1:
        query.run()
        query.change("one")
    driver, worker = query.halt("reading")
    process = worker
    while victim == "executor" and EXECUTOR not in command_of(process):
        process = parent_of(process)
        assert process > 1, "the worker is below an executor"
    os.kill(process, signal.SIGKILL)

    assert driver.wait(timeout=300) == 0
    assert len(query.read(batch)) == 1
    query.check()


@pytest.mark.parametrize("job", ["users_stream", "users_delta"])
def test_a_job_that_is_killed_again_and_again_ends_with_the_list(query: Query, job: str) -> None:
    """SIGKILL for an example at instants drawn from LISTING_SEED, while users change."""
    instants = random.Random(f"{SEED} {job}")
    for number in range(4):
        driver = start_example(query, job)
        time.sleep(instants.uniform(4, 14))
        below = descendants(driver.pid)
        end(driver)
        for process in below:
            kill_if_there(process)
        query.change(f"time{number}")
    # The first repeats what was left, the second brings what is new.
    for _ in range(2):
        assert start_example(query, job).wait(timeout=300) == 0

    assert read_users(query.folder, job) == list_names(query.parameters)


def start_example(query: Query, job: str) -> subprocess.Popen[bytes]:
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    words = [f"--conf {name}={value}" for name, value in options.items()]
    submit = f"--master {query.master} {' '.join(words)} pyspark-shell"
    program = ROOT / "examples" / "6-Spark" / f"{job}.py"
    return subprocess.Popen(
        [sys.executable, program, query.parameters, query.folder],
        env=os.environ | {"PYSPARK_SUBMIT_ARGS": submit, "PYSPARK_PYTHON": sys.executable},
        cwd=query.folder,
        start_new_session=True,
    )


def read_users(folder: Path, job: str) -> dict[str, str | None]:
    """The name of each user whom an example has written."""
    if job == "users_delta":
        return read_delta_names(folder)
    with open_session(LOCAL, folder) as session:
        log = session.read.parquet(f"{folder}/changes")
        rows = log.select("graphdaemon_run", "id").collect()
        assert len(rows) == len(set(rows)), "nobody is there twice in one batch"
        return replay_frame(log)


def kill_if_there(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("master", [CLUSTER], indirect=True)
def test_a_lost_executor_costs_nothing_but_time(query: Query) -> None:
    """One of two is killed while it reads a part of a listing; what is returned is the list."""
    from graphdaemon.client.spark import read_directory

    query.emulator.faults.fail_for(None, Fault(kind="latency", delay=0.5))

    with open_session(query.master, query.folder) as session:

        def kill() -> None:
            kill_one(session, EXECUTOR)
            query.emulator.faults.clear()

        with once_reading(session, kill):
            users = read_directory(
                session,
                "users",
                select=SELECT,
                parts=3,
                parameters=query.parameters,
                staging=str(query.folder / "staging"),
            )
        assert names_of(users) == list_names(query.parameters)
