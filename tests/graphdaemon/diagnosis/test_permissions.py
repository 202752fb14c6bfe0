"""Which permissions a call accepts: the generated table, and how paths are found in it."""

import json
import re
import tomllib
from collections import defaultdict
from typing import Any

import pytest

from graphdaemon.diagnosis.permissions import (
    find_excess,
    find_need,
    find_role,
    find_scope,
    parse_call,
)
from graphdaemon.errors import SettingsError
from graphdaemon.graph.catalog import CATALOG, Collection
from tests.support.places import ROOT
from tools import generate_permissions

SOURCE = generate_permissions.SOURCE
COMMONEST = tomllib.loads((ROOT / "tests/support/commonest_calls.toml").read_text("utf-8"))["call"]


def test_the_table_is_what_the_generator_makes() -> None:
    """`python -m tools.generate_permissions` was run after the last change, for both programs."""
    if not SOURCE.exists():
        pytest.skip("Microsoft's tables lie beside the checkout, and not everywhere")

    made = generate_permissions.generate(SOURCE)

    assert len(made) == 3
    assert {path: path.read_text(encoding="utf-8") for path in made} == made


def test_the_table_says_where_it_comes_from() -> None:
    """Source, date and licence stand in the file that is shipped."""
    content = json.loads(generate_permissions.TARGET.read_text(encoding="utf-8"))

    assert {"repository", "date", "licence"} <= set(content["source"])
    assert "MIT" in content["source"]["licence"]


@pytest.mark.parametrize(
    ("path", "call", "least"),
    [
        ("/users", "GET /users", "User.Read.All"),
        ("/v1.0/users?$top=1", "GET /users", "User.Read.All"),
        ("/beta/Users/", "GET /users", "User.Read.All"),
        ("/v1.0/users/ana@contoso.example", "GET /users/{id}", "User.Read.All"),
        ("/users('ana%20b')/memberOf", "GET /users/{id}/memberof", "Directory.Read.All"),
        ("/users/$count", "GET /users", "User.Read.All"),
        ("/users/delta", "GET /users/delta", "User.Read.All"),
        ("/groups/1/members", "GET /groups/{id}/members", "GroupMember.Read.All"),
        (
            "/servicePrincipals(appId='x')/appRoleAssignments",
            "GET /serviceprincipals(appid={value})/approleassignments",
            "Application.Read.All",
        ),
        (
            "https://graph.microsoft.com/v1.0/auditLogs/signIns",
            "GET /auditlogs/signins",
            "AuditLog.Read.All",
        ),
    ],
)
def test_paths_are_found_however_they_are_written(path: str, call: str, least: str) -> None:
    """Version, options, keys in parentheses, case of letters: none of it matters."""
    need = find_need("GET", path)

    assert need is not None
    assert (need.call, need.least) == (call, least)


@pytest.mark.parametrize("path", ["", "/", "/nobody", "/users/1/2/3/4/5", "/$count"])
def test_unknown_paths_are_not_guessed(path: str) -> None:
    """What the table does not know, nobody claims to know."""
    assert find_need("GET", path) is None


def test_reading_asks_for_no_permission_to_write() -> None:
    """Every least privileged permission of a GET reads, where any accepted one does."""
    table = json.loads(generate_permissions.TARGET.read_text(encoding="utf-8"))
    names = [name for name, _ in table["roles"]]
    wrong = []
    for path, verbs in table["paths"].items():
        if "GET" in verbs:
            accepted = [names[number] for number in table["sets"][verbs["GET"]]]
            if "Write" in accepted[0] and any("Write" not in name for name in accepted):
                wrong.append(path)

    assert wrong == []


@pytest.mark.parametrize("row", CATALOG.values(), ids=CATALOG)
def test_the_catalogue_names_the_permission_that_the_table_does(row: Collection) -> None:
    """What a listing, the help and the doctor tell people to add is one and the same."""
    need = find_need("GET", f"/{row.name}")

    assert need is not None
    assert row.role == need.words


@pytest.mark.parametrize("row", COMMONEST, ids=[row["call"] for row in COMMONEST])
def test_the_commonest_calls_ask_for_the_least_that_opens_them_whole(row: dict[str, Any]) -> None:
    """By Microsoft's own mark; where that is another permission, the row says why."""
    need = find_need(*parse_call(row["call"]))

    assert need is not None
    assert need.words == row["asks"]
    assert (need.least in row["published"]) is ("why" not in row)


def test_what_the_rows_call_published_is_what_microsoft_marks() -> None:
    """The rows quote the table of permissions, from which the reference's pages are made."""
    if not SOURCE.exists():
        pytest.skip("Microsoft's tables lie beside the checkout, and not everywhere")
    permissions = json.loads((SOURCE / "permissions.json").read_text("utf-8"))["permissions"]
    marked: dict[str, set[str]] = defaultdict(set)
    for name, permission in permissions.items():
        for path_set in permission["pathSets"]:
            if "Application" in path_set["schemeKeys"]:
                for path, marks in path_set["paths"].items():
                    if re.search(r"\bleast=[\w,]*\bApplication\b", marks):
                        for method in path_set["methods"]:
                            marked[f"{method} {path.lower()}"].add(name)

    for row in COMMONEST:
        need = find_need(*parse_call(row["call"]))
        assert need is not None
        assert marked[need.call] == set(row["published"]), row["call"]


def test_what_is_asked_for_can_be_registered() -> None:
    """`register --permission` finds a permission by the ID that Microsoft lists."""
    table = json.loads(generate_permissions.TARGET.read_text(encoding="utf-8"))
    listed = {name for name, number in table["roles"] if number is not None}

    assert [row["asks"] for row in COMMONEST if not set(row["asks"].split(" and ")) <= listed] == []


def test_a_permission_that_needs_a_partner_is_named_with_it() -> None:
    """Assigning a role needs the permission to assign, and one to read what is assigned."""
    need = find_need("POST", "/servicePrincipals/1/appRoleAssignments")

    assert need is not None
    assert need.words == "AppRoleAssignment.ReadWrite.All and Application.Read.All"
    assert not need.is_met(["AppRoleAssignment.ReadWrite.All"])
    assert need.is_met(["AppRoleAssignment.ReadWrite.All", "Directory.Read.All"])
    assert find_excess(["Directory.Read.All"], [need]) == []


def test_ids_and_names_lead_to_one_name() -> None:
    """As registrations list them, and as people write them."""
    assert find_role("df021288-bdef-4463-88db-98f22de89214") == "User.Read.All"
    assert find_role("user.read.all") == "User.Read.All"
    assert find_scope("e1fe6dd8-ba31-4d61-89e7-88639da4683d") == "User.Read"
    assert find_role("sites.selected") == "Sites.Selected"
    assert find_role("nothing") is None


def test_excess_is_what_no_call_accepts() -> None:
    """A role that opens one of the calls is not too much."""
    users, groups = find_need("GET", "/users"), find_need("GET", "/groups")
    assert users is not None
    assert groups is not None

    roles = ["User.Read.All", "GroupMember.Read.All", "Mail.Read"]

    assert find_excess(roles, [users, groups]) == ["Mail.Read"]
    assert find_excess(roles, [users]) == ["GroupMember.Read.All", "Mail.Read"]


@pytest.mark.parametrize(
    ("text", "method", "path"),
    [
        ("GET /users", "GET", "/users"),
        ("/users", "GET", "/users"),
        ("post /users", "POST", "/users"),
    ],
)
def test_calls_are_read(text: str, method: str, path: str) -> None:
    """The verb may be left out, in any case of letters."""
    assert parse_call(text) == (method, path)


@pytest.mark.parametrize("text", ["", "GET", "FETCH /users", "GET /a b"])
def test_no_calls_are_refused(text: str) -> None:
    """Anything else is told how it must look."""
    if text == "GET":  # a path of that name
        assert parse_call(text).path == "GET"
        return
    with pytest.raises(SettingsError, match="is not a call"):
        parse_call(text)
