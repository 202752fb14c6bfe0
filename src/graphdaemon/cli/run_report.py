"""
Make a report for a command.

Its rows go to the output, what is not known and what was found to stderr, and findings that the
command line names decide the exit code.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from graphdaemon.cli import options, terminal
from graphdaemon.cli.interrupt import run_async
from graphdaemon.cli.named_files import add_stdout, load_settings
from graphdaemon.cli.options import read_share, split_names
from graphdaemon.cli.output_options import read_spec
from graphdaemon.cli.stored_options import open_history
from graphdaemon.client.client import Client
from graphdaemon.client.reports.options import REPORTS, ReportOptions
from graphdaemon.client.reports.report import (
    Report,
    find_columns,
    make_report,
    make_stored_report,
)
from graphdaemon.errors import FindingsError, UsageError
from graphdaemon.graph.graph import ATTEMPTS
from graphdaemon.output.atomic_file import AtomicFile
from graphdaemon.output.sink import Sink

if TYPE_CHECKING:
    from graphdaemon.output.spec import OutputSpec

# So many rows are written at a time; the first of them decide how wide the columns of a table are.
_BATCH = 1_000


def run_report(
    name: str,
    options: ReportOptions,
    arguments: Mapping[str, Any],
    failing: Sequence[str] = (),
    chosen: Sequence[str] = (),
) -> None:
    """
    Make a report, and write it as the command line says.

    Args:
        name: Which.
        options: What it is asked for.
        arguments: The options of the command, by name.
        failing: Findings that are a failure, besides those that `--fail-on` names.
        chosen: Findings of which a row must have one; those of `--only`, if it is given.

    Raises:
        FindingsError: The report has such findings; it is written all the same.
        Error: It cannot be made, or written.
    """
    terminal.configure_log(arguments["verbose"])
    rules = REPORTS[name].rules
    only = _read_rules(arguments["only"], rules, "--only") or tuple(chosen)
    forbidden = {*failing, *_read_rules(arguments["fail_on"], rules, "--fail-on")}
    page = _find_page(arguments)
    spec = None if page is not None else _read_spec(name, arguments)
    report = _make(name, options, arguments)
    if only:
        report = report.select(only)
    if spec is not None:
        _write_rows(report, spec)
    else:
        _write_page(report, arguments["output"])
    if not arguments["quiet"]:
        _say(report, name)
    _refuse_findings(report, forbidden)


def _read_rules(text: str | None, rules: Mapping[str, str], option: str) -> tuple[str, ...]:
    names = split_names(text)
    if "all" in names:
        return tuple(rules)
    for name in names:
        if name not in rules:
            raise UsageError(
                f"{option} {name}: there is no such finding in this report",
                code="option_invalid",
                hint=f"Its findings are {', '.join(rules)}; all stands for every finding.",
            )
    return names


def _find_page(arguments: Mapping[str, Any]) -> Path | None:
    """The file of a page of HTML, `-` for standard output; None where no page is asked for."""
    output: Path | None = arguments["output"]
    named = output is not None and output.suffix.lower() in {".html", ".htm"}
    if arguments["format_"] != "html" and (arguments["format_"] is not None or not named):
        return None
    for name, option in (("query", "--query"), ("compress", "--compress"), ("sort", "--sort")):
        if arguments[name] is not None:
            raise UsageError(
                f"{option} works with records, but an HTML page is a single document",
                code="option_invalid",
                hint=f"Leave {option} out, or choose another format.",
            )
    for name, option in (("raw_cells", "--raw-cells"), ("bom", "--bom")):
        if arguments[name]:
            raise UsageError(
                f"{option} works with CSV only, and this is an HTML page",
                code="option_invalid",
                hint=f"Leave {option} out, or add --format csv.",
            )
    if output is None or str(output) == "-":
        add_stdout(click.get_current_context())
        return Path("-")
    return output


def _read_spec(name: str, arguments: Mapping[str, Any]) -> "OutputSpec":
    spec = read_spec(arguments, REPORTS[name].columns)
    if spec.format == "table":
        return spec
    # What a program reads has everything; a table has what fits.
    types = find_columns(name)
    return spec._replace(columns=tuple(types), types=types)


def _make(name: str, options: ReportOptions, arguments: Mapping[str, Any]) -> Report[Any]:
    if arguments["store"] is not None:
        _refuse_live(arguments)
        with open_history(arguments) as history:
            return run_async(make_stored_report(history, name, options))
    if arguments["tenant"] is not None:
        raise UsageError(
            "--tenant works only together with --store",
            code="option_invalid",
            hint="Name the store with --store, or the tenant's settings as PARAMETERS.",
        )
    client = Client(
        load_settings(arguments["parameters"]),
        share=read_share(arguments["polite"]),
        attempts=arguments["attempts"] or ATTEMPTS,
    )

    async def work() -> Report[Any]:
        async with client:
            return await make_report(client, name, options)

    return run_async(work())


def _refuse_live(arguments: Mapping[str, Any]) -> None:
    live = {"parameters": "PARAMETERS", "polite": "--polite", "attempts": "--attempts"}
    for name, option in live.items():
        if arguments[name]:
            raise UsageError(
                f"{option} does not go with --store",
                code="option_invalid",
                hint="Leave it out: a store is read without settings and without requests.",
            )


def _write_rows(report: Report[Any], spec: "OutputSpec") -> None:
    records = [msgspec.Raw(msgspec.json.encode(row)) for row in report.rows]
    with Sink(spec, terminal.open_output()) as sink:
        for start in range(0, len(records), _BATCH):
            sink.write(records[start : start + _BATCH])
        sink.finish()


def _write_page(report: Report[Any], output: Path | None) -> None:
    from graphdaemon.client.reports.page import write_page

    content = write_page(report)
    if output is None or str(output) == "-":
        terminal.print_lines(content.decode().rstrip("\n"))
        return
    file = AtomicFile(output)
    try:
        file.write(content)
        file.commit()
    finally:
        file.discard()


def _say(report: Report[Any], name: str) -> None:
    for note in report.notes:
        terminal.say(note, hang=2)
    counts = report.count()
    findings = ", ".join(f"{count:,} {rule}" for rule, count in counts.items()) or "no findings"
    rows = f"{len(report.rows):,} row{'' if len(report.rows) == 1 else 's'}"
    requests = sum(one.requests for one in report.coverage)
    records = ", ".join(f"{one.records:,} {one.collection}" for one in report.coverage)
    terminal.say(f"{rows} of {name}: {findings}", hang=2)
    cost = f", in {requests:,} requests" if requests else ""
    terminal.say(f"complete, from {records}{cost}", hang=2)


def _refuse_findings(report: Report[Any], forbidden: set[str]) -> None:
    counts = {rule: count for rule, count in report.count().items() if rule in forbidden}
    if not counts:
        return
    findings = ", ".join(f"{count:,} {rule}" for rule, count in counts.items())
    raise FindingsError(
        f"the report has findings that the command line forbids: {findings}",
        code="findings",
        hint="To see the rows that have them, add --only " + ",".join(counts),
    )


def read_file(path: Path, option: str) -> bytes:
    """
    Return what a file holds.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{option} {path.name} cannot be read: {error.strerror}",
            code="option_invalid",
            hint="Name a file that this user may read.",
        ) from None


def read_time(text: str | None, option: str) -> dt.timedelta | None:
    """
    Return the length of time that an option gives, such as `30d`; None where it is not given.

    Raises:
        UsageError: It is none.
    """
    if text is None:
        return None
    return dt.timedelta(seconds=options.read_length(option, text, "30d, 180d or 12h", least=0))
