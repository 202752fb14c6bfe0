"""
The least permissions of a report are put to the test: by a second application that has only them.

What it is answered must be what the first one was answered, who had everything; and without any one
of them something must be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator_probe import App, Probe, register, running

EVERYTHING = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "Directory.ReadWrite.All",
    "Group.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "User.ReadWrite.All",
)

# A program as the requests that it sends: method, address, body.
PROGRAMS: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "users": (("GET", "/v1.0/users?$top=5", None),),
    "names of users": (("GET", "/v1.0/users?$top=5&$select=id,displayName,mail", None),),
    "sign-ins of users": (("GET", "/v1.0/users?$top=5&$select=id,signInActivity", None),),
    "groups": (("GET", "/v1.0/groups?$top=5", None), ("GET", "/v1.0/groups/delta", None)),
    "members": (("GET", "/v1.0/groups/{group}/members", None),),
    "IDs of members": (("GET", "/v1.0/groups/{group}/members?$select=id", None),),
    "memberships": (("GET", "/v1.0/users/{user}/memberOf", None),),
    "applications": (
        ("GET", "/v1.0/applications?$filter=startswith(displayName,'Archive')", None),
        ("GET", "/v1.0/servicePrincipals?$filter=startswith(displayName,'Archive')", None),
    ),
    "a sync": (
        ("GET", "/v1.0/users/delta?$select=id,displayName,accountEnabled", None),
        ("GET", "/v1.0/groups?$top=5&$select=id,displayName", None),
        ("GET", "/v1.0/devices?$top=5", None),
        ("GET", "/v1.0/directoryRoles", None),
        ("GET", "/v1.0/organization", None),
    ),
    "a batch": (
        (
            "POST",
            "/v1.0/$batch",
            {
                "requests": [
                    {"id": "1", "method": "GET", "url": "/users?$top=2"},
                    {"id": "2", "method": "GET", "url": "/groups?$top=2"},
                ]
            },
        ),
    ),
    "who is disabled": (("PATCH", "/v1.0/users/{user}", {"accountEnabled": True}),),
    "who moves": (
        ("GET", "/v1.0/users/{user}", None),
        ("PATCH", "/v1.0/users/{user}", {"department": "Sales"}),
    ),
}


@pytest.fixture(scope="module")
def reported(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    with running(keys, tmp_path_factory.mktemp("reported"), users=60, report=True) as probe:
        yield probe


def run(app: App, program: Sequence[tuple[str, str, Any]]) -> list[Any]:
    """The answers, without what differs from one request to the next."""
    answers = []
    token = app.token()
    for method, target, body in program:
        answer = app.probe.send(
            method,
            target,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            body=None if body is None else json.dumps(body).encode(),
        )
        answers.append((answer.status, clean(answer.body)))
    return answers


def clean(body: bytes) -> Any:
    if not body:
        return None
    content = json.loads(body)
    if "responses" in content:
        return sorted(json.dumps(one["body"].get("value")) for one in content["responses"])
    return content.get("value", content.get("id"))


def find_keys(probe: Probe) -> dict[str, str]:
    """A user with a membership, and a group with members."""
    app = register(probe, *EVERYTHING, name="Keys")
    for group in app.get("/v1.0/groups?$select=id").json()["value"]:
        members = app.get(f"/v1.0/groups/{group['id']}/members/microsoft.graph.user").json()
        if members["value"]:
            return {"group": group["id"], "user": members["value"][0]["id"]}
    raise AssertionError("no group has members")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_least_is_enough_and_needed(reported: Probe, name: str) -> None:
    keys = find_keys(reported)
    program = [(method, target.format(**keys), body) for method, target, body in PROGRAMS[name]]
    reported.emulator.forget_calls()
    complete = run(register(reported, *EVERYTHING, name=name), program)
    (application,) = reported.emulator.report().applications
    least: list[str] = application.least

    assert least
    assert run(register(reported, *least, name="Least"), program) == complete
    for missing in least:
        rest = [permission for permission in least if permission != missing]
        assert run(register(reported, *rest, name="Less"), program) != complete, missing
