"""`graphdaemon emulator report`: a report on a program whose calls were recorded."""

from pathlib import Path

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.commands.quickstart import load_emulator
from graphdaemon.cli.named_files import FileName
from graphdaemon.cli.report_options import fail_on_option, read_order, refuse_findings

_ENDINGS = {"text": ".txt", "json": ".json", "html": ".html"}


@click.command(cls=StrictCommand)
@click.option(
    "--format",
    "form",
    type=click.Choice([*_ENDINGS]),
    default="text",
    show_default=True,
    help="The HTML page is self-contained.",
)
@fail_on_option
@click.argument("recording", type=FileName(written=False, exists=True, dir_okay=False))
def report(*, recording: Path, form: str, fail_on: str | None) -> None:
    """
    Report on a recorded program.

    The recording comes from `emulator exec --record`, `emulator serve --record` or `record`, and
    may have been made on another machine. Example:

        graphdaemon emulator report calls.jsonl --format html > report.html
    """
    load_emulator()
    from entra_emulator.traffic.recording.lines import RecordingError, read_exchanges
    from entra_emulator.traffic.report.call_log import CallLog
    from entra_emulator.traffic.report.files import write_report

    order = read_order(shown=True, files=(), fail_on=fail_on)
    calls = CallLog()
    try:
        for exchange in read_exchanges(recording):
            calls.note(exchange)
    except RecordingError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{recording} cannot be read: {error.strerror}.") from None
    made = calls.report()
    terminal.print_lines(write_report(made, _ENDINGS[form]).decode().rstrip("\n"))
    if order is not None:
        refuse_findings(made, order.rules)
