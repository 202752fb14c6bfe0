from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from urllib.parse import urlencode

import pytest

from entra_emulator.server.app import create_app
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.web.pages.forms import FORM_LIMIT
from entra_emulator.web.session import COOKIE
from tests.support.asgi_line import Line, running_loop
from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
    list_addresses,
    register_by_hand,
)

NAMES = {"aria-label", "aria-labelledby"}

EMULATOR = "This is an emulator on your own machine, not Microsoft."
EMULADOR = "Este é um emulador no seu próprio computador, não a Microsoft."


@pytest.fixture(scope="module")
def line(probe: Probe) -> Iterator[Line]:
    """The same directory without a network, so that requests can come from anywhere."""
    emulator = probe.emulator
    app = create_app(
        emulator.directory, emulator.keys, EmulatorSettings(hostnames=("lab.example",))
    )
    with running_loop() as loop:
        yield Line(app, loop)


def test_languages(admin: Visitor) -> None:
    """Every page is there in both languages, by choice or by what the browser asks for."""
    for address in list_addresses(admin):
        if address.endswith(("/language", ".zip")):
            continue
        for cookie, greeting in (("en", EMULATOR), ("pt-BR", EMULADOR)):
            admin.cookies["graphdaemon-language"] = cookie
            page = admin.open(address)
            # Some are about what stands behind the question mark, and nothing does.
            assert (admin.status in {200, 404}, greeting in page.text) == (True, True), address
            root = next(attrs for tag, attrs in page.elements if tag == "html")
            assert root["lang"] == cookie
    admin.open(f"/portal/language?{urlencode({'to': 'en', 'next': address})}")
    assert (admin.url, admin.cookies["graphdaemon-language"]) == (address, "en")
    brazilian = Visitor(admin.probe, "pt-BR,pt;q=0.9,en;q=0.8")
    assert "Escolha com quem entrar" in brazilian.open("/portal").text


def test_sound_pages(admin: Visitor) -> None:
    """Headings descend in order, IDs are unique, fields have labels, tables have captions."""
    for address in list_addresses(admin):
        if address.endswith("/language") or "text/html" not in admin_type(admin, address):
            continue
        page = admin.page
        levels = [level for level, _ in page.headings]
        assert levels[0] == 1, address
        assert all(b <= a + 1 for a, b in pairwise(levels)), address
        ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
        assert len(set(ids)) == len(ids), address
        labelled = {attrs.get("for") for tag, attrs in page.elements if tag == "label"}
        for tag, attrs in page.elements:
            if tag in {"input", "select", "textarea"} and attrs.get("type") not in {
                "hidden",
                "radio",
                "checkbox",
            }:
                assert attrs["id"] in labelled or "aria-label" in attrs, (address, attrs)
            assert not {name for name in attrs if name.startswith("on")} | ({"style"} & {*attrs})
        tags = [tag for tag, _ in page.elements]
        named = [
            attrs for tag, attrs in page.elements if tag == "table" and len(attrs.keys() & NAMES)
        ]
        assert tags.count("table") == tags.count("caption") + len(named), address
        assert (tags.count("main"), tags.count("h1")) == (1, 1), address
        described = {w for _, a in page.elements for w in a.get("aria-describedby", "").split()}
        assert described <= {*ids}, address


def admin_type(visitor: Visitor, address: str) -> str:
    visitor.open(address)
    return visitor.answer.headers["content-type"]


def test_headers(admin: Visitor) -> None:
    """Pages may load their stylesheet and script, and nothing else; nobody keeps or frames them."""
    headers = admin.answer.headers
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
    )

    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
    }
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in headers
    links = [
        a.get("href") or a.get("src", "") for t, a in admin.page.elements if t in {"link", "script"}
    ]
    for link in links:
        answer = admin.probe.get(link)
        assert (answer.status, "immutable" in answer.headers["cache-control"]) == (200, True)


def test_cookie(visitor: Visitor) -> None:
    """The session's cookie is bound to this host and https, and out of scripts' reach."""
    visitor.open("/portal/signin")
    form = visitor.page.forms[1]
    name, value, _ = form.buttons[0]
    cookies = "; ".join(f"{key}={secret}" for key, secret in visitor.cookies.items())
    answer = visitor.probe.post(form.action, dict(form.fields) | {name: value}, Cookie=cookies)

    assert answer.status == 303
    cookie = answer.headers["set-cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith(f"{COOKIE}=")
    assert parts == {"httponly", "secure", "samesite=lax", "path=/"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Origin": "https://localhost:1"},
    ],
)
def test_cross_site(admin: Visitor, headers: dict[str, str]) -> None:
    """A form that another site's page sends is refused, whatever it knows."""
    app_id = register_by_hand(admin, "Target")
    place = admin.url + "/delete"
    token = dict(admin.open(place).forms[1].fields)["token"]
    admin.post(place, {"token": token}, **{k.replace("-", "_"): v for k, v in headers.items()})

    assert (admin.status, "This form is not from here" in admin.page.text) == (403, True)
    directory, tenant = admin.probe.emulator.directory, admin.probe.emulator.tenant
    assert directory.applications.find(tenant, app_id) is not None


@pytest.mark.parametrize("token", ["", "x", "ö", "other"])
def test_token(admin: Visitor, user: Visitor, token: str) -> None:
    """A form without this session's own token is refused."""
    app_id = register_by_hand(admin, "Target")
    place = admin.url + "/delete"
    other = dict(user.page.forms[0].fields)["token"]
    admin.post(place, {"token": other if token == "other" else token})

    assert (admin.status, "Nothing was changed" in admin.page.text) == (403, True)
    directory, tenant = admin.probe.emulator.directory, admin.probe.emulator.tenant
    assert directory.applications.find(tenant, app_id) is not None


@pytest.mark.parametrize("session", ["", "forged", "x" * 5000, "é"])
def test_forged_session(admin: Visitor, session: str) -> None:
    """A session that was never begun is nobody's: pages ask to sign in, forms are refused."""
    register_by_hand(admin, "Target")
    place, token = admin.url, dict(admin.page.forms[0].fields)["token"]
    admin.cookies[COOKIE] = session
    admin.post(f"{place}/delete", {"token": token})
    assert (admin.status, "You are not signed in" in admin.page.text) == (403, True)
    assert admin.open(place).headings[0] == (1, "Sign in")


def test_expired_session(launch: Callable[..., Probe]) -> None:
    """A session ends after a day."""
    probe = launch(users=5)
    visitor = Visitor(probe)
    visitor.sign_in()
    probe.emulator.clock.move(86_401)
    assert visitor.open(f"/portal/{probe.emulator.tenant.id}").headings[0] == (1, "Sign in")


@pytest.mark.parametrize("files", [None, {"certificate": b"0" * FORM_LIMIT}])
def test_huge_form(admin: Visitor, files: dict[str, bytes] | None) -> None:
    """A form beyond the limit is refused before it is read."""
    app_id = register_by_hand(admin, "Target")
    if files is None:
        admin.open(f"{admin.url}/branding")
        admin.press("Save", name="n" * FORM_LIMIT)
    else:
        admin.open(f"{admin.url}/credentials/certificates/new")
        admin.press("Add", files=files)
    assert (admin.status, "A form has at most 128 KB" in admin.page.text) == (413, True)
    assert admin.open(f"/portal/{admin.probe.emulator.tenant.id}/applications/{app_id}").ids


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"name=\xff"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(2000))),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"\xff"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--',
        ),
    ],
)
def test_malformed_form(admin: Visitor, kind: str, body: bytes) -> None:
    """What is no form changes nothing, and is a page that says so."""
    headers = {"Content-Type": kind, "Cookie": f"{COOKIE}={admin.cookies[COOKIE]}"}
    answer = admin.probe.send("POST", "/portal/signout", headers=headers, body=body)

    assert answer.status in {400, 403}
    assert b"<h1>" in answer.body


def test_hosts(line: Line) -> None:
    """A foreign Host is turned away; other machines come only by a name that was given."""

    def ask(host: str, peer: str) -> tuple[int, bytes]:
        scope = {"client": (peer, 1)}
        answer = line.send("GET", b"/portal/signin", headers=[(b"host", host.encode())], more=scope)
        return answer.status, answer.body

    assert ask("localhost:8443", "127.0.0.1")[0] == 200
    assert ask("127.0.0.1:8443", "::1")[0] == 200
    assert ask("lab.example", "192.0.2.7")[0] == 200
    status, body = ask("localhost", "192.0.2.7")
    assert (status, b"for this machine only" in body) == (403, True)
    status, body = ask("evil.example", "127.0.0.1")
    assert (status, b"<html" in body) == (421, False)


def test_nowhere(admin: Visitor) -> None:
    """An unknown page, tenant or verb is a page that says so."""
    tenant = admin.probe.emulator.tenant.id
    for place in ("/portal/", f"/portal/{tenant}/nothing", "/portal/nobody.example"):
        admin.open(place)
        assert admin.status == 404, place
        assert admin.page.headings[0][1].startswith("There is no such")
    answer = admin.probe.send("DELETE", f"/portal/{tenant}/applications")
    assert answer.status == 404


@pytest.mark.parametrize(
    ("came_from", "leads_back"),
    [
        ("{own}/portal/{tenant}/users?q=ana", True),
        ("https://evil.example/portal/{tenant}/users", False),
        ("{own}//evil.example", False),
        ("{own}/v1.0/users", False),
        ("", False),
    ],
)
def test_a_refusal_leads_back(admin: Visitor, came_from: str, *, leads_back: bool) -> None:
    """To the page whose link or form it was, if that is one of the portal's."""
    emulator = admin.probe.emulator
    place = came_from.format(own=emulator.url, tenant=emulator.tenant.id)
    form = admin.post(f"/portal/{emulator.tenant.id}/applications/new", {}, Referer=place)
    assert admin.status == 403

    back = form.links.get("Back to the page before")
    assert back == (f"/portal/{emulator.tenant.id}/users?q=ana" if leads_back else None)


def test_start_up() -> None:
    """Neither pages nor templates nor their engine are loaded before somebody asks for a page."""
    modules = {"jinja2", "entra_emulator.portal.routes"}
    found = f"bool({modules} & {{*sys.modules}})"
    code = f"import sys, entra_emulator.server.emulator; sys.exit({found})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
