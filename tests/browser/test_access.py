"""Without script, without a mouse, in another language in the middle: the portal works."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from entra_emulator.server.emulator import Emulator
from tests.support.browser_person import Person
from tests.support.portal_walk import add_permission, add_secret, grant, start_registering
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder, ordinary

ENGLISH = WORDS["en"]
# Where Tab leads in the form for a new application; of the radio buttons, to the chosen one.
FORM = ["name", "audience-AzureADMyOrg", "platform", "redirect", "register"]


def test_without_script(chromium: Browser, emulator: Emulator) -> None:
    """Register, secret, permission, consent: no step needs script, and no dead button shows."""
    with Person.at(chromium, emulator, script=False) as person:
        person.sign_in(holder(emulator, "Privileged Role Administrator"))
        start_registering(person, ENGLISH, "Without script")
        assert person.page.locator("button.copy").count() > 0
        assert person.page.locator("button.copy:visible").count() == 0
        value, key = add_secret(person, ENGLISH)
        assert value != key
        add_permission(person, ENGLISH, "User.Read.All")
        grant(person, ENGLISH, "User.Read.All")


def test_with_the_keyboard(person: Person) -> None:
    """Past the menu by the skip link, through the form by Tab, off by Enter; focus is seen."""
    person.sign_in(ordinary(person.emulator))
    person.press(ENGLISH.applications)
    person.press(ENGLISH.new)
    page, keys = person.page, person.page.keyboard
    keys.press("Tab")
    assert "skip" in _focused(page, "className")
    assert _focus_is_seen(page)
    keys.press("Enter")
    assert _focused(page, "id") == "main"

    visited = []
    while (here := _focused(page, "id")) != FORM[-1]:
        keys.press("Tab")
        assert _focus_is_seen(page), here
        if (field := _focused(page, "id")) in FORM:
            visited.append(field)
        if field == "name":
            keys.type("By keyboard")
    assert visited == FORM
    keys.press("Enter")
    expect(page.locator("#display-name")).to_have_text("By keyboard")


def test_the_account_menu_closes(person: Person) -> None:
    """Escape closes it and gives the focus back."""
    person.sign_in(ordinary(person.emulator))
    account = person.page.locator("#account")
    account.locator("summary").press("Enter")
    expect(person.page.locator("#sign-out")).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(person.page.locator("#sign-out")).to_be_hidden()
    assert _focused(person.page, "tagName") == "SUMMARY"


def test_copy_buttons(person: Person) -> None:
    """They copy what stands beside them, and say so to those who listen."""
    page = person.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.sign_in(ordinary(person.emulator))
    start_registering(person, ENGLISH, "Copied")
    page.locator("button.copy[data-copies=client-id]").click()
    expect(page.locator("#copied")).to_have_text("Copied to the clipboard")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#client-id").inner_text()


def test_the_language_switch_keeps_the_page(person: Person) -> None:
    """The same page, its question mark included, in the other language; and back."""
    person.sign_in(ordinary(person.emulator))
    start_registering(person, ENGLISH, "Em português")
    person.open(f"{person.page.url.removeprefix(person.emulator.url)}/permissions/add?from=mine")
    here, page = person.page.url, person.page
    for language, words in (("pt-BR", "Minhas APIs"), ("en", "My APIs")):
        page.locator(f".languages a[lang={language}]").click()
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert page.url == here
        expect(page.locator(".tabs [aria-current=page]")).to_have_text(words)


def _focused(page: Page, name: str) -> str:
    return str(page.evaluate(f"document.activeElement.{name}"))


def _focus_is_seen(page: Page) -> bool:
    """Whether what has the focus is outlined, and on the screen."""
    return bool(
        page.evaluate(
            """() => {
              const one = document.activeElement, style = getComputedStyle(one);
              const box = one.getBoundingClientRect();
              return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
                && box.bottom > 0 && box.top < innerHeight;
            }"""
        )
    )
