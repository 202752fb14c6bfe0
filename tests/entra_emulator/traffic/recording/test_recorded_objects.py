"""Which objects and links the answers of a recording show."""

from __future__ import annotations

from typing import Any

import pytest

from entra_emulator.traffic.recording.recorded_objects import read_objects
from entra_emulator.web.exchange import Exchange
from tests.support.logged_calls import exchange

USER, BOSS, GROUP, DEVICE, APP, ROLE = (f"{n}0000000-0000-4000-a000-000000000000" for n in range(6))
TENANT = "90000000-0000-4000-a000-000000000000"
UPN = "ann@contoso.com"


def answer(target: str, content: Any, **more: Any) -> Exchange:
    return exchange(target=f"/v1.0{target}", answer=content, caller={}, **more)


def read(*exchanges: Exchange) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in read_objects(exchanges).list_lines()}


PERSON = {"id": USER, "userPrincipalName": UPN, "displayName": "Ann"}


@pytest.mark.parametrize(
    "one",
    [
        answer("/users", {"value": [PERSON]}),
        answer(f"/users/{USER}", PERSON),
        answer("/users/delta", {"value": [PERSON]}),
        answer(f"/directoryObjects/{USER}", PERSON | {"@odata.type": "#microsoft.graph.user"}),
        exchange(
            "POST",
            "/v1.0/$batch",
            {"responses": [{"id": "1", "status": 200, "body": {"value": [PERSON]}}]},
            body={"requests": [{"id": "1", "method": "GET", "url": "/users"}]},
            caller={},
        ),
    ],
)
def test_a_user(one: Exchange) -> None:
    """From a list, an object, changes, other collections and batches."""
    assert read(one) == {USER: PERSON | {"@odata.type": "#microsoft.graph.user"}}


def test_properties_of_several_answers() -> None:
    """An object has what any answer showed; an answer with less takes nothing away."""
    lines = read(
        answer(f"/users/{USER}", PERSON | {"department": "Sales"}),
        answer(f"/users/{USER}?$select=id,jobTitle", {"id": USER, "jobTitle": "x", "mail": None}),
    )
    assert (lines[USER]["department"], lines[USER]["jobTitle"]) == ("Sales", "x")
    assert "mail" not in lines[USER]


MEMBER = {"@odata.type": "#microsoft.graph.user", **PERSON}


@pytest.mark.parametrize(
    "exchanges",
    [
        [answer(f"/groups/{GROUP}/members", {"value": [MEMBER]})],
        [answer(f"/groups/{GROUP}/members/microsoft.graph.user", {"value": [PERSON]})],
        [
            answer(f"/users/{USER}", PERSON),
            answer(
                f"/users/{UPN}/memberOf",
                {"value": [{"@odata.type": "#microsoft.graph.group", "id": GROUP}]},
            ),
        ],
        [answer("/groups?$expand=members", {"value": [{"id": GROUP, "members": [MEMBER]}]})],
        [
            answer(f"/users/{USER}", PERSON),
            answer(
                "/groups/delta",
                {
                    "value": [
                        {
                            "id": GROUP,
                            "members@delta": [{"@odata.type": "#microsoft.graph.user", "id": USER}],
                        }
                    ]
                },
            ),
        ],
    ],
)
def test_members(exchanges: list[Exchange]) -> None:
    """From either side, from casts, from expanded objects and from changes."""
    lines = read(*exchanges)
    assert lines[GROUP]["members"] == [{"id": USER}]
    assert lines[GROUP]["displayName"], "nobody makes a group without a name"


def test_managers() -> None:
    boss = {"id": BOSS, "userPrincipalName": "boss@contoso.com", "displayName": "Boss"}
    for one in (
        answer(f"/users/{USER}/manager", boss),
        answer(f"/users/{BOSS}/directReports", {"value": [{"id": USER}]}),
    ):
        lines = read(answer("/users", {"value": [PERSON, boss]}), one)
        assert lines[USER]["manager"] == {"id": BOSS}


def test_what_is_left_out() -> None:
    """Refusals, deleted objects, what has no ID, and what the emulator has no objects of."""
    lines = read(
        answer("/users", {"value": [PERSON]}, status=403),
        answer("/users/delta", {"value": [{"id": USER, "@removed": {"reason": "changed"}}]}),
        answer("/users", {"value": [{"displayName": "x"}, "text", {"id": "7"}]}),
        answer("/subscribedSkus", {"value": [{"id": GROUP}]}),
        answer("/servicePrincipals", {"value": [{"id": DEVICE, "displayName": "no appId"}]}),
        answer("/directoryRoles", {"value": [{"id": ROLE, "displayName": "no template"}]}),
        answer("/nonsense", {"id": USER}),
        exchange(caller={})._replace(response_body=b"<html>"),
    )
    assert lines == {}


def test_what_is_made_up() -> None:
    """A user principal name in a domain that was seen; a value of the wrong type is left out."""
    other = {"id": BOSS, "displayName": "Boss", "accountEnabled": "maybe"}
    lines = read(answer("/users", {"value": [PERSON, other]}))
    assert lines[BOSS]["userPrincipalName"] == "10000000@contoso.com"
    assert "accountEnabled" not in lines[BOSS]


def test_callers() -> None:
    """The application that called, its service principal, its tenant and all its roles."""
    claims = {"appid": APP, "tid": TENANT, "oid": DEVICE, "roles": ["User.Read.All"]}
    recorded = read_objects(
        [
            exchange(caller=claims),
            exchange(caller=claims | {"roles": ["Group.Read.All"]}),
            exchange(caller={"appid": "no guid", "tid": TENANT}),
        ]
    )
    kinds = {line["@odata.type"]: line for line in recorded.list_lines()}

    assert recorded.tenant_id == TENANT
    assert recorded.apps[APP].roles == ("User.Read.All", "Group.Read.All")
    assert kinds["#microsoft.graph.servicePrincipal"]["id"] == DEVICE
    assert kinds["#microsoft.graph.application"]["appId"] == APP
    assert kinds["#microsoft.graph.organization"]["id"] == TENANT
