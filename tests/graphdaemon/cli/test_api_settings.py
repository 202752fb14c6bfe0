"""`--endpoint` and `--scope`: an API of one's own, named on the command line."""

from pathlib import Path

import pytest

from tests.support.run_command import Command
from tests.support.scripted_server import Answer, ScriptedServer, json_answer

OWN = ("--scope", "api://orders/.default")


@pytest.mark.parametrize(
    ("endpoint", "path", "target"),
    [
        ("/orders", "orders", "/orders"),
        ("/orders", "customers/7", "/customers/7"),
        ("/api/v1/orders", "customers", "/api/v1/customers"),
        ("/api/", "orders", "/api/orders"),
        ("/v1", "orders", "/v1/orders"),
        ("/api/", "v2/orders", "/api/v2/orders"),
        ("", "orders", "/orders"),
        ("/orders?status=open", "orders", "/orders?status=open"),
        ("/orders?status=open", "customers", "/customers"),
    ],
)
def test_a_path_takes_the_place_of_the_last_part(
    command: Command,
    scripted: ScriptedServer,
    tmp_path: Path,
    endpoint: str,
    path: str,
    target: str,
) -> None:
    """As a link on a page would; a version, or a slash at the end, is no last part."""
    scripted.script = [json_answer([])]
    settings = scripted.write_parameters(tmp_path)
    words = ("--endpoint", scripted.url + endpoint, *OWN, "--allow-unproved")

    assert command("list", path, settings, *words).code == 0
    assert scripted.only_request.target == target
    assert b"scope=api%3A%2F%2Forders%2F.default" in scripted.token_requests[0].body


def test_graphs_token_is_not_sent_to_an_api_that_is_not_graph(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """The most frequent mistake: whose token it is, is said before anything is sent."""
    settings = scripted.write_parameters(tmp_path)

    outcome = command("list", "orders", settings, "--endpoint", f"{scripted.url}/orders")

    assert outcome.code == 2
    assert "the scope in these settings is for Microsoft Graph" in outcome.err
    assert "--scope 'api://" in outcome.err
    assert (scripted.requests, scripted.token_requests) == ([], [])


def test_a_gateway_before_graph_is_named_with_its_scope(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """The way out that the hint names works as it stands."""
    scripted.script = [json_answer({"id": "1"})]
    words = ("--scope", "https://graph.microsoft.com/.default")
    settings = scripted.write_parameters(tmp_path, endpoint="https://graph.microsoft.com/v1.0/x")

    outcome = command("get", "x/1", settings, "--endpoint", f"{scripted.url}/v1.0/x", *words)

    assert outcome.code == 0
    assert scripted.only_request.target == "/v1.0/x/1"


@pytest.mark.parametrize(
    "words", [("list", "orders"), ("get", "orders/1"), ("request", "GET", "x")]
)
def test_an_api_without_an_address_is_not_looked_for_at_graph(
    command: Command, scripted: ScriptedServer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Settings with a scope alone, as `register --scope` writes them: the address is asked for."""
    settings = scripted.write_parameters(tmp_path, endpoint=None, scope=[OWN[1]])

    outcome = command(*words, settings)

    assert outcome.code == 3
    assert "the settings do not contain the address of that API" in outcome.err
    assert "--endpoint" in outcome.err
    assert scripted.token_requests == []


def test_an_apis_token_is_not_sent_to_graph(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Whoever names the scope alone has forgotten the address."""
    settings = scripted.write_parameters(tmp_path, endpoint=None)

    outcome = command("list", "orders", settings, *OWN)

    assert outcome.code == 2
    assert "Add --endpoint" in outcome.err


def test_one_object_of_an_api_is_shown_as_it_is(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """A table has the object's own columns, and no ID is asked for."""
    scripted.script = [json_answer({"number": 7, "item": "ink"})]
    own = scripted.write_parameters(tmp_path, scope="api://x/.default", endpoint=scripted.url)

    outcome = command("get", "orders/7", own, "--select", "item", "-f", "csv")
    assert outcome.out == b"item\r\nink\r\n"
    assert command("get", "orders/7", own, "-f", "csv").out == b"number,item\r\n7,ink\r\n"
    assert [one.target for one in scripted.requests] == ["/orders/7?$select=item", "/orders/7"]


def test_a_list_is_no_object(command: Command, scripted: ScriptedServer, tmp_path: Path) -> None:
    """`get` names the command that reads it."""
    scripted.script = [json_answer([1])]
    own = scripted.write_parameters(tmp_path, scope="api://x/.default", endpoint=scripted.url)

    outcome = command("get", "orders", own)

    assert outcome.code == 2
    assert "Use `graphdaemon list`" in outcome.err


def test_any_request_reads_the_pages_of_an_api(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """`--all` follows its links, and without it one is told that there are more."""
    own = scripted.write_parameters(tmp_path, scope="api://x/.default", endpoint=scripted.url)
    first = json_answer([{"n": 1}], Link='</orders?page=2>; rel="next"')
    scripted.script = [first, json_answer([{"n": 2}]), first]

    outcome = command("request", "GET", "orders", own, "--all", "-f", "csv")
    assert (outcome.out, outcome.err) == (b"n\r\n1\r\n2\r\n", "2 records, 2 pages\n")

    outcome = command("request", "GET", "orders", own, "-f", "ndjson")
    assert outcome.out == b'{"n": 1}\n'
    assert "Use --all to read them all" in outcome.err


def test_only_graph_is_asked_to_count(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """`$count` is a path of OData's, which an API need not know."""
    own = scripted.write_parameters(tmp_path, scope="api://x/.default", endpoint=scripted.url)
    scripted.script = [Answer(404)]

    outcome = command("count", "orders", own)

    assert outcome.code == 2
    assert "GET 'orders/$count'" in outcome.err
    assert scripted.requests == []
