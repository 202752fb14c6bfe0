"""
A process that outlives a run, however that ends, and ends what it would leave behind.

It is started as a script, by a Python without packages, and reads lines: `run MARK`, which stands
in the environment of every process of the run, `process NUMBER` of the program, `ended NUMBER`, and
`folder PATH` of the run's files. It acts when the lines end: the run is over, or was killed.
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def main() -> None:
    """Read lines to their end, and act."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program
    clean_up(list(io.TextIOWrapper(sys.stdin.buffer, "utf-8", "surrogateescape")))


def clean_up(lines: Iterable[str]) -> None:
    """End the processes that the lines leave, then remove the folders."""
    kept: dict[str, list[str]] = {"run": [], "process": [], "folder": []}
    for line in lines:
        word, _, value = line.rstrip("\n").partition(" ")
        if word == "ended":
            kept["process"].remove(value)
        else:
            kept[word].append(value)
    for process in kept["process"]:
        end_family(int(process))
    for mark in kept["run"]:
        end_marked(mark)
    for folder in kept["folder"]:
        shutil.rmtree(folder, ignore_errors=True)


def end_family(process: int) -> None:
    """End a process and all that descend from it."""
    if os.name == "nt":
        command = ["taskkill", "/T", "/F", "/PID", str(process)]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603  words of ours
        return
    # Parents first, so that none of them starts another meanwhile.
    for one in (process, *list_descendants(process)):
        _kill(one)


def end_marked(mark: str) -> None:
    """End the processes that have this text among their variables, where the system shows them."""
    while marked := list(_list_marked(mark.encode())):  # until none has started another
        for process in marked:
            _kill(process)


def _list_marked(mark: bytes) -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # another user's, or ended
            # What has ended and is not forgotten by its parent yet has no variables.
            if mark in place.read_bytes():
                yield int(place.parent.name)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def list_descendants(process: int) -> list[int]:
    """The processes that descend from one, which may have ended: parents before their children."""
    descendants = [process]
    families: dict[int, list[int]] = {}
    for child, parent in _list_processes():
        families.setdefault(parent, []).append(child)
    for one in descendants:  # which grows meanwhile
        descendants += families.get(one, [])
    return descendants[1:]


def _list_processes() -> Iterator[tuple[int, int]]:
    """Every process with its parent."""
    command = ["/bin/ps", "-A", "-o", "pid=,ppid="]
    listed = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  words of ours
    for line in listed.stdout.splitlines():
        child, parent = line.split()
        yield int(child), int(parent)


if __name__ == "__main__":
    main()
