"""`graphdaemon doctor --tenants`: a section for each, and the failure of one is its own."""

from __future__ import annotations

import json

from tests.support.run_command import Command
from tests.support.tenant_folder import TenantFolder


def test_every_tenant_has_its_section(command: Command, fleet: TenantFolder) -> None:
    """In the order of the names; the exit code is that of the first that failed."""
    done = command("doctor", "--tenants", fleet.path)

    sections = done.out.decode().split("\n\n")
    heads = [line for line in done.out.decode().splitlines() if line[:-1] in fleet_names(fleet)]
    assert heads == ["contoso:", "corrupt:", "denied:", "fabrikam:"]
    assert "Nothing is wrong." in sections[0] + sections[1]
    assert "AADSTS7000215" in done.out.decode()
    assert done.code == 3
    assert "2 of 4 tenants failed: corrupt, denied" in done.err


def fleet_names(fleet: TenantFolder) -> set[str]:
    return {path.stem for path in fleet.path.iterdir()}


def test_json_has_a_member_for_each(command: Command, fleet: TenantFolder) -> None:
    """Each is the report that the tenant alone would get."""
    done = command("doctor", "--tenants", fleet.path, "--json")

    told = json.loads(done.out)
    verdicts = {name: one["verdict"] for name, one in told["tenants"].items()}
    assert verdicts == {
        "contoso": "ok",
        "corrupt": "failed",
        "denied": "failed",
        "fabrikam": "ok",
    }
    assert told["tenants"]["corrupt"]["first"]["check"] == "settings"
    assert told["tenants"]["denied"]["first"]["check"] == "token"
    assert told["exit_code"] == done.code == 3


def test_an_api_of_ones_own_has_no_folder(command: Command, fleet: TenantFolder) -> None:
    """`--api` names its settings itself."""
    token = fleet.write("token", "x")

    done = command(
        *("doctor", "--tenants", fleet.path, "--api", fleet.path / "contoso.json"),
        *("--token", token),
    )

    assert done.code == 2
