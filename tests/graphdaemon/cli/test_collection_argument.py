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


@pytest.mark.parametrize("words", [("list",), ("count",), ("get",), ("request", "GET")])
def test_a_settings_file_before_the_collection_is_told_where_to_stand(
    command: Command, parameters: WriteParameters, words: tuple[str, ...]
) -> None:
    """With the command as it should be written, and a name in it that a shell takes as one word."""
    path = parameters().rename(parameters().with_name("my parameters.json"))

    outcome = command(*words, path, "users")

    assert outcome.code == 2
    assert f"comes first, and {path} is a file" in outcome.err
    assert f" '{path}'." in outcome.err


@pytest.mark.parametrize("verb", ["list", "count"])
def test_a_collection_that_only_a_store_has_leads_to_both_ways(
    command: Command, parameters: WriteParameters, verb: str
) -> None:
    """Graph would say that `members` is the ID of no group."""
    outcome = command(verb, "Groups/members", parameters())

    assert outcome.code == 2
    assert "groups/members is a collection of a store, and not of Graph" in outcome.err
    assert "`graphdaemon list groups --with members`" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("list", "users", "--select", "displyName"),
        ("get", "organization", "--select", "displyName"),
        ("list", "users", "--filter", "displyName eq 'x'"),
        ("sync", "users", "--select", "users=displyName"),
    ],
)
def test_a_misspelt_property_is_told_which_may_be_meant(
    command: Command, parameters: WriteParameters, words: tuple[str, ...], tmp_path: Path
) -> None:
    """Graph names only the property that it does not know."""
    store = ("--store", f"sqlite:{tmp_path / 'a.db'}") if words[0] == "sync" else ()
    outcome = command(*words, *store, parameters())

    assert outcome.code == 5
    assert "Did you mean displayName?" in outcome.err


def test_a_property_like_no_other_has_no_suggestion(
    command: Command, parameters: WriteParameters
) -> None:
    outcome = command("list", "users", parameters(), "--select", "xyz")

    assert "named 'xyz'" in outcome.err
    assert "Did you mean" not in outcome.err
