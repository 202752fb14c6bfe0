"""Which permissions a call accepts: the generated table, and how paths are found in it."""

import json

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
from tools import generate_permissions

SOURCE = generate_permissions.SOURCE


def test_the_table_is_what_the_generator_makes() -> None:
    """`python tools/generate_permissions.py` was run after the last change."""
    if not SOURCE.exists():
        pytest.skip("Microsoft's tables lie beside the checkout, and not everywhere")
    table, descriptions = (
        json.loads((SOURCE / name).read_text(encoding="utf-8"))
        for name in ("permissions.json", "permissions-descriptions.json")
    )

    made = generate_permissions.render(
        generate_permissions.generate_permissions(table, descriptions)
    )

    assert made == generate_permissions.TARGET.read_text(encoding="utf-8")


def test_the_table_says_where_it_comes_from() -> None:
    """Source, date and licence stand in the file that is shipped."""
    content = json.loads(generate_permissions.TARGET.read_text(encoding="utf-8"))

    assert {"repository", "date", "licence"} <= set(content["source"])
    assert "MIT" in content["source"]["licence"]


@pytest.mark.parametrize(
    ("path", "call", "least"),
    [
        ("/users", "GET /users", "User.ReadBasic.All"),
        ("/v1.0/users?$top=1", "GET /users", "User.ReadBasic.All"),
        ("/beta/Users/", "GET /users", "User.ReadBasic.All"),
        ("/v1.0/users/ana@contoso.example", "GET /users/{id}", "User.ReadBasic.All"),
        ("/users('ana%20b')/memberOf", "GET /users/{id}/memberof", "Directory.Read.All"),
        ("/users/$count", "GET /users", "User.ReadBasic.All"),
        ("/users/delta", "GET /users/delta", "User.Read.All"),
        ("/groups/1/members", "GET /groups/{id}/members", "GroupMember.ReadBasic.All"),
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
def test_the_catalogue_names_permissions_that_open_its_collections(row: Collection) -> None:
    """What the commands tell people to add is accepted by the call they make."""
    need = find_need("GET", f"/{row.name}")

    assert need is not None
    assert row.role in need.accepted


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
    with pytest.raises(SettingsError, match="is no call"):
        parse_call(text)
