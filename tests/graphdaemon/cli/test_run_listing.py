"""What the end of a listing means: the exit code, the listing record, and what was written."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.foreign_files import FOREIGN, look_at
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, ScriptedServer, page


def test_an_unproved_listing_exits_with_8(command: Command, directory: Path) -> None:
    """Everything was printed; that it was everything, nothing shows."""
    outcome = command("list", "groups", directory)

    assert outcome.code == 8
    assert len(json.loads(outcome.out)["value"]) == 2
    account, error, hint = outcome.err.splitlines()
    assert account.startswith("2 records, unproved: there is no delta")
    assert account.endswith("; 2 rows written")
    assert error == (
        "Error: nothing proves that the listing is complete: the check `delta` did not pass"
    )
    # To run it again, as it is advised elsewhere, cannot help: there is no delta of it.
    assert hint == (
        "Try: No run can prove this list complete. To accept it anyway, add --allow-unproved."
    )


def test_an_unproved_listing_makes_no_file(command: Command, directory: Path) -> None:
    """Whoever finds the file may take it for the whole; unless told that it need not be."""
    path = directory.parent / "groups.csv"

    refused = command("list", "groups", directory, "-o", path)
    assert (refused.code, path.exists()) == (8, False)
    assert refused.err.splitlines()[0].endswith("; no row written")
    accepted = command("list", "groups", directory, "-o", path, "--allow-unproved")
    assert (accepted.code, accepted.err.splitlines()[0][-16:]) == (0, "; 2 rows written")
    assert len(path.read_text().splitlines()) == 3


def test_a_held_listing_that_is_unproved_prints_nothing(command: Command, directory: Path) -> None:
    """--hold promises that what is printed was proved."""
    outcome = command("list", "groups", directory, "--hold")

    assert (outcome.code, outcome.out) == (8, b"")
    assert outcome.err.splitlines()[0].endswith("; no row written")


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

    outcome = command(
        "users", scripted.write_parameters(tmp_path), "--select", "mail,city", "--attempts", "1"
    )

    assert "Empty in every record (not set, or not readable" in outcome.err
    assert ": city\n" in outcome.err


def test_a_listing_that_fails_has_a_proof_too(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """It says how far it came, and that it is incomplete."""
    link = f"{scripted.url}/v1.0/users?$skiptoken=a"
    scripted.script = [
        *[Answer(400)] * 2,
        page({"id": "1"}, next_link=link),
        Answer(403),
    ]
    proof, output = tmp_path / "proof.json", tmp_path / "users.json"

    outcome = command("users", scripted.write_parameters(tmp_path), "--proof", proof, "-o", output)

    assert outcome.code == 5
    assert json.loads(proof.read_text())["verdict"] == "incomplete"
    assert outcome.err.splitlines()[0].startswith("1 record, incomplete: ")
    assert not output.exists()


@pytest.mark.parametrize("option", ["--resume", "--proof"])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_graphdaemon_did_not_write_is_left_as_it_is(
    command: Command, scripted: ScriptedServer, tmp_path: Path, option: str, name: str
) -> None:
    """`--resume notes.txt` would be the end of the notes; nothing is asked of Graph."""
    path = tmp_path / "notes.txt"
    FOREIGN[name](path)
    before = look_at(path)

    outcome = command("users", scripted.write_parameters(tmp_path), option, path)

    assert outcome.code == 2, outcome.err
    assert f"{path} is " in outcome.err
    assert ("was not changed" if option == "--resume" else "was left as it is") in outcome.err
    assert look_at(path) == before
    assert scripted.requests == []


def test_a_proof_replaces_the_one_before(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    """What is written is known again."""
    line = ("users", parameters(), "--proof", tmp_path / "proof.json", "-f", "ndjson")

    assert [command(*line).code for _ in range(2)] == [0, 0]


def test_a_failed_listing_whose_proof_has_no_room_fails_as_the_listing_did(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """What ended it decides the exit code; that there is no proof is said as well."""
    scripted.script = [Answer(403)]

    outcome = command("users", scripted.write_parameters(tmp_path), "--proof", "/dev/full")

    assert outcome.code == 5
    assert "Besides, /dev/full could not be written: No space left on device" in outcome.err
    assert "Error: " in outcome.err


def test_quiet_says_nothing_where_all_is_well(
    command: Command, parameters: WriteParameters
) -> None:
    """Not even what no record has; the records are what they are without it."""
    path = parameters()
    said = command("users", path, "--select", "faxNumber")
    quiet = command("users", path, "--select", "faxNumber", "--quiet")

    assert "Empty in every record" in said.err
    assert (quiet.code, quiet.err, quiet.out) == (0, "", said.out)


def test_quiet_still_tells_what_is_not_proved(command: Command, directory: Path) -> None:
    """Who accepts a list that nothing proves is told so: it is not all well."""
    outcome = command("list", "groups", directory, "-q", "--allow-unproved")

    assert outcome.code == 0
    assert outcome.err.startswith("2 records, unproved: ")
    assert "Error: " in command("list", "groups", directory, "-q").err
