"""The queries that the page shows, in both databases, on a store that has an answer to each."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graphdaemon.store.store import Store
from tests.support.places import DOCS
from tests.support.run_command import Command
from tests.support.store_fixtures import load_users, position, row

PAGE = (DOCS / "how-to" / "query-the-store.md").read_text("utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def directory(store: Store) -> Store:
    """A group with a member, a manager, and a user who was renamed."""
    ana = row("a", displayName="Ana", jobTitle="Clerk", accountEnabled=True, department=None)
    load_users(store, ana, row("b", displayName="Bo", jobTitle="Manager", accountEnabled=False))
    for name, rows in {
        "groups": [row("g", displayName="IT")],
        "groups/members": [row("g/a", parent="g", child="a", kind="user")],
        "users/manager": [row("a/b", parent="a", child="b", kind="user")],
    }.items():
        with store.change(1, name, "baseline") as change:
            change.load(rows)
            change.save(position())
    with store.change(1, "users", "round") as change:
        change.put([row("a", displayName="Anna", accountEnabled=True, department="IT")])
    return store


ANSWERS = {
    "links": 4,
    '"accountEnabled"': [("IT", 1)],
    "group_members": [("IT", "Anna")],
    "user_managers": [("Bo",)],
    "jobTitle": [("b", "Bo")],
    "changes": [("2026-11-01T12:00:00.000000Z", "users", "updated", "a")],
    "FROM users_history\n": 1,
    "UNION ALL": 2,
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_page_has_its_answer(directory: Store, query: str) -> None:
    """The same in both."""
    answer = next(answer for part, answer in list(ANSWERS.items())[::-1] if part in query)

    rows = directory.database.fetch(query.rstrip().rstrip(";"))

    assert (len(rows) if isinstance(answer, int) else rows) == answer


def test_every_query_is_another() -> None:
    assert len(QUERIES) == len(ANSWERS)


def test_the_index_of_the_page_is_used_by_the_view(store: Store) -> None:
    """SQLite's; a query for a name then reads no other record."""
    if not store.shown.startswith("sqlite:"):
        pytest.skip("the plan is SQLite's")
    (statement,) = re.findall(r'sqlite3 graphdaemon.db "(CREATE INDEX .*?)"\n', PAGE)
    with closing(sqlite3.connect(store.shown.removeprefix("sqlite:"))) as connection:
        connection.execute(statement)
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM users WHERE \"userPrincipalName\" = 'x'"
        ).fetchall()

    assert "USING INDEX my_upn" in plan[0][3]


def test_the_exports_of_the_page_work(
    command: Command, directory: Store, store_url: str, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("deltalake")
    directory.close()
    lines = re.findall(r"^graphdaemon (export .*)$", PAGE, re.MULTILINE)
    (tmp_path / "exported").mkdir()
    for line in lines:
        words = line.replace(" exported", f" {tmp_path}/exported").split()
        outcome = command(*words, "--store", store_url)
        assert outcome.code == 0, outcome.err
    assert len(lines) == 2
