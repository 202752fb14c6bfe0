"""The way to each host is checked."""

from tests.support.doctor_states import report_of
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import ScriptedServer


def test_two_hosts_are_looked_at_separately(
    command: Command, parameters: WriteParameters, scripted: ScriptedServer
) -> None:
    """A Graph that cannot be reached does not hide that the token service can."""
    endpoint = f"{scripted.url}/v1.0/users"

    code, report = report_of(command, parameters(endpoint=endpoint))

    assert code == 6
    assert (report["first"]["check"], report["first"]["host"]) == ("tls", endpoint.split("/")[2])
    states = [one["state"] for one in report["checks"] if one["check"] in ("token", "roles")]
    assert states == ["ok", "ok"]
