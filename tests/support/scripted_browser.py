"""A scripted browser: follows redirects, keeps cookies, submits forms, as its user would."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from tests.support.emulator_probe import Answer, Probe


@dataclass
class Form:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


class Document(HTMLParser):
    """
    What a page has: its texts, its elements, its forms with hidden fields and buttons.

    Attributes:
        links: Where the links of its content lead, without those that every page has.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: set[str] = set()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._button: tuple[str, str] | None = None
        self._label = ""
        self._is_content = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.add(tag)
        if tag == "form":
            self.forms.append(Form(values.get("method", "get"), values.get("action", "")))
        elif tag == "input" and self.forms and values.get("type") != "checkbox":
            self.forms[-1].fields[values.get("name", "")] = values.get("value", "")
        elif tag == "button":
            self._button, self._label = (values.get("name", ""), values.get("value", "")), ""
        elif tag == "main":
            self._is_content = True
        elif tag == "a" and self._is_content:
            self.links.append(values.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._is_content = False
        if tag == "button" and self._button is not None:
            self.forms[-1].buttons.append((*self._button, self._label))
            self._button = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._button is not None:
            self._label += data


@dataclass(frozen=True)
class Arrival:
    """Where the browser was sent to outside the emulator, and what it was to bring along."""

    url: str
    values: dict[str, str]
    method: str

    @property
    def code(self) -> int:
        """The AADSTS number of a refusal."""
        text = self.values["error_description"]
        return int(text.partition(":")[0].removeprefix("AADSTS"))


class Browser:
    """One browser, with its cookies."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.cookies: dict[str, str] = {}
        self.token = ""
        self.answer: Answer | None = None
        self.url = ""

    @property
    def page(self) -> Document:
        assert self.answer is not None
        return Document(self.answer.body.decode())

    @property
    def status(self) -> int:
        assert self.answer is not None
        return self.answer.status

    def open(self, url: str) -> Arrival | None:
        """Go there; None when a page of the emulator is shown."""
        return self._travel("GET", url, None)

    def submit(
        self, form: Form, button: tuple[str, str] | None = None, **more: str
    ) -> Arrival | None:
        values = form.fields | more | (dict([button]) if button and button[0] else {})
        if form.method == "get":
            return self.open(f"{urljoin(self.url, form.action)}?{urlencode(values)}")
        return self._travel("POST", urljoin(self.url, form.action), values)

    def post(self, url: str, values: Mapping[str, str]) -> Arrival | None:
        """Send a form that need not be on a page, with the token of one that was."""
        return self._travel("POST", url, {"token": self.token, **values})

    def press(self, words: str, **more: str) -> Arrival | None:
        """Press the first button with these words on or under it."""
        for form in self.page.forms:
            for name, value, label in form.buttons:
                if words.casefold() == value.casefold() or words.casefold() in label.casefold():
                    return self.submit(form, (name, value), **more)
        raise AssertionError(f"no button {words!r} on {self.page.text!r}")

    def _travel(self, method: str, url: str, values: Mapping[str, str] | None) -> Arrival | None:
        for _ in range(8):
            if not url.startswith((self.probe.emulator.url, "/")):
                return _arrive(url, method, values)
            self.url = urljoin(self.probe.emulator.url, url)
            self.answer = self._send(method, url, values)
            if self.answer.status not in {302, 303}:
                return self._look()
            url, method, values = urljoin(self.url, self.answer.headers["location"]), "GET", None
        raise AssertionError("redirected for ever")

    def _send(self, method: str, url: str, values: Mapping[str, str] | None) -> Answer:
        origin = self.probe.emulator.url
        headers = {
            "Accept": "text/html,*/*;q=0.8",
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
        }
        body = None
        if values is not None:
            headers |= {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(values).encode()
        answer = self.probe.send(method, url, headers=headers, body=body)
        for morsel in SimpleCookie(answer.headers.get("set-cookie", "")).values():
            self.cookies[morsel.key] = morsel.value
        return answer

    def _look(self) -> Arrival | None:
        """A page that submits its own form goes on to where that leads."""
        page = self.page
        for one in page.forms:
            self.token = one.fields.get("token", self.token)
        if "script" in page.elements:
            (form,) = page.forms
            return _arrive(form.action, "POST", form.fields)
        return None


def _arrive(url: str, method: str, values: Mapping[str, str] | None) -> Arrival:
    parts = urlsplit(url)
    found = dict(parse_qsl(parts.query)) | dict(parse_qsl(parts.fragment)) | dict(values or {})
    return Arrival(url, found, method)


def deliver(arrival: Arrival) -> int:
    """Bring it to a loopback listener, as the browser does; the answer's status."""
    parts = urlsplit(arrival.url)
    assert parts.hostname in {"localhost", "127.0.0.1"}
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        body = urlencode(arrival.values) if arrival.method == "POST" else None
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": parts.netloc}
        connection.request(arrival.method, target, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
