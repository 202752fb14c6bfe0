"""The token's roles are compared with what the calls need."""

from tests.support.doctor_states import report_of
from tests.support.run_command import Command, WriteParameters


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
