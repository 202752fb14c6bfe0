"""What Graph answers to a write that needs what a lagging replica does not know yet."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.faults.schedule import Faults
from entra_emulator.graph.objects import replica
from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import Probe
from tests.support.graph_writer import Writer


@pytest.fixture
def faults(probe: Probe) -> Iterator[Faults]:
    faults = probe.emulator.faults
    yield faults
    faults.clear()


def lag(faults: Faults) -> None:
    """The next request meets a replica that knows nothing of the last minute."""
    faults.fail_next(1, Fault(kind="stale", lag=60))


def make_user(writer: Writer) -> dict[str, Any]:
    name = f"fresh-{uuid4().hex[:8]}"
    return writer.make(
        "/users",
        {
            "accountEnabled": True,
            "displayName": "Fresh",
            "mailNickname": name,
            "userPrincipalName": f"{name}@{writer.domain}",
            "passwordProfile": {"password": "Correct-horse-9-battery"},
        },
    )


def make_principal(writer: Writer) -> dict[str, Any]:
    application = writer.make("/applications", {"displayName": "Fresh"})
    return writer.make("/servicePrincipals", {"appId": application["appId"]})


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PATCH", "", {"notes": "n"}),
        ("POST", "/addPassword", {"passwordCredential": {"displayName": "d"}}),
        ("DELETE", "", None),
    ],
)
def test_application(
    writer: Writer, faults: Faults, method: str, action: str, body: dict[str, Any] | None
) -> None:
    """A just made application cannot be changed where it is not known, and a moment later can."""
    path = f"/applications/{writer.make('/applications', {'displayName': 'Fresh'})['id']}{action}"
    lag(faults)
    missing = writer.send(method, path, body)
    done = writer.send(method, path, body)

    assert (missing.status, missing.code) == (404, "Request_ResourceNotFound")
    assert done.status in {200, 204}


def test_principal(writer: Writer, faults: Faults) -> None:
    """A service principal needs an application that the replica knows."""
    body = {"appId": writer.make("/applications", {"displayName": "Fresh"})["appId"]}
    lag(faults)
    refused = writer.post("/servicePrincipals", body)
    made = writer.post("/servicePrincipals", body)

    assert (refused.status, refused.code) == (400, "Request_BadRequest")
    assert refused.message.endswith("does not reference a valid application object.")
    assert refused.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert made.status == 201


def test_assignment(writer: Writer, faults: Faults) -> None:
    """A role cannot be assigned to a service principal that the replica does not know."""
    graph = writer.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    body = {
        "principalId": make_principal(writer)["id"],
        "resourceId": graph["id"],
        "appRoleId": graph["appRoles"][0]["id"],
    }
    lag(faults)
    refused = writer.post(f"/servicePrincipals/{graph['id']}/appRoleAssignedTo", body)
    made = writer.post(f"/servicePrincipals/{graph['id']}/appRoleAssignedTo", body)

    assert (refused.status, refused.message.rstrip(".")) == (400, "Not a valid reference update")
    assert made.status == 201


def test_consent(writer: Writer, faults: Faults) -> None:
    """Consent cannot be given to a service principal that the replica does not know."""
    graph = writer.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    body = {
        "clientId": make_principal(writer)["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": "User.Read",
    }
    lag(faults)
    refused = writer.post("/oauth2PermissionGrants", body)
    made = writer.post("/oauth2PermissionGrants", body)

    assert (refused.status, refused.code) == (404, "Request_ResourceNotFound")
    assert made.status == 201


def test_member(writer: Writer, faults: Faults) -> None:
    """A member cannot be added that the replica does not know, nor to a group it does not know."""
    group, user = writer.make_group(), writer.make_user()
    lag(faults)
    refused = writer.link(f"/groups/{group['id']}/members", user["id"])
    added = writer.link(f"/groups/{group['id']}/members", user["id"])

    assert (refused.status, refused.code) == (404, "Request_ResourceNotFound")
    assert added.status == 204


def test_bound(writer: Writer, faults: Faults) -> None:
    """Nor can a new group be made with such a member."""
    user = writer.make_user()
    body = writer.group(
        displayName="Bound", **{"members@odata.bind": [writer.refer(user["id"])["@odata.id"]]}
    )
    lag(faults)
    refused = writer.post("/groups", body)

    assert (refused.status, refused.code) == (404, "Request_ResourceNotFound")
    assert not writer.get("/groups?$filter=displayName%20eq%20'Bound'")["value"]


WAYS = (
    *("/users?$top=999", "/users?$filter=accountEnabled eq true&$top=999", "/users/{id}"),
    *("/users/{upn}", "/users?$filter=id eq '{id}'", "/users?$filter=id in ('{id}')"),
    *("/users?$filter=userPrincipalName eq '{upn}'", "/directoryObjects/{id}"),
    *("/users?$filter=startswith(displayName,'Fresh')", '/users?$search="displayName:Fresh"'),
)
EVENTUAL = {"ConsistencyLevel": "eventual"}


def shows(writer: Writer, way: str, user: dict[str, Any], *, batched: bool = False) -> bool:
    """Whether a user is in what is answered to a question that names it, or to one for all."""
    path = way.format(id=user["id"], upn=user["userPrincipalName"])
    if batched:
        part = {"id": "1", "method": "GET", "url": path, "headers": EVENTUAL}
        (answer,) = writer.post("/$batch", {"requests": [part]}).json()["responses"]
        status, body = answer["status"], answer["body"]
    else:
        told = writer.send("GET", quote(path, safe="/?$=&'(),:\""), **EVENTUAL)
        status, body = told.status, told.json()
    assert status in {200, 404}
    return user["id"] in {one.get("id") for one in body.get("value", [body])}


@pytest.mark.parametrize("batched", [False, True], ids=["alone", "in a batch"])
@pytest.mark.parametrize("way", WAYS)
def test_a_replica_that_lags_shows_the_same_in_every_way_of_asking(
    writer: Writer, faults: Faults, way: str, batched: bool
) -> None:
    """Who was made a moment ago is in none of its answers, and in all of the others'."""
    user = make_user(writer)
    faults.fail_for(None, Fault(kind="stale", lag=60), route="GET /users*")
    faults.fail_for(None, Fault(kind="stale", lag=60), route="GET /directoryObjects*")
    behind = shows(writer, way, user, batched=batched)
    faults.clear()

    assert not behind
    assert shows(writer, way, user, batched=batched)


@pytest.mark.parametrize("path", ["/users/$count", "/users/$count?$filter=accountEnabled eq true"])
def test_a_replica_that_lags_counts_what_it_shows(
    writer: Writer, faults: Faults, path: str
) -> None:
    """Neither more nor less."""
    target = quote(path, safe="/?$=")

    def count() -> int:
        return int(writer.send("GET", target, **EVENTUAL).body.decode("utf-8-sig"))

    writer.app.probe.emulator.clock.move(100)
    before = count()
    make_user(writer)
    faults.fail_next(1, Fault(kind="stale", lag=60))

    assert [count(), count()] == [before, before + 1]


def test_a_replica_that_lags_still_shows_what_was_there(writer: Writer, faults: Faults) -> None:
    """Who was deleted a moment ago, in every way of asking; by what they were called then."""
    user = make_user(writer)
    writer.app.probe.emulator.clock.move(100)
    assert writer.patch(f"/users/{user['id']}", {"displayName": "Renamed"}).status == 204
    assert writer.delete(f"/users/{user['id']}").status == 204
    faults.fail_for(None, Fault(kind="stale", lag=60))
    behind = [shows(writer, way, user) for way in WAYS]
    found = writer.post("/directoryObjects/getByIds", {"ids": [user["id"]]}).json()["value"]
    faults.clear()

    assert all(behind)
    assert [one["displayName"] for one in found] == ["Fresh"]
    assert not any(shows(writer, way, user) for way in WAYS)


def test_a_whole_second_comes_before_its_fractions_and_no_time_before_all() -> None:
    times = (None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:01Z")
    docs = [msgspec.json.encode({"id": "1", "createdDateTime": time}) for time in times]

    positions = [replica.find_position("user", "createdDateTime", 1, doc) for doc in docs]

    assert sorted(positions, key=replica.rank) == positions
    assert len(set(positions)) == len(times)
