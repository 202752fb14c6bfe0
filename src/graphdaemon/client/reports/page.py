"""A report as a page of HTML: a file of its own, which needs nothing beside it."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from graphdaemon.client.reports.options import REPORTS
from graphdaemon.client.reports.report import Report, Row
from graphdaemon.output.page.template import make_environment, read_style

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


# What is long may be broken anywhere; the other columns are not, where there is room.
_LONG = frozenset(
    "displayName name owners findings licences userPrincipalName permission resource".split()
)


class _Column(NamedTuple):
    name: str
    title: str
    style: str


def write_page(report: Report[Any]) -> bytes:
    """Return a report as HTML, in UTF-8."""
    row = REPORTS[report.name]
    columns = [
        _Column(name, _make_title(name), "" if name in _LONG else "short") for name in row.columns
    ]
    text = (
        make_environment(__package__)
        .get_template("report.html")
        .render(
            title=row.title,
            style=read_style().decode(),
            report=report,
            rows=[_show(one) for one in report.rows],
            columns=columns,
            counts=report.count(),
            rules=row.rules,
        )
    )
    return text.encode("utf-8", "replace")


def _make_title(name: str) -> str:
    """Return a property as words: `endDateTime` is `End`, `daysLeft` is `Days left`."""
    words = _WORD.sub(" ", name.removesuffix("DateTime").replace("userPrincipalName", "userName"))
    return words.capitalize()


def _show(row: Row) -> Mapping[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(row)
    return {
        name: value if name == "findings" else _show_value(name, value)
        for name, value in values.items()
    }


def _show_value(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if name.endswith("DateTime"):
        return str(value)[:10]
    return f"{value:,}" if type(value) is int else str(value)
