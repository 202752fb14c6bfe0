"""What may stand where a command wants a collection."""

from pathlib import Path

import pytest

from tests.support.group_directory import GROUP
from tests.support.run_command import Command, WriteParameters


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
