"""The least permissions that fulfil several requirements."""

from __future__ import annotations

import pytest

from entra_emulator.traffic.report.least_permissions import find_least, find_missing
from entra_emulator.traffic.report.logged_call import LoggedCall
from entra_emulator.traffic.report.requirements import is_covered, list_requirements
from tests.support.logged_calls import graph_call

READ_USERS = graph_call("/users")
WRITE_USERS = graph_call("/users", "POST", written=frozenset({"displayName"}))
READ_GROUPS = graph_call("/groups")
READ_MEMBERS = graph_call("/groups/{key}/members", types=frozenset({"user"}))
READ_ROLES = graph_call("/directoryRoles", properties=("id",))


@pytest.mark.parametrize(
    ("calls", "least"),
    [
        ([], ""),
        ([READ_USERS, READ_USERS], "User.Read.All"),
        # What writes also reads: one permission instead of two.
        ([READ_USERS, WRITE_USERS], "User.ReadWrite.All"),
        # Two narrow ones open less than Directory.Read.All, which covers both.
        ([READ_USERS, READ_GROUPS], "Group.Read.All User.Read.All"),
        # The groups' permission reads their members as well.
        ([READ_GROUPS, READ_MEMBERS], "Group.Read.All User.Read.All"),
        ([READ_MEMBERS], "GroupMember.ReadBasic.All User.Read.All"),
        (
            [READ_USERS, READ_GROUPS, READ_ROLES],
            "Group.Read.All RoleManagement.Read.Directory User.Read.All",
        ),
    ],
)
def test_least(calls: list[LoggedCall], least: str) -> None:
    requirements = [one for call in calls for one in list_requirements(call)]
    assert sorted(find_least(requirements)) == least.split()


def test_every_one_is_needed() -> None:
    """Of the least none can be left out, whatever a program does."""
    calls = [READ_USERS, WRITE_USERS, READ_GROUPS, READ_MEMBERS, READ_ROLES]
    requirements = [one for call in calls for one in list_requirements(call)]
    least = find_least(requirements)

    assert all(is_covered(one, least) for one in requirements)
    assert all(find_missing(requirements, least - {name}) for name in least)
