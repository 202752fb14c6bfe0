"""`graphdaemon status`: how up to date a store is, what fails and why, and what will expire."""

from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.stored_options import open_named, store_option
from graphdaemon.errors import StoreLateError

if TYPE_CHECKING:
    from graphdaemon.daemon.status import (
        CollectionStatus,
        CredentialStatus,
        StoreStatus,
        TenantStatus,
    )

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_HEAD = ("collection", "state", "in step", "rows", "delta link", "next run", "failures")


@click.command(cls=StrictCommand)
@store_option
@click.option(
    "--max-age",
    metavar="TIME",
    help="The age at which a collection is late, such as 30m; by default, three times the "
    "interval of the daemon.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@options.verbose_option
def status(*, store: str | None, max_age: str | None, as_json: bool, verbose: int) -> None:
    """
    Show how up to date a store is, and what fails.

    For each tenant and collection, it shows when the store was last in step with the directory, how
    many rows there are, the age of the delta link, the next run, and the last failure with its
    hint. It also shows when the credentials expire. It only reads the store, and works whether a
    daemon is running or not. The exit code is 0 if everything is in step, and 11 if something is
    late or was never in step.
    """
    from graphdaemon.daemon.status import read_status
    from graphdaemon.store.times import now_utc

    terminal.configure_log(verbose)
    limit = _read_age(max_age)
    with open_named(store) as opened:
        report = read_status(opened, now_utc(), limit)
    if as_json:
        terminal.print_lines(report.to_json().decode().rstrip("\n"))
    else:
        _print(report)
    if not report.in_step:
        raise StoreLateError(_say_late(report), code="store_late", hint=_find_hint(report))


def _read_age(text: str | None) -> float | None:
    return None if text is None else options.read_length("--max-age", text, "15m, 2h or 1d")


def _say_late(report: "StoreStatus") -> str:
    if not report.tenants:
        return f"the store {report.store} does not contain a tenant yet"
    late, never = report.count("late"), report.count("never")
    broken = sum(tenant.error is not None for tenant in report.tenants)
    parts = [
        f"{number} {words}"
        for number, words in (
            (late, "too old"),
            (never, "not in step yet"),
            (broken, "with settings that cannot be used"),
        )
        if number
    ]
    return f"the store {report.store} is not in step: {', '.join(parts)}"


def _find_hint(report: "StoreStatus") -> str:
    """Return the hint of the first failure; where nothing failed, nobody works at it."""
    errors = [
        *(tenant.error for tenant in report.tenants),
        *(one.error for tenant in report.tenants for one in tenant.collections if one.is_bad),
    ]
    hints = (error.hint for error in errors if error is not None and error.hint)
    return next(hints, "Check that graphdaemon run is running, or run graphdaemon sync.")


def _print(report: "StoreStatus") -> None:
    for tenant in report.tenants:
        name = tenant.name if tenant.name == tenant.tenant else f"{tenant.name} {tenant.tenant}"
        terminal.print_line(name.rstrip(), lead="", style={"bold": True})
        if tenant.error is not None:
            _print_error(tenant.error.message, tenant.error.hint)
        for credential in tenant.credentials:
            terminal.print_line(f"  {_describe_credential(credential)}")
        _print_collections(tenant)


def _print_collections(tenant: "TenantStatus") -> None:
    from datetime import UTC, datetime

    rows = [_HEAD, *(_list_columns(one, datetime.now(UTC)) for one in tenant.collections)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for number, row in enumerate(rows if tenant.collections else []):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminal.print_line(f"  {'  '.join(cells)}".rstrip())
        error = tenant.collections[number - 1].error if number else None
        if error is not None:
            _print_error(error.message, error.hint)


def _list_columns(one: "CollectionStatus", now: Any) -> tuple[str, ...]:
    from datetime import datetime

    planned = "not planned"
    if one.next:
        seconds = (datetime.fromisoformat(one.next) - now).total_seconds()
        planned = f"in {_show_span(seconds)}" if seconds >= 1 else "now"
    if one.working:
        planned = "at work"
    return (
        one.collection,
        one.state.replace("_", " "),
        "never" if one.age is None else f"{_show_span(one.age)} ago",
        f"{one.rows:,}",
        "none" if one.link_age is None else _show_span(one.link_age),
        planned,
        str(one.failures),
    )


def _describe_credential(one: "CredentialStatus") -> str:
    if one.days is None:
        return f"{one.kind} ({one.source}): end unknown"
    word = "ended" if one.days < 0 else "ends"
    left = f"{-one.days} days ago" if one.days < 0 else f"in {one.days} days"
    return f"{one.kind} ({one.source}): {word} {one.ends[:10]}, {left}"


def _print_error(message: str, hint: str) -> None:
    terminal.print_line(f"    {message}", hang=6)
    if hint:
        terminal.print_line(f"    Try: {hint}", hang=6)


def _show_span(seconds: float) -> str:
    unit, length = next((row for row in _UNITS if seconds >= row[1]), _UNITS[-1])
    return f"{int(seconds // length)} {unit}"
