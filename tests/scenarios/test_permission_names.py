"""Client and emulator name the same permissions: each has its own copy of one table."""

import json

import pytest

from entra_emulator.model import schema
from entra_emulator.model.app_roles import find_role
from entra_emulator.model.applications import draft_graph_principal
from entra_emulator.model.records import Application
from entra_emulator.model.scopes import need_scope
from graphdaemon.diagnosis import permissions
from tools import generate_permissions

CLIENT = json.loads(generate_permissions.TARGET.read_text("utf-8"))
EMULATOR_ROLES = json.loads(generate_permissions.ROLES_TARGET.read_text("utf-8"))
EMULATOR_SCOPES = json.loads(generate_permissions.SCOPES_TARGET.read_text("utf-8"))


@pytest.fixture(scope="module")
def graph() -> Application:
    """Microsoft Graph's service principal in the emulator."""
    record = draft_graph_principal("00000000-0000-4000-8000-000000000000", created="2026-01-01")
    return Application(record)


def test_both_programs_name_the_same_application_permissions() -> None:
    """With the same IDs, and the same ones without."""
    rows = [*EMULATOR_ROLES["roles"], *EMULATOR_ROLES["specific"]]
    named = {row[1]: row[0] for row in rows} | dict.fromkeys(EMULATOR_ROLES["without_id"])

    assert named == dict(CLIENT["roles"])
    assert len(named) == len(rows) + len(EMULATOR_ROLES["without_id"]) == 741


def test_both_programs_name_the_same_delegated_permissions() -> None:
    """With the same IDs, and the same ones without."""
    rows = EMULATOR_SCOPES["scopes"]
    named = {row[1]: row[0] for row in rows} | dict.fromkeys(EMULATOR_SCOPES["without_id"])

    assert named == dict(CLIENT["scopes"])
    assert len(named) == len(rows) + len(EMULATOR_SCOPES["without_id"]) == 785


def test_no_two_permissions_have_one_id() -> None:
    """The ID in a registration says which one is meant."""
    for rows in (EMULATOR_ROLES["roles"], EMULATOR_SCOPES["scopes"]):
        assert len(rows) == len({row[0].lower() for row in rows})


def test_each_permission_with_an_id_can_be_asked_for(graph: Application) -> None:
    """Graph's service principal offers it, and the client finds the name by the ID."""
    for number, name, _ in EMULATOR_ROLES["roles"]:
        assert find_role(graph, name)["id"] == number
        assert permissions.find_role(number) == name
    for number, name, *_ in EMULATOR_SCOPES["scopes"]:
        assert need_scope(graph, name) == number
        assert permissions.find_scope(number) == name


def test_of_a_permission_without_an_id_that_is_said(graph: Application) -> None:
    """Nobody looks for a spelling mistake in a name that is right."""
    for name in EMULATOR_ROLES["without_id"]:
        with pytest.raises(LookupError, match=f"Microsoft publishes no ID for {name}"):
            find_role(graph, name)
    for name in EMULATOR_SCOPES["without_id"]:
        with pytest.raises(LookupError, match=f"Microsoft publishes no ID for {name}"):
            need_scope(graph, name)
    with pytest.raises(LookupError, match="names look like"):
        find_role(graph, "User.Raed.All")
    assert schema.explain_absence("User.Read.All", delegated=False) is None


def test_a_permission_for_a_single_team_is_no_app_role(graph: Application) -> None:
    """Resource-specific consent is given where the app is installed, not in the registration."""
    for _, name in EMULATOR_ROLES["specific"]:
        with pytest.raises(LookupError, match="for a single team, chat or user"):
            find_role(graph, name)
