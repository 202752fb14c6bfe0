"""`graphdaemon register`: an app from nothing to its first call, as often as it is run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import read_key_pair
from graphdaemon.errors import GraphError, SettingsError, UsageError
from graphdaemon.registration.desired import read_federated_credential
from tests.support.graph_writer import start_writer
from tests.support.register_tenant import Site, make_site
from tests.support.user_flows import ordinary

# Of the token service, which checks assertions made with short keys.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(users=20, token_lifetime=10**8) as emulator:
        yield emulator


@pytest.fixture
def site(running: Emulator, tmp_path: Path) -> Iterator[Site]:
    made = make_site(running, tmp_path / "site")
    yield made
    running.faults.clear()
    made.close()


@pytest.fixture
def own(site: Site) -> Site:
    """In the tenant that has people."""
    return site.among_people()


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


def test_missing_files_are_made_again(site: Site) -> None:
    """Lost settings are written; a lost key is replaced, and its certificate goes."""
    site.register()
    (site.folder / "parameters.json").unlink()
    site.register()
    (site.folder / "parameters.pem").unlink()

    done = site.register()

    assert len(site.app["keyCredentials"]) == 1
    assert site.prove(done)


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


def test_what_people_added_to_the_settings_stays(site: Site) -> None:
    """Keys of theirs, and an endpoint of their choice."""
    site.register()
    path = site.folder / "parameters.json"
    mine = site.settings | {"timeout": 20, "endpoint": f"{site.emulator.url}/beta/users"}
    path.write_text(json.dumps(mine))

    assert not site.register().changed
    site.register(kind="secret")

    assert site.settings["timeout"] == 20
    assert site.settings["endpoint"].endswith("/beta/users")


@pytest.mark.parametrize("name", ["parameters.json", "parameters.pem"])
@pytest.mark.parametrize("content", ["{", '{"client_id": "hers", "note": "mine"}', "key"])
def test_a_file_of_somebody_elses_is_not_overwritten(site: Site, name: str, content: str) -> None:
    """Nothing is sent before that is said; --force does."""
    path = site.folder / name
    path.write_text(content)

    with pytest.raises(SettingsError) as caught:
        site.register()

    assert caught.value.code == "file_foreign"
    assert "--force" in (caught.value.hint or "")
    assert (path.read_text(), site.apps) == (content, [])
    assert site.prove(site.register(force=True))


def test_settings_of_another_app_or_tenant_are_somebody_elses(site: Site) -> None:
    """One file, one app."""
    site.register()
    name = site.name
    site.name = "another"
    with pytest.raises(SettingsError, match=f"for the app {name}"):
        site.register()

    site.name = name
    moved = site.settings | {"authority": "https://login.microsoftonline.com/elsewhere"}
    (site.folder / "parameters.json").write_text(json.dumps(moved))
    with pytest.raises(SettingsError, match="for another tenant"):
        site.register()


def test_an_app_is_adopted_by_its_tag(site: Site) -> None:
    """Whoever puts the tag on an app of their own has it completed; two of them are too many."""
    body = {"displayName": site.name, "tags": [f"graphdaemon:{site.name}"]}
    made = site.writer.make("/applications", body)

    done = site.register()

    assert done.client_id == made["appId"]
    assert site.prove(done)
    site.writer.make("/applications", body)
    with pytest.raises(SettingsError, match="2 apps carry the tag") as caught:
        site.register()
    assert caught.value.code == "registration_ambiguous"


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


@pytest.mark.parametrize(
    "who", ["github:contoso", "github:contoso/sync", "kubernetes:ns:sa", "gitlab:a/b:c", ""]
)
def test_a_trust_that_says_too_little_is_refused(who: str) -> None:
    """With the form that is wanted."""
    with pytest.raises(UsageError) as caught:
        read_federated_credential(who)

    assert "github:OWNER/REPOSITORY" in (caught.value.hint or "")


# ---- Undone --------------------------------------------------------------------------------------


def test_it_is_undone_and_made_again(site: Site) -> None:
    """The app goes to the recycle bin and the files away; registered again, it is the same one."""
    done = site.register()
    (site.folder / "hers.txt").write_text("mine")

    assert site.undo()

    assert site.apps == []
    assert [path.name for path in site.folder.iterdir()] == ["hers.txt"]
    assert not site.undo()
    again = site.register()
    assert again.client_id == done.client_id
    assert len(site.app["keyCredentials"]) == 1
    assert site.prove(again)


def test_it_is_deleted_for_good(site: Site) -> None:
    """Also when it was in the recycle bin already; registered again, it is another app."""
    done = site.register()
    site.undo()

    assert site.undo(purge=True)

    assert not site.undo(purge=True)
    assert site.register().client_id != done.client_id
    assert site.undo(purge=True)


# ---- Rights --------------------------------------------------------------------------------------


def test_who_may_not_consent_is_told_who_may(own: Site) -> None:
    """All the rest is done, the page is named, and the exit code is Graph's."""
    own.sign_in("Cloud Application Administrator")

    done = own.register()

    assert done.consent_error is not None
    assert (done.consent_error.exit_code, done.consent_error.case) == (5, "consent_reserved")
    assert "Privileged Role Administrator" in (done.consent_error.hint or "")
    assert f"/adminconsent?client_id={done.client_id}" in (done.consent_error.hint or "")
    assert own.prove(done) == "the app gets tokens, with: no role yet"
    own.sign_in("Privileged Role Administrator")
    assert own.register().consent_error is None


def test_who_does_not_own_the_app_is_told_who_may(own: Site) -> None:
    """An owner, or an administrator of apps."""
    own.sign_in("Global Administrator")
    own.register()
    own.output = "second.json"
    own.sign_in(None, ordinary(own.emulator))

    with pytest.raises(GraphError) as caught:
        own.register()

    assert caught.value.case == "changing_reserved"
    assert "Cloud Application Administrator" in (caught.value.hint or "")


def test_an_app_that_lacks_the_permission_is_told_which(site: Site) -> None:
    """It is named, and the exit code is Graph's."""
    site.writer = start_writer(site.probe, "Application.Read.All")

    with pytest.raises(GraphError) as caught:
        site.register()

    assert (caught.value.case, caught.value.exit_code) == ("registrar_lacks", 5)
    assert "Application.ReadWrite.OwnedBy" in (caught.value.hint or "")
