"""
A program that reaches the emulator through a proxy, as its environment tells it.

Wherever it does not heed the environment, it reaches the real hosts.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from entra_emulator.content.seed import Progress
from entra_emulator.exec.environment import (
    clear_environment,
    fill_variables,
    proxy_variables,
    trust_variables,
)
from entra_emulator.exec.hosts import list_hosts
from entra_emulator.exec.identity import make_identity, run_emulator
from entra_emulator.exec.program import Ending, Observer, Program
from entra_emulator.exec.proxy_run import end_on_signal, open_run
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


def run_through_proxy(program: Program, observer: Observer, environment: Mapping[str, str]) -> int:
    """
    Run a program, and return the exit code of the run.

    Raises:
        ProgramNotStarted: the system does not run the program.
        ValueError: a variable cannot be read; see also `Emulator.start`.
    """
    observer.say(WARNING)
    with open_run() as run:
        hostnames = (*program.settings.hostnames, *list_hosts())
        settings = replace(
            program.settings,
            host="127.0.0.1",
            port=0,
            hostnames=hostnames,
            data=run.folder / "tenant",
            managed_identity=True,
            progress=_stop_on_signal(program.settings.progress),
        )
        with run_emulator(program, settings) as emulator:
            observer.started(emulator)
            refusals = Refusals(observer.say)
            variables = _make_variables(program, emulator, refusals, environment, run.folder)
            code = run.run(program.command, variables)
            return observer.ended(emulator, Ending(code, refusals.list_targets()))


def _stop_on_signal(progress: Progress) -> Progress:
    def watch(made: int, total: int) -> None:
        end_on_signal()
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
    variables |= proxy_variables(tunnel, port, trust, variables)
    if program.credential == "managed-identity":
        # Clients reach the machine's own address without a proxy, and on Azure the real service.
        variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = emulator.imds_url
    return variables | fill_variables(program.variables, identity.fields)
