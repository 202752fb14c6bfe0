"""From a program's calls to a recording, and to an emulator that answers alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from entra_emulator.traffic.recording.lines import RecordingError, read_exchanges, write_header
from tests.support.emulator_probe import App, Probe, register
from tests.support.name_search import find_names

Launch = Callable[..., Probe]


def read_everything(app: App) -> dict[str, Any]:
    """A program that reads users, groups, members and applications."""
    token = app.token()
    read: dict[str, Any] = {}

    def get(target: str) -> Any:
        answer = app.get(target, token)
        assert answer.status == 200, answer.body
        return answer.json()

    read["users"] = get("/v1.0/users?$top=999")["value"]
    read["guests"] = get(
        "/v1.0/users?$filter=userType eq 'Guest'&$select=id,userType".replace(" ", "%20")
    )["value"]
    read["groups"] = get("/v1.0/groups?$top=999&$select=id,displayName,groupTypes")["value"]
    read["members"] = {
        group["id"]: sorted(
            one["id"] for one in get(f"/v1.0/groups/{group['id']}/members?$top=999")["value"]
        )
        for group in read["groups"]
    }
    read["applications"] = get("/v1.0/applications?$select=id,appId,displayName")["value"]
    return read


def count(read: dict[str, Any]) -> dict[str, Any]:
    """The form of what was read, which pseudonyms do not change."""
    return {
        "users": len(read["users"]),
        "guests": len(read["guests"]),
        "groups": len(read["groups"]),
        "members": sorted(len(members) for members in read["members"].values()),
        "same mail as name": sum(u["mail"] == u["userPrincipalName"] for u in read["users"]),
        "kinds": sorted("".join(group["groupTypes"]) for group in read["groups"]),
    }


PERMISSIONS = ("Application.Read.All", "Group.Read.All", "User.Read.All")


def test_an_emulator_that_answers_alike(launch: Launch, tmp_path: Path) -> None:
    """As many users, guests, groups and members, for the same program with the same roles."""
    path = tmp_path / "r.jsonl"
    probe = launch(tmp_path / "first", users=40, record=path)
    original = read_everything(register(probe, *PERMISSIONS))
    probe.emulator.stop()
    people = [user["displayName"] for user in original["users"] if user["displayName"]]
    ids = [user["id"] for user in original["users"]]
    addresses = [user["userPrincipalName"] for user in original["users"]]
    assert find_names([*people, *ids, *addresses], path.read_bytes()) == []

    second = launch(tmp_path / "second", recording=path)
    application = second.emulator.admit_recorded()
    assert application is not None
    again = read_everything(
        App(second, second.emulator.tenant, application.client_id, application.secret)
    )
    assert count(again) == count(original)
    callers = {
        (one.caller["tid"], one.caller["appid"]) for one in read_exchanges(path) if one.caller
    }
    assert callers == {(second.emulator.tenant.id, application.client_id)}


def test_roles_are_granted(launch: Launch, tmp_path: Path) -> None:
    """The application may do what it could, and no more."""
    path = tmp_path / "r.jsonl"
    probe = launch(tmp_path / "first", users=5, record=path)
    register(probe, "User.Read.All").get("/v1.0/users")
    probe.emulator.stop()
    second = launch(tmp_path / "second", recording=path)
    noted = second.emulator.admit_recorded()
    assert noted is not None
    app = App(second, second.emulator.tenant, noted.client_id, noted.secret)
    assert app.get("/v1.0/users").status == 200
    assert app.get("/v1.0/groups").status == 403


def test_an_empty_recording(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(write_header(0.0))
    with pytest.raises(RecordingError, match="shows no object"), Emulator(recording=path):
        pass


def test_without_a_recording(probe: Probe) -> None:
    assert probe.emulator.admit_recorded() is None
