from typing import Any

import pytest

from tests.support.graph_links import members
from tests.support.graph_writer import Writer, start_writer

DYNAMIC = {"groupTypes": ["DynamicMembership"]}
SALES = 'user.department -eq "Sales"'
UNITS = "/directory/administrativeUnits"


@pytest.fixture(scope="module")
def writer(writer: Writer) -> Writer:
    """Rules need a licence."""
    writer.app.probe.emulator.directory.licences.add_subscriptions(writer.app.tenant, {})
    return writer


def test_members_follow_a_rule_that_is_written(writer: Writer) -> None:
    """In groups and in administrative units, from the answer on."""
    seller = writer.make_user(department="Sales")["id"]
    group = writer.make_group(**DYNAMIC, membershipRule=SALES)["id"]
    unit = writer.make(
        UNITS, {"displayName": "U", "membershipType": "Dynamic", "membershipRule": SALES}
    )
    paths = [f"/groups/{group}/members", f"{UNITS}/{unit['id']}/members"]

    assert unit["membershipRuleProcessingState"] == "On"
    assert [members(writer, path) for path in paths] == [[seller]] * 2
    other = writer.make_user(department="Sales")["id"]
    assert [members(writer, path) for path in paths] == [[seller, other]] * 2
    assert writer.patch(f"/users/{seller}", {"department": None}).status == 204
    assert [members(writer, path) for path in paths] == [[other]] * 2
    assert writer.patch(f"/groups/{group}", {"membershipRule": "user.mail -ne null"}).status == 204
    assert members(writer, paths[0]) == []
    assert writer.patch(f"{UNITS}/{unit['id']}", {"membershipType": "Assigned"}).status == 204
    assert writer.link(paths[1], seller).status == 204


def test_a_delta_query_tells_who_follows_a_rule(writer: Writer) -> None:
    """As it tells of every other member."""
    group = writer.make_group(**DYNAMIC, membershipRule='user.city -eq "Oslo"')["id"]
    page = writer.get(f"/groups/delta?$filter=id%20eq%20'{group}'")
    user = writer.make_user(city="Oslo")["id"]
    link = page["@odata.deltaLink"].partition("/v1.0")[2]

    (changed,) = writer.get(link)["value"]
    assert [one["id"] for one in changed["members@delta"]] == [user]


@pytest.mark.parametrize(
    ("rule", "code", "text"),
    [
        ("accountEnabled -eq true", "InvalidObjectTypeException", "No object type"),
        (
            'user.foo -eq "x"',
            "Request_BadRequest",
            (
                "Dynamic membership rule validation error: Wrong property applied. Property 'foo' "
                "cannot be applied to object 'User'"
            ),
        ),
        (
            'user.department -all "x"',
            "Request_BadRequest",
            (
                "Dynamic membership rule validation error: Invalid operands found for operator. "
                "Invalid operands found for operator -all"
            ),
        ),
    ],
)
def test_a_bad_rule_is_refused_wherever_it_is_written(
    writer: Writer, rule: str, code: str, text: str
) -> None:
    """In a new group or unit, and in one that is there."""
    group = writer.make_group(**DYNAMIC, membershipRule=SALES)["id"]
    unit: dict[str, Any] = {
        "displayName": "U",
        "membershipType": "Dynamic",
        "membershipRule": rule,
    }
    made = writer.make(UNITS, {"displayName": "U"})["id"]

    for answer in (
        writer.post("/groups", writer.group(**DYNAMIC, membershipRule=rule)),
        writer.patch(f"/groups/{group}", {"membershipRule": rule}),
        writer.post(UNITS, unit),
        writer.patch(f"{UNITS}/{made}", unit),
    ):
        assert (answer.status, answer.code, answer.message) == (400, code, text)
    # What else such a group is called can be changed without looking at its rule.
    assert writer.patch(f"/groups/{group}", {"description": "d"}).status == 204


def test_devices_are_no_members_of_microsoft_365_groups(writer: Writer) -> None:
    """Users alone are."""
    body = writer.group(
        groupTypes=["DynamicMembership", "Unified"],
        mailEnabled=True,
        securityEnabled=False,
        membershipRule="device.objectId -ne null",
    )

    assert "property 'membershipRule'" in writer.post("/groups", body).message


def test_rules_need_a_licence(writer: Writer) -> None:
    """A tenant that has bought neither P1 nor P2 has none."""
    other = start_writer(writer.app.probe)
    answer = other.post("/groups", other.group(**DYNAMIC, membershipRule=SALES))

    assert (answer.status, "P1 or P2" in answer.message) == (403, True)
