"""`graphdaemon register`: an app from nothing to its first call, as often as it is run."""

import datetime as dt

import pytest

from graphdaemon.auth.key_files import read_key_pair
from graphdaemon.errors import UsageError
from graphdaemon.registration.desired import read_federated_credential
from tests.support.register_tenant import Site

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


def test_from_nothing_to_the_first_call(site: Site) -> None:
    """One app with a certificate, User.Read.All and consent; settings that work; a private key."""
    done = site.register()

    assert (done.changed, done.roles, done.consent_error) == (True, ("User.Read.All",), None)
    assert site.roles == ["User.Read.All"]
    assert site.app["tags"] == [f"graphdaemon:{site.name}"]
    assert site.app["signInAudience"] == "AzureADMyOrg"
    (key,) = site.app["keyCredentials"]
    pair = read_key_pair(site.folder / "parameters.pem")
    assert key["customKeyIdentifier"] == pair.certificate.thumbprint
    for path in site.folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert site.settings["client_id"] == done.client_id == site.app["appId"]
    assert site.prove(done) == "the app called GET /users"


@pytest.mark.parametrize("kind", ["certificate", "secret"])
@pytest.mark.parametrize("output", ["parameters.json", "app.toml"])
def test_a_second_run_changes_nothing(site: Site, kind: str, output: str) -> None:
    """Neither in the tenant nor here, whatever the credential and the form of the settings."""
    site.output = output
    site.register(kind=kind)
    before = site.describe()
    site.said.clear()

    done = site.register()

    assert (done.changed, done.kind, site.said) == (False, kind, [])
    assert site.describe() == before
    assert site.prove(done)


def test_what_differs_is_repaired_and_nothing_else(site: Site) -> None:
    """Service principal, permission, consent and tag come back; what others added stays."""
    site.register()
    path, other = f"/applications/{site.app['id']}", {"displayName": "somebody's"}
    site.writer.post(f"{path}/addPassword", {"passwordCredential": other})
    site.writer.delete(f"/servicePrincipals/{site.principal['id']}")
    site.writer.patch(path, {"tags": ["hers"], "requiredResourceAccess": []})
    key = site.app["keyCredentials"]

    done = site.register()

    assert done.changed
    assert site.roles == ["User.Read.All"]
    assert site.app["tags"] == ["hers", f"graphdaemon:{site.name}"]
    assert [one["displayName"] for one in site.app["passwordCredentials"]] == ["somebody's"]
    assert site.app["keyCredentials"] == key
    assert not site.register().changed


def test_a_disabled_app_is_switched_on(site: Site) -> None:
    """It would get no token."""
    done = site.register()
    site.writer.patch(f"/servicePrincipals/{site.principal['id']}", {"accountEnabled": False})

    site.register()

    assert site.prove(done)


def test_permissions_are_added_by_name_in_any_case(site: Site) -> None:
    """Those that the app asks for already stay what it asks for."""
    site.register(permissions=("group.read.all", "User.Read.All"))
    assert site.roles == ["Group.Read.All", "User.Read.All"]

    done = site.register()

    assert (done.changed, sorted(done.roles)) == (False, ["Group.Read.All", "User.Read.All"])
    site.register(permissions=("Device.Read.All",))
    assert site.roles == ["Device.Read.All", "Group.Read.All", "User.Read.All"]


def test_a_permission_that_does_not_exist_is_refused_before_anything_is_made(site: Site) -> None:
    """With the names that are near."""
    with pytest.raises(UsageError, match=r"'User\.Raed\.All'") as caught:
        site.register(permissions=("User.Raed.All",))

    assert "User.Read.All" in (caught.value.hint or "")
    assert site.apps == []


@pytest.mark.parametrize("kind", ["certificate", "secret"])
def test_a_credential_that_has_ended_is_replaced(site: Site, kind: str) -> None:
    """By one that is valid, and no sooner; the old one goes."""
    credentials = {"certificate": "keyCredentials", "secret": "passwordCredentials"}[kind]
    site.register(kind=kind)
    (old,) = site.app[credentials]
    site.later = dt.timedelta(days=364, hours=22)
    assert not site.register().changed
    site.later = dt.timedelta(days=365)

    done = site.register()

    (new,) = site.app[credentials]
    assert new["keyId"] != old["keyId"]
    site.later = dt.timedelta()
    assert not site.register().changed
    assert site.prove(done)


def test_another_kind_of_credential_takes_the_place_of_the_first(site: Site) -> None:
    """Nothing is left of the certificate in the app."""
    site.register()

    done = site.register(kind="secret")

    assert site.app["keyCredentials"] == []
    assert "private_key_file" not in site.settings
    assert site.prove(done)
    assert not site.register().changed
    site.register(kind="certificate")
    assert site.app["passwordCredentials"] == []
    assert "secret" not in site.settings


def test_credentials_added_from_elsewhere_stay(site: Site) -> None:
    """Two machines, or two files, have an app in common without taking each other's key away."""
    site.register()
    other = site.output = "second.json"

    site.register()

    assert len(site.app["keyCredentials"]) == 2
    site.output = "parameters.json"
    assert not site.register().changed
    site.output = other
    assert not site.register(kind="certificate").changed


TRUSTS = {
    "github:contoso/sync:ref:refs/heads/main": (
        "https://token.actions.githubusercontent.com",
        "repo:contoso/sync:ref:refs/heads/main",
    ),
    "kubernetes:https://oidc.example/a/b:jobs:sync": (
        "https://oidc.example/a/b",
        "system:serviceaccount:jobs:sync",
    ),
}


@pytest.mark.parametrize("who", TRUSTS)
def test_a_platforms_tokens_take_the_place_of_a_credential(site: Site, who: str) -> None:
    """The app trusts issuer and subject, and has no credential; a second run changes nothing."""
    trust = read_federated_credential(who)

    site.register(kind="federated", federated_credential=trust)

    path = f"/applications/{site.app['id']}/federatedIdentityCredentials"
    (one,) = site.writer.get(path)["value"]
    assert (one["issuer"], one["subject"]) == TRUSTS[who]
    assert one["audiences"] == ["api://AzureADTokenExchange"]
    assert site.settings["federated"] == trust.platform
    assert site.app["keyCredentials"] == []
    assert not site.register(kind="federated", federated_credential=trust).changed
    assert not site.register().changed
