"""Users, groups and licences, each in one line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msal
import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.in_process_token import SCOPE, get_token


def read(emulator: Emulator, path: str) -> Any:
    token = get_token(emulator)
    with emulator.requests_session() as session:
        answer = session.get(
            f"{emulator.graph_url}{path}", headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.entra(permissions=["Directory.Read.All"])
def test_a_user_is_as_the_line_says(entra: Emulator) -> None:
    """Properties, manager, licences and roles are those that Graph shows afterwards."""
    boss = entra.add_user("boss@contoso.onmicrosoft.com")
    ada = entra.add_user(
        "ada",
        displayName="Ada Lovelace",
        department="Engines",
        manager=boss,
        licenses=["SPE_E5"],
        roles=["User Administrator"],
    )

    shown = read(entra, f"/users/{ada['id']}?$select=displayName,department,userPrincipalName")
    assert shown["userPrincipalName"] == ada["userPrincipalName"] == "ada@contoso.example"
    assert (shown["displayName"], shown["department"]) == ("Ada Lovelace", "Engines")
    assert read(entra, f"/users/{ada['id']}/manager")["id"] == boss["id"]
    licences = read(entra, f"/users/{ada['id']}/licenseDetails")["value"]
    assert [one["skuPartNumber"] for one in licences] == ["SPE_E5"]
    roles = read(entra, f"/users/{ada['id']}/memberOf")["value"]
    assert [one["displayName"] for one in roles] == ["User Administrator"]


@pytest.mark.entra(permissions=["Directory.Read.All"])
def test_a_group_has_its_members_and_owners(entra: Emulator) -> None:
    """Named as they were returned, by ID, or by user principal name; groups too."""
    ada, bob = entra.add_user("ada"), entra.add_user("bob")
    inner = entra.add_group("Inner", [ada], owners=["bob@contoso.example"], description="few")
    outer = entra.add_group("Outer", [inner, bob["id"]])

    assert read(entra, f"/groups/{inner['id']}")["description"] == "few"
    members = read(entra, f"/groups/{outer['id']}/members")["value"]
    assert {one["id"] for one in members} == {inner["id"], bob["id"]}
    (owner,) = read(entra, f"/groups/{inner['id']}/owners")["value"]
    assert owner["id"] == bob["id"]


@pytest.mark.entra(permissions=["Directory.Read.All"])
def test_licences_come_on_top(entra: Emulator) -> None:
    """Assigning one keeps the others; the units are counted."""
    ada = entra.add_user("ada", licenses=["SPE_E5"])
    entra.assign_licenses(ada, "AAD_PREMIUM_P2")
    entra.assign_licenses("ada@contoso.example", "AAD_PREMIUM_P2")

    licences = read(entra, f"/users/{ada['id']}/licenseDetails")["value"]
    assert {one["skuPartNumber"] for one in licences} == {"SPE_E5", "AAD_PREMIUM_P2"}
    bought = {one["skuPartNumber"]: one for one in read(entra, "/subscribedSkus")["value"]}
    assert bought["AAD_PREMIUM_P2"]["consumedUnits"] == 1


MISTAKES = [
    (lambda e: e.add_user("ada", deparment="x"), ValueError, "Did you mean 'department'"),
    (lambda e: e.add_user("ada", accountEnabled="yes"), ValueError, "Edm.Boolean"),
    (lambda e: e.add_user("ada@example.org"), ValueError, "no verified domain 'example.org'"),
    (lambda e: e.add_user("ada", licenses=["SPE_E6"]), ValueError, "Did you mean 'SPE_E5'"),
    (lambda e: e.add_user("ada", roles=["Emperor"]), LookupError, "Emperor"),
    (lambda e: e.add_user("ada", manager="bob@contoso.example"), LookupError, "no object 'bob@"),
    (lambda e: e.add_group("G", ["nobody"]), LookupError, "no object 'nobody'"),
    (lambda e: e.assign_licenses("nobody", "SPE_E5"), LookupError, "no object 'nobody'"),
    (lambda e: e.add_secret("nobody"), LookupError, "nobody"),
    (lambda e: e.add_certificate("nobody"), LookupError, "nobody"),
    (lambda e: e.add_application("A", ["User.Fly.All"]), LookupError, r"User\.Fly\.All"),
    (lambda e: e.faults.fail("earthquake"), ValueError, "earthquake"),
    (lambda e: e.faults.fail("status", statsu=503), ValueError, "statsu"),
    (lambda e: e.faults.fail("status", status="503"), ValueError, "status"),
]


@pytest.mark.parametrize(("mistake", "error", "text"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_named_and_leaves_nothing(
    entra: Emulator, mistake: Any, error: type[Exception], text: str
) -> None:
    before = entra.snapshot()

    with pytest.raises(error, match=text):
        mistake(entra)

    kinds = ("user", "group", "application")
    after = [entra.directory.collections.count(entra.tenant, kind) for kind in kinds]
    entra.restore(before)
    assert after == [entra.directory.collections.count(entra.tenant, kind) for kind in kinds]
    assert entra.faults.plans() == []


def test_a_name_is_taken_once(entra: Emulator) -> None:
    entra.add_user("ada")

    with pytest.raises(ValueError, match="already"):
        entra.add_user("ADA@contoso.example")


def test_a_secret_may_have_expired(entra: Emulator) -> None:
    """The application's own still works, and the new one is refused by its number."""
    application = entra.application
    old = entra.add_secret(application.client_id, end=datetime.now(UTC) - timedelta(days=1))
    new = entra.add_secret(application.client_id, display_name="next")

    assert get_token(entra, application, new)
    with entra.requests_session() as session:
        client = msal.ConfidentialClientApplication(
            application.client_id,
            authority=entra.authority,
            client_credential=old,
            http_client=session,
        )
        answer = client.acquire_token_for_client(SCOPE)
    assert answer["error_codes"] == [7000222]
