"""The audit log's pages: what was asked, filtered, and one request in full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entra_emulator.audit import Entry
from tests.support.emulator_probe import App, Probe, register, running
from tests.support.portal_visitor import (
    Visitor,
    find_address,
)

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def watched(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("watched")
    with running(keys, data, users=30) as probe:  # type: ignore[arg-type]  # the fixture
        yield probe


@pytest.fixture(scope="module")
def stranger(watched: Probe) -> App:
    return register(watched, name="Stranger")


@pytest.fixture(scope="module")
def reader(watched: Probe) -> App:
    return register(watched, "User.Read.All", name="Reader")


@pytest.fixture
def visitor(watched: Probe) -> Visitor:
    watched.emulator.audit.clear()
    visitor = Visitor(watched)
    visitor.sign_in(None)
    return visitor


def test_log(visitor: Visitor, stranger: App, reader: App) -> None:
    """The newest stand first: a refused call, its token, and who asked."""
    reader.get("/v1.0/users?$top=1")
    stranger.get("/v1.0/users?$skiptoken=abc")
    text = visitor.open(find_address(visitor, "audit")).text

    assert "GET /v1.0/users?$skiptoken=…" in text
    assert "abc" not in text
    assert "403 Refused Authorization_RequestDenied" in text
    assert "Token client_credentials" in text
    assert text.index("403 Refused") < text.rindex("200 Allowed")


def test_filters(visitor: Visitor, stranger: App, reader: App) -> None:
    """By application, verdict and text; what is typed is shown, not run."""
    reader.get("/v1.0/users?$top=1")
    stranger.get("/v1.0/groups")
    visitor.open(find_address(visitor, "audit"))
    visitor.press("Apply", verdict="refused")
    refused = visitor.page.ids["entries"]
    visitor.press("Apply", verdict="", app=reader.client_id)
    theirs = visitor.page.ids["entries"]
    visitor.press("Apply", app="", q=HOSTILE)

    assert ("/v1.0/groups" in refused, "/v1.0/users" in refused) == (True, False)
    assert ("/v1.0/groups" in theirs, "/v1.0/users" in theirs) == (False, True)
    assert "Nothing was asked that matches." in visitor.page.text
    assert not any(tag == "img" for tag, _ in visitor.page.elements)


def test_entry(visitor: Visitor, stranger: App) -> None:
    """One request: why it was refused, what the token held, and what would have done."""
    answer = stranger.get("/v1.0/users")
    entry = visitor.probe.emulator.audit.entries(limit=1)[0]
    page = visitor.open(find_address(visitor, f"audit/{entry.number}"))

    assert "Insufficient privileges to complete the operation." in page.ids["why"]
    assert "The token holds none of the permissions" in page.ids["why"]
    assert page.ids["request-id"] == answer.headers["request-id"]
    assert "User.ReadBasic.All least privileged" in page.text
    assert "Stranger" in page.text


def test_allowed_entry(visitor: Visitor, reader: App) -> None:
    """An allowed call names the permission that let it through."""
    reader.get("/v1.0/users")
    entry = visitor.probe.emulator.audit.entries(limit=1)[0]
    page = visitor.open(find_address(visitor, f"audit/{entry.number}"))

    assert "User.Read.All in the token" in page.text
    assert "why" not in page.ids


def test_pages(visitor: Visitor) -> None:
    """Older and newer entries are a click away."""
    audit = visitor.probe.emulator.audit
    for number in range(120):
        audit.note(Entry(0, 1_800_000_000.0, "graph", "GET", f"/v1.0/n{number}", status=200))
    visitor.open(find_address(visitor, "audit"))
    assert "/v1.0/n119" in visitor.page.text
    for _ in range(2):
        older = next(link for words, link in visitor.page.links.items() if "Older" in words)
        visitor.open(older)
    assert "/v1.0/n0" in visitor.page.text
    assert not any("Older" in words for words in visitor.page.links)
    newer = next(link for words, link in visitor.page.links.items() if "Newer" in words)
    visitor.open(newer)
    assert "/v1.0/n69" in visitor.page.text


@pytest.mark.parametrize("number", ["0", "999999", "x", "1" * 40])
def test_no_such_entry(visitor: Visitor, number: str) -> None:
    """What is not, or no longer, in the log is refused in words."""
    visitor.open(find_address(visitor, f"audit/{number}"))

    assert visitor.status == 404
    assert "There is no such entry" in visitor.page.text


def test_clear(visitor: Visitor, reader: App) -> None:
    """One button empties it."""
    reader.get("/v1.0/users")
    visitor.open(find_address(visitor, "audit"))
    visitor.press("Clear the log")

    assert "The log is empty." in visitor.page.text
    assert visitor.probe.emulator.audit.entries() == []


def test_portuguese(watched: Probe) -> None:
    """In Brazil it is called as the admin center calls it there."""
    visitor = Visitor(watched, language="pt-BR")
    visitor.sign_in()

    assert visitor.open(find_address(visitor, "audit")).headings[0] == (1, "Logs de auditoria")
