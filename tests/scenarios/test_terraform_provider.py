"""
Terraform's azuread provider against the pretend tenant, resource by resource.

The requests are the provider's own, in its order (hashicorp/terraform-provider-azuread, August
2026). A plan that finds nothing to change is two readings that are alike.
"""

import base64
from collections.abc import Iterator
from uuid import uuid4

import pytest

from entra_emulator.clock import format_iso
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.server.emulator import Emulator
from tests.support.azuread_provider import (
    EMPTY_API,
    Provider,
    State,
    apply_application,
    apply_principal,
    read_application,
    read_principal,
)
from tests.support.certificates_and_assertions import make_identity
from tests.support.emulator_probe import Probe
from tests.support.graph_writer import start_writer

TWO = ("one", "two")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Emulator(users=5) as emulator:
        probe = Probe(emulator)
        yield Provider(start_writer(probe))
        probe.close()


def test_an_application_is_created_planned_updated_and_destroyed(provider: Provider) -> None:
    role = {
        "allowedMemberTypes": ["Application"],
        "description": "d",
        "displayName": "Write",
        "id": str(uuid4()),
        "isEnabled": True,
        "value": "Write",
    }
    key = apply_application(provider, appRoles=[role], tags=["a"])
    state = read_application(provider, key)
    assert state["displayName"] == "Orders"
    assert state["oauth2RequirePostResponse"] is False
    assert (state["owners"], state["tags"]) == ([], ["a"])
    assert state["appRoles"][0] | role == state["appRoles"][0]
    assert read_application(provider, key) == state

    path, user = f"/applications/{key}", provider.writer.make_user()["id"]
    # A role is disabled before it goes.
    provider.change(path, {"appRoles": [role | {"isEnabled": False}]})
    provider.change(path, {"appRoles": [], "displayName": "Bills", "api": EMPTY_API})
    assert provider.list(f"{path}/owners") == []
    provider.link(f"{path}/owners", user)
    state = read_application(provider, key)
    assert (state["displayName"], state["owners"], state["appRoles"]) == ("Bills", [user], [])

    provider.destroy(path)


def test_a_password_is_created_planned_and_destroyed(provider: Provider) -> None:
    path = f"/applications/{apply_application(provider)}"
    provider.read(path)
    end = format_iso(2_000_000_000)
    sent = {"displayName": "rotated", "endDateTime": end}
    made = provider.make(f"{path}/addPassword", {"passwordCredential": sent})
    assert made["secretText"]
    for _ in TWO:
        (entry,) = provider.read(path)["passwordCredentials"]
        assert (entry["keyId"], entry["displayName"]) == (made["keyId"], "rotated")
        assert entry["endDateTime"] == end

    removed = provider.send("POST", f"{path}/removePassword", {"keyId": made["keyId"]})
    assert removed.status == 204
    assert provider.read(path)["passwordCredentials"] == []
    provider.destroy(path)


def test_a_certificate_is_created_planned_and_destroyed(provider: Provider) -> None:
    key = apply_application(provider)
    path, identities = f"/applications/{key}", [make_identity(number) for number in (1, 2)]
    for identity in identities:
        present = provider.read(path)["keyCredentials"]
        # The provider encodes the certificate's whole text, PEM's first and last lines included.
        text = base64.b64encode(identity.certificate_pem.encode()).decode()
        new = {"key": text, "keyId": str(uuid4()), "type": "AsymmetricX509Cert", "usage": "Verify"}
        provider.change(path, {"id": key, "keyCredentials": [*present, new]})
    entries = provider.read(path)["keyCredentials"]
    assert [entry["customKeyIdentifier"] for entry in entries] == [
        identity.thumbprint.upper() for identity in identities
    ]
    assert provider.read(path)["keyCredentials"] == entries

    fewer: list[list[State]] = [entries[1:], []]
    for left in fewer:
        provider.change(path, {"id": key, "keyCredentials": left})
        assert provider.read(path)["keyCredentials"] == left
    provider.destroy(path)


def test_a_federated_credential_is_created_planned_updated_and_destroyed(
    provider: Provider,
) -> None:
    path = f"/applications/{apply_application(provider)}"
    provider.read(path)
    body = {
        "audiences": ["api://AzureADTokenExchange"],
        "description": "",
        "issuer": "https://token.actions.example",
        "name": "deploy",
        "subject": "repo:a/b:environment:prod",
    }
    made = provider.make(f"{path}/federatedIdentityCredentials", body)
    own = f"{path}/federatedIdentityCredentials/{made['id']}"
    for _ in TWO:
        state = provider.read(own)
        assert state | body == state

    changed = body | {"id": made["id"], "subject": "repo:a/b:environment:test"}
    provider.change(own, changed)
    state = provider.read(own)
    assert state | changed == state
    provider.destroy(own)


def test_a_service_principal_is_created_planned_updated_and_destroyed(provider: Provider) -> None:
    app_id = read_application(provider, apply_application(provider))["appId"]
    key = apply_principal(provider, app_id)
    state = read_principal(provider, key)
    assert (state["description"], state["owners"], state["samlMetadataUrl"]) == (None, [], None)
    assert read_principal(provider, key) == state

    path, user = f"/servicePrincipals/{key}", provider.writer.make_user()["id"]
    changes = {"notes": "n", "tags": ["WindowsAzureActiveDirectoryIntegratedApp"]}
    provider.change(path, changes | {"accountEnabled": True, "alternativeNames": []})
    assert provider.list(f"{path}/owners") == []
    provider.link(f"{path}/owners", user)
    state = read_principal(provider, key)
    assert state | changes | {"owners": [user]} == state
    provider.destroy(path)


def test_an_app_role_assignment_is_created_planned_and_destroyed(provider: Provider) -> None:
    graph = provider.read(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    role = next(one["id"] for one in graph["appRoles"] if one["value"] == "User.Read.All")
    app_id = read_application(provider, apply_application(provider))["appId"]
    principal = apply_principal(provider, app_id)
    provider.read(f"/servicePrincipals/{graph['id']}")
    body = {"appRoleId": role, "principalId": principal, "resourceId": graph["id"]}
    path = f"/servicePrincipals/{graph['id']}/appRoleAssignedTo"
    made = provider.make(path, body)
    for _ in TWO:
        state = provider.read(f"{path}/{made['id']}")
        assert state | body | {"principalType": "ServicePrincipal"} == state
    provider.destroy(f"{path}/{made['id']}")


def test_a_group_with_members_is_created_planned_updated_and_destroyed(provider: Provider) -> None:
    first, second = (provider.writer.make_user()["id"] for _ in TWO)
    body = {
        "@odata.type": "#microsoft.graph.group",
        "description": None,
        "displayName": "Staff",
        "groupTypes": [],
        "isAssignableToRole": False,
        "mailEnabled": False,
        "mailNickname": f"g{uuid4().hex[:9]}",
        "membershipRule": None,
        "owners@odata.bind": [provider.refer(provider.caller, version="beta")],
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": True,
    }
    key = provider.make("/groups", body, version="beta")["id"]
    path = f"/groups/{key}"
    provider.rename(path, "Staff", version="beta")
    assert provider.read(path, version="beta")["displayName"] == "Staff"
    provider.link(f"{path}/members", first)

    def read() -> State:
        linked = {name: provider.list(f"{path}/{name}", version="beta") for name in LINKS}
        return provider.read(path, version="beta") | linked

    state = read()
    assert (state["owners"], state["members"], state["memberOf"]) == (
        [provider.caller],
        [first],
        [],
    )
    assert read() == state

    sent = {"description": "All", "displayName": "Staff", "mailEnabled": False}
    provider.change(path, sent | {"membershipRule": None, "securityEnabled": True}, version="beta")
    # What `azuread_group_member` asks before it adds somebody, and afterwards.
    asked = f"{path}/members?%24filter=id+eq+%27{second}%27"
    assert provider.list(asked, version="beta") == []
    provider.link(f"{path}/members", second)
    assert provider.list(asked, version="beta") == [second]
    provider.delete(f"{path}/members/{first}/$ref")
    assert read() | {"description": "All", "members": [second]} == read()
    provider.destroy(path)


LINKS = ("owners", "members", "memberOf")


def test_a_user_is_created_planned_updated_and_destroyed(provider: Provider) -> None:
    alias, manager = f"u{uuid4().hex[:9]}", provider.writer.make_user()["id"]
    body: State = dict.fromkeys((*EXTRA, *PLAIN)) | {
        "accountEnabled": True,
        "displayName": "Ada",
        "employeeOrgData": {"costCenter": None, "division": None},
        "mailNickname": alias,
        "otherMails": [],
        "passwordProfile": {"forceChangePasswordNextSignIn": False, "password": "xWwvJ]6NMw+bWH-d"},
        "userPrincipalName": f"{alias}@{provider.writer.domain}",
    }
    del body["employeeHireDate"], body["onPremisesImmutableId"]
    key = provider.make("/users", body)["id"]
    path = f"/users/{key}"
    provider.change(path, {"showInAddressList": True}, version="beta")
    provider.link(f"{path}/manager", manager, method="PUT")

    def read() -> State:
        extra = provider.read(f"{path}?%24select={'%2C'.join(EXTRA)}")
        beta = provider.read(f"{path}?%24select=showInAddressList", version="beta")
        found = provider.send("GET", f"{path}/manager")
        state = provider.read(path) | extra | {"showInAddressList": beta["showInAddressList"]}
        return state | {"manager": found.json()["id"] if found.status == 200 else ""}

    state = read()
    assert (state["displayName"], state["mailNickname"]) == ("Ada", alias)
    assert (state["showInAddressList"], state["manager"]) == (True, manager)
    assert read() == state

    del body["passwordProfile"], body["mail"]
    provider.change(path, body | {"jobTitle": "Engineer", "businessPhones": ["+1 425 555 0100"]})
    provider.delete(f"{path}/manager/$ref")
    state = read()
    assert (state["jobTitle"], state["manager"]) == ("Engineer", "")
    provider.destroy(path)


PLAIN = ("givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage")
EXTRA = (
    *("accountEnabled", "ageGroup", "city", "companyName", "consentProvidedForMinor", "country"),
    *("department", "employeeHireDate", "employeeId", "employeeOrgData", "employeeType"),
    *("faxNumber", "mailNickname", "onPremisesImmutableId", "otherMails", "passwordPolicies"),
    *("postalCode", "state", "streetAddress", "usageLocation"),
)


def test_an_administrative_unit_is_created_planned_updated_and_destroyed(
    provider: Provider,
) -> None:
    sets, user = "/directory/administrativeUnits", provider.writer.make_user()["id"]
    key = provider.make(sets, {"displayName": "North", "visibility": "Public"})["id"]
    path = f"{sets}/{key}"
    provider.rename(path, "North")
    provider.link(f"{path}/members", user)
    for _ in TWO:
        state = provider.read(path)
        assert (state["displayName"], state["visibility"]) == ("North", "Public")
        assert provider.list(f"{path}/members") == [user]
    assert provider.list(f"{path}/members?%24filter=id+eq+%27{user}%27") == [user]

    # The visibility cannot change, and is sent all the same.
    sent = {"description": "d", "displayName": "South", "visibility": "Public"}
    provider.change(path, sent)
    provider.delete(f"{path}/members/{user}/$ref")
    state = provider.read(path)
    assert state | sent == state
    assert provider.list(f"{path}/members") == []
    provider.destroy(path)


def test_a_directory_role_and_its_member_are_created_planned_and_destroyed(
    provider: Provider,
) -> None:
    """`azuread_directory_role` and `azuread_directory_role_member`."""
    (template,) = (
        row
        for row in provider.read("/directoryRoleTemplates")["value"]
        if row["displayName"] == "Groups Administrator"
    )
    asked = f"/directoryRoles?%24filter=roleTemplateId+eq+%27{template['id']}%27"
    assert provider.list(asked) == []
    key = provider.make("/directoryRoles", {"roleTemplateId": template["id"]})["id"]
    assert provider.list(asked) == [key]
    assert provider.read(f"/directoryRoles/{key}")["roleTemplateId"] == template["id"]

    path, user = f"/directoryRoles/{key}/members", provider.writer.make_user()["id"]
    member = f"{path}?%24filter=id+eq+%27{user}%27"
    assert provider.list(member) == []
    provider.link(path, user)
    for _ in TWO:
        assert provider.list(member) == [user]
    provider.delete(f"{path}/{user}/$ref")
    assert provider.list(member) == []


def test_a_directory_role_assignment_is_created_planned_and_destroyed(provider: Provider) -> None:
    user, path = provider.writer.make_user()["id"], "/roleManagement/directory/roleAssignments"
    body = {
        "directoryScopeId": "/",
        "principalId": user,
        "roleDefinitionId": ROLES["Helpdesk Administrator"],
    }
    made = provider.make(path, {"@odata.type": "#microsoft.graph.unifiedRoleAssignment", **body})
    for _ in TWO:
        state = provider.read(f"{path}/{made['id']}")
        assert state | body == state
    provider.destroy(f"{path}/{made['id']}")
