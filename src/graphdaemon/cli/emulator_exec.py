"""`graphdaemon emulator exec`: run a program against a pretend tenant of its own."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon import cli
from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.commands.quickstart import load_emulator
from graphdaemon.cli.emulator_options import (
    forget_progress,
    refuse_amounts,
    show_progress,
    tenant_options,
)
from graphdaemon.cli.record_options import explain_recording, record_option
from graphdaemon.cli.report_options import (
    ReportOrder,
    give_report,
    read_order,
    report_options,
)
from graphdaemon.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from entra_emulator.exec.program import Ending, ProgramNotStarted
    from entra_emulator.server.emulator import Emulator

_METHODS = ("namespace", "proxy")
_SOON = 2_000
"""Users that are made before anybody waits."""
_CREDENTIALS = ("secret", "certificate", "managed-identity", "none")


@click.command("exec", cls=StrictCommand, context_settings={"allow_interspersed_args": False})
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default=_METHODS[0],
    show_default=True,
    help="How its calls are redirected. Use proxy if Linux namespaces are not available.",
)
@tenant_options
@click.option(
    "--users",
    default=250,
    show_default=True,
    type=click.IntRange(0, 1_000_000),
    help="How many users the tenant has.",
)
@click.option(
    "--credential",
    type=click.Choice(_CREDENTIALS),
    default=_CREDENTIALS[0],
    show_default=True,
    help="The credential to put into its AZURE_ variables.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set this variable for it as well, e.g. APP_SECRET={client_secret}. Repeatable.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Let it reach this service on this machine, e.g. localhost:5432. Repeatable.",
)
@record_option
@report_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(
    *,
    users: int,
    tenant_file: Path | None,
    record: Path | None,
    report: bool,
    report_files: tuple[Path, ...],
    fail_on: str | None,
    **options: Any,
) -> int:
    """
    Run a program, unchanged, against a pretend tenant.

    The program's calls to Microsoft's hosts go to the pretend tenant, which exists as long as the
    program runs. With the method namespace, nothing else leaves this machine. The exit code is that
    of the program. Example:

        graphdaemon emulator exec -- python my_program.py
    """
    load_emulator()
    from entra_emulator.exec.program import (
        NamespaceUnavailable,
        Observer,
        Program,
        ProgramNotStarted,
    )
    from entra_emulator.exec.run import run_program
    from entra_emulator.server.settings import EmulatorSettings

    refuse_amounts("--tenant", tenant_file)
    order = read_order(shown=report, files=report_files, fail_on=fail_on)
    settings = EmulatorSettings(
        users=users, tenant_file=tenant_file, report=order is not None, record=record
    )
    if users > _SOON:
        settings = replace(settings, progress=show_progress)
    # The options left over have the names of its fields.
    program = Program(settings=settings, **options)
    observer = Observer(
        _say,
        started=lambda _: forget_progress() if users > _SOON else None,
        ended=lambda emulator, ending: _end(order, emulator, ending),
    )
    try:
        return run_program(program, observer)
    except NamespaceUnavailable as error:
        raise UsageError(
            f"This system does not let the program run in namespaces of its own ({error}).",
            code="namespaces_unavailable",
            hint="Use --method proxy, which leads the program through a proxy. The program must "
            "observe the proxy variables.",
        ) from None
    except ProgramNotStarted as error:
        raise refuse_program(error) from None
    except OSError as error:
        explain_recording(record, error)
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def refuse_program(error: "ProgramNotStarted") -> UsageError:
    """The error of a program that the system does not run."""
    return UsageError(
        f"The program cannot be run: {error}.",
        code="program_not_started",
        hint="Give its path, or put its interpreter in front, as in `sh script.sh`.",
    )


def _end(order: ReportOrder | None, emulator: "Emulator", ending: "Ending") -> int:
    """Give the report; of a program that has failed, its own exit code says more."""
    try:
        if order is not None:
            give_report(order, emulator.report())
    except FindingsError as error:
        if not ending.code:
            raise
        cli.show(error)
    return ending.code


def _say(text: str) -> None:
    # The program writes to the same terminal.
    terminal.say(f"graphdaemon: {text}")
