import json
from collections.abc import Callable

import pytest

from entra_emulator.content.seeding.parts import ADMINISTRATORS
from entra_emulator.model.directory_roles import ROLES
from tests.support.emulator_probe import Probe
from tests.support.user_flows import (
    holder,
    ordinary,
)


def test_seeded_roles(probe: Probe) -> None:
    """The first four members who can sign in hold one administrator's role each."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    users = [json.loads(doc) for _, doc in directory.collections.scan(tenant, "user")]
    able = [u for u in users if u["userType"] == "Member" and u["accountEnabled"]]

    held = [directory.role_members.list_roles(tenant, user["id"]) for user in able[:5]]

    assert held == [*([ROLES[name]] for name in ADMINISTRATORS), []]
    assert held[0] == ["62e90394-69f5-4237-9190-012177145e10"]
    assert able[0]["userPrincipalName"] == holder(probe.emulator, "Global Administrator")


def test_roles(launch: Callable[..., Probe]) -> None:
    """A role is assigned by name or template ID, to somebody who is there."""
    emulator = launch(users=20).emulator
    directory, tenant, user = emulator.directory, emulator.tenant, ordinary(emulator)

    directory.role_members.assign(tenant, user, "User Administrator")
    directory.role_members.assign(tenant, user, ROLES["User Administrator"])

    assert directory.role_members.list_roles(tenant, user.upper()) == [ROLES["User Administrator"]]
    with pytest.raises(LookupError, match="no directory role 'King'"):
        directory.role_members.assign(tenant, user, "King")
    with pytest.raises(LookupError, match="no user 'nobody'"):
        directory.role_members.list_roles(tenant, "nobody")
