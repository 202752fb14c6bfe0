"""Child processes: started with the caller's own files and signals, and how they end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence

from entra_emulator.exec.program import ProgramNotStarted


def list_held_signals() -> frozenset[signal.Signals]:
    """Signals that the processes of a run leave to the program, and the end of a child."""
    names = "SIGHUP SIGINT SIGQUIT SIGTERM SIGUSR1 SIGUSR2 SIGCHLD".split()
    return frozenset(getattr(signal, name) for name in names if hasattr(signal, name))


def start_child(command: Sequence[str], variables: Mapping[str, str], mask: Collection[int]) -> int:
    """
    Start a program, which gets every file that is open for children; return its process ID.

    Args:
        command: its path or name, and its arguments.
        variables: its environment.
        mask: the signals that it blocks from the start.

    Raises:
        ProgramNotStarted: the system does not run it.
    """
    try:
        # Python ignores two signals, for itself alone.
        return os.posix_spawnp(
            command[0],
            list(command),
            variables,
            setsigmask=mask,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    except OSError as error:
        raise _explain(command, error) from None


def wait_for(process: int) -> int:
    """Wait for a child, and for every orphan that ends before; return the child's exit code."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == process:
            return read_status(status)


def wait_passing_signals(
    process: int, pass_on: "Callable[[signal.struct_siginfo], int | None]"
) -> int:
    """
    Wait for a child while the held signals are blocked; return its exit code.

    Args:
        process: the child.
        pass_on: gets each signal but the end of a child; where it returns a code, that is it.
    """
    while True:
        # Nothing else of Python's tells where a signal came from.
        held = signal.sigwaitinfo(list_held_signals())
        if held.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                return read_status(status)
        elif (code := pass_on(held)) is not None:
            return code


def is_from_terminal(info: "signal.struct_siginfo") -> bool:
    """Whether the kernel sent the signal, which a terminal has it send to the program as well."""
    return info.si_code == 0x80  # SI_KERNEL of <asm-generic/siginfo.h>


def run_child(
    command: Sequence[str], variables: Mapping[str, str], started: Callable[[int], None]
) -> int:
    """
    Run a program on a system that does not tell where a signal came from; return its exit code.

    Args:
        command: its path or name, and its arguments.
        variables: its environment.
        started: gets its process ID.

    Raises:
        ProgramNotStarted: the system does not run it.
    """
    children: list[subprocess.Popen[bytes]] = []
    is_ending = False

    def end(*_: object) -> None:
        nonlocal is_ending
        is_ending = True
        for one in children:
            one.terminate()

    # Before it starts. Ctrl-C reaches the program from the terminal.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, end)
    try:
        child = subprocess.Popen(  # noqa: S603  what the caller wants to be run
            command, env=variables, close_fds=sys.platform == "win32"
        )
    except OSError as error:
        raise _explain(command, error) from None
    children.append(child)
    started(child.pid)
    if is_ending:  # the signal came while it started
        child.terminate()
    code = child.wait()
    return code if code >= 0 else 128 - code


def read_status(status: int) -> int:
    """The exit code of a process, or 128 and the number of the signal that ended it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _explain(command: Sequence[str], error: OSError) -> ProgramNotStarted:
    return ProgramNotStarted(f"{command[0]} could not be started: {error.strerror}")
