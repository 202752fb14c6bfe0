"""`graphdaemon list --store`: what is kept, in every form that live records have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.output.formats import FORMATS
from graphdaemon.store.store import open_store
from tests.support.lived_store import USERS, user
from tests.support.run_command import Command


def names(out: bytes) -> str:
    return " ".join(json.loads(line)["displayName"] for line in out.splitlines())


def listed(command: Command, url: str, *arguments: object) -> str:
    done = command("list", "users", "--store", url, "--format", "ndjson", *arguments)
    assert done.code == 0, done.err
    return names(done.out)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, "Ana Bo Di"),
        ("2026-11-01T08:00Z", "Ana Bo Cy"),
        ("2026-11-01T11:59+02:00", "Ana Bo Cy"),
        ("2026-11-01T10:30", "Ana Cy Di"),
        ("2026-11-02", "Ana Bo Di"),
    ],
)
def test_a_collection_is_shown_as_it_is_and_as_it_was(
    command: Command, lived_url: str, time: str | None, expected: str
) -> None:
    shown = listed(command, lived_url, *(["--as-of", time] if time else []))

    # What is not sorted comes as the database has it.
    assert " ".join(sorted(shown.split())) == expected


def test_quiet_says_nothing(command: Command, lived_url: str) -> None:
    """As of a live list."""
    assert command("list", "users", "--store", lived_url).err != ""
    assert command("list", "users", "--store", lived_url, "-q").err == ""


def test_properties_are_selected_in_any_case(command: Command, lived_url: str) -> None:
    """As of a live list."""
    assert sorted(listed(command, lived_url, "--select", "DISPLAYNAME").split()) == [
        "Ana",
        "Bo",
        "Di",
    ]


def test_the_last_line_says_when_that_was(command: Command, lived_url: str) -> None:
    now = command("list", "USERS", "--store", lived_url)
    then = command("list", "users", "--store", lived_url, "--as-of", "2026-11-01T10:30")

    assert now.err == "3 records of users, as the directory was at 2026-11-01T12:00:00Z\n"
    assert then.err == "3 records of users, as they were at 2026-11-01T10:30\n"


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_shows_the_same_records(
    command: Command, lived_url: str, tmp_path: Path, format_: str
) -> None:
    if format_ == "parquet":
        pytest.importorskip("pyarrow")
    file = tmp_path / "users"
    done = command("list", "users", "--store", lived_url, "-f", format_, "-o", file)

    assert done.code == 0, done.err
    content = file.read_bytes()
    assert b"Ana" in content
    assert b"Di" in content
    assert b"Cy" not in content


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--where", "\"jobTitle\" = 'Manager'"], "Ana"),
        (["--where", "jobTitle = 'Clerk'", "--as-of", "2026-11-01T08:00Z"], "Ana"),
        (["--where", "displayName LIKE '%o' OR \"id\" = 'd'"], "Bo Di"),
        (["--query", "[?jobTitle=='Manager']"], "Ana"),
        (["--where", "true", "--limit", "2"], "Ana Bo"),
        (["--sort", "displayName"], "Ana Bo Di"),
        (["--select", "displayName", "--sort", "displayName"], "Ana Bo Di"),
        (["--select", "displayName", "--sort", "jobTitle"], "Bo Di Ana"),
        (["--sort", "displayName", "--limit", "2"], "Ana Bo"),
        (["--sort", "jobTitle", "--limit", "1", "--where", "accountEnabled"], "Bo"),
    ],
)
def test_records_are_chosen_sorted_and_cut(
    command: Command, lived_url: str, arguments: list[str], expected: str
) -> None:
    assert listed(command, lived_url, *arguments) == expected


def test_a_limit_counts_over_all_that_is_read_at_once(command: Command, lived_url: str) -> None:
    with open_store(lived_url) as store, store.change(1, "users", "round") as change:
        change.put([user(f"x{number:04}", "Xi") for number in range(5_000)])
        change.save(USERS)
    done = command("list", "users", "--store", lived_url, "-f", "ndjson", "--limit", "4500")

    assert len(done.out.splitlines()) == 4_500
    assert done.err.startswith("4,500 records of users")


def test_what_is_selected_is_shown_with_the_id_and_nothing_else(
    command: Command, lived_url: str
) -> None:
    done = command(
        *("list", "users", "--store", lived_url, "--format", "ndjson"),
        *("--select", "businessPhones,jobTitle", "--limit", "1"),
    )

    assert json.loads(done.out) == {"id": "a", "businessPhones": ["1"], "jobTitle": "Manager"}


def test_a_row_is_made_of_each_element_of_a_list(command: Command, lived_url: str) -> None:
    done = command(
        *("list", "users", "--store", lived_url, "--explode", "businessPhones", "-f", "csv"),
        *("-s", "displayName", "--keep-empty", "--sort", "parent.displayName"),
    )

    assert done.out.splitlines() == [
        b"parent.id,parent.displayName,element",
        *(b"a,Ana,1", b"b,Bo,", b"d,Di,"),
    ]
    without = command("list", "users", "--store", lived_url, "--explode", "businessPhones")
    assert without.err.endswith("; 1 row written\n")


def test_edges_are_listed_by_the_name_of_their_collection_or_view(
    command: Command, lived_url: str
) -> None:
    for name in ("groups/members", "group_members"):
        done = command("list", name, "--store", lived_url, "--format", "csv")
        assert done.out == b"parent,child,kind\r\ng,d,user\r\n"


@pytest.mark.parametrize(
    ("arguments", "problem", "step"),
    [
        (
            ["users", "--as-of", "2026-10-31"],
            "contains users only since 2026-11-01T08:00Z",
            "Give this time",
        ),
        (["users", "--as-of", "2099-01-01"], "is in the future", "Leave out --as-of"),
        (
            ["users", "--as-of", "yesterday"],
            "yesterday is neither a date",
            "such as 2026-11-01",
        ),
        (["groups"], "does not contain groups of Contoso", "It contains users, groups/members"),
        (["usrs"], "a store does not keep a collection usrs", "Did you mean users?"),
        (["roles"], "a store does not keep a collection roles", "It keeps users"),
        (
            ["users", "--where", "jobtitel = 1"],
            "no such column: jobtitel",
            "Write an SQL",
        ),
        (["users", "--where", '"jobtitel" = 1'], 'no column "jobtitel"', "Write one condition"),
        (["users", "--where", "1 = 1; DROP TABLE users_records"], "; ends", "Write one"),
        (["users", "--select", "mail"], "does not keep that of users", "It keeps id, displayName"),
        (["users", "--select", "displyName"], "does not keep that of", "Did you mean displayName?"),
        (["users", "--sort", "city"], "--sort city: the store does not keep city", "It keeps id"),
        (
            ["users", "--query", "[?jobTitl]"],
            "--query jobTitl: the store does not",
            "mean jobTitle?",
        ),
        (["users", "--explode", "jobTitle"], "jobTitle: that is not a list", "businessPhones"),
        (["groups/members", "--sort", "id"], "does not keep id of", "It keeps parent, child, kind"),
        (["users", "--tenant", "Fabrikam"], "does not contain a tenant Fabrikam", "(Contoso)"),
        (["users", "--filter", "x"], "--filter does not go with --store", "Use --where"),
        (["users", "--orderby", "x"], "--orderby does not go", "Say --sort"),
        (["users", "--method", "chain"], "--method does not go", "Leave it out"),
        (["members", "--of", "Sales"], "--of does not go", "groups/members"),
        (
            ["users", "--allow-unproved"],
            "--allow-unproved does not go",
            "what was proved complete",
        ),
        (["users", "parameters.json"], "PARAMETERS does not go", "without settings"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_a_store_cannot_answer_is_refused_with_the_next_step(
    command: Command, lived_url: str, arguments: list[str], problem: str, step: str
) -> None:
    done = command("list", *arguments, "--store", lived_url)

    assert done.code == 2
    assert done.out == b""
    assert problem in done.err
    assert step in done.err


@pytest.mark.parametrize("option", ["--as-of", "--where", "--tenant"])
def test_what_only_a_store_can_answer_needs_one(command: Command, option: str) -> None:
    done = command("list", "users", option, "2026-11-01")

    assert done.code == 2
    assert f"{option} works only together with --store" in done.err
    assert "--store sqlite:graphdaemon.db" in done.err


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite:absent.db", "There is no store"),
        ("sqlite:notes.txt", "is not an SQLite database"),
        ("mysql://host/db", "sqlite and postgresql are known"),
    ],
)
def test_a_store_that_is_none_is_refused_and_not_made(
    command: Command, url: str, problem: str
) -> None:
    Path("notes.txt").write_text("not a store, " * 20)
    done = command("list", "users", "--store", url)

    assert done.code == 7
    assert problem in done.err
    assert not Path("absent.db").exists()


def test_the_store_is_not_written_to(command: Command, lived_url: str, tmp_path: Path) -> None:
    """Neither by its rows nor as an output."""
    with open_store(lived_url) as store:
        before = dump(store)
    assert listed(command, lived_url, "--where", "id = id")
    done = command("list", "users", "--store", lived_url, "-o", tmp_path / "lived.db", "-f", "csv")

    assert done.code == 2
    assert "are the same file" in done.err
    with open_store(lived_url) as store:
        assert dump(store) == before


def dump(store: Any) -> dict[str, Any]:
    tables = store.database.fetch("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name: store.database.fetch(f"SELECT * FROM {name}") for (name,) in tables}
