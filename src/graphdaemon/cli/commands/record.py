"""`graphdaemon record`: what a program asks of its own tenant, without secrets and names."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.commands.quickstart import load_emulator
from graphdaemon.cli.emulator_exec import refuse_program
from graphdaemon.cli.named_files import FileName
from graphdaemon.cli.record_options import explain_recording
from graphdaemon.cli.report_options import give_report, read_order, report_options
from graphdaemon.errors import FindingsError

if TYPE_CHECKING:
    from entra_emulator.traffic.report.report import Report


@click.command(cls=StrictCommand, context_settings={"allow_interspersed_args": False})
@click.option(
    "--output",
    "record_file",
    default="recording.jsonl",
    show_default=True,
    type=FileName(written=True, dir_okay=False),
    help="The file for the recording. An earlier recording in it is replaced.",
)
@click.option(
    "--ca",
    "ca_file",
    type=FileName(written=False, exists=True, dir_okay=False),
    help="A CA file to trust for the real hosts, instead of the system's.",
)
@report_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def record(
    *,
    command: tuple[str, ...],
    record_file: Path,
    ca_file: Path | None,
    report: bool,
    report_files: tuple[Path, ...],
    fail_on: str | None,
) -> int:
    """
    Record what a program exchanges with its own tenant.

    The program runs as usual, and its requests to Microsoft's token service and Graph are recorded
    with their answers. Other connections are not examined. Secrets, tokens and names are not
    recorded. The exit code is that of the program. Example:

        graphdaemon record -- python my_program.py
    """
    load_emulator()
    from entra_emulator.exec.program import ProgramNotStarted
    from entra_emulator.exec.recorded_run import RecordedProgram, run_recorded

    order = read_order(shown=report, files=report_files, fail_on=fail_on)
    failures: list[FindingsError] = []

    def end(count: int, make_report: "Callable[[], Report]") -> None:
        _say(f"{count:,} exchanges in {record_file}, without secrets and names")
        if order is not None:
            try:
                give_report(order, make_report())
            except FindingsError as error:
                failures.append(error)

    program = RecordedProgram(
        command=command, record=record_file, ca_file=ca_file, say=_say, ended=end
    )
    try:
        code = run_recorded(program)
    except ProgramNotStarted as error:
        raise refuse_program(error) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        explain_recording(record_file, error)
        raise
    # A program that has failed is the worse news.
    if failures and not code:
        raise failures[0]
    return code


def _say(text: str) -> None:
    # The program writes to the same terminal.
    terminal.say(f"graphdaemon: {text}")
