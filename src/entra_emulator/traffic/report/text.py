"""A report as lines of text, for a terminal or a log."""

from collections.abc import Iterator

from entra_emulator.traffic.report.finding import Finding
from entra_emulator.traffic.report.report import ApplicationUse, Report

# The longest lists are cut; the JSON has them whole.
MOST_ROUTES = 20


def write_lines(report: Report) -> Iterator[str]:
    """The report, line by line: what was done, which permissions that needs, what is wrong."""
    yield (
        f"{_count(report.requests, 'request')} to Graph ({_count(report.units, 'unit')}), "
        f"{report.token_requests:,} for tokens; {_count(report.pages, 'page')} in "
        f"{_count(report.listings, 'listing')}; told to wait {_count(report.waits, 'time')}"
    )
    if report.forgotten:
        yield f"{report.forgotten:,} earlier calls are forgotten, and not counted below"
    yield from _write_routes(report)
    if report.errors:
        yield ""
        yield "Refused"
        for error in report.errors[:MOST_ROUTES]:
            status = error.status or "no answer"
            yield f"  {error.count:>6,}  {status} {error.code}  {error.method} {error.route}"
    for application in report.applications:
        yield ""
        yield from _write_application(application)
    yield ""
    yield from _write_findings(report.findings)


def _write_routes(report: Report) -> Iterator[str]:
    if not report.routes:
        return
    yield ""
    yield "Calls"
    for route in report.routes[:MOST_ROUTES]:
        beta = "  (beta)" if route.version == "beta" else ""
        units = _count(route.units, "unit")
        yield f"  {route.calls:>6,}  {route.method} {route.route}{beta}  {units}"
    rest = len(report.routes) - MOST_ROUTES
    if rest > 0:
        yield f"          and {rest:,} more routes"


def _write_application(application: ApplicationUse) -> Iterator[str]:
    user = " for a user" if application.kind == "delegated" else ""
    yield f"Permissions of {application.app_id}{user}"
    yield f"  has      {_join(application.held)}"
    yield f"  needs    {_join(application.least)}"
    if application.unneeded:
        yield f"  too many {_join(application.unneeded)}"
    if application.missing:
        yield f"  lacks    {_join(application.missing)}"
    for call in application.unknown:
        yield f"  unknown  what {call} needs"


def _write_findings(findings: list[Finding]) -> Iterator[str]:
    if not findings:
        yield "Nothing to complain about"
        return
    yield _count(len(findings), "finding")
    for finding in findings:
        yield f"  {finding.rule}: {finding.subject}: {finding.message}"
        yield f"    {finding.hint}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _join(names: list[str]) -> str:
    return ", ".join(names) or "none"
