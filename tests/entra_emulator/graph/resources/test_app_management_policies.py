"""App management policies: the default one, others, and what they are assigned to."""

from typing import Any

import pytest

from tests.support.graph_applications import install, make
from tests.support.graph_writer import NOBODY, Writer, start_writer

DEFAULT = "/policies/defaultAppManagementPolicy"
PATH = "/policies/appManagementPolicies"
BODY = {
    "displayName": "Credential management policy",
    "description": "Cred policy sample",
    "isEnabled": True,
    "restrictions": {
        "passwordCredentials": [
            {
                "restrictionType": "passwordLifetime",
                "maxLifetime": "P4DT12H30M5S",
                "restrictForAppsCreatedAfterDateTime": "2014-10-19T10:37:00Z",
            }
        ]
    },
}


@pytest.fixture
def manager(writer: Writer) -> Writer:
    """An application of a tenant of its own: the default policy is the tenant's only one."""
    fresh = start_writer(writer.app.probe)
    return fresh.colleague(
        "Application.ReadWrite.All", "Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"
    )


def refer(policy: dict[str, Any]) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0{PATH}/{policy['id']}"}


def test_the_default_policy_is_there_and_wants_unique_identifier_uris(manager: Writer) -> None:
    """As Microsoft switched it on in 2025; beta shows the restriction of audiences besides."""
    policy = manager.get(DEFAULT)
    beta = manager.get(f"/beta{DEFAULT}")

    assert policy["@odata.context"].endswith("#policies/defaultAppManagementPolicy/$entity")
    assert (policy["id"], policy["isEnabled"]) == ("00000000-0000-0000-0000-000000000000", True)
    restrictions = policy["applicationRestrictions"]
    assert (restrictions["passwordCredentials"], restrictions["keyCredentials"]) == ([], [])
    assert restrictions["identifierUris"]["uriAdditionWithoutUniqueTenantIdentifier"] == {
        "state": "enabled",
        "restrictForAppsCreatedAfterDateTime": None,
        "excludeAppsReceivingV2Tokens": True,
        "excludeSaml": True,
        "excludeActors": None,
    }
    assert policy["servicePrincipalRestrictions"] == {
        "passwordCredentials": [],
        "keyCredentials": [],
    }
    assert beta["applicationRestrictions"]["audiences"] is None
    assert "audiences" not in restrictions


def test_a_change_of_the_default_policy_keeps_what_is_not_sent(manager: Writer) -> None:
    before = manager.get(DEFAULT)
    body = {
        "applicationRestrictions": {
            "passwordCredentials": [{"restrictionType": "passwordAddition"}]
        }
    }
    changed = manager.patch(DEFAULT, body)
    after = manager.get(DEFAULT)

    assert changed.status == 204
    assert after["applicationRestrictions"]["passwordCredentials"] == [
        {
            "restrictionType": "passwordAddition",
            "state": "enabled",
            "maxLifetime": None,
            "restrictForAppsCreatedAfterDateTime": None,
            "excludeActors": None,
        }
    ]
    after["applicationRestrictions"]["passwordCredentials"] = []
    assert after == before


def test_a_policy_is_made_changed_listed_and_removed(manager: Writer) -> None:
    """The example of the documentation."""
    made = manager.make(PATH, BODY)
    own = f"{PATH}/{made['id']}"
    changed = manager.patch(own, {"isEnabled": False})

    assert made["@odata.context"].endswith("#policies/appManagementPolicies/$entity")
    assert made["restrictions"]["passwordCredentials"][0]["maxLifetime"] == "P4DT12H30M5S"
    assert changed.status == 204
    (listed,) = manager.get(PATH)["value"]
    assert (listed["id"], listed["isEnabled"]) == (made["id"], False)
    assert listed["restrictions"] == made["restrictions"]
    assert manager.delete(own).status == 204
    assert manager.send("GET", own).status == 404
    assert manager.get(PATH)["value"] == []


def test_a_policy_is_enabled_unless_it_says_otherwise(manager: Writer) -> None:
    """Microsoft's guide to exceptions sends restrictions alone."""
    assert manager.make(PATH, {"restrictions": {}})["isEnabled"] is True


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_one_policy_is_assigned_to_an_object_by_reference(manager: Writer, kind: str) -> None:
    """It shows what it applies to; a second one is refused, and it can be taken back."""
    application = make(manager)
    principal = install(manager, application["appId"])
    held = application if kind == "applications" else principal
    first, second = manager.make(PATH, BODY), manager.make(PATH, BODY)
    path = f"/{kind}/{held['id']}/appManagementPolicies"

    assert manager.post(f"{path}/$ref", refer(first)).status == 204
    assert [one["id"] for one in manager.get(path)["value"]] == [first["id"]]
    expanded = manager.get(f"/{kind}/{held['id']}?$select=id&$expand=appManagementPolicies")
    assert expanded["appManagementPolicies"][0]["id"] == first["id"]
    (applied,) = manager.get(f"{PATH}/{first['id']}/appliesTo")["value"]
    assert (applied["@odata.type"], applied["id"]) == (f"#microsoft.graph.{kind[:-1]}", held["id"])
    again = manager.post(f"{path}/$ref", refer(second))
    assert (again.status, again.code) == (400, "Request_BadRequest")
    assert manager.delete(f"{path}/{second['id']}/$ref").status == 404
    assert manager.delete(f"{path}/{first['id']}/$ref").status == 204
    assert manager.get(path)["value"] == []


def test_a_removed_policy_and_a_purged_application_leave_no_assignment(manager: Writer) -> None:
    application, policy = make(manager), manager.make(PATH, BODY)
    path = f"/applications/{application['id']}"
    manager.post(f"{path}/appManagementPolicies/$ref", refer(policy))
    manager.delete(path)
    manager.delete(f"/directory/deletedItems/{application['id']}")
    directory, tenant = manager.app.probe.emulator.directory, manager.app.tenant

    assert directory.app_management_policies.list_holders(tenant, policy) == []
    other = make(manager)
    manager.post(f"/applications/{other['id']}/appManagementPolicies/$ref", refer(policy))
    manager.delete(f"{PATH}/{policy['id']}")
    assert manager.get(f"/applications/{other['id']}/appManagementPolicies")["value"] == []


REFUSED = {
    "an unknown restriction": {"passwordCredentials": [{"restrictionType": "passwords"}]},
    "a restriction twice": {"passwordCredentials": 2 * [{"restrictionType": "passwordAddition"}]},
    "no lifetime": {"keyCredentials": [{"restrictionType": "asymmetricKeyLifetime"}]},
    "no duration": {
        "keyCredentials": [{"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "90 days"}]
    },
    "another state": {
        "passwordCredentials": [{"restrictionType": "passwordAddition", "state": "on"}]
    },
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_policy_that_makes_no_sense_is_refused(manager: Writer, mistake: str) -> None:
    assert manager.post(PATH, {"restrictions": REFUSED[mistake]}).status == 400
    assert manager.patch(DEFAULT, {"applicationRestrictions": REFUSED[mistake]}).status == 400


@pytest.mark.parametrize(
    "restrictions",
    [
        {"audiences": {"azureAdMultipleOrgs": {"state": "enabled"}}},
        {"redirectUris": {}},
        {"keyCredentials": [{"restrictionType": "trustedCertificateAuthority"}]},
    ],
)
def test_what_is_not_checked_cannot_be_restricted(
    manager: Writer, restrictions: dict[str, Any]
) -> None:
    """A restriction that is kept and not followed would be worse than none."""
    body = {"applicationRestrictions": restrictions}

    assert manager.patch(f"/beta{DEFAULT}", body).status == 501
    assert (
        manager.patch(f"/beta{DEFAULT}", {"applicationRestrictions": {"audiences": None}}).status
        == 204
    )


def test_policies_are_read_and_written_by_their_own_permissions(manager: Writer) -> None:
    """Assigning takes the right to read applications besides."""
    reader = manager.colleague("Policy.Read.All")
    policy_writer = manager.colleague("Policy.ReadWrite.ApplicationConfiguration")
    nobody = manager.colleague("Application.Read.All")
    application, policy = make(manager), manager.make(PATH, BODY)
    assign = f"/applications/{application['id']}/appManagementPolicies/$ref"

    assert reader.get(DEFAULT)
    assert reader.get(PATH)
    assert reader.patch(DEFAULT, {"isEnabled": False}).status == 403
    assert reader.post(PATH, BODY).status == 403
    assert policy_writer.post(PATH, BODY).status == 201
    assert nobody.send("GET", DEFAULT).status == 403
    assert nobody.post(assign, refer(policy)).status == 403
    assert policy_writer.post(assign, refer(policy)).status == 403
    assert manager.post(assign, refer(policy)).status == 204


@pytest.mark.parametrize(
    "body",
    [{}, {"@odata.id": 1}, {"@odata.id": "https://x/v1.0/users/1"}, {"@odata.id": "http://["}],
)
def test_only_a_policy_is_assigned(manager: Writer, body: dict[str, Any]) -> None:
    path = f"/applications/{make(manager)['id']}/appManagementPolicies/$ref"

    assert manager.post(path, body).status == 400
    assert manager.post(path, refer({"id": NOBODY})).status == 404
