from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import pytest

from entra_emulator.web import pages
from entra_emulator.web.browser import matches_redirect
from tests.support.emulator_probe import Probe
from tests.support.form_tokens import show_form
from tests.support.scripted_browser import Browser
from tests.support.user_flows import holder, native_client, sign_in, web_client


@pytest.mark.parametrize(
    ("registered", "uri", "expected"),
    [
        ("http://localhost", "http://localhost:5000", True),
        ("http://localhost", "http://localhost:5000/", True),
        ("http://localhost/cb", "http://localhost:5000/cb", True),
        ("http://127.0.0.1", "http://127.0.0.1:9", True),
        ("http://localhost", "http://127.0.0.1:5000", False),
        ("http://localhost", "https://localhost:5000", False),
        ("http://localhost", "http://localhost:5000/other", False),
        ("http://localhost", "http://localhost:5000/?x=1", False),
        ("http://localhost", "http://localhost@evil.example/", False),
        ("http://localhost", "http://x@localhost:80/", False),
        ("http://localhost", "http://localhost:port/", False),
        ("http://localhost", "http://[", False),
        ("https://app.example/cb", "https://app.example:444/cb", False),
        ("https://app.example/cb", "https://app.example/cb/", False),
    ],
)
def test_loopback(registered: str, uri: str, expected: bool) -> None:
    """Only the port of a loopback redirect URI is free."""
    assert matches_redirect(registered, uri) is expected


@dataclass(frozen=True)
class Victim:
    """A signed-in administrator, and the forms that a hostile page would have them send."""

    probe: Probe
    cookies: dict[str, str]
    token: str
    forms: Mapping[str, dict[str, str]]

    def send(self, path: str, **fields: str) -> tuple[int, list[int]]:
        """What comes of a form from another site, by a browser that names no origin."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.probe.post(path, self.forms[path] | fields, Cookie=cookie)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.status, answer.json().get("error_codes", []) if is_json else []


@pytest.fixture
def victim(probe: Probe) -> Victim:
    client, browser = web_client(probe), Browser(probe)
    browser.open(client.link())
    user = holder(probe.emulator, "Global Administrator")
    sign_in(browser, user)
    token = browser.page.forms[0].fields["token"]
    device = native_client(probe)
    started = probe.post(
        f"{device.path}/devicecode", {"client_id": device.client_id, "scope": "User.Read"}
    ).json()
    accept = {"decision": "accept", "client_id": client.client_id}
    tenant_id = client.tenant.id
    person = probe.emulator.directory.users.find(client.tenant, user)
    assert person is not None
    forms = {
        f"/{tenant_id}/signin": {"next": "/devicelogin", "user": f"{tenant_id}/{person['id']}"},
        f"/{tenant_id}/consent": {"next": client.link(), "decision": "accept"},
        f"/{tenant_id}/adminconsent": accept,
        f"/{tenant_id}/v2.0/adminconsent": accept | {"scope": "User.Read"},
        "/devicelogin": {"decision": "accept", "user_code": started["user_code"]},
    }
    return Victim(probe, browser.cookies, token, forms)


def test_a_form_without_this_browsers_token_changes_nothing(victim: Victim) -> None:
    """As a hostile page would send it: with the cookies, and any token that it can get."""
    cookies, stolen = show_form(victim.probe)
    assert cookies["Cookie"].partition("=")[2] not in victim.cookies.values()
    for path in victim.forms:
        for token in ("", "x", "\u00e4", stolen["token"], victim.token[:-1]):
            assert victim.send(path, token=token) == (403, [165000]), (path, token)

    # Nothing has happened: each of the forms is still good with the right token.
    for path in victim.forms:
        status, codes = victim.send(path, token=victim.token)
        assert (status in {200, 302, 303}, codes) == (True, []), path


def test_every_form_that_changes_something_holds_a_token() -> None:
    templates = sorted((files(pages) / "templates").iterdir(), key=lambda file: file.name)
    lacking = []
    for template in templates:
        text = template.read_text("utf-8")
        for form in text.split("<form ")[1:]:
            inside = form.partition("</form>")[0]
            if 'method="post"' in inside and not re.search(r'token\.html|name="token"', inside):
                lacking.append(template.name)

    # This one carries an answer to the application, which knows no token of the emulator's.
    assert lacking == ["form_post.html"]
