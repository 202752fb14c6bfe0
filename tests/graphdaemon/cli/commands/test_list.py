"""`graphdaemon list`: which collection, in which form, and what its end means."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

GROUP = "33333333-3333-4333-8333-333333333333"


class Directory:
    """A Graph without delta: two groups of one name, and one with three members."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self.names = {"Sales": [GROUP], "Twins": [GROUP, GROUP[::-1]], "Bo's": [GROUP]}

    def __call__(self, request: Request) -> Answer:
        path, _, options = request.target.partition("?")
        if path.endswith(("/delta", "/$count")):
            return json_answer({"error": {"code": "BadRequest", "message": "No."}}, 400)
        if path == "/v1.0/groups" and "filter=" in options:
            wanted = options.partition("eq%20'")[2].partition("'%20or")[0].replace("''", "'")
            return page(*({"id": id_} for id_ in self.names.get(wanted, [])))
        if path == f"/v1.0/groups/{GROUP}/members":
            return page(*({"id": str(n), "displayName": f"M{n}"} for n in range(3)))
        if path == "/v1.0/groups":
            link = f"{self._server.url}/v1.0/groups?$skiptoken=1" if "skip" not in options else None
            return page({"id": options[-4:], "displayName": "G"}, next_link=link)
        return Answer(404)


@pytest.fixture
def directory(scripted: ScriptedServer, tmp_path: Path) -> Path:
    scripted.script = Directory(scripted)
    return scripted.write_parameters(tmp_path)


def test_users_is_list_users(command: Command, parameters: WriteParameters) -> None:
    """The quickstart's short form is the same code, and gives the same bytes."""
    path = parameters()

    long = command("list", "users", path, "-f", "ndjson", "--sort", "id")
    short = command("users", path, "-f", "ndjson", "--sort", "id")

    assert long.code == short.code == 0
    assert long.out == short.out
    assert len(long.out.splitlines()) == 250


@pytest.mark.parametrize("name", ["Users", "USERS", "/users/"])
def test_a_collection_is_known_in_any_spelling(
    command: Command, parameters: WriteParameters, name: str
) -> None:
    """Graph does not mind capitals, so neither do we."""
    outcome = command("list", name, parameters(), "-f", "csv")

    assert outcome.out.startswith(b"displayName,userPrincipalName,jobTitle,id\r\n")


@pytest.mark.parametrize("group", [GROUP, "Sales", "Bo's"])
def test_members_of_a_group(command: Command, directory: Path, group: str) -> None:
    """By its ID or by its name, with a quote in it or without."""
    outcome = command("list", "members", directory, "--of", group, "-f", "csv")

    assert outcome.out == b"displayName,id\r\nM0,0\r\nM1,1\r\nM2,2\r\n"
    assert outcome.code == 0


def test_members_of_a_group_by_its_path(command: Command, directory: Path) -> None:
    """Any path of Graph is a collection."""
    outcome = command("list", f"groups/{GROUP}/members", directory, "-f", "ndjson")

    assert len(outcome.out.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("members", "--of", "Nobody"), "no groups have that name", "--search"),
        (("members", "--of", "Twins"), "2 groups have that name", GROUP[::-1]),
        (("members",), "members of which group?", "--of GROUP"),
        (("users", "--of", "Sales"), "--of is for members", "--of GROUP"),
        (("user",), "there is no collection user", "Did you mean users?"),
        (("users?$top=5",), "more than the name of a collection", "graphdaemon request"),
        (("users", "--polite", "0%"), "--polite 0% is no percentage", "30%"),
        (("users", "--polite", "0.3"), "--polite 0.3 is no percentage", "30%"),
        (("users", "-o", "u.xlsx"), ".xlsx is none of the formats", ".csv"),
        (("users", "--bom"), "--bom is for CSV, and the format is json", "--format csv"),
        (("users", "--raw-cells", "-o", "u.ndjson"), "the format is ndjson", "--format csv"),
        (("users", "--query", "length(@)"), "needs the whole list at once", "count"),
        (("users", "-s", "mail", "--sort", "city"), "that property is not read", "--select"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(
    command: Command,
    directory: Path,
    arguments: tuple[str, ...],
    message: str,
    hint: str,
) -> None:
    """Exit code 2, what was wrong, and how to put it."""
    name, *rest = arguments

    outcome = command("list", name, directory, *rest)

    assert outcome.code == 2
    assert outcome.out == b""
    assert message in outcome.err
    assert hint in outcome.err.partition("\nTry: ")[2]


def test_an_unproved_listing_exits_with_8(command: Command, directory: Path) -> None:
    """Everything was printed; that it was everything, nothing shows."""
    outcome = command("list", "groups", directory)

    assert outcome.code == 8
    assert len(json.loads(outcome.out)["value"]) == 2
    account, error, hint = outcome.err.splitlines()
    assert account.startswith("2 records, unproved: there is no delta")
    assert error == "Error: nothing proves that the listing is complete"
    assert "--allow-unproved" in hint


def test_an_unproved_listing_makes_no_file(command: Command, directory: Path) -> None:
    """Whoever finds the file may take it for the whole; unless told that it need not be."""
    path = directory.parent / "groups.csv"

    assert command("list", "groups", directory, "-o", path).code == 8
    assert not path.exists()
    assert command("list", "groups", directory, "-o", path, "--allow-unproved").code == 0
    assert len(path.read_text().splitlines()) == 3


def test_a_held_listing_that_is_unproved_prints_nothing(command: Command, directory: Path) -> None:
    """--hold promises that what is printed was proved."""
    outcome = command("list", "groups", directory, "--hold")

    assert (outcome.code, outcome.out) == (8, b"")


def test_the_proof_is_the_listing_record(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    """One line on stderr, all of it in the file."""
    proof = tmp_path / "proof.json"

    outcome = command("users", parameters(), "--proof", proof, "-f", "ndjson")

    record: dict[str, Any] = json.loads(proof.read_text())
    assert (record["collection"], record["records"], record["verdict"]) == (
        "users",
        250,
        "complete",
    )
    assert outcome.err == f"250 records, complete: {record['why']}\n"


def test_a_proof_that_cannot_be_written_is_said_at_once(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Not after an hour of listing: nothing is asked of Graph."""
    outcome = command("users", scripted.write_parameters(tmp_path), "--proof", tmp_path)

    assert outcome.code == 7
    assert "is a folder" in outcome.err
    assert scripted.requests == []


def test_a_property_that_nobody_has_is_named(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """What the app may not read comes as null: that it is null everywhere is said."""
    scripted.script = [Answer(400), page({"id": "1", "mail": "a", "city": None})]

    outcome = command("users", scripted.write_parameters(tmp_path), "--select", "mail,city")

    assert "Empty in every record (not set, or not readable" in outcome.err
    assert ": city\n" in outcome.err


def test_a_listing_that_fails_has_a_proof_too(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """It says how far it came, and that it is incomplete."""
    link = f"{scripted.url}/v1.0/users?$skiptoken=a"
    scripted.script = [Answer(400), page({"id": "1"}, next_link=link), Answer(403)]
    proof, output = tmp_path / "proof.json", tmp_path / "users.json"

    outcome = command("users", scripted.write_parameters(tmp_path), "--proof", proof, "-o", output)

    assert outcome.code == 5
    assert json.loads(proof.read_text())["verdict"] == "incomplete"
    assert outcome.err.splitlines()[0].startswith("1 record, incomplete: ")
    assert not output.exists()


def test_an_output_file_by_its_name(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    """users.csv.gz is compressed CSV, and nothing goes to stdout."""
    path = tmp_path / "users.csv.gz"

    outcome = command("users", parameters(), "--output", path, "--select", "displayName,id")

    assert (outcome.code, outcome.out) == (0, b"")
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline="")))
    assert rows[0] == ["displayName", "id"]
    assert len(rows) == 251


def test_a_dash_is_standard_output(command: Command, parameters: WriteParameters) -> None:
    """As everywhere."""
    assert len(command("users", parameters(), "-o", "-", "-f", "ndjson").out.splitlines()) == 250


def test_sort_and_query_work_together(command: Command, parameters: WriteParameters) -> None:
    """First the order, by a property of the record, then what the query makes of it."""
    outcome = command(
        *("users", parameters(), "-f", "ndjson", "--sort", "displayName"),
        *("--query", "[?jobTitle=='Counsel'].displayName"),
    )

    names = [json.loads(line) for line in outcome.out.splitlines()]
    assert names
    assert names == sorted(names)


def test_a_query_that_does_not_fit_a_record_ends_it(
    command: Command, parameters: WriteParameters
) -> None:
    """Found out on the way: the exit code is that of wrong usage all the same."""
    outcome = command("users", parameters(), "--query", "[?starts_with(nickname, 'a')]")

    assert outcome.code == 2
    assert "Guard against null" in outcome.err
