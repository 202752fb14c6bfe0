"""`graphdaemon count`: the service's own count."""

from pathlib import Path

from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, ScriptedServer


def test_count_prints_a_number(command: Command, parameters: WriteParameters) -> None:
    """Alone, so that a script can use it."""
    path = parameters()

    assert command("count", "users", path).out == b"250\n"
    outcome = command("count", "users", path, "--filter", "accountEnabled eq false")
    assert 0 < int(outcome.out) < 250
    outcome = command("count", "users", path, "--search", "displayName:ana")
    assert 0 < int(outcome.out) < 250


def test_count_members(command: Command, scripted: ScriptedServer, settings: Path) -> None:
    """Of a group, by its ID."""
    group = "33333333-3333-4333-8333-333333333333"
    scripted.script = [Answer(200, b"\xef\xbb\xbf7", {"Content-Type": "text/plain"})]

    assert command("count", "members", settings, "--of", group).out == b"7\n"
    assert scripted.only_request.target == f"/v1.0/groups/{group}/members/$count"
    assert scripted.only_request.headers["consistencylevel"] == "eventual"
