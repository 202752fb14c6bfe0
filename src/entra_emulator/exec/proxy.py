"""
A program that reaches the emulator through a proxy, as its environment tells it.

Wherever it does not heed the environment, it reaches the real hosts.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from entra_emulator.content.seed import Progress
from entra_emulator.exec import keeper
from entra_emulator.exec.child_process import (
    is_from_terminal,
    list_held_signals,
    run_child,
    start_child,
    wait_passing_signals,
)
from entra_emulator.exec.environment import (
    clear_environment,
    fill_variables,
    proxy_variables,
    trust_variables,
)
from entra_emulator.exec.hosts import list_hosts
from entra_emulator.exec.identity import make_identity, run_emulator
from entra_emulator.exec.program import Ending, Observer, Program
from entra_emulator.exec.refused_connections import Refusals
from entra_emulator.exec.trust import write_trust_files
from entra_emulator.exec.tunnel import start_tunnel
from entra_emulator.server.emulator import Emulator
from entra_emulator.token_service.managed_identity import METADATA_ADDRESS

WARNING = (
    "through a proxy, a program reaches the emulator only if it heeds the variables of proxies. "
    "Known to ignore them: aiohttp without trust_env, urllib3 by itself, programs with a proxy of "
    "their own. Those reach the real hosts, with the pretend credentials."
)

_HOOK = Path(__file__).with_name("hook.cjs")
_OF_CHILDREN = frozenset(filter(None, [getattr(signal, "SIGCHLD", None)]))
_HOSTS_VARIABLE, _MARK_VARIABLE = "ENTRA_EMULATOR_HOSTS", "ENTRA_EMULATOR_RUN"


def run_through_proxy(program: Program, observer: Observer, environment: Mapping[str, str]) -> int:
    """
    Run a program, and return the exit code of the run.

    Raises:
        ProgramNotStarted: the system does not run the program.
        ValueError: a variable cannot be read; see also `Emulator.start`.
    """
    observer.say(WARNING)
    mask: Collection[int] = ()
    if hasattr(signal, "sigwaitinfo"):
        # Before any thread starts, which would else get the signals.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, list_held_signals())
    mark = secrets.token_hex(16)
    with _keep(mark) as keep:
        folder = Path(tempfile.gettempdir(), f"graphdaemon-{mark}")
        keep(f"folder {folder}")
        folder.mkdir(mode=0o700)
        hostnames = (*program.settings.hostnames, *list_hosts())
        settings = replace(
            program.settings,
            host="127.0.0.1",
            port=0,
            hostnames=hostnames,
            data=folder / "tenant",
            managed_identity=True,
            progress=_stop_on_signal(program.settings.progress),
        )
        with run_emulator(program, settings) as emulator:
            observer.started(emulator)
            refusals = Refusals(observer.say)
            variables = _make_variables(program, emulator, refusals, environment, folder)
            variables[_MARK_VARIABLE] = mark
            _end_on_signal()
            code = _run(program.command, variables, mask, keep)
            return observer.ended(emulator, Ending(code, refusals.list_targets()))


def _end_on_signal() -> None:
    """
    End a run whose program has not started.

    Raises:
        KeyboardInterrupt: a signal came that is held back.
    """
    if hasattr(signal, "sigpending") and signal.sigpending() & list_held_signals() - _OF_CHILDREN:
        raise KeyboardInterrupt


def _stop_on_signal(progress: Progress) -> Progress:
    def watch(made: int, total: int) -> None:
        _end_on_signal()
        progress(made, total)

    return watch


def _make_variables(
    program: Program,
    emulator: Emulator,
    refusals: Refusals,
    environment: Mapping[str, str],
    folder: Path,
) -> dict[str, str]:
    port, machine = urlsplit(emulator.url).port, urlsplit(emulator.imds_url).port
    assert port is not None
    assert machine is not None
    targets = {f"{host}:443": ("127.0.0.1", port) for host in list_hosts()}
    targets[f"{METADATA_ADDRESS}:80"] = ("127.0.0.1", machine)
    tunnel = start_tunnel(targets, emulator.ca_file, refusals)
    identity = make_identity(emulator, program, folder)
    variables = clear_environment(environment)
    trust = write_trust_files(folder, emulator.ca_file.read_bytes(), variables)
    variables |= {**trust_variables(trust), **identity.variables}
    variables |= proxy_variables(tunnel, _HOOK, trust, variables)
    variables[_HOSTS_VARIABLE] = " ".join((str(port), *list_hosts()))
    if program.credential == "managed-identity":
        # Clients reach the machine's own address without a proxy, and on Azure the real service.
        variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = emulator.imds_url
    return variables | fill_variables(program.variables, identity.fields)


@contextlib.contextmanager
def _keep(mark: str) -> Iterator[Callable[[str], None]]:
    """A process that cleans up after this one; what it is given takes lines, see `keeper`."""
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

        keep(f"run {_MARK_VARIABLE}={mark}")
        try:
            yield keep
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.communicate()
            if process.returncode:
                keeper.clean_up(lines)


def _run(
    command: Sequence[str],
    variables: Mapping[str, str],
    mask: Collection[int],
    keep: Callable[[str], None],
) -> int:
    if not hasattr(signal, "sigwaitinfo"):
        return run_child(command, variables, lambda process: keep(f"process {process}"))
    process = start_child(command, variables, mask)
    keep(f"process {process}")

    def pass_on(held: "signal.struct_siginfo") -> None:
        if not is_from_terminal(held):
            os.kill(process, held.si_signo)

    code = wait_passing_signals(process, pass_on)
    keep(f"ended {process}")
    return code
