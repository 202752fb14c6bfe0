"""
A run that is led through a proxy of ours, of which no process and no file stays.

A process that outlives the command sees to that, however the command ends; see `keeper`.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from entra_emulator.exec import keeper
from entra_emulator.exec.child_process import (
    is_from_terminal,
    list_held_signals,
    run_child,
    start_child,
    wait_passing_signals,
)

_OF_CHILDREN = frozenset(filter(None, [getattr(signal, "SIGCHLD", None)]))
_MARK_VARIABLE = "ENTRA_EMULATOR_RUN"


class ProxyRun:
    """
    A run from before its program starts.

    Args:
        mark: stands in the environment of every process of the run.
        mask: the signals that the program blocks from the start.
        keep: gives a line to the keeper.
    """

    def __init__(self, mark: str, mask: Collection[int], keep: Callable[[str], None]) -> None:
        self.folder = Path(tempfile.gettempdir(), f"graphdaemon-{mark}")
        """Of the run's files, which only this user reads."""
        self._mark = mark
        self._mask = mask
        self._keep = keep
        keep(f"run {_MARK_VARIABLE}={mark}")
        keep(f"folder {self.folder}")
        self.folder.mkdir(mode=0o700)

    def run(self, command: Sequence[str], variables: Mapping[str, str]) -> int:
        """
        Run the program, and return its exit code.

        Args:
            command: its path or name, and its arguments.
            variables: its environment.

        Raises:
            ProgramNotStarted: the system does not run it.
            KeyboardInterrupt: a signal came before it started.
        """
        end_on_signal()
        variables = {**variables, _MARK_VARIABLE: self._mark}
        if not hasattr(signal, "sigwaitinfo"):
            return run_child(command, variables, lambda process: self._keep(f"process {process}"))
        process = start_child(command, variables, self._mask)
        self._keep(f"process {process}")

        def pass_on(held: "signal.struct_siginfo") -> None:
            if not is_from_terminal(held):
                os.kill(process, held.si_signo)

        code = wait_passing_signals(process, pass_on)
        self._keep(f"ended {process}")
        return code


@contextlib.contextmanager
def open_run() -> Iterator[ProxyRun]:
    """
    A run that has a keeper, and whose signals are its program's.

    Call it from the main thread, before any other starts: that one would get the signals.
    """
    mask: Collection[int] = ()
    if hasattr(signal, "sigwaitinfo"):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, list_held_signals())
    with _start_keeper() as keep:
        yield ProxyRun(secrets.token_hex(16), mask, keep)


def end_on_signal() -> None:
    """
    End a run whose program has not started.

    Raises:
        KeyboardInterrupt: a signal came that is held back.
    """
    if hasattr(signal, "sigpending") and signal.sigpending() & list_held_signals() - _OF_CHILDREN:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _start_keeper() -> Iterator[Callable[[str], None]]:
    """A process that cleans up after this one; what is yielded gives it lines."""
    with subprocess.Popen(  # noqa: S603  a script of ours
        [sys.executable, "-I", "-S", keeper.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        errors="surrogateescape",
        start_new_session=True,  # whatever is sent to this group of processes
    ) as process:
        lines: list[str] = []

        def keep(line: str) -> None:
            lines.append(line)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # somebody has killed it
                process.stdin.write(f"{line}\n")
                process.stdin.flush()

        try:
            yield keep
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.communicate()
            if process.returncode:
                keeper.clean_up(lines)
