"""What may stand where a command wants a collection."""

from pathlib import Path

import pytest

from tests.support.group_directory import GROUP
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, ScriptedServer, page


@pytest.mark.parametrize("name", ["Users", "USERS", "/users/"])
def test_a_collection_is_known_in_any_spelling(
    command: Command, parameters: WriteParameters, name: str
) -> None:
    """Graph does not mind capitals, so neither do we."""
    outcome = command("list", name, parameters(), "-f", "csv")

    assert outcome.out.startswith(b"displayName,userPrincipalName,jobTitle,id\r\n")


@pytest.mark.parametrize("name", ["/beta/users", "beta/Users", "v1.0/users"])
def test_a_collection_may_be_of_another_version_of_graph(
    command: Command, parameters: WriteParameters, name: str
) -> None:
    """As `get` and `request` take it; what is known of the collection holds there too."""
    outcome = command("list", name, parameters(), "-f", "csv")

    assert outcome.out.startswith(b"displayName,userPrincipalName,jobTitle,id\r\n")
    assert outcome.code == 0
    assert command("count", name, parameters()).out == b"250\n"


def test_a_collection_of_another_version_is_asked_there(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """Every page of it, and the number."""
    scripted.script = [Answer(200, b"7", {"Content-Type": "text/plain"})]

    assert command("count", "beta/users", settings).out == b"7\n"
    scripted.script = [page({"id": "1"})]
    command("list", "beta/widgets", settings, "--method", "chain", "--attempts", "1")

    assert {request.target.split("/")[1] for request in scripted.requests} == {"beta"}


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
