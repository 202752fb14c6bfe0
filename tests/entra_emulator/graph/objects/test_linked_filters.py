"""Filters on what is linked to an object: owners, owned objects, federated credentials."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.graph_principals import make
from tests.support.graph_writer import Writer

ADVANCED = {"ConsistencyLevel": "eventual"}


def list_ids(writer: Writer, path: str, text: str) -> list[str]:
    target = f"{path}?$filter={quote(text)}&$count=true&$select=id"
    return [one["id"] for one in writer.get(target, **ADVANCED)["value"]]


def make_owned(writer: Writer, path: str) -> list[str]:
    """Objects that nobody, one user and two users own."""
    users = [writer.make_user()["id"] for _ in range(2)]
    made: list[dict[str, Any]] = []
    for _ in range(3):
        if path == "/applications":
            made.append(writer.make(path, {"displayName": "Owned"}))
        elif path == "/groups":
            made.append(writer.make_group())
        else:
            made.append(make(writer)[1])
    ids = [one["id"] for one in made]
    for number, key in enumerate(ids):
        for owner in writer.get(f"{path}/{key}/owners")["value"]:
            assert writer.delete(f"{path}/{key}/owners/{owner['id']}/$ref").status == 204
        for user in users[:number]:
            assert writer.link(f"{path}/{key}/owners", user).status == 204
    return ids


@pytest.mark.parametrize("path", ["/applications", "/servicePrincipals", "/groups"])
def test_objects_are_found_by_whether_they_have_owners(writer: Writer, path: str) -> None:
    none, one, two = made = make_owned(writer, path)

    def find(text: str) -> list[str]:
        return [key for key in list_ids(writer, path, text) if key in made]

    assert find("owners/$count eq 0") == [none]
    assert find("owners/$count eq 1") == [one]
    assert find("owners/$count ne 0") == [one, two]
    assert find("not(owners/$count eq 1)") == [none, two]
    # The filter of the tutorial "Manage applications".
    assert find("owners/$count eq 0 or owners/$count eq 1") == [none, one]
    counted = f"{path}/$count?$filter=owners/$count%20eq%200"
    number = writer.send("GET", counted, **ADVANCED)
    assert number.body == str(len(list_ids(writer, path, "owners/$count eq 0"))).encode()


def test_users_and_service_principals_are_found_by_whether_they_own_anything(
    writer: Writer,
) -> None:
    idle, owner = (writer.make_user()["id"] for _ in range(2))
    group = writer.make_group()["id"]
    principal = make(writer)[1]["id"]
    for key in (owner, principal):
        assert writer.link(f"/groups/{group}/owners", key).status == 204

    without = list_ids(writer, "/users", "ownedObjects/$count eq 0")
    assert idle in without
    assert owner not in without
    assert owner in list_ids(writer, "/users", "ownedObjects/$count eq 1")
    assert principal in list_ids(writer, "/servicePrincipals", "ownedObjects/$count ne 0")


def test_applications_are_found_by_their_federated_credentials(writer: Writer) -> None:
    plain, federated = (writer.make("/applications", {"displayName": n})["id"] for n in "ab")
    credential = {
        "name": "Deploy",
        "issuer": "https://token.actions.example",
        "subject": "repo:contoso/orders",
        "audiences": ["api://AzureADTokenExchange"],
    }
    writer.make(f"/applications/{federated}/federatedIdentityCredentials", credential)
    name = "federatedIdentityCredentials"

    def find(text: str) -> list[str]:
        ids = list_ids(writer, "/applications", text)
        return [key for key in ids if key in {plain, federated}]

    assert find(f"{name}/$count eq 0") == [plain]
    assert find(f"{name}/any(f:f/name eq 'deploy')") == [federated]
    assert find(f"{name}/any(f:startswith(f/subject,'repo:contoso/'))") == [federated]
    assert find(f"{name}/any(f:f/issuer eq 'https://other.example')") == []
    both = f"{name}/any(f:f/name eq 'Deploy') and displayName eq 'b'"
    assert find(both) == [federated]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/applications", "owners/$count eq 0"),
        ("/applications", "federatedIdentityCredentials/$count eq 0"),
        ("/users", "ownedObjects/$count eq 0"),
    ],
)
def test_without_the_other_index_they_are_refused(writer: Writer, path: str, text: str) -> None:
    for options in ("", "&$count=true"):
        answer = writer.send("GET", f"{path}?$filter={quote(text)}{options}")
        assert (answer.status, answer.code) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/groups", "members/$count eq 0"),
        ("/groups", "owners/any(o:o/id eq 'x')"),
        ("/applications", "owners/$count eq 2"),
        ("/applications", "federatedIdentityCredentials/$count eq 1"),
        ("/users", "directReports/$count eq 0"),
    ],
)
def test_what_the_table_does_not_have_stays_refused(writer: Writer, path: str, text: str) -> None:
    answer = writer.send("GET", f"{path}?$filter={quote(text)}&$count=true", **ADVANCED)

    assert (answer.status, answer.code) == (400, "Request_UnsupportedQuery")
