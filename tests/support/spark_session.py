"""A session of Spark on this machine, and its processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def open_session(master: str, folder: Path, **config: str) -> Iterator[Any]:
    """A session that listens on this machine alone, and keeps an event log in ``folder``."""
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    # A session that is there would be taken, whatever it is asked for.
    earlier = SparkSession.getActiveSession()
    if earlier is not None:
        earlier.stop()
    logged = folder / "events"
    logged.mkdir(exist_ok=True)
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": str(logged),
        "spark.eventLog.compress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        **config,
    }
    builder = SparkSession.builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def once_reading(session: Any, act: Callable[[], None]) -> Iterator[None]:
    """Do something, once, as soon as a job runs; it must have been done when the block ends."""
    tracker = session.sparkContext.statusTracker()
    failures: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        while not tracker.getActiveJobsIds() and not ended.is_set():
            time.sleep(0.02)
        try:
            act()
        except BaseException as error:  # noqa: BLE001  it is raised where the test sees it
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not failures, failures


def kill_one(session: Any, has: str, *, below: str = "") -> None:
    """End a process that the session has started, whose command line has ``has``."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for number in descendants(session.sparkContext._gateway.proc.pid):
            if has in command_of(number) and below in command_of(parent_of(number)):
                os.kill(number, signal.SIGKILL)
                return
        time.sleep(0.02)
    raise AssertionError(f"Spark has started no {has}")


def descendants(number: int) -> list[int]:
    """The processes below one, those furthest below first."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    parents = {one: parent_of(one) for one in numbers}
    below = [number]
    for parent in below:
        below += [one for one in numbers if parents[one] == parent]
    return below[:0:-1]


def parent_of(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def command_of(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""
