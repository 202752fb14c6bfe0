"""What the portal refuses, as somebody at a browser meets it: the reason, and the next step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import make_key_pair
from tests.support.browser_person import Person
from tests.support.portal_walk import add_permission, add_secret, row_of, start_registering
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder, ordinary

PERMISSION = "User.Read.All"
ENGLISH = WORDS["en"]
DAY = 86_400.0


@pytest.fixture(scope="module")
def application(chromium: Browser, emulator: Emulator) -> str:
    """An application of an ordinary user's; its address."""
    with Person.at(chromium, emulator) as owner:
        owner.sign_in(ordinary(emulator))
        start_registering(owner, ENGLISH, "Somebody's")
        return owner.page.url.removeprefix(emulator.url)


@pytest.fixture
def owner(person: Person, application: str) -> Person:
    """The ordinary user, at the application."""
    person.sign_in(ordinary(person.emulator))
    person.open(application)
    return person


def test_an_ordinary_user_cannot_grant_consent(owner: Person, application: str) -> None:
    """The button says why it is off; the address beside it works for an administrator."""
    page = owner.page
    add_permission(owner, ENGLISH, PERMISSION)
    expect(page.locator("#grant")).to_be_disabled()
    expect(page.locator("#grant")).to_have_accessible_description(
        re.compile("can only be consented to by a Privileged Role Administrator")
    )
    link = page.locator("#consent-link").inner_text()
    page.goto(link)
    expect(page.locator("h1")).to_have_text("Need admin approval")

    owner.sign_in(holder(owner.emulator, "Privileged Role Administrator"))
    page.goto(link)
    owner.press("Cancel")
    expect(page.locator("h1")).to_have_text("Nothing was granted")
    owner.open(f"{application}/permissions")
    expect(row_of(page, PERMISSION)).to_contain_text(ENGLISH.waiting)

    page.goto(link)
    owner.press("Accept")
    expect(page.locator("h1")).to_have_text("Permissions granted")
    owner.open(f"{application}/permissions")
    expect(row_of(page, PERMISSION)).to_contain_text(ENGLISH.granted)


def test_anothers_application_is_read_only(person: Person, application: str) -> None:
    """There is no button that would change it, and an address typed by hand is refused."""
    person.sign_in(ordinary(person.emulator, 1))
    person.open(application)
    expect(person.page.locator("#delete")).to_have_count(0)
    for path in ("permissions", "credentials", "exposure", "roles", "branding"):
        person.open(f"{application}/{path}")
        assert person.page.locator("main a.main, main button.main").count() == 0, path
    person.open(f"{application}/credentials/secrets/new")
    person.page.locator("#add").click()
    expect(person.page.locator("h1")).to_have_text("You don't have access")


def test_the_secret_id_is_not_the_secret(owner: Person, application: str) -> None:
    """Pasted where the value belongs it is told apart, and so is another application's value."""
    page, problem = owner.page, owner.page.locator("#secret-error")
    _, key = add_secret(owner, ENGLISH)
    for value, why in ((key, "This is a Secret ID"), ("another~one", "not a secret of this app")):
        owner.open(f"{application}/quickstart")
        page.locator("#secret").fill(value)
        page.locator("#download").click()
        expect(problem).to_contain_text(why, ignore_case=True)


def test_a_file_that_is_no_certificate(owner: Person, application: str, tmp_path: Path) -> None:
    """What is wrong with the file stands beside the field; a private key is sent back."""
    files = {"words.cer": "words", "server.pem": make_key_pair("private")[0]}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        owner.open(f"{application}/credentials/certificates/new")
        owner.page.locator("#certificate").set_input_files(tmp_path / name)
        owner.page.locator("#add").click()
        why = "private key, which must stay" if name == "server.pem" else "not a certificate with"
        expect(owner.page.locator("#certificate-error")).to_contain_text(why)
        expect(owner.page.locator("#errors")).to_be_visible()


def test_too_long_a_name(owner: Person, application: str) -> None:
    """The field says how long it may be, and keeps what was typed."""
    page, name = owner.page, "n" * 300
    owner.open(f"{application.rpartition('/')[0]}/new")
    page.locator("#name").fill(name)
    page.locator("#register").click()
    expect(page.locator("#name-error")).to_contain_text("at most")
    expect(page.locator("#name")).to_have_value(name)


def test_a_session_that_ended(owner: Person, application: str) -> None:
    """After a day the form is refused, a page asks to sign in, and leads back to itself."""
    clock, page = owner.emulator.clock, owner.page
    owner.open(f"{application}/branding")
    clock.move(DAY + 1)
    try:
        page.locator("#name").fill("Renamed too late")
        owner.press("Save")
        expect(page.locator("h1")).to_have_text("You are not signed in")
        owner.open(f"{application}/branding")
        expect(page.locator("h1")).to_have_text("Sign in")
        page.locator(".people button").first.click()
        assert page.url == f"{owner.emulator.url}{application}/branding"
        assert "Renamed too late" not in page.content()
    finally:
        clock.move(-DAY - 1)
