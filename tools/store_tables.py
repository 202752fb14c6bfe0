"""Describe the tables and views of a store as its migrations and the stored collections say."""

import re
from collections.abc import Iterator

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.migrations import MIGRATIONS, VERSION

_PROSE = f"""\
What a database that `graphdaemon sync` keeps is made of
([how to query it](../how-to/query-the-store.md)).
SQLite and PostgreSQL have the same tables, of version {VERSION}. A store of an earlier version is
brought up to date when it is opened, in one transaction; one of a newer version is refused.

People read the **views**, which have a column for each property. What is current stands in
`…_records`, once; a version that ended moves to `…_history`. Times are texts in UTC with
microseconds, which compare as the times do. Do not write to any of them.
"""
_VIEWS_PROSE = """\
## Views

Each has `tenant` (the tenant's number), `id`, the columns below, `document` (the record as JSON, of
which `document ->> 'name'` gives any other property that was selected) and `valid_from` (since when
the store has known the record like this). Names of properties need quotation marks:
`SELECT "displayName" FROM users`. A boolean is 0 or 1 in SQLite; `json` is text there.
"""
_TABLE = re.compile(r"CREATE TABLE (\S+) \( -- (.*)\n((?:.*\n)*?)\)")
_COLUMN = re.compile(r"^  ([a-z_]+) ([^\s,]+)(.*?),? -- (.*)$", re.MULTILINE)
_ADDED = re.compile(r"-- (.*)\nALTER TABLE (\S+) ADD COLUMN ([a-z_]+) (\S+)")
_TYPES = {
    "{integer}": "integer",
    "{identity}": "integer",
    "{key}": "text",
    "TEXT": "text",
}


def render() -> str:
    """The page's text below its first line."""
    return "\n".join(
        ["# The store", "", _PROSE, "## Tables", "", *_tables(), _VIEWS_PROSE, *_views()]
    )


def _tables() -> Iterator[str]:
    statements = [
        *(statement for migration in MIGRATIONS for statement in migration.once),
        *(statement for migration in MIGRATIONS for statement in migration.each),
    ]
    text = "\n".join(statements)
    added: dict[str, list[str]] = {}
    for meaning, table, name, kind in _ADDED.findall(text):
        added.setdefault(table, []).append(_row(name, kind, meaning))
    for table, meaning, body in _TABLE.findall(text):
        yield f"### `{table.replace('{table}', '…')}`"
        yield f"\n{meaning}\n"
        yield "| column | type | meaning |\n| --- | --- | --- |"
        yield from (_row(name, kind, text) for name, kind, _, text in _COLUMN.findall(body))
        yield from added.get(table, [])
        yield ""


def _row(name: str, kind: str, meaning: str) -> str:
    return f"| `{name}` | {_TYPES[kind]} | {meaning} |"


def _views() -> Iterator[str]:
    yield "| view | collection | columns |\n| --- | --- | --- |"
    for row in STORED_COLLECTIONS.values():
        columns = ", ".join(
            column.name if column.kind == "text" else f"{column.name} ({column.kind})"
            for column in row.columns
        )
        yield f"| `{row.table}` | `{row.name}` | {columns} |"
    yield ""
