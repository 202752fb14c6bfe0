"""`graphdaemon diff`: what is otherwise than it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.lived_store import live
from tests.support.postgres_server import PostgresServer
from tests.support.run_command import Command


def differ(command: Command, url: str, *arguments: object) -> set[tuple[str, str, str]]:
    done = command("diff", "--store", url, "--format", "ndjson", *arguments)
    assert done.code == 0, done.err
    events = map(json.loads, done.out.splitlines())
    return {(event["id"], event["name"], event["what"]) for event in events}


def test_all_that_the_store_has_is_compared(command: Command, lived_url: str) -> None:
    """An object has one line, and who went and came back has none."""
    assert differ(command, lived_url, "--since", "2026-11-01T09:00Z") == {
        ("a", "Ana", "updated"),
        ("c", "Cy", "deleted"),
        ("d", "Di", "created"),
        ("g/b", "g: Bo", "deleted"),
        ("g/d", "g: Di", "created"),
    }


def test_a_store_in_postgresql_answers_the_same(
    command: Command, postgres_server: PostgresServer
) -> None:
    url = live(postgres_server.make_schema())
    manager = ("list", "users", "--store", url, "--where", "\"jobTitle\" = 'Manager'")
    wrong = command("list", "users", "--store", url, "--where", "accountEnabled")

    assert ("g/d", "g: Di", "created") in differ(command, url, "--since", "2026-11-01T09:00Z")
    assert b"Ana" in command("history", "a", "--store", url).out
    assert b"Ana" in command(*manager, "--as-of", "2026-11-01T10:00Z").out
    assert command(*manager, "--as-of", "2026-11-01T09:00Z").out == b'{\n  "value": []\n}\n'
    assert wrong.code == 2
    assert 'column "accountenabled" does not exist' in wrong.err


def test_a_collection_that_was_kept_later_is_left_out_unless_it_is_named(
    command: Command, lived_url: str
) -> None:
    since = ("--store", lived_url, "--since", "2026-11-01T08:30Z")
    rest, named = command("diff", *since), command("diff", *since, "groups/members", "users")

    assert rest.err == "3 records differ since 2026-11-01T08:30Z: users\n"
    assert named.code == 2
    assert "contains groups/members only since 2026-11-01T09:00Z" in named.err


def test_one_collection_between_two_times(command: Command, lived_url: str) -> None:
    times = ("--since", "2026-11-01T08:00Z", "--until", "2026-11-01T10:00Z")

    assert differ(command, lived_url, *times, "users") == {
        ("a", "Ana", "updated"),
        ("b", "Bo", "removed"),
        ("d", "Di", "created"),
    }
    assert differ(command, lived_url, "--since", "2026-11-02", "users", "users") == set()


def test_as_a_table_the_changes_are_sentences(command: Command, lived_url: str) -> None:
    done = command("diff", "users", "--since", "2026-11-01T08:00Z", "--store", lived_url)

    assert "jobTitle: Clerk → Manager; businessPhones: nothing → [" in done.out.decode()
    assert done.err == "3 records differ since 2026-11-01T08:00Z: users\n"


def test_a_long_value_is_cut_in_a_sentence_and_whole_in_json(
    command: Command, lived_url: str, tmp_path: Path
) -> None:
    from graphdaemon.store.store import open_store
    from tests.support.lived_store import USERS, user

    with open_store(lived_url) as store, store.change(1, "users", "round") as change:
        change.put([user("d", "Di", jobTitle="x" * 100)])
        change.save(USERS)
    arguments = ("diff", "users", "--since", "2026-11-01T13:00Z", "--store", lived_url)

    table, whole = command(*arguments), command(*arguments, "-o", tmp_path / "diff.json")
    assert f"jobTitle: nothing → {'x' * 59}…" in table.out.decode()
    assert whole.out == b""
    assert "x" * 100 in (tmp_path / "diff.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--since", "2026-10-01"], "contains users only since 2026-11-01T08:00Z"),
        (["--since", "2099-01-01"], "is in the future"),
        (["--since", "last week"], "last week is neither a date"),
        (["--since", "2026-11-01T10:00Z", "--until", "2026-11-01T09:00Z"], "is before --since"),
        (["--since", "2026-11-02", "--until", "2099-01-01"], "--until 2099-01-01T00:00Z is in the"),
        (["--since", "2026-11-02", "devices"], "does not contain devices of Contoso"),
        (["--since", "2026-11-02", "divices"], "Did you mean devices?"),
        ([], "Missing option '--since'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_compared_is_refused(
    command: Command, lived_url: str, arguments: list[str], problem: str
) -> None:
    done = command("diff", "--store", lived_url, *arguments)

    assert done.code == 2
    assert problem in done.err


def test_quiet_leaves_what_differs_and_no_account(command: Command, lived_url: str) -> None:
    """On stderr nothing stands where all is well."""
    arguments = ("diff", "--store", lived_url, "--since", "2026-11-01T08:00Z")
    said, quiet = command(*arguments), command(*arguments, "--quiet")

    assert (quiet.code, quiet.out, quiet.err) == (0, said.out, "")
    assert said.err
