"""`graphdaemon list`: which collection, in which form, and what its end means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.group_directory import GROUP
from tests.support.run_command import Command, WriteParameters


def test_users_is_list_users(command: Command, parameters: WriteParameters) -> None:
    """The quickstart's short form is the same code, and gives the same bytes."""
    path = parameters()

    long = command("list", "users", path, "-f", "ndjson", "--sort", "id")
    short = command("users", path, "-f", "ndjson", "--sort", "id")

    assert long.code == short.code == 0
    assert long.out == short.out
    assert len(long.out.splitlines()) == 250


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("members", "--of", "Nobody"), "no groups have that name", "--search"),
        (("members", "--of", "Twins"), "2 groups have that name", GROUP[::-1]),
        (("members",), "the group whose members are to be listed is missing", "--of GROUP"),
        (("users", "--of", "Sales"), "--of works with members only", "--of GROUP"),
        (("user",), "there is no collection user", "Did you mean users?"),
        (("users?$top=5",), "not just the name of a collection", "graphdaemon request"),
        (("users", "--polite", "0%"), "--polite 0% is not a percentage", "30%"),
        (("users", "--polite", "0.3"), "--polite 0.3 is not a percentage", "30%"),
        (("users", "-o", "u.xlsx"), ".xlsx is not a known output format", ".csv"),
        (("users", "--bom"), "--bom works with CSV only, and the format is json", "--format csv"),
        (("users", "--raw-cells", "-o", "u.ndjson"), "the format is ndjson", "--format csv"),
        (("users", "--query", "length(@)"), "needs the whole list at once", "count"),
        (("users", "--sort", "displayNme"), "users have no property displayNme", "displayName?"),
        (("users", "--sort", "displayname"), "no property displayname", "mean displayName?"),
        (("users", "--sort", "employeeOrgData.divisio"), "no divisio in", "mean division?"),
        (("users", "--sort", "manager.id"), "have no property manager", "Add --with manager"),
        (("users", "--sort", "assignedPlans.service"), "is a list", "--explode assignedPlans"),
        (("users", "--query", "[?onn]"), "users have no property onn", "resources/user."),
        (("users", "--query", "[].{a: city.x}"), "users have no x in city", "Correct --query"),
        (("users", "--explode", "proxyAddress"), "no property proxyAddress", "proxyAddresses?"),
        (("users", "--explode", "mail"), "--explode mail: that is not a list", "businessPhones"),
        (("users", "--explode", "a..b"), "a part without a name", "with dots"),
        (("users", "--keep-empty"), "--keep-empty works only together", "Add --explode"),
        (
            ("users", "--explode", "otherMails", "--sort", "displayName"),
            "a row consists of parent and element",
            "Write parent.displayName",
        ),
        (
            ("users", "--explode", "otherMails", "--sort", "parent.otherMails"),
            "a row consists of parent and element",
            "Write element.NAME",
        ),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(
    command: Command,
    directory: Path,
    arguments: tuple[str, ...],
    message: str,
    hint: str,
) -> None:
    """Exit code 2, what was wrong, and how to put it."""
    name, *rest = arguments

    outcome = command("list", name, directory, *rest)

    assert outcome.code == 2
    assert outcome.out == b""
    assert message in outcome.err
    assert hint in outcome.err.partition("\nTry: ")[2]


def test_sort_and_query_work_together(command: Command, parameters: WriteParameters) -> None:
    """First the order, by a property of the record, then what the query makes of it."""
    outcome = command(
        *("users", parameters(), "-f", "ndjson", "--sort", "displayName"),
        *("--query", "[?jobTitle=='Counsel'].displayName"),
    )

    names = [json.loads(line) for line in outcome.out.splitlines()]
    assert names
    assert names == sorted(names)


def test_a_query_that_does_not_fit_a_record_ends_it(
    command: Command, parameters: WriteParameters
) -> None:
    """Found out on the way: the exit code is that of wrong usage all the same."""
    outcome = command("users", parameters(), "--query", "[?starts_with(employeeId, 'a')]")

    assert outcome.code == 2
    assert "Guard against null" in outcome.err
