"""Another process that uses a store: it says how far it is, and waits to be told to go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from graphdaemon.store.store import open_store
from tests.support.places import ROOT
from tests.support.store_fixtures import row


@contextmanager
def running(action: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is as far as `action` says; it goes on when it is sent a line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_process", action, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def wait() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main(action: str, url: str) -> None:
    with open_store(url) as store:
        if action == "hold":
            with store.hold(1, "users"):
                wait()
        elif action == "lock":
            with store.database.transaction():
                wait()
        else:
            with store.change(1, "users", "round") as change:
                change.put([row(f"{number:05}", pad="x" * 300) for number in range(20_000)])
                change.end(["a"], "deleted")
                wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
