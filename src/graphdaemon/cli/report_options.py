"""The options of a report on a program that ran against the emulator, and what they bring about."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.named_files import FileName
from graphdaemon.cli.options import combine
from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import FindingsError, OutputError

if TYPE_CHECKING:
    from entra_emulator.traffic.report.report import Report

fail_on_option = click.option(
    "--fail-on",
    metavar="RULES",
    help="End with exit code 10 if the report has a finding of one of these rules; `all` stands "
    "for all rules.",
)

report_options = combine(
    click.option(
        "--report",
        is_flag=True,
        help="At the end, report what the program did and what it does wrong.",
    ),
    click.option(
        "--report-to",
        "report_files",
        multiple=True,
        type=FileName(written=True, dir_okay=False),
        help="Write the report to this file, whose name ends in .json, .html or .txt. Repeatable.",
    ),
    fail_on_option,
)


class ReportOrder(NamedTuple):
    """
    What is to be done with a report.

    Args:
        shown: write it to standard error as text.
        files: write it to these.
        rules: findings of these are a failure.
    """

    shown: bool
    files: tuple[Path, ...]
    rules: frozenset[str]


def read_order(*, shown: bool, files: tuple[Path, ...], fail_on: str | None) -> ReportOrder | None:
    """
    What the options ask for; None if they ask for no report.

    Raises:
        click.UsageError: A file has none of the endings, or there is no such rule.
    """
    if not (shown or files or fail_on):
        return None
    from entra_emulator.traffic.report.files import check_name
    from entra_emulator.traffic.report.report import parse_rules

    try:
        for path in files:
            check_name(str(path))
        rules = parse_rules(fail_on or "")
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    return ReportOrder(shown or not files, files, rules)


def give_report(order: ReportOrder, report: "Report") -> None:
    """
    Write a report on programs that called.

    Raises:
        FindingsError: It has findings of the rules that are a failure.
        OutputError: A file cannot be written.
    """
    from entra_emulator.private_files import write_file
    from entra_emulator.traffic.report.files import check_name, write_report
    from entra_emulator.traffic.report.text import write_lines

    if order.shown:
        for line in write_lines(report):
            terminal.say(line)
    for path in order.files:
        try:
            write_file(path, write_report(report, check_name(str(path))), mode=0o666)
        except OSError as error:
            raise OutputError(
                f"The report cannot be written to {path}: {error.strerror}.",
                code="output_failed",
                hint=advise(error.errno, "name another file with --report-to"),
            ) from None
    refuse_findings(report, order.rules)


def refuse_findings(report: "Report", rules: frozenset[str]) -> None:
    """
    Fail if the report has findings of these rules.

    Raises:
        FindingsError: It has.
    """
    from entra_emulator.traffic.report.report import select_findings

    failures = select_findings(report, rules)
    if failures:
        names = ", ".join(dict.fromkeys(finding.rule for finding in failures))
        raise FindingsError(
            f"The report has findings that --fail-on forbids: {names}.",
            code="findings",
            hint="Read the report, and change the program or its permissions.",
        )
