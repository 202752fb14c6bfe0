import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.graph_links import members
from tests.support.graph_writer import NOBODY, Writer


def test_bind_on_creation(writer: Writer) -> None:
    """Owners and members can be given with a new group, twenty of them together."""
    users = [writer.make_user()["id"] for _ in range(21)]
    urls = [f"https://graph.microsoft.com/v1.0/users/{user}" for user in users]
    made = writer.make_group(**{"owners@odata.bind": urls[:1], "members@odata.bind": urls[1:20]})

    assert members(writer, f"/groups/{made['id']}/owners") == users[:1]
    assert sorted(members(writer, f"/groups/{made['id']}/members")) == sorted(users[1:20])
    answer = writer.post("/groups", writer.group(**{"members@odata.bind": urls}))
    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert "21" in answer.message


def test_bind_all_or_none(writer: Writer) -> None:
    """A new group with a member that is not there is not made; a change adds all or none."""
    before = len(members(writer, "/groups?$top=999"))
    user = writer.make_user()["id"]
    missing = f"https://graph.microsoft.com/v1.0/directoryObjects/{NOBODY}"
    good = f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"
    refused = writer.post("/groups", writer.group(**{"members@odata.bind": [good, missing]}))
    assert refused.status == 404
    assert NOBODY in refused.message
    assert len(members(writer, "/groups?$top=999")) == before

    path = f"/groups/{writer.make_group()['id']}"
    assert writer.patch(path, {"members@odata.bind": [good, missing]}).status == 404
    assert members(writer, f"{path}/members") == []
    twice = writer.patch(path, {"members@odata.bind": [good, good]})
    assert twice.message == "Request contains a property with duplicate values."
    assert writer.patch(path, {"members@odata.bind": [good], "description": "d"}).status == 204
    assert members(writer, f"{path}/members") == [user]


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com/v1.0/directoryObjects/{id}",
        "https://graph.microsoft.com/beta/users/{id}",
        "https://graph.microsoft.com/v1.0/users('{id}')",
        "https://graph.microsoft.com/v1.0/users/{upn}",
        "https://graph.microsoft.com/v1.0/myorganization/users/{id}",
        (
            "https://graph.microsoft.com/v2/{tenant}/directoryObjects/{id}/"
            "Microsoft.DirectoryServices.User"
        ),
        "/directoryObjects/{id}",
        "https://graph.microsoft.com/v1.0/directoryObjects/{id}/microsoft.graph.user",
        "https://graph.microsoft.com/v1.0/users/{id}/graph.user",
    ],
)
def test_reference_spellings(writer: Writer, url: str) -> None:
    """A reference may be written in each way that clients write them."""
    user, group = writer.make_user(), writer.make_group()["id"]
    target = url.format(id=user["id"], upn=user["userPrincipalName"], tenant=writer.app.tenant.id)

    assert writer.post(f"/groups/{group}/members/$ref", {"@odata.id": target}).status == 204
    assert members(writer, f"/groups/{group}/members") == [user["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "Request_BadRequest"),
        ({"@odata.id": 7}, 400, "Request_BadRequest"),
        ({"@odata.id": "nonsense"}, 400, "Request_BadRequest"),
        ({"@odata.id": "https://graph.microsoft.com/v1.0/drives/1"}, 400, "Request_BadRequest"),
        ({"@odata.id": "http://[/"}, 400, "Request_BadRequest"),
        (
            {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/x"},
            400,
            "Request_BadRequest",
        ),
        (
            {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{NOBODY}"},
            404,
            "Request_ResourceNotFound",
        ),
        (None, 400, "BadRequest"),
    ],
)
def test_wrong_reference(writer: Writer, body: Any, status: int, code: str) -> None:
    """A reference that leads nowhere is refused."""
    answer = writer.post(f"/groups/{writer.make_group()['id']}/members/$ref", body)

    assert (answer.status, answer.code) == (status, code)


def test_malformed_target(writer: Writer) -> None:
    """A member that is no ID is refused as Graph words it."""
    answer = writer.delete(f"/groups/{writer.make_group()['id']}/members/someone/$ref")

    assert (answer.status, answer.code) == (400, "Request_UnsupportedQuery")
    assert answer.message == (
        "Unsupported referenced-object resource identifier for link property 'members'."
    )


def test_owners(writer: Writer) -> None:
    """Owners come and go by reference; the last one stays."""
    path = f"/groups/{writer.make_group()['id']}/owners"
    first, second = writer.make_user()["id"], writer.make_user()["id"]
    for user in (first, second):
        assert writer.link(path, user).status == 204

    assert "'owners'" in writer.link(path, first).message
    assert writer.delete(f"{path}/{first}/$ref").status == 204
    last = writer.delete(f"{path}/{second}/$ref")
    assert (last.status, last.code, last.message) == (
        400,
        "Request_BadRequest",
        "The group must have at least one owner, hence this owner cannot be removed.",
    )
    assert writer.link(path, writer.make_group()["id"]).status == 400


def test_owner_quota(writer: Writer) -> None:
    """A group has a hundred owners at most."""
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    group = writer.make_group()["id"]
    row = directory.objects.find(tenant, group)
    assert row is not None
    records = [
        {"id": directory.new_id(), "userPrincipalName": f"q{n}@x.example"} for n in range(100)
    ]
    for record in records:
        made = directory.objects.create(tenant, "user", record)
        directory.links.add(tenant, "owners", row, made)
    answer = writer.link(f"/groups/{group}/owners", writer.make_user()["id"])

    assert (answer.status, answer.code) == (403, "Directory_QuotaExceeded")
    assert re.search(r"would exceed the maximum quota count '100'", answer.message)


def test_a_reference_with_a_cast_to_another_type_is_not_there(writer: Writer) -> None:
    user, group = writer.make_user()["id"], writer.make_group()["id"]
    address = f"https://graph.microsoft.com/v1.0/directoryObjects/{user}/graph.group"

    answer = writer.post(f"/groups/{group}/members/$ref", {"@odata.id": address})

    assert (answer.status, answer.code) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize("name", ["members", "owners"])
def test_a_link_is_removed_by_the_address_in_the_query(writer: Writer, name: str) -> None:
    users = [writer.make_user()["id"] for _ in range(2)]
    path = f"/groups/{writer.make_group()['id']}/{name}"
    for user in users:
        assert writer.link(path, user).status == 204
    address = quote(writer.refer(users[0])["@odata.id"], safe="")

    assert writer.delete(f"{path}/$ref?@id={address}").status == 204

    assert members(writer, path) == users[1:]
    assert writer.delete(f"{path}/$ref?@id={address}").status == 404
    assert writer.delete(f"{path}/$ref").status == 400
    if name == "owners":
        last = quote(writer.refer(users[1])["@odata.id"], safe="")
        assert writer.delete(f"{path}/$ref?@id={last}").status == 400
    reader = writer.colleague("Group.Read.All")
    assert reader.delete(f"{path}/$ref?@id={address}").status == 403
