"""`graphdaemon doctor`: find out why it does not work."""

import json
from pathlib import Path

import click

from graphdaemon import __version__, log
from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.diagnosis.permissions import parse_call
from graphdaemon.doctor import examine, summarize
from graphdaemon.doctor.finding import Finding, Result
from graphdaemon.doctor.state import Examination
from graphdaemon.settings.read import read_settings

_STYLES = {
    "ok": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "failed": {"fg": "red"},
    "skipped": None,
}


@click.command(cls=StrictCommand)
@options.settings_argument
@click.option(
    "--for",
    "calls",
    multiple=True,
    metavar="CALL",
    help='A call that is to work, such as "GET /users"; repeatable. By default endpoint.',
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
@click.option("--verbose", "-v", count=True, help="Say what is done; twice: everything.")
def doctor(*, parameters: Path | None, calls: tuple[str, ...], as_json: bool, verbose: int) -> int:
    """
    Find out why it does not work.

    Looks at settings, network, token service, credential, token, roles and the call itself, in
    turn; says of the first that fails what is wrong and what to do. Nothing is changed anywhere.
    The exit code is that of the failure.
    """
    terminal.configure_log(verbose)
    examination = Examination(
        lambda: read_settings(parameters), calls=tuple(parse_call(call) for call in calls)
    )
    results: list[Result] = []
    try:
        for result in examine(examination):
            results.append(result)
            if not as_json:
                _print(result)
    finally:
        examination.close()
    _, exit_code, _ = summarize(results)
    if as_json:
        terminal.print_lines(json.dumps(describe(results), indent=2, ensure_ascii=False))
    else:
        _conclude(results)
    return exit_code


def describe(results: list[Result]) -> dict[str, object]:
    """The report for machines, as docs/reference/diagnoses.md describes it."""
    verdict, exit_code, first = summarize(results)
    return {
        "graphdaemon": __version__,
        "verdict": verdict,
        "exit_code": exit_code,
        "first": _describe(first) if first else None,
        "checks": [_describe(result) for result in results],
    }


def _describe(result: Result) -> dict[str, object]:
    check, finding = result
    advice = finding.advice
    return {
        "check": check.name,
        "host": check.host,
        "state": finding.state,
        "words": log.redact(finding.words),
        "case": advice.case if advice else None,
        "code": (advice.code or None) if advice else None,
        "meaning": advice.meaning if advice else None,
        "step": advice.step if advice else None,
        "details": dict(finding.details),
    }


def _print(result: Result) -> None:
    check, finding = result
    about = f"{check.host}: " if check.host and finding.state != "skipped" else ""
    # One line: what services and certificates say may have several.
    words = log.redact(" ".join(finding.words.split()))
    terminal.print_line(
        f" {check.name:12} {about}{words}",
        lead=f"{finding.state:8}",
        style=_STYLES[finding.state],
        hang=22,
    )


def _conclude(results: list[Result]) -> None:
    verdict, _, first = summarize(results)
    terminal.print_line()
    if first is None:
        terminal.print_line("Nothing is wrong.")
        return
    findings = [result.finding for result in results if result.finding.state == verdict]
    # What fails after the first failure mostly follows from it; warnings are independent.
    for finding in findings[:1] if verdict == "failed" else findings:
        _explain(finding, "Wrong" if verdict == "failed" else "Note")


def _explain(finding: Finding, word: str) -> None:
    advice = finding.advice
    if advice is None:
        return
    terminal.print_line(f"{word}: {advice.meaning}", hang=5)
    for name, label in (("correlation_id", "Correlation ID"), ("request_id", "Request ID")):
        if name in finding.details:
            terminal.print_line(f"{label}: {finding.details[name]}")
    terminal.print_line(f"Try: {advice.step}", hang=5)
