"""What is read for an output: what it names, and of Graph no more than it shows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from graphdaemon.cli.reading import (
    RecordSource,
    add_relations,
    describe_graph,
    describe_object,
    plan_reading,
)
from graphdaemon.errors import UsageError
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.output.spec import OutputSpec

USERS = default_properties("users") or ()
COLUMNS = ("displayName", "userPrincipalName", "jobTitle", "id")


@pytest.mark.parametrize(
    ("select", "options", "expected"),
    [
        ((), {"format": "ndjson"}, ()),
        ((), {"format": "csv"}, COLUMNS),
        ((), {"format": "csv", "sort": "city"}, (*COLUMNS, "city")),
        ((), {"format": "json", "sort": "mail"}, ()),
        ((), {"format": "json", "sort": "employeeOrgData.division"}, (*USERS, "employeeOrgData")),
        ((), {"format": "json", "query": "[?city=='Rio']"}, (*USERS, "city")),
        ((), {"format": "json", "query": "[].{a: city}"}, ("city",)),
        ((), {"format": "csv", "query": "[].{a: city}"}, ("city",)),
        ((), {"format": "csv", "query": "[?city]"}, (*COLUMNS, "city")),
        ((), {"format": "json", "query": "[].id"}, ("id",)),
        (
            ("mail",),
            {"format": "json", "query": "[?city]", "sort": "state"},
            ("mail", "city", "state"),
        ),
        ((), {"format": "ndjson", "explode": "businessPhones"}, ()),
        ((), {"format": "ndjson", "explode": "otherMails"}, (*USERS, "otherMails")),
        ((), {"format": "csv", "explode": "otherMails"}, (*COLUMNS, "otherMails")),
        (
            (),
            {"explode": "otherMails", "query": "[].[parent.city, element]"},
            ("city", "otherMails"),
        ),
        ((), {"explode": "otherMails", "query": "[].{a: parent}"}, (*USERS, "otherMails")),
        ((), {"format": "json", "sort": "extension_0a1b_badge"}, (*USERS, "extension_0a1b_badge")),
    ],
)
def test_what_is_named_is_selected(
    select: tuple[str, ...], options: dict[str, Any], expected: tuple[str, ...]
) -> None:
    reading = plan_reading(describe_graph("users"), select, OutputSpec(**options))

    assert set(reading.select) == set(expected)


@pytest.mark.parametrize(
    ("path", "options", "columns"),
    [
        (
            "applications",
            {"explode": "passwordCredentials", "select": ("displayName", "appId")},
            (
                "parent.id parent.displayName parent.appId element.customKeyIdentifier "
                "element.displayName element.endDateTime element.hint element.keyId "
                "element.secretText element.startDateTime"
            ),
        ),
        (
            "users",
            {"explode": "proxyAddresses", "select": ("mail",)},
            "parent.id parent.mail element",
        ),
        (
            "groups",
            {"explode": "members", "select": ("id",)},
            "parent.id element.id element.displayName",
        ),
        ("users", {}, " ".join(COLUMNS)),
    ],
)
def test_the_columns_of_rows_are_known_before_any_is_read(
    path: str, options: dict[str, Any], columns: str
) -> None:
    source = describe_graph(path)._replace(added=("members",) if path == "groups" else ())
    spec = OutputSpec("csv", explode=options.get("explode"))

    reading = plan_reading(source, options.get("select", ()), spec)

    assert " ".join(reading.spec.columns) == columns
    assert not reading.spec.finds_columns


@pytest.mark.parametrize(
    ("source", "required"),
    [
        (RecordSource(), (("total", "--sort"),)),
        (describe_graph("groups/-/owners"), (("displayName", "--sort"),)),
        (describe_graph("beta/users"), (("total", "--sort"),)),
        (describe_graph("users"), ()),
    ],
    ids=["an API of one's own", "another path", "beta", "users"],
)
def test_what_nobody_publishes_has_to_be_seen(
    source: RecordSource, required: tuple[tuple[str, str], ...]
) -> None:
    name = required[0][0] if required else "mail"
    reading = plan_reading(source, (), OutputSpec("json", sort=name))

    assert reading.spec.required == required
    assert reading.select == ()


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("users/ana@contoso.example", True),
        ("/v1.0/groups/1", True),
        ("beta/users/1", False),
        ("users/1/manager", False),
        ("users/1?$select=id", False),
        ("organization", False),
        ("https://graph.microsoft.com/v1.0/users/1", False),
    ],
)
def test_of_an_object_at_another_path_nothing_is_assumed(path: str, known: bool) -> None:
    assert (describe_object(path, None).types is not None) is known


def test_what_is_expanded_is_no_property() -> None:
    source = describe_object("users/1", "manager($select=id,mail),memberOf")

    assert source.added == ("manager", "memberOf")
    plan_reading(source, (), OutputSpec("json", query="manager.id", single=True))


@pytest.mark.parametrize("name", ["displayNme", "departmentt", "business_Phones.x"])
def test_a_misspelt_name_is_refused_or_selected_for_graph_to_refuse(name: str) -> None:
    """Only what may be an extension, which is published nowhere, is left to Graph."""
    spec = OutputSpec("json", sort=name)
    if "_" in name:
        assert name.partition(".")[0] in plan_reading(describe_graph("users"), (), spec).select
        return
    with pytest.raises(UsageError, match=re.escape(f"users have no property {name}")):
        plan_reading(describe_graph("users"), (), spec)


@pytest.mark.parametrize(
    ("path", "with_", "options", "message", "hint"),
    [
        ("users", "manager", {"explode": "manager"}, "a single object", "Leave --explode out"),
        ("users", "manager", {"explode": "manager.id"}, "a single object", "Leave --explode out"),
        ("groups", "members", {"explode": "members.id"}, "not a list", "Write --explode members"),
        (
            "groups",
            "members",
            {"explode": "members", "sort": "element.mail"},
            "--with reads only id and displayName of members",
            "list members by themselves",
        ),
        (
            "users",
            "manager",
            {"query": "[].{a: manager.displayNme}"},
            "--with reads only id and displayName of manager",
            "Did you mean displayName?",
        ),
    ],
)
def test_what_with_does_not_read_is_refused(
    path: str, with_: str, options: dict[str, Any], message: str, hint: str
) -> None:
    """Before anything is: each object would have to be asked for first."""
    source = add_relations(describe_graph(path), (with_,))

    with pytest.raises(UsageError, match=message) as caught:
        plan_reading(source, (), OutputSpec("json", **options))
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("path", "with_", "options"),
    [
        ("users", "manager", {"query": "[].manager.displayName"}),
        ("groups", "members", {"explode": "members", "query": '[].element."@odata.type"'}),
        ("groups", "members", {"explode": "members", "sort": "element.displayName"}),
        ("users", "licenseDetails", {"explode": "licenseDetails.servicePlans"}),
    ],
)
def test_what_with_reads_may_be_named(path: str, with_: str, options: dict[str, Any]) -> None:
    """Of what has no display name everything is read."""
    source = add_relations(describe_graph(path), (with_,))

    plan_reading(source, (), OutputSpec("json", **options))


@pytest.mark.parametrize(
    ("collection", "select", "options", "advises"),
    [
        ("applications", (), {"format": "json", "explode": "tags"}, True),
        ("applications", ("displayName",), {"format": "json", "explode": "tags"}, False),
        ("applications", (), {"format": "csv", "explode": "tags"}, False),
        ("applications", (), {"format": "json"}, False),
        ("users", (), {"format": "json", "explode": "businessPhones"}, False),
        ("groups", (), {"format": "json", "explode": "groupTypes"}, False),
    ],
)
def test_rows_of_whole_records_are_said_to_cost_more(
    collection: str, select: tuple[str, ...], options: dict[str, Any], advises: bool
) -> None:
    """Unless properties are selected in any case, or a list costs one unit whatever it shows."""
    reading = plan_reading(describe_graph(collection), select, OutputSpec(**options))

    assert ("--select" in reading.advice) == advises
