"""`graphdaemon emulator exec` as its user runs it."""

import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT
from tests.support.run_command import clean_environment

METHODS = ("namespace", "proxy")


@functools.cache
def namespaces_missing() -> str:
    """Why there are no namespaces here, as util-linux says; empty if there are."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "" if sys.platform == "linux" else "only Linux has namespaces"
    command = [unshare, "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() or f"exit code {done.returncode}" if done.returncode else ""


def need(method: str) -> None:
    """Skip the test where there is no such way."""
    if method == "namespace" and namespaces_missing():
        pytest.skip(f"no namespaces: {namespaces_missing()}")


def make_command(method: str, *words: object, options: tuple[object, ...] = ()) -> list[str]:
    """The words of a command line; `words` are the program's."""
    head = [sys.executable, "-m", "graphdaemon", "emulator", "exec", "--method", method]
    return [*head, *map(str, options), "--", *map(str, words)]


def make_environment(**variables: str) -> dict[str, str]:
    """An environment without settings, in which the coverage of children is not measured."""
    return {**clean_environment(), "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT), **variables}


def run_exec(
    method: str,
    *words: object,
    options: tuple[object, ...] = (),
    variables: Mapping[str, str] | None = None,
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a program by a method, which is there."""
    need(method)
    return subprocess.run(
        make_command(method, *words, options=options),
        env=make_environment(**(variables or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **more,
    )


def run_python(
    method: str, code: str, *, options: tuple[object, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program of Python by a method."""
    return run_exec(method, sys.executable, "-c", code, options=options)


@contextmanager
def start_exec(
    method: str, *words: object, options: tuple[object, ...] = (), **variables: str
) -> Iterator["subprocess.Popen[str]"]:
    """A run whose output is read while it lasts; it is killed in the end."""
    need(method)
    with subprocess.Popen(
        make_command(method, *words, options=options),
        env=make_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def list_marked(mark: str) -> set[int]:
    """The processes that have a text among their variables."""
    marked = set()
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in place.read_bytes():
                marked.add(int(place.parent.name))
        except OSError:  # another user's, or ended
            continue
    return marked


def list_children(process: int) -> list[int]:
    """The children of a process, in the order of their starts."""
    return [
        int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def list_networks() -> set[str]:
    """The network namespaces in which there is a process."""
    networks = set()
    for place in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            networks.add(str(place.readlink()))
        except OSError:
            continue
    return networks


def read_variable(process: int, name: str) -> Path:
    """The path that a variable of a process names."""
    variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    (value,) = [one for one in variables if one.startswith(f"{name}=".encode())]
    return Path(os.fsdecode(value.partition(b"=")[2]))


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what the kernel does after a kill; what never comes fails by its own assertion."""
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
