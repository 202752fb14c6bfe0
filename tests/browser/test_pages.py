"""Every page of the portal, with other windows, other eyes and in other languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser
from starlette.routing import compile_path

from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.portal.routes import list_routes
from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import make_key_pair
from tests.support.browser_person import Person
from tests.support.emulator_probe import Probe
from tests.support.portal_walk import (
    add_permission,
    add_secret,
    grant,
    start_registering,
    upload_certificate,
)
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder, ordinary

PATTERNS = {page.path: compile_path(page.path)[0] for page in list_routes() if page.method == "GET"}
# They answer with a redirect, not with a page.
NO_PAGE = {"/portal", "/portal/language"}
WAYS: dict[str, dict[str, Any]] = {
    "a wide window, light": {"language": "en", "width": 1440, "dark": False},
    "a phone, dark, in Portuguese": {"language": "pt-BR", "width": 360, "dark": True},
}


@pytest.fixture(scope="module")
def application(
    chromium: Browser, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An application that has one of everything, made at the portal; its address."""
    with Person.at(chromium, emulator) as person:
        words, page = WORDS["en"], person.page
        person.sign_in(holder(emulator, "Global Administrator"))
        start_registering(person, words, "One of <b>everything</b>")
        own = urlsplit(page.url).path
        add_secret(person, words)
        page.goto(f"{emulator.url}{own}")
        certificate = tmp_path_factory.mktemp("certificate") / "a.cer"
        certificate.write_bytes(make_key_pair("pages")[1])
        upload_certificate(person, words, certificate)
        add_permission(person, words, "User.Read.All")
        grant(person, words, "User.Read.All")
        add_permission(person, words, "Group.Read.All")
        _add_federated(person, own)
        _expose(person, own)
        _ask_for_a_token(emulator)
        return own


@pytest.fixture(params=sorted(WAYS))
def visitor(
    request: pytest.FixtureRequest, chromium: Browser, emulator: Emulator
) -> Iterator[Person]:
    """Somebody with this window."""
    with Person.at(chromium, emulator, **WAYS[request.param]) as somebody:
        yield somebody


def test_every_page_keeps_nobody_out(visitor: Person, application: str) -> None:
    """Each page can be reached by links; axe-core finds nothing; none is wider than its window."""
    visitor.sign_in(holder(visitor.emulator, "Global Administrator"))
    found: dict[str, list[str]] = {}
    for path, pattern in _walk(visitor, _starts(application)):
        wide = ["is wider than its window"] if visitor.overflows() else []
        if troubles := visitor.barriers() + wide:
            found[path] = troubles
        assert visitor.page.locator("aside.emulator").is_visible(), pattern
    assert found == {}


def test_refusals_keep_nobody_out(visitor: Person, application: str) -> None:
    """Nor do the pages that say no."""
    visitor.sign_in(ordinary(visitor.emulator))
    tenant, _, app_id = application.partition("/applications/")
    approval = f"{tenant.removeprefix('/portal')}/adminconsent?client_id={app_id}"
    for path in (
        application,
        f"{application}/permissions",
        f"{application}/delete",
        f"{tenant}/nowhere",
        approval,
        "/devicelogin",
        "/common/signin",  # it has to be told where to go on
    ):
        visitor.open(path)
        assert visitor.barriers() == [], path
        assert not visitor.overflows(), path
    visitor.open(f"{tenant}/applications/new")
    visitor.page.evaluate("document.querySelector('#name').required = false")
    visitor.page.locator("#register").click()
    assert visitor.page.locator("#name-error").is_visible()
    assert visitor.barriers() == []
    assert not visitor.overflows()


def _walk(person: Person, starts: list[str]) -> Iterator[tuple[str, str]]:
    """One page of each route, found by following links: its address and its route."""
    waiting, seen = list(starts), set[tuple[str, bool]]()
    while waiting:
        path = waiting.pop(0)
        pattern = _pattern_of(path)
        kind = (pattern, path.endswith("/add"))  # to add one is another page than to change one
        if pattern in NO_PAGE or not pattern or kind in seen:
            continue
        seen.add(kind)
        person.open(path)
        waiting += person.page.eval_on_selector_all(
            "a[href^='/portal']", "links => links.map(link => link.getAttribute('href'))"
        )
        yield path, pattern
    assert {pattern for pattern, _ in seen} == set(PATTERNS) - NO_PAGE


def _starts(application: str) -> list[str]:
    """The full list of permissions first: the same route shows it empty."""
    return [
        f"{application}/permissions/add/{GRAPH_APP_ID}?kind=Role",
        application,
        "/portal/signin",
    ]


def _pattern_of(path: str) -> str:
    bare = path.partition("?")[0].partition("#")[0]
    return next((one for one, shape in PATTERNS.items() if shape.match(bare)), "")


def _add_federated(person: Person, own: str) -> None:
    person.open(f"{own}/credentials/federated/new?scenario=other")
    page = person.page
    page.locator("#issuer").fill("https://token.actions.githubusercontent.com")
    page.locator("#subject").fill("repo:contoso/jobs:ref:refs/heads/main")
    page.locator("#name").fill("nightly")
    page.locator("#add").click()
    page.locator("#federated").wait_for()


def _expose(person: Person, own: str) -> None:
    """An API with a scope and a role, both disabled so that they can be deleted."""
    page = person.page
    _send(person, f"{own}/exposure/uri")
    person.open(f"{own}/exposure/scopes/add")
    page.locator("#value").fill("Jobs.Run")
    page.locator("#adminConsentDisplayName").fill("Run jobs")
    page.locator("#adminConsentDescription").fill("Lets the app run jobs.")
    page.locator("input[name=state][value=disabled]").check()
    _send(person)
    person.open(f"{own}/exposure/clients/add")
    page.locator("#client").fill("04b07795-8ddb-461a-bbee-02f9e1bf7b46")
    page.locator("input[name=scopes]").check()
    _send(person)
    person.open(f"{own}/roles/add")
    page.locator("#displayName").fill("Read jobs")
    page.locator("input[name=members]").last.check()
    page.locator("#value").fill("Jobs.Read.All")
    page.locator("#description").fill("Reads every job.")
    page.locator("input[name=enabled]").uncheck()
    _send(person)


def _ask_for_a_token(emulator: Emulator) -> None:
    """Leave a trace in the audit log."""
    with closing(Probe(emulator)) as probe:
        assert probe.post("/common/oauth2/v2.0/token", {}).status == 400


def _send(person: Person, path: str = "") -> None:
    """Send the page's form; it is not shown again with something to correct."""
    if path:
        person.open(path)
    person.page.locator("main form button.main").click()
    person.page.wait_for_load_state()
    assert person.page.locator("#errors").count() == 0, person.page.url
