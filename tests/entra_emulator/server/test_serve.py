"""What an emulator as a process of its own has ready at its start."""

from pathlib import Path

import msgspec
import pytest

from entra_emulator.server.serve import keep_parameters, serve
from entra_emulator.server.settings import EmulatorSettings
from tests.support.emulator_probe import App, Probe, running

EXAMPLE = Path(__file__).parents[3] / "examples" / "tenant.toml"


def read_status(probe: Probe, path: str) -> int:
    """What Graph answers to the application whose settings were written."""
    settings = msgspec.json.decode((probe.emulator.data / "parameters.json").read_bytes())
    app = App(probe, probe.emulator.tenant, settings["client_id"], settings["secret"])
    return app.get(path, app.token()).status


def test_permissions_are_granted_besides_that_to_read_users_at_any_start(
    keys: Path, tmp_path: Path
) -> None:
    """A later start grants those that it names to the application that there is."""
    statuses = []
    for permissions in (["Group.Read.All"], [], ["Group.Read.All", "Device.Read.All"]):
        with running(keys, tmp_path / "data", users=3) as probe:
            keep_parameters(probe.emulator, permissions)
            paths = ("/v1.0/users", "/v1.0/groups", "/v1.0/devices")
            statuses.append([read_status(probe, path) for path in paths])

    assert statuses == [[200, 200, 403], [200, 200, 403], [200, 200, 200]]


def test_the_settings_are_those_of_the_first_described_application_with_a_secret(
    keys: Path, tmp_path: Path
) -> None:
    with running(keys, tmp_path / "data", tenant_file=EXAMPLE) as probe:
        keep_parameters(probe.emulator)

        assert read_status(probe, "/v1.0/groups") == 200


def test_no_settings_are_written_where_no_described_application_has_a_secret(
    keys: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tenant.toml"
    file.write_text("[[applications]]\ndisplayName = 'Job'\n")
    with running(keys, tmp_path / "data", tenant_file=file) as probe:
        keep_parameters(probe.emulator)

        assert not (probe.emulator.data / "parameters.json").exists()


def test_a_permission_that_graph_does_not_have_costs_no_seeding(tmp_path: Path) -> None:
    settings = EmulatorSettings(data=tmp_path / "data")

    with pytest.raises(ValueError, match=r"--permission: .*'Users\.Read\.All'.*'User\.Read\.All'"):
        serve("127.0.0.1:0", settings, permissions=["Users.Read.All"])

    assert not (tmp_path / "data").exists()


def test_only_the_rules_of_known_years_can_be_chosen() -> None:
    with pytest.raises(ValueError, match="rules is one of 2024, 2026, not 2025"):
        EmulatorSettings(rules=2025)


def test_permissions_of_a_described_tenant_stand_in_its_file(tmp_path: Path) -> None:
    settings = EmulatorSettings(data=tmp_path / "data", tenant_file=EXAMPLE)

    with pytest.raises(ValueError, match=r"Write them into it instead of --permission"):
        serve("127.0.0.1:0", settings, permissions=["User.Read.All"])


def test_without_permissions_the_ready_application_reads_the_directory_and_changes_nothing(
    keys: Path, tmp_path: Path
) -> None:
    with running(keys, tmp_path / "data", users=3) as probe:
        keep_parameters(probe.emulator)
        settings = msgspec.json.decode((probe.emulator.data / "parameters.json").read_bytes())
        app = App(probe, probe.emulator.tenant, settings["client_id"], settings["secret"])
        bearer = {"Authorization": f"Bearer {app.token()}", "Content-Type": "application/json"}

        for name in ("users", "groups", "devices", "applications", "auditLogs/signIns"):
            assert read_status(probe, f"/v1.0/{name}") == 200
        made = probe.send("POST", "/v1.0/groups", headers=bearer, body=b"{}")
        assert made.status == 403
