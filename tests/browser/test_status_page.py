"""The daemon's status page in a browser: phone and wide screen, light and dark, both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from entra_emulator.server.emulator import Emulator
from tests.support.browser_person import Person
from tests.support.watched_site import run_site
from tests.support.watched_store import watch

PAGES = {
    "overview": "/",
    "tenant": "/tenant?name=contoso",
    "broken tenant": "/tenant?name=tailspin",
    "search": "/search?tenant=1&q=a",
    "object": "/object?tenant=1&id=a",
    "group": "/object?tenant=1&id=g",
    "absent": "/elsewhere",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path: Path = tmp_path_factory.mktemp("watched") / "store.db"
    with run_site(watch(f"sqlite:{path}")) as place:
        yield place


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_every_page_is_open_to_everybody(
    chromium: Browser, emulator: Emulator, address: str, width: int, dark: bool, language: str
) -> None:
    """axe-core finds nothing, no page is wider than its window, and each speaks the language."""
    with Person.at(chromium, emulator, language=language, width=width, dark=dark) as person:
        for name, path in PAGES.items():
            person.page.goto(address + path)
            for details in person.page.locator("summary").all():
                details.click()
            assert person.page.locator("html").get_attribute("lang") == language
            assert person.barriers() == [], name
            assert not person.overflows(), name


def test_from_the_overview_to_the_history_of_an_object_without_a_script(
    chromium: Browser, emulator: Emulator, address: str
) -> None:
    with Person.at(chromium, emulator, script=False) as person:
        page = person.page
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Status")
        page.get_by_role("table", name="Tenants").get_by_role("link", name="contoso").click()
        page.get_by_label("ID, or part of a name").fill("ana")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Ana").click()
        history = page.get_by_role("table", name="History")
        expect(history.locator("tbody tr").nth(1)).to_contain_text("jobTitle: Clerk → Manager")
        page.get_by_role("link", name="Português (Brasil)").click()
        expect(page.get_by_role("heading", name="Histórico")).to_be_visible()
        page.get_by_role("link", name="Visão geral").click()
        expect(page.get_by_role("heading", name="Alterações por dia")).to_be_visible()


def test_the_chart_is_told_in_words_and_as_a_table(
    chromium: Browser, emulator: Emulator, address: str
) -> None:
    with Person.at(chromium, emulator) as person:
        person.page.goto(address)
        chart = person.page.get_by_role("img", name="Changes per day 8 changes in 30 days")
        expect(chart).to_be_visible()
        person.page.get_by_text("The same as a table").click()
        row = person.page.get_by_role("table", name="Changes per day").locator("tbody tr")
        expect(row).to_have_text("2026-11-01323")
