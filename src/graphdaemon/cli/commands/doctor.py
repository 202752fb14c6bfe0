"""`graphdaemon doctor`: find out why it does not work."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from graphdaemon import __version__, log
from graphdaemon.cli import options, terminal
from graphdaemon.cli.api_token import examine_api_token, read_token
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FileName
from graphdaemon.cli.tenants.each import render_document
from graphdaemon.cli.tenants.examinations import examine_tenants
from graphdaemon.cli.tenants.folder import load_folder, tenants_option
from graphdaemon.diagnosis.permissions import Call, parse_call
from graphdaemon.doctor import examine, summarize
from graphdaemon.doctor.finding import Finding, Result
from graphdaemon.doctor.state import Examination
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.tenants import TenantFile

_STYLES = {
    "ok": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "failed": {"fg": "red"},
    "skipped": None,
}


@click.command(cls=StrictCommand)
@options.settings_argument
@tenants_option
@click.option(
    "--for",
    "calls",
    multiple=True,
    metavar="CALL",
    help='A call that should work, such as "GET /users". Repeatable. By default, the call in '
    "endpoint.",
)
@click.option(
    "--api",
    metavar="PARAMETERS",
    type=FileName(written=False, dir_okay=False),
    help="The settings of an API of your own: check whether it would accept the token of --token.",
)
@click.option(
    "--token",
    metavar="FILE",
    type=FileName(written=False, dir_okay=False, allow_dash=True),
    help="With --api: the file that contains the caller's access token; - is standard input.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
@click.option(
    "--verbose", "-v", count=True, help="Report each step; give the option twice to see everything."
)
def doctor(
    *,
    parameters: Path | None,
    tenants: Path | None,
    calls: tuple[str, ...],
    api: Path | None,
    token: Path | None,
    as_json: bool,
    verbose: int,
) -> int:
    """
    Find out why it does not work.

    It checks the settings, the network, the token service, the credential, the token, its roles and
    the call itself, in this order. For the first check that fails, it says what is wrong and what
    to do. It changes nothing. The exit code is that of the failure.

    With --api and --token, it says instead why an API of your own would refuse a token, in the same
    words that its callers get. Nothing is sent to the API.

    With --tenants, every tenant has a section of its own or, with --json, a member. The exit code
    is that of the first tenant, by name, for which something failed.
    """
    terminal.configure_log(verbose)
    if (api is None) is not (token is None):
        raise click.UsageError("--api and --token work only together.")
    if api is not None and token is not None:
        if parameters is not None or tenants is not None or calls:
            raise click.UsageError(
                "--api already names the settings, and --for does not work with it."
            )
        return _report(examine_api_token(api, read_token(token)), as_json=as_json)
    parsed = tuple(parse_call(call) for call in calls)
    if tenants is not None:
        return _examine_tenants(load_folder(tenants, parameters), parsed, as_json=as_json)
    examination = Examination(lambda: read_settings(parameters), calls=parsed)
    try:
        return _report(examine(examination), as_json=as_json)
    finally:
        examination.close()


def _examine_tenants(files: Sequence[TenantFile], calls: tuple[Call, ...], *, as_json: bool) -> int:
    """Print a section for each tenant, or the JSON of all; return the exit code."""
    members: dict[str, object] = {}
    codes: dict[str, int] = {}
    for name, results in examine_tenants(files, calls):
        members[name] = describe(results)
        codes[name] = summarize(results)[1]
        if not as_json:
            terminal.print_line(f"{name}:")
            _print_all(results)
            terminal.print_line()
    code = next((code for code in codes.values() if code), 0)
    failed = [name for name, own in codes.items() if own]
    if as_json:
        terminal.print_lines(render_document(members, code).decode().rstrip())
    elif failed:
        terminal.say(f"{len(failed)} of {len(files)} tenants failed: {', '.join(failed)}", hang=2)
    return code


def _print_all(results: list[Result]) -> None:
    for result in results:
        _print(result)
    _conclude(results)


def _report(checks: Iterator[Result], *, as_json: bool) -> int:
    """Print each result as it comes, and the conclusion; return the exit code."""
    results: list[Result] = []
    for result in checks:
        results.append(result)
        if not as_json:
            _print(result)
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
