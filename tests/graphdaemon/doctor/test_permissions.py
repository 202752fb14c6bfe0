"""The token's roles are compared with what the calls need."""

from pathlib import Path

import pytest

from tests.support.doctor_states import report_of
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import ScriptedServer, json_answer
from tests.support.unsigned_tokens import make_token


def test_several_calls_are_asked_about_at_once(
    command: Command, parameters: WriteParameters
) -> None:
    """Roles are weighed against all of them; what would change something is not called."""
    _, report = report_of(
        command, parameters(), "--for", "GET /users/delta", "--for", "DELETE /users/1"
    )

    roles = next(one for one in report["checks"] if one["check"] == "roles")
    calls = [one for one in report["checks"] if one["check"] == "call"]
    assert roles["details"]["accepted"][0] == "User.DeleteRestore.All"
    assert [one["state"] for one in calls] == ["ok", "skipped"]


@pytest.mark.parametrize(
    ("command_line", "call", "asks"),
    [
        (("list", "members", "--of", "1"), "GET /groups/1/members", "GroupMember.Read.All"),
        (("list", "users"), "GET /users", "User.Read.All"),
        (("list", "groups"), "GET /groups", "GroupMember.Read.All"),
        (("get", "organization"), "GET /organization", "Organization.Read.All"),
        (("get", "users/1/manager"), "GET /users/1/manager", "User.Read.All"),
    ],
)
def test_commands_and_doctor_name_the_same_permission(
    command: Command,
    scripted: ScriptedServer,
    tmp_path: Path,
    command_line: tuple[str, ...],
    call: str,
    asks: str,
) -> None:
    """The hint at a refusal and the doctor answer one question from one table."""
    refusal = json_answer({"error": {"code": "Authorization_RequestDenied", "message": "no"}}, 403)
    scripted.script = lambda _: refusal
    scripted.token_answer = json_answer({"expires_in": 3599, "access_token": make_token()})
    path = scripted.write_parameters(tmp_path)

    refused = command(*command_line, path)
    _, report = report_of(command, path, "--for", call)

    roles = next(one for one in report["checks"] if one["check"] == "roles")
    assert f"application permission {asks} (" in refused.err
    assert f"needs {asks};" in roles["words"]
    assert f"application permission {asks} (" in roles["step"]
