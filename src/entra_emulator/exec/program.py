"""What is to be run, and how it ended."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from entra_emulator.server.emulator import Emulator
from entra_emulator.server.settings import EmulatorSettings

Method = Literal["namespace", "proxy"]
CredentialKind = Literal["secret", "certificate", "managed-identity", "none"]


class NamespaceUnavailable(Exception):  # noqa: N818 - the name says what happened
    """There are no namespaces on this system, or not for this user; says what was refused."""


class ProgramNotStarted(Exception):  # noqa: N818 - the name says what happened
    """There is no such program, or the system does not run it."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """
    Somebody's program, and the tenant that it is to meet.

    Args:
        command: its name or path, and its arguments.
        settings: of the emulator; addresses, host names and data folder are set by the run.
        method: how the program's calls are led to the emulator.
        permissions: app roles of Microsoft Graph that its application is granted besides
            `User.Read.All`.
        faults: a file of what is to go wrong, see `read_orders`.
        allow: services of this machine that it may reach, as `HOST` or `HOST:PORT`.
        variables: environment variables that it gets besides, as `NAME=VALUE`; see
            `fill_variables`.
        credential: what the variables of the Azure SDKs prove the application's identity with.
    """

    command: tuple[str, ...]
    settings: EmulatorSettings = field(default_factory=EmulatorSettings)
    method: Method = "namespace"
    permissions: tuple[str, ...] = ()
    faults: Path | None = None
    allow: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    credential: CredentialKind = "secret"


class Ending(NamedTuple):
    """
    How a program ended.

    Args:
        code: its exit code; 128 and the signal's number where a signal ended it.
        refused: the names and addresses that it tried to reach besides, in order.
    """

    code: int
    refused: tuple[str, ...]


class Observer(NamedTuple):
    """
    Who watches a run, in the process of the emulator.

    Args:
        say: shows a line to people.
        started: called when the emulator serves, before the program starts.
        ended: called when the program has ended, while the emulator still serves; returns the exit
            code of the run.
    """

    say: Callable[[str], None]
    started: Callable[[Emulator], None] = lambda _: None
    ended: Callable[[Emulator, Ending], int] = lambda _, ending: ending.code


def find_command(program: Program, environment: Mapping[str, str]) -> str:
    """
    The path of the program.

    Raises:
        ProgramNotStarted: there is no such program.
    """
    path = shutil.which(program.command[0], path=environment.get("PATH"))
    if path is None:
        reason = f"there is no program {program.command[0]!r}, or it may not be executed"
        raise ProgramNotStarted(reason)
    return path
