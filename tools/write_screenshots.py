"""
Write the pictures that the documentation shows: of the portal, and of the daemon's status page.

Those of the portal are made with the browser tests' own steps, that of the quickstart is recorded.
Run it with ``python -m tools.write_screenshots``, and look at what changed.
"""

from __future__ import annotations

import os
import sys
from contextlib import chdir, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from entra_emulator.server.emulator import Emulator
from tests.support.browser_person import Person
from tests.support.chromium import find_chromium, run_chromium
from tests.support.emulator_probe import App, Probe
from tests.support.portal_walk import add_permission, grant, start_registering
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder
from tests.support.watched_site import run_site
from tests.support.watched_store import live_a_month
from tools.palette import shrink
from tools.terminal_picture import Line, draw, record

IMAGES = Path(__file__).parent.parent / "docs" / "images"
PROGRAM = Path(sys.executable).with_name("graphdaemon")
WIDTH, TALLEST = 1200, 900
ENGLISH = WORDS["en"]


def main() -> int:
    """Write every picture; 1 where there is no browser."""
    path = find_chromium()
    if path is None:
        print("there is no Chromium on this machine (apt-get install chromium)", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    _record_quickstart()
    with (
        Emulator(users=250, seed=0) as emulator,
        run_chromium(path, emulator) as chromium,
        Person.at(chromium, emulator, width=WIDTH) as person,
    ):
        _walk(person)
        _show_status(person)
    return 0


def _record_quickstart() -> None:
    """The quickstart on a terminal, in both languages."""
    described = {"en": "The five steps of the quickstart", "pt": "As cinco etapas do início rápido"}
    for language, description in described.items():
        with TemporaryDirectory() as folder:
            words = ["quickstart", *(["--lang", language] if language != "en" else [])]
            lines = record([str(PROGRAM), *words], Path(folder))
        # Where this checkout stands is nobody's business.
        known = [
            Line(line.text.replace(name_program(folder), "graphdaemon"), line.at) for line in lines
        ]
        picture = draw(f"graphdaemon {' '.join(words)}", known, description=description)
        (IMAGES / f"quickstart-{language}.svg").write_text(picture, "utf-8")


def name_program(folder: str) -> str:
    """How the quickstart names the program that was run in a folder."""
    return os.path.relpath(PROGRAM, Path(folder).resolve())


def _show_status(person: Person) -> None:
    """The status page of a daemon over a store with a month behind it."""
    with (
        TemporaryDirectory() as folder,
        chdir(folder),
        run_site(live_a_month("sqlite:graphdaemon.db")) as place,
    ):
        person.page.goto(place)
        _keep(person, "overview", "status")
        person.page.goto(f"{place}/object?tenant=1&id=a")
        _keep(person, "object", "status")


def _walk(person: Person) -> None:
    """Through the quickstart's manual way, with a picture of each page that is hard to tell."""
    page, emulator = person.page, person.emulator
    person.open("/portal/signin")
    _keep(person, "sign-in")
    person.sign_in(holder(emulator, "Global Administrator"))
    start_registering(person, ENGLISH, "Nightly report")
    client_id = page.locator("#client-id").inner_text()
    page.reload()  # without the message that it was registered
    _keep(person, "overview")
    secret = _add_secret(person)
    add_permission(person, ENGLISH, "User.Read.All")
    page.reload()
    _keep(person, "permissions")
    _list_users(emulator, client_id, secret)
    person.open(f"/{emulator.tenant.id}/adminconsent?client_id={client_id}")
    _keep(person, "consent")
    person.open(f"/portal/{emulator.tenant.id}/applications/{client_id}")
    grant(person, ENGLISH, "User.Read.All")
    _list_users(emulator, client_id, secret)
    person.open(f"/portal/{emulator.tenant.id}/audit")
    _keep(person, "audit")


def _add_secret(person: Person) -> str:
    """Like the tests' step, with a picture of the only page that shows the value."""
    person.press(ENGLISH.credentials)
    person.press(ENGLISH.new_secret)
    person.page.get_by_label(ENGLISH.description).fill("nightly job")
    person.press(ENGLISH.add)
    _keep(person, "secret")
    return person.page.locator("#secret-value").inner_text()


def _list_users(emulator: Emulator, client_id: str, secret: str) -> None:
    """Try to, so that the audit log has something to tell."""
    with closing(Probe(emulator)) as probe:
        App(probe, emulator.tenant, client_id, secret).get("/v1.0/users?$top=5")


def _keep(person: Person, name: str, of: str = "portal") -> None:
    page = person.page
    page.set_viewport_size({"width": WIDTH, "height": 200})
    full = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": WIDTH, "height": min(full, TALLEST)})
    picture = page.screenshot(animations="disabled", caret="hide")
    (IMAGES / f"{of}-{name}.png").write_bytes(shrink(picture))


if __name__ == "__main__":
    raise SystemExit(main())
