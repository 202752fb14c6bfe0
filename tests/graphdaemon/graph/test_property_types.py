"""What is within the properties of stored collections."""

import pytest

from graphdaemon.graph.property_types import (
    find_object_type,
    find_types,
    find_types_at,
    holds_any,
    list_published,
    spell,
)
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from tests.graphdaemon.graph.test_stored_collections import load_generator
from tests.support.places import ROOT

PUBLISHED = ROOT.parent / "shared" / "data"
TABLE = ROOT / "src/graphdaemon/graph/data/property_types.json"


def test_the_types_are_what_the_generator_makes_of_microsofts_metadata() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")

    assert load_generator().generate_nested(PUBLISHED) == TABLE.read_text("utf-8")


def test_types_are_nested_as_the_values_are() -> None:
    """What is not published may be anything, and so may what has names of anybody's choice."""
    names = ("createdDateTime", "assignedLicenses", "customSecurityAttributes", "extension_x")
    types = find_types(STORED_COLLECTIONS["users"], names)

    assert types == {
        "createdDateTime": "time",
        "assignedLicenses": [{"disabledPlans": ["text"], "skuId": "text"}],
        "customSecurityAttributes": "any",
        "extension_x": "any",
    }
    assert [name for name, kind in types.items() if holds_any(kind)] == [
        *("customSecurityAttributes", "extension_x"),
    ]
    assert holds_any([{"a": ["any"]}])


@pytest.mark.parametrize("collection", STORED_COLLECTIONS.values(), ids=lambda row: row.table)
def test_every_property_that_is_kept_by_default_has_a_type(collection: object) -> None:
    row = next(row for row in STORED_COLLECTIONS.values() if row is collection)
    assert not any(map(holds_any, find_types(row, row.select).values()))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("users", "user"),
        ("/beta/Users", "user"),
        ("users/ana@contoso.example?$select=id", "user"),
        ("users/delta", "user"),
        ("groups/1/members", "directoryObject"),
        ("groups('a/b')/members", "directoryObject"),
        ("servicePrincipals(appId='1')/appRoleAssignedTo", "appRoleAssignment"),
        ("users/1/memberOf/microsoft.graph.group", "group"),
        ("directory/deletedItems/microsoft.graph.user", "user"),
        ("https://graph.example/v1.0/groups/1/owners/2", "directoryObject"),
        ("users/1/messages", ""),
        ("users/1/messages/2/members", ""),
        ("users/1/memberOf/microsoft.graph.nothing", "directoryObject"),
        ("auditLogs/signIns", ""),
        ("", ""),
    ],
)
def test_a_path_leads_to_a_type(path: str, kind: str) -> None:
    """Over sets, keys, relations and casts; of what is not described nothing is known."""
    assert find_object_type(path) == kind


def test_of_what_is_not_described_only_the_commonest_times_are_known() -> None:
    names = ("createdDateTime", "dueDateTime", "accountEnabled")
    assert find_types_at("auditLogs/signIns", names) == {
        "createdDateTime": "time",
        "dueDateTime": "any",
        "accountEnabled": "any",
    }


def test_a_name_in_any_case_is_the_property_of_that_name() -> None:
    assert spell("user", "displayname") == "displayName"
    assert spell("user", "extension_X") == "extension_X"
    assert "displayName" in list_published("group")
    assert list_published("signIn") == ()
