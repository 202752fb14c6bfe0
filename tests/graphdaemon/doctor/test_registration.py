"""The app's registration, where the app may read it."""

import time
from pathlib import Path

from tests.support.doctor_states import report_of
from tests.support.run_command import Command
from tests.support.scripted_server import ScriptedServer, json_answer, page
from tests.support.unsigned_tokens import make_token


def test_the_app_may_read_its_own_registration(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Then its grants and the end of its last secret are shown."""
    scripted.token_answer = json_answer(
        {"expires_in": 3599, "access_token": make_token(roles=["Application.Read.All"])}
    )
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5 * 86400 + 60))
    secrets = [{"endDateTime": "2020-01-01T00:00:00Z"}, {"endDateTime": end}]
    scripted.script = lambda request: (
        page({"appRoleId": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"})
        if "appRoleAssignments" in request.target
        else json_answer({"requiredResourceAccess": [], "passwordCredentials": secrets})
    )

    path = scripted.write_parameters(tmp_path)
    _, report = report_of(command, path, "--for", "GET /applications")

    (check,) = (one for one in report["checks"] if one["check"] == "registration")
    assert check["words"] == ("granted: Application.Read.All; the last secret ends in 5 days")
