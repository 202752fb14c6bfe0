"""An API of one's own, made and granted at the portal: its role is in the client's token."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import parse_qs

from playwright.sync_api import expect

from tests.support.browser_person import Person
from tests.support.emulator_probe import App, Probe
from tests.support.portal_walk import add_secret, row_of, start_registering
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder, read

ENGLISH = WORDS["en"]
ROLE = "Orders.Read.All"


def test_an_api_of_ones_own(person: Person) -> None:
    """URI, app role, permission of "My APIs", consent: the token's `roles` names the role."""
    page, emulator = person.page, person.emulator
    person.sign_in(holder(emulator, "Global Administrator"))
    start_registering(person, ENGLISH, "Orders API")
    api = page.locator("#client-id").inner_text()
    _offer(person)

    start_registering(person, ENGLISH, "Orders client")
    client = page.locator("#client-id").inner_text()
    secret, _ = add_secret(person, ENGLISH)
    _ask_for(person)
    page.locator("#grant").click()
    person.press(ENGLISH.yes)
    expect(row_of(page, ROLE)).to_contain_text(ENGLISH.granted)

    with closing(Probe(emulator)) as probe:
        token = App(probe, emulator.tenant, client, secret).token(scope=f"api://{api}/.default")
        assert read(token)["roles"] == [ROLE]
        _try(person, probe, f"/portal/{emulator.tenant.id}/applications/{api}", secret)


def _try(person: Person, probe: Probe, api: str, secret: str) -> None:
    """What "Try it" shows, copied and sent as it stands, gets the token."""
    page = person.page
    person.open(f"{api}/exposure")
    person.press("Try it")
    expect(page.locator("#ready .tag.good")).to_have_count(3)
    head, _, body = page.locator("#token-request").inner_text().partition("\n\n")
    target = head.split()[1]
    form = {name: values[0] for name, values in parse_qs(body).items()}
    answer = probe.post(target, form | {"client_secret": secret})
    assert read(answer.json()["access_token"])["roles"] == [ROLE]
    assert person.barriers() == []
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert not person.overflows()


def _offer(person: Person) -> None:
    """Give the API its URI and one role for applications."""
    page = person.page
    person.press("Expose an API")
    page.locator("#set-uri").click()
    person.press("Save")
    person.press("App roles")
    person.press("Create app role")
    page.get_by_label("Display name").fill("Read every order")
    page.get_by_label("Applications", exact=True).check()
    page.get_by_label("Value").fill(ROLE)
    page.get_by_label("Description").fill("Reads every customer's orders.")
    person.press("Apply")
    expect(page.get_by_role("row").filter(has_text=ROLE)).to_be_visible()
    person.press("Home")


def _ask_for(person: Person) -> None:
    """Configure the API's role as an application permission."""
    page = person.page
    person.press(ENGLISH.permissions)
    person.press(ENGLISH.add_permission)
    person.press("My APIs")
    person.press("Orders API")
    page.locator(".kinds").get_by_role("link", name=ENGLISH.application_permissions).click()
    page.locator("label.tick", has=page.get_by_text(ROLE, exact=True)).click()
    person.press(ENGLISH.add_permissions)
    expect(row_of(page, ROLE)).to_contain_text(ENGLISH.waiting)
