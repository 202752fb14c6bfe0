"""`graphdaemon history`: the life of one object."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.support.lived_store import live
from tests.support.postgres_server import PostgresServer
from tests.support.run_command import Command, WriteParameters


def test_a_life_is_shown_as_a_table(command: Command, lived_url: str) -> None:
    done = command("history", "a", "--store", lived_url)

    lines = [line.split() for line in done.out.decode().splitlines()]
    assert done.code == 0
    assert lines[0] == ["at", "collection", "name", "what", "changed", "id"]
    assert lines[2:] == [
        "2026-11-01T08:00:00Z users Ana known a".split(),
        "2026-11-01T10:00:00Z users Ana updated jobTitle: Clerk → Manager a".split(),
        '2026-11-01T12:00:00Z users Ana updated businessPhones: nothing → ["1"] a'.split(),
    ]


def test_as_json_each_change_has_its_values_and_the_whole_object(
    command: Command, lived_url: str
) -> None:
    done = command("history", "c", "--store", lived_url, "--format", "ndjson")
    known, deleted = map(json.loads, done.out.splitlines())
    updated = json.loads(command("history", "a", "--store", lived_url, "-f", "json").out)["value"]

    assert known["what"] == "known"
    assert known["document"]["displayName"] == "Cy"
    assert deleted == {
        "at": "2026-11-01T12:00:00.000000Z",
        "collection": "users",
        "id": "c",
        "name": "Cy",
        "what": "deleted",
        "changed": {},
        "document": None,
    }
    assert updated[1]["changed"] == {"jobTitle": {"before": "Clerk", "after": "Manager"}}
    assert updated[1]["document"]["jobTitle"] == "Manager"


def test_who_came_back_is_restored_and_edges_have_the_names_of_both_ends(
    command: Command, lived_url: str
) -> None:
    life = command(
        *("history", "b", "--store", lived_url, "--format", "ndjson"),
        *("--query", "[].[collection, name, what]"),
    )
    edge = command("history", "g/b", "--store", lived_url, "-f", "csv")

    assert [tuple(json.loads(line)) for line in life.out.splitlines()] == [
        ("users", "Bo", "known"),
        ("users", "Bo", "removed"),
        ("users", "Bo", "restored"),
        ("groups/members", "g: Bo", "deleted"),
    ]
    assert b"groups/members,g: Bo,deleted" in edge.out


def test_an_id_that_was_never_there_is_refused(command: Command, lived_url: str) -> None:
    """And what is said to look it up by works as it stands."""
    done = command("history", "nobody", "--store", lived_url)

    assert done.code == 2
    assert "has never had an object with the ID nobody" in done.err
    words = shlex.split(done.err.partition("Look the ID up: ")[2])
    looked = command(*words[1:])
    assert looked.code == 0
    assert b"Ana" in looked.out


def test_the_store_is_that_of_the_settings_unless_one_is_named(
    command: Command, parameters: WriteParameters, lived_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL with a password stands in a file or a variable, and not on a command line."""
    monkeypatch.setenv("GRAPHDAEMON_STORE", lived_url)
    assert b"Ana" in command("history", "a").out
    monkeypatch.setenv("GRAPHDAEMON_STORE", "sqlite:absent.db")
    monkeypatch.setenv("GRAPHDAEMON_CONFIG", str(parameters(store=lived_url)))
    assert "no store sqlite:absent.db" in command("history", "a").err
    monkeypatch.delenv("GRAPHDAEMON_STORE")
    assert b"Ana" in command("history", "a").out
    assert "no store sqlite:other.db" in command("history", "a", "--store", "sqlite:other.db").err
    monkeypatch.setenv("GRAPHDAEMON_CONFIG", str(parameters(store=lived_url, client_id=None)))
    assert command("history", "a").code == 3


def test_a_password_in_a_url_is_not_shown(
    command: Command, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.make_schema()
    live(url)
    monkeypatch.setenv("GRAPHDAEMON_STORE", f"{url}&password=Hidden7")
    done = command("history", "nobody")

    assert "has never had an object with the ID nobody" in done.err
    assert "Hidden7" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("history", "a"),
        ("diff", "--since", "2026-11-01"),
        ("list", "users"),
        ("sync",),
        ("run",),
        ("export", "--to", "exported"),
    ],
)
@pytest.mark.parametrize("url", ["u:Hidden7@h/d", "h/d?password=Hidden7"])
def test_a_password_on_the_command_line_is_refused(
    command: Command, words: tuple[str, ...], url: str
) -> None:
    """Everybody on the machine could read it in the list of processes."""
    done = command(*words, "--store", f"postgresql://{url}")

    assert done.code == 2
    assert "GRAPHDAEMON_STORE" in done.err
    assert "Hidden7" not in done.err


def test_without_a_store_nothing_is_made(command: Command) -> None:
    done = command("history", "a")

    assert done.code == 7
    assert "There is no store sqlite:graphdaemon.db" in done.err
