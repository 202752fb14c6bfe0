"""Credentials and identifier URIs that the tenant's app management policies do not allow."""

from typing import Any

import pytest

from tests.support.certificates_and_assertions import make_identity
from tests.support.emulator_probe import Answer
from tests.support.graph_applications import certify, install, make
from tests.support.graph_writer import Writer, start_writer

DEFAULT = "/policies/defaultAppManagementPolicy"
PATH = "/policies/appManagementPolicies"
UNIQUE = "uriAdditionWithoutUniqueTenantIdentifier"
DAY = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-01-02T00:00:00Z"}
MONTH = DAY | {"endDateTime": "2026-02-01T00:00:00Z"}


@pytest.fixture
def manager(writer: Writer) -> Writer:
    """An application of a tenant of its own, whose policy the test may change."""
    fresh = start_writer(writer.app.probe)
    return fresh.colleague("Application.ReadWrite.All", "Policy.ReadWrite.ApplicationConfiguration")


def restrict(manager: Writer, name: str = "applicationRestrictions", **restrictions: Any) -> None:
    answer = manager.patch(DEFAULT, {"isEnabled": True, name: restrictions})
    assert answer.status == 204, answer.body


def limit(word: str, **more: Any) -> list[dict[str, Any]]:
    return [{"restrictionType": word} | more]


def exempt(manager: Writer, path: str, **restrictions: Any) -> None:
    """Assign a policy of its own to the object at this path."""
    policy = manager.make(PATH, {"restrictions": restrictions})
    reference = {"@odata.id": f"https://graph.microsoft.com/beta{PATH}/{policy['id']}"}
    assert manager.post(f"{path}/appManagementPolicies/$ref", reference).status == 204


def add_password(manager: Writer, path: str, **values: str) -> Answer:
    return manager.post(f"{path}/addPassword", {"passwordCredential": values})


def test_secrets_that_the_policy_forbids_are_refused_wherever_they_are_made(
    manager: Writer,
) -> None:
    """By addPassword and in a new application; those of service principals go by their own."""
    application = make(manager)
    path = f"/applications/{application['id']}"
    principal = f"/servicePrincipals/{install(manager, application['appId'])['id']}"
    restrict(manager, passwordCredentials=limit("passwordAddition"))

    refused = add_password(manager, path)
    assert (refused.status, refused.code, refused.message) == (
        400,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        (
            "Credential type not allowed as per assigned policy "
            "'00000000-0000-0000-0000-000000000000'."
        ),
    )
    body = {"displayName": "x", "passwordCredentials": [{"displayName": "a"}]}
    assert manager.post("/applications", body).code == refused.code
    assert manager.get(path)["passwordCredentials"] == []
    assert add_password(manager, principal).status == 200
    restrict(manager, "servicePrincipalRestrictions", passwordCredentials=limit("passwordAddition"))
    assert add_password(manager, principal).code == refused.code


def test_secrets_that_live_too_long_are_refused(manager: Writer) -> None:
    """Whoever names no end asks for two years."""
    path = f"/applications/{make(manager)['id']}"
    restrict(manager, passwordCredentials=limit("passwordLifetime", maxLifetime="P30D"))

    refused = add_password(manager, path, **MONTH)
    assert (refused.status, refused.code, refused.message) == (
        400,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        (
            "Credential lifetime exceeds the max value allowed as per assigned policy "
            "'00000000-0000-0000-0000-000000000000'."
        ),
    )
    assert add_password(manager, path).code == refused.code
    assert add_password(manager, path, **DAY).status == 200


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_certificates_that_live_too_long_are_refused(manager: Writer, kind: str) -> None:
    """Those that are there already stay, and may be sent again."""
    application = make(manager)
    principal = install(manager, application["appId"])
    path = f"/{kind}/{(application if kind == 'applications' else principal)['id']}"
    long, short = make_identity(1, end_days=90), make_identity(2, end_days=3)
    assert manager.patch(path, {"keyCredentials": [certify(long)]}).status == 204
    present = manager.get(path)["keyCredentials"]
    for name in ("applicationRestrictions", "servicePrincipalRestrictions"):
        restrict(manager, name, keyCredentials=limit("asymmetricKeyLifetime", maxLifetime="P10D"))

    def send(*entries: dict[str, Any]) -> Answer:
        return manager.patch(path, {"keyCredentials": [*present, *entries]})

    assert send(certify(make_identity(3))).code == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert send(certify(short)).status == 204
    assert len(manager.get(path)["keyCredentials"]) == 2


def test_symmetric_keys_are_refused_by_the_policy_before_all_else(manager: Writer) -> None:
    """Without such a policy the emulator says that it does not have them."""
    path = f"/applications/{make(manager)['id']}"
    body = {"keyCredentials": [{"type": "Symmetric", "usage": "Verify", "key": "AAAA"}]}
    before = manager.patch(path, body)
    restrict(manager, passwordCredentials=limit("symmetricKeyAddition"))

    assert before.status == 501
    assert manager.patch(path, body).code == "CredentialTypeNotAllowedAsPerAppPolicy"
    created = manager.post("/applications", {"displayName": "x"} | body)
    assert created.code == "CredentialTypeNotAllowedAsPerAppPolicy"


@pytest.mark.parametrize(
    "entry",
    [
        {"state": "disabled"},
        {"restrictForAppsCreatedAfterDateTime": "2099-01-01T00:00:00Z"},
    ],
)
def test_a_restriction_that_is_off_or_for_younger_applications_refuses_nothing(
    manager: Writer, entry: dict[str, Any]
) -> None:
    path = f"/applications/{make(manager)['id']}"
    restrict(manager, passwordCredentials=limit("passwordAddition", **entry))

    assert add_password(manager, path).status == 200


def test_a_policy_that_is_not_enabled_refuses_nothing(manager: Writer) -> None:
    path = f"/applications/{make(manager)['id']}"
    restrict(manager, passwordCredentials=limit("passwordAddition"))
    manager.patch(DEFAULT, {"isEnabled": False})

    assert add_password(manager, path).status == 200


def test_an_assigned_policy_takes_the_place_of_the_default_one(manager: Writer) -> None:
    """It inherits nothing; the refusal names it."""
    path = f"/applications/{make(manager)['id']}"
    restrict(manager, passwordCredentials=limit("passwordAddition"))
    exempt(manager, path, passwordCredentials=limit("passwordLifetime", maxLifetime="P10D"))
    (assigned,) = manager.get(f"{path}/appManagementPolicies")["value"]

    assert add_password(manager, path, **DAY).status == 200
    refused = add_password(manager, path, **MONTH)
    assert refused.code == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert assigned["id"] in refused.message


def test_identifier_uris_are_unique_to_the_tenant_by_default(manager: Writer) -> None:
    application = make(manager)
    path, app_id = f"/applications/{application['id']}", application["appId"]
    tenant = manager.app.tenant.id
    good = [
        f"api://{app_id}",
        f"api://{app_id}/orders",
        f"api://{tenant}/orders",
        f"api://orders/{tenant}",
        f"spn://orders/{app_id}",
        f"api://orders.{manager.domain}",
        f"https://{manager.domain}/orders",
    ]
    refused = manager.patch(path, {"identifierUris": [*good, "api://orders"]})

    assert (refused.status, refused.code, refused.message) == (
        400,
        "InvalidUniqueTenantIdentifierAsPerAppPolicy",
        (
            "Failed to add identifier URI api://orders. All newly added URIs must contain a tenant "
            "verified domain, tenant ID, or app ID, as per the default tenant policy of your "
            "organization. See https://aka.ms/identifier-uri-addition-error for more information "
            "on this error."
        ),
    )
    assert manager.patch(path, {"identifierUris": good}).status == 204
    body = {"displayName": "x", "identifierUris": [f"api://x{manager.domain}"]}
    assert manager.post("/applications", body).code == refused.code


def test_tokens_of_version_2_and_saml_are_exceptions_to_unique_uris(manager: Writer) -> None:
    """An application that has such URIs cannot go back to tokens of version 1."""
    modern, old = make(manager), make(manager)
    principal = install(manager, old["appId"])
    paths = [f"/applications/{one['id']}" for one in (modern, old)]
    body = {"api": {"requestedAccessTokenVersion": 2}, "identifierUris": ["api://first"]}
    saml = {"preferredSingleSignOnMode": "saml"}

    assert manager.patch(paths[0], body).status == 204
    back = manager.patch(paths[0], {"api": {"requestedAccessTokenVersion": None}})
    assert back.code == "InvalidUniqueTenantIdentifierAsPerAppPolicy"
    assert manager.patch(paths[1], {"identifierUris": ["api://second"]}).status == 400
    assert manager.patch(f"/servicePrincipals/{principal['id']}", saml).status == 204
    assert manager.patch(paths[1], {"identifierUris": ["api://second"]}).status == 204


def test_an_application_with_a_policy_of_its_own_may_have_any_uri(manager: Writer) -> None:
    """What it has it keeps when the policy is taken back."""
    path = f"/applications/{make(manager)['id']}"
    uris = {UNIQUE: {"state": "disabled"}}
    exempt(manager, path, applicationRestrictions={"identifierUris": uris})
    (policy,) = manager.get(f"{path}/appManagementPolicies")["value"]

    assert manager.patch(path, {"identifierUris": ["api://orders"]}).status == 204
    manager.delete(f"{path}/appManagementPolicies/{policy['id']}/$ref")
    assert (
        manager.patch(path, {"displayName": "Y", "identifierUris": ["api://orders"]}).status == 204
    )
    more = {"identifierUris": ["api://orders", "api://more"]}
    assert manager.patch(path, more).code == "InvalidUniqueTenantIdentifierAsPerAppPolicy"


def test_only_default_uris_can_be_wanted_too(manager: Writer) -> None:
    application = make(manager)
    path, app_id = f"/applications/{application['id']}", application["appId"]
    rule = {"state": "enabled", "excludeAppsReceivingV2Tokens": True}
    restrict(manager, identifierUris={"nonDefaultUriAddition": rule})
    uri = f"api://{app_id}/orders"

    refused = manager.patch(path, {"identifierUris": [uri]})
    assert refused.status == 400
    assert refused.message.startswith(
        f"The newly added URI {uri} must comply with the format 'api://{{appId}}' or "
        "'api://{tenantId}/{appId}' as per the default app management policy of your organization."
    )
    default = [f"api://{app_id}", f"api://{manager.app.tenant.id}/{app_id}"]
    assert manager.patch(path, {"identifierUris": default}).status == 204
