"""The documentation as a site, where `make site` has built it: in a browser, on both screens."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support.places import ROOT

SITE = ROOT / "build" / "site"
PLACES = [
    "/",
    "/tutorial/first-ten-minutes/",
    "/how-to/list-everything/",
    "/how-to/use-the-portal/",
    "/reference/cli/",
    "/reference/settings/",
    "/explanation/architecture/",
    "/pt-BR/",
]

pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="the site is not built: make site")


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, directory=str(SITE))  # type: ignore[arg-type]  # of the base class

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(
    params=[(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark")],
    ids=lambda one: f"{one[0]} {one[1]}",
)
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    width, scheme = request.param
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, service_workers="block"
    )
    yield context.new_page()
    context.close()


def test_nothing_keeps_people_out(page: Page, address: str) -> None:
    """No barrier that axe-core knows, no page wider than its window, nothing from elsewhere."""
    foreign: list[str] = []
    page.on(
        "request",
        lambda sent: None if sent.url.startswith(address) else foreign.append(sent.url),
    )
    for place in PLACES:
        page.goto(f"{address}{place}")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        wide = page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert [(row["id"], row["nodes"][0]["target"]) for row in found] == [], place
        assert not wide, place
    assert [url for url in foreign if not url.startswith("data:")] == []


def test_both_languages_are_searched_and_lead_to_each_other(
    chromium: Browser, address: str
) -> None:
    """Whoever types a word gets the page that has it; the frame is in the page's language."""
    page = chromium.new_page()
    page.goto(f"{address}/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.keyboard.press("Control+k")
    page.keyboard.type("throttle budget")
    expect(page.get_by_role("option").first).to_contain_text("throttl", timeout=30_000)
    page.goto(f"{address}/pt-BR/")
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^pt"))
    page.close()


def test_every_page_of_the_documentation_is_on_the_site() -> None:
    """Those that no list leads to, too."""
    docs = ROOT / "docs"
    expected = {place_of(path.relative_to(docs)) for path in docs.rglob("*.md")}

    assert {place for place in expected if not (SITE / place).is_file()} == set()


def place_of(page: Path) -> Path:
    return (
        page.parent / "index.html" if page.stem == "index" else page.with_suffix("") / "index.html"
    )
