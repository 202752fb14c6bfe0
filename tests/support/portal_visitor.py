"""Somebody at the portal without scripts: opens pages, fills in forms, presses buttons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from secrets import token_hex
from urllib.parse import urlencode, urljoin, urlsplit

from entra_emulator.model.records import Tenant
from entra_emulator.portal.routes import list_routes
from tests.support.emulator_probe import Answer, Probe
from tests.support.user_flows import holder, ordinary

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "wbr"})


@dataclass
class Form:
    """A form as it stands on the page: what would be sent, and its buttons by their words."""

    action: str
    method: str
    label: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


class Sheet(HTMLParser):
    """A page: its text, headings, links, forms, elements by ID, and the tree's soundness."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.text = ""
        self.ids: dict[str, str] = {}
        self.headings: list[tuple[int, str]] = []
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[tuple[str, str, int, dict[str, str]]] = []
        self._select: tuple[str, str | None] | None = None
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag not in VOID:
            self._open.append((tag, values.get("id", ""), len(self.text), values))
        if tag == "form":
            label = values.get("aria-label", "")
            self.forms.append(Form(values["action"], values.get("method", "get"), label))
        elif tag == "input":
            self._add_input(values)
        elif tag == "select":
            self._select = (values["name"], None)
        elif tag == "option" and self._select:
            name, first = self._select
            if "selected" in values or first is None:
                self._select = (name, values["value"])

    def _add_input(self, values: dict[str, str]) -> None:
        form, kind, name = self.forms[-1], values.get("type", "text"), values.get("name", "")
        form.names.add(name)
        if kind == "file":
            form.files.add(name)
        elif kind not in {"checkbox", "radio"} or "checked" in values:
            form.fields.append((name, values.get("value", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        opened, key, start, values = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        inside = " ".join(self.text[start:].split())
        if key:
            self.ids[key] = inside
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append((int(tag[1]), inside))
        elif tag == "a":
            self.links[inside] = values.get("href", "")
        elif tag == "button" and self.forms and values.get("type") != "button":
            self.forms[-1].buttons.append((values.get("name", ""), values.get("value", ""), inside))
        elif tag == "textarea":
            self.forms[-1].fields.append((values["name"], self.text[start:]))
            self.forms[-1].names.add(values["name"])
        elif tag == "select" and self._select:
            self.forms[-1].fields.append((self._select[0], self._select[1] or ""))
            self.forms[-1].names.add(self._select[0])
            self._select = None

    def handle_data(self, data: str) -> None:
        self.text += data

    def form(self, button: str) -> Form:
        """The first form that has a button with these words."""
        for form in self.forms:
            if any(button in words for _, _, words in form.buttons):
                return form
        raise AssertionError(f"no button {button!r} on {self.text!r}")


class Visitor:
    """One browser at the portal."""

    def __init__(self, probe: Probe, language: str = "en") -> None:
        self.probe = probe
        self.language = language
        self.cookies: dict[str, str] = {}
        self.url = "/portal"
        self.answer: Answer = Answer(0, {}, b"")

    @property
    def page(self) -> Sheet:
        return Sheet(self.answer.body.decode())

    @property
    def status(self) -> int:
        return self.answer.status

    def sign_in(
        self, who: str | None = "Global Administrator", tenant: Tenant | None = None
    ) -> str:
        """Sign in as somebody with this role, or with None as an ordinary user; the user's name."""
        emulator = self.probe.emulator
        tenant = tenant or emulator.tenant
        upn = who if who and "@" in who else holder(emulator, who) if who else ordinary(emulator)
        self.open(f"/portal/signin?{urlencode({'tenant': tenant.id, 'q': upn})}")
        self.press(upn)
        assert self.status == 200, self.page.text
        return upn

    def open(self, url: str) -> Sheet:
        return self._travel("GET", url, None, None)

    def press(
        self,
        button: str,
        given: Mapping[str, str] | None = None,
        /,
        *,
        files: dict[str, bytes] | None = None,
        ticked: list[tuple[str, str]] | None = None,
        **typed: str,
    ) -> Sheet:
        """Fill in the fields of the form with this button, and press it."""
        typed |= given or {}
        return self.fill(button, typed, files, ticked)

    def fill(
        self,
        button: str,
        typed: Mapping[str, str],
        files: dict[str, bytes] | None = None,
        ticked: list[tuple[str, str]] | None = None,
    ) -> Sheet:
        """The same with the fields in a mapping."""
        form = self.page.form(button)
        assert typed.keys() <= form.names, (typed.keys(), form.names)
        name, value = next((n, v) for n, v, words in form.buttons if button in words)
        fields = [(key, typed.get(key, text)) for key, text in form.fields]
        known = {key for key, _ in fields}
        fields += [(key, text) for key, text in typed.items() if key not in known]
        fields += [*(ticked or []), *([(name, value)] if name else [])]
        if form.method == "get":
            return self.open(f"{urljoin(self.url, form.action)}?{urlencode(fields)}")
        return self._travel("POST", urljoin(self.url, form.action), fields, files)

    def post(self, url: str, fields: dict[str, str], **headers: str) -> Sheet:
        """Send a form that need not be on a page."""
        return self._travel("POST", url, list(fields.items()), None, headers)

    def _travel(
        self,
        method: str,
        url: str,
        fields: list[tuple[str, str]] | None,
        files: dict[str, bytes] | None,
        headers: dict[str, str] | None = None,
    ) -> Sheet:
        for _ in range(6):
            self.url = url
            self.answer = self._send(method, url, fields, files, headers or {})
            if self.status not in {302, 303}:
                return self.page
            method, fields, files, headers = "GET", None, None, None
            url = urljoin(self.url, self.answer.headers["location"])
            assert not urlsplit(url).netloc, f"sent elsewhere: {url}"
        raise AssertionError("redirected for ever")

    def _send(
        self,
        method: str,
        url: str,
        fields: list[tuple[str, str]] | None,
        files: dict[str, bytes] | None,
        more: dict[str, str],
    ) -> Answer:
        headers = {
            "Accept": "text/html",
            "Accept-Language": self.language,
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
        }
        body = None
        if fields is not None:
            headers |= {"Origin": self.probe.emulator.url, "Sec-Fetch-Site": "same-origin"}
            kind, body = encode(fields, files)
            headers["Content-Type"] = kind
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        answer = self.probe.send(method, url, headers=headers, body=body)
        for morsel in SimpleCookie(answer.headers.get("set-cookie", "")).values():
            self.cookies[morsel.key] = morsel.value
        return answer


def encode(fields: list[tuple[str, str]], files: dict[str, bytes] | None) -> tuple[str, bytes]:
    """The content type and the body of a form, as browsers send it."""
    if files is None:
        return "application/x-www-form-urlencoded", urlencode(fields).encode()
    boundary = f"----{token_hex(16)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields
    ]
    for name, content in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="a.cer"'
        parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(
        parts
    ) + f"--{boundary}--\r\n".encode()


def register_by_hand(visitor: Visitor, name: str, **typed: str) -> str:
    """Register an application by hand; its client ID."""
    home = f"/portal/{visitor.probe.emulator.tenant.id}"
    visitor.open(f"{home}/applications/new")
    page = visitor.press("Register", typed, name=name)
    assert visitor.status == 200, page.text
    return page.ids["client-id"]


@contextmanager
def at_credentials(visitor: Visitor, name: str, tab: str = "") -> Iterator[str]:
    """A new application, and its page for credentials open; its client ID."""
    app_id = register_by_hand(visitor, name)
    place = f"/portal/{visitor.probe.emulator.tenant.id}/applications/{app_id}/credentials"
    visitor.open(place + tab)
    yield app_id


def list_addresses(visitor: Visitor) -> list[str]:
    """Each page that is shown by GET, of an application that was just registered."""
    app_id = register_by_hand(visitor, "Every page")
    values = {"tenant": visitor.probe.emulator.tenant.id, "app": app_id}
    paths = [page.path for page in list_routes() if page.method == "GET"]
    return [
        path.format_map(values) for path in paths if set(list_parameters(path)) <= values.keys()
    ]


def list_parameters(path: str) -> Iterator[str]:
    """The names in braces."""
    return (part[1:-1] for part in path.split("/") if part.startswith("{"))


def find_address(visitor: Visitor, path: str) -> str:
    """The address of a page of the tenant."""
    return f"/portal/{visitor.probe.emulator.tenant.id}/{path}"


def list_shown(visitor: Visitor, section: str) -> list[str]:
    """The names in the list, which are links to their pages."""
    beginning = find_address(visitor, f"{section}/")
    return [name for name, link in visitor.page.links.items() if link.startswith(beginning)]
