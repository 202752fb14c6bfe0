"""What a PATCH does with properties that nobody can write."""

from typing import Any
from uuid import uuid4

import pytest

from entra_emulator.model.people_and_devices import draft_device
from tests.support.emulator_probe import Probe
from tests.support.graph_writer import NOBODY, PERMISSIONS, Writer, start_writer

REFUSED = "Property '{}' is read-only and cannot be set."


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    policies = ("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration")
    writer = start_writer(probe, *PERMISSIONS, *policies)
    # Custom roles need a licence.
    probe.emulator.directory.licences.add_subscriptions(writer.app.tenant, {})
    return writer


def make_application(writer: Writer) -> str:
    made = writer.make("/applications", {"displayName": "x", "passwordCredentials": [{}]})
    return f"/applications/{made['id']}"


def make_federated(writer: Writer) -> str:
    path = f"{make_application(writer)}/federatedIdentityCredentials"
    body = {"name": "main", "issuer": "https://x.example", "subject": "s", "audiences": ["a"]}
    return f"{path}/{writer.make(path, body)['id']}"


def make_principal(writer: Writer) -> str:
    app_id = writer.get(make_application(writer))["appId"]
    return f"/servicePrincipals/{writer.make('/servicePrincipals', {'appId': app_id})['id']}"


def make_unit(writer: Writer) -> str:
    path = "/directory/administrativeUnits"
    made = writer.make(path, {"displayName": "x", "visibility": "Public"})
    return f"{path}/{made['id']}"


def make_device(writer: Writer) -> str:
    directory = writer.app.probe.emulator.directory
    values = {
        "accountEnabled": True,
        "alternativeSecurityIds": [],
        "deviceId": str(uuid4()),
        "displayName": "x",
        "operatingSystem": "Linux",
        "operatingSystemVersion": "1",
    }
    record = draft_device(directory.new_id(), values, created="2024-01-01T00:00:00Z")
    directory.objects.create(writer.app.tenant, "device", record)
    return f"/devices/{record['id']}"


def make_grant(writer: Writer) -> str:
    client, resource = (make_principal(writer).rpartition("/")[2] for _ in range(2))
    body = {
        "clientId": client,
        "consentType": "AllPrincipals",
        "resourceId": resource,
        "scope": "a",
    }
    return f"/oauth2PermissionGrants/{writer.make('/oauth2PermissionGrants', body)['id']}"


def make_policy(writer: Writer) -> str:
    path = "/policies/appManagementPolicies"
    body = {
        "description": "d",
        "displayName": "x",
        "isEnabled": False,
        "restrictions": {"passwordCredentials": []},
    }
    return f"{path}/{writer.make(path, body)['id']}"


def make_definition(writer: Writer) -> str:
    path = "/roleManagement/directory/roleDefinitions"
    action = "microsoft.directory/applications/basic/update"
    permissions = [{"allowedResourceActions": [action]}]
    body = {"displayName": "x", "isEnabled": True, "rolePermissions": permissions}
    return f"{path}/{writer.make(path, body)['id']}"


# How one is made, and a read-only property with a value that it does not have.
OBJECTS: dict[str, tuple[Any, str, Any]] = {
    "administrativeUnit": (make_unit, "visibility", "HiddenMembership"),
    "appManagementPolicy": (make_policy, "id", NOBODY),
    "application": (make_application, "appId", NOBODY),
    "device": (make_device, "deviceId", NOBODY),
    "federatedIdentityCredential": (make_federated, "id", NOBODY),
    "group": (lambda w: f"/groups/{w.make_group()['id']}", "mail", "x@example.com"),
    "oAuth2PermissionGrant": (make_grant, "clientId", NOBODY),
    "servicePrincipal": (make_principal, "servicePrincipalType", "ManagedIdentity"),
    "unifiedRoleDefinition": (make_definition, "isBuiltIn", True),
    "user": (lambda w: f"/users/{w.make_user()['id']}", "createdDateTime", "2020-01-01T00:00:00Z"),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_is_sent_back_as_it_was_read_and_nothing_changes(
    writer: Writer, kind: str
) -> None:
    path = OBJECTS[kind][0](writer)
    whole = writer.get(path)
    assert whole["id"]

    assert writer.patch(path, whole).status == 204
    assert writer.get(path) == whole


@pytest.mark.parametrize("kind", OBJECTS)
def test_another_value_of_a_read_only_property_is_refused_and_nothing_changes(
    writer: Writer, kind: str
) -> None:
    make, name, value = OBJECTS[kind]
    path = make(writer)
    whole = writer.get(path)
    writable = "subject" if kind == "federatedIdentityCredential" else "displayName"
    more = {"scope": "b"} if kind == "oAuth2PermissionGrant" else {writable: "other"}
    for sent in ({name: value}, {name: None}, {"id": NOBODY}, {"id": 1}, {"id": [whole["id"]]}):
        if sent == {name: whole.get(name)}:
            continue
        answer = writer.patch(path, more | sent)

        assert answer.status == 400, sent
        assert answer.message in {REFUSED.format(name), REFUSED.format("id")}
        assert writer.get(path) == whole


def test_an_echo_may_write_a_time_or_an_id_differently(writer: Writer) -> None:
    made = writer.make_group()
    moment = made["createdDateTime"].replace("Z", ".000+00:00")
    for body in ({"id": made["id"].upper()}, {"createdDateTime": moment}, {"ID": made["id"]}):
        assert writer.patch(f"/groups/{made['id']}", body).status == 204, body
    twice = writer.patch(f"/groups/{made['id']}", {"id": made["id"], "Id": made["id"]})
    assert twice.status == 400


def test_a_new_application_is_sent_back_as_its_creation_answered(writer: Writer) -> None:
    made = writer.post("/applications", {"displayName": "App"}).json()
    path, moment = f"/applications/{made['id']}", made["createdDateTime"]

    assert writer.patch(path, {"createdDateTime": moment}).status == 204
    later = writer.patch(path, {"createdDateTime": moment.replace("20", "21", 1)})
    assert later.message == REFUSED.format("createdDateTime")


def test_a_new_object_chooses_no_read_only_property(writer: Writer) -> None:
    answer = writer.post("/groups", writer.group(id=NOBODY))

    assert (answer.status, answer.message) == (400, REFUSED.format("id"))
