"""Script in a name, and forms and frames of other sites: the browser does nothing for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from playwright.sync_api import Dialog, expect

from tests.support.browser_person import Person
from tests.support.portal_walk import add_permission, start_registering
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder

ADMINISTRATOR = "Global Administrator"
SCRIPT = "</title><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_script_in_a_name_is_text(person: Person) -> None:
    """Every page that shows the name shows it as it was typed, runs nothing, and stays as wide."""
    page, dialogs = person.page, list[str]()

    def close(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    person.sign_in(holder(person.emulator, ADMINISTRATOR))
    typed_name = SCRIPT + "W" * 180  # nowhere in it may a line end
    start_registering(person, WORDS["en"], typed_name)
    own = page.url.removeprefix(person.emulator.url)
    tenant = own.split("/")[2]
    add_permission(person, WORDS["en"], "User.Read.All")
    app_id = own.rpartition("/")[2]
    for path in (
        own,
        own.rpartition("/")[0],
        f"{own}/manifest",
        f"{own}/permissions",
        f"{own}/quickstart",
        f"{own}/branding",
        f"{own}/delete",
        f"/{tenant}/adminconsent?client_id={app_id}",
    ):
        person.open(path)
        typed = page.locator("main input").evaluate_all("fields => fields.map(one => one.value)")
        assert typed_name in page.locator("main").inner_text() or typed_name in typed, path
        assert page.evaluate(OVERFLOW) == 0, path
    assert dialogs == []


def test_another_sites_form_changes_nothing(person: Person) -> None:
    """It is refused even with this session's own token in it."""
    page = person.page
    person.sign_in(holder(person.emulator, ADMINISTRATOR))
    person.press(WORDS["en"].applications)
    person.press(WORDS["en"].new)
    target, token = page.url, page.locator("main input[name=token]").get_attribute("value")
    fields = {"token": token or "", "name": "From afar", "audience": "AzureADMyOrg"}
    hidden = "".join(f'<input name="{name}" value="{escape(v)}">' for name, v in fields.items())
    form = f'<form method="post" action="{target}">{hidden}</form>'
    with _site(f"{form}<script>document.forms[0].submit()</script>") as site:
        page.goto(site)
        page.wait_for_url(target)
    expect(page.locator("h1")).to_have_text("This form is not from here")
    page.goto(target.removesuffix("/new") + "?q=From+afar")
    expect(page.locator("#registrations")).to_have_count(0)


def test_another_site_cannot_frame_a_page(person: Person) -> None:
    """So nobody is made to press a button that they do not see."""
    page = person.page
    person.sign_in(holder(person.emulator, ADMINISTRATOR))
    with _site(f'<iframe src="{page.url}"></iframe>') as site:
        page.goto(site)
        assert "graphdaemon" not in "".join(frame.content() for frame in page.frames)
    person.troubles.clear()  # the browser tells that the policy forbade it


@contextmanager
def _site(body: str) -> Iterator[str]:
    """Another site's page, at this address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()
