from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant
from tests.support.emulator_probe import App, Probe, register


@pytest.fixture
def home(launch: Callable[..., Probe]) -> Probe:
    """The emulator, whose tenant is the home of the applications."""
    return launch(users=3)


@pytest.fixture
def guest(home: Probe) -> Tenant:
    """Another tenant of the same process."""
    return home.emulator.directory.tenants.create("Fabrikam", ("fabrikam.example",))


def shared(home: Probe, audience: str = "AzureADMultipleOrgs") -> App:
    """An application for several tenants that asks for a permission."""
    directory, tenant = home.emulator.directory, home.emulator.tenant
    made = directory.applications.register(tenant, "Shared", sign_in_audience=audience)
    directory.applications.add_application_permission(tenant, made.app_id, "User.Read.All")
    secret = directory.credentials.add_password(tenant, made.app_id).secret_text or ""
    return App(home, tenant, made.app_id, secret)


def consent(app: App, tenant: Tenant) -> None:
    app.probe.emulator.directory.consents.grant_admin_consent(tenant, app.client_id)


def codes(app: App) -> list[int] | None:
    content = app.probe.post(app.token_path, app.form()).json()
    found: list[int] | None = content.get("error_codes")
    return found


def test_consent_makes_the_principal(home: Probe, guest: Tenant) -> None:
    """Where nobody consented it has no service principal; the consent there makes one there."""
    app = shared(home)
    there, directory = replace(app, tenant=guest), home.emulator.directory

    before = codes(there)
    consent(app, guest)
    claims = jwt.decode(there.token(), options={"verify_signature": False})

    assert before == [7000229]
    principal = directory.service_principals.find(guest, app.client_id)
    assert principal is not None
    assert (claims["tid"], claims["oid"]) == (guest.id, principal.id)
    assert claims["roles"] == ["User.Read.All"]
    assert claims["iss"] == f"https://sts.windows.net/{guest.id}/"
    assert principal.record["appOwnerOrganizationId"] == app.tenant.id


def test_consent_is_per_tenant(home: Probe, guest: Tenant) -> None:
    """A consent in one tenant grants nothing in the other."""
    app = shared(home)
    consent(app, guest)

    claims = jwt.decode(app.token(), options={"verify_signature": False})

    assert "roles" not in claims
    assert claims["tid"] == home.emulator.tenant.id


def test_single_tenant(home: Probe, guest: Tenant) -> None:
    """An application for its own tenant stays unknown elsewhere, to consent too."""
    app = shared(home, "AzureADMyOrg")

    with pytest.raises(LookupError, match="may use"):
        consent(app, guest)
    assert codes(replace(app, tenant=guest)) == [700016]
    assert home.emulator.directory.service_principals.find(guest, app.client_id) is None


def test_users_stay_apart(home: Probe, guest: Tenant) -> None:
    """A token of one tenant sees that tenant's users, and no other's."""
    app = shared(home)
    consent(app, guest)
    consent(app, app.tenant)
    there = replace(app, tenant=guest)

    counts = [len(a.get("/v1.0/users").json()["value"]) for a in (app, there)]

    assert counts == [3, 0]


def test_disabled_in_one(home: Probe, guest: Tenant) -> None:
    """A tenant disables its own service principal only; the application is disabled everywhere."""
    app, directory = shared(home), home.emulator.directory
    consent(app, guest)
    there = replace(app, tenant=guest)

    directory.service_principals.enable(guest, app.client_id, enabled=False)
    first = [codes(app), codes(there)]
    directory.service_principals.enable(guest, app.client_id)
    directory.applications.disable(app.tenant, app.client_id)
    second = [codes(app), codes(there)]

    assert first == [None, [7000112]]
    assert second == [[7000112], [7000112]]


def test_same_domain_twice(home: Probe, guest: Tenant) -> None:
    """Tenants share the emulator, not their identifiers: each has APIs of its own."""
    directory, tenants = home.emulator.directory, (home.emulator.tenant, guest)
    for tenant in tenants:
        api = register(home, tenant=tenant)
        directory.applications.expose_api(tenant, api.client_id, "api://orders")

    found = [directory.service_principals.find_api(tenant, "api://orders") for tenant in tenants]

    assert found[0] is not None
    assert found[1] is not None
    assert found[0].app_id != found[1].app_id


def test_policy(home: Probe, guest: Tenant) -> None:
    """A Conditional Access policy blocks an application in its tenant only."""
    app, directory = shared(home), home.emulator.directory
    consent(app, guest)
    there = replace(app, tenant=guest)

    directory.token_policies.block(guest, app.client_id)
    blocked = [codes(app), codes(there)]
    directory.token_policies.block(guest, app.client_id, blocked=False)

    assert blocked == [None, [53003]]
    assert codes(there) is None


def test_tenants(directory: Directory, seeded: Tenant, tmp_path: Path) -> None:
    """A tenant is found by GUID and domains in any case of letters, after a restart too."""
    path = tmp_path / "directory.sqlite"
    first = Directory(path)
    made = seed_directory(first, users=0)
    first.close()
    second = Directory(path)

    for key in (made.id.upper(), "CONTOSO.example", "contoso.onmicrosoft.com"):
        assert second.tenants.find(key) == made
    assert second.tenants.find("fabrikam.example") is None
    assert second.tenants.list_all() == [made]
    second.close()
