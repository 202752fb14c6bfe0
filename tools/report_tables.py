"""What each report reads, has in its rows and finds, as a page of the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

import msgspec

from graphdaemon.client.reports.options import REPORTS, ReportRow
from graphdaemon.client.reports.report import ROWS, find_columns

_PROSE = """\
# Reports

What `graphdaemon report` and `client.report` read, write and find ([how](../how-to/reports.md)).
The columns only ever grow. A table shows those in bold, CSV, JSON, NDJSON and Parquet all of them.
"""
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_WORDS = {"time": "time", "text": "text", "integer": "integer", "boolean": "true or false"}


def render() -> str:
    """Return the page."""
    return "\n".join([_PROSE, *(line for name in REPORTS for line in _describe(name))]) + "\n"


def _describe(name: str) -> Iterator[str]:
    row = REPORTS[name]
    yield f"## {name}\n"
    yield "| reads | properties | application permission |\n| --- | --- | --- |"
    yield from _list_inputs(row)
    yield "\n| column | type | meaning |\n| --- | --- | --- |"
    meanings = _read_meanings(ROWS[name])
    for column, kind in find_columns(name).items():
        shown = f"**{column}**" if column in row.columns else column
        word = "texts" if isinstance(kind, list) else _WORDS[str(kind)]
        yield f"| {shown} | {word} | {meanings[column]} |"
    yield "\n| finding | where |\n| --- | --- |"
    yield from (f"| `{rule}` | {meaning} |" for rule, meaning in row.rules.items())
    yield ""


def _list_inputs(row: ReportRow) -> Iterator[str]:
    for one in row.inputs:
        optional = "" if one.is_needed else ", if it can be read"
        names = ", ".join(one.select) or "all"
        yield f"| `{one.collection}`{optional} | {names} | `{one.role}` |"


def _read_meanings(row: type[msgspec.Struct]) -> dict[str, str]:
    """Return what the docstring of a row says of each column."""
    section = cleandoc(row.__doc__ or "").partition("Attributes:\n")[2]
    said = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(section)}
    fields = msgspec.structs.fields(row)
    return {field.encode_name: said[field.name] for field in fields}
