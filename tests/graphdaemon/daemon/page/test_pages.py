"""What the pages show of a store, as text; how they look is for tests/browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import pytest

from graphdaemon.daemon.status import read_status
from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.store import open_store
from tests.support.lived_store import user
from tests.support.raw_http import RawAnswer, ask
from tests.support.watched_site import run_site
from tests.support.watched_store import CONTOSO, NOW, watch


@pytest.fixture
def address(store_url: str) -> Iterator[str]:
    with run_site(watch(store_url)) as place:
        yield place


def get(address: str, path: str, headers: str = "") -> RawAnswer:
    return asyncio.run(ask(address, path, headers=headers))


def words(answer: RawAnswer) -> str:
    """The text that a reader sees, in one line."""
    text = re.sub(r"<[^>]*>", " ", answer.text)
    return " ".join(unescape(text).split())


def test_the_overview_has_what_is_wrong_and_every_tenant(address: str) -> None:
    shown = words(get(address, "/"))

    assert "Not everything is in step." in shown
    assert "tailspin tailspin.json: client_id is no GUID setting_invalid Put the ID there." in shown
    assert "contoso groups/members Graph asked to wait <b>twice</b> throttled Wait & see." in shown
    assert "8 changes in 30 days; the most on one day were 8." in shown
    assert "fabrikam not in step never 0 secret: end unknown" in shown
    assert "contoso in step failing 30 min ago 4 certificate: ends 2027-12-06" in shown
    # Nobody named the collection, and so that the app may not read it is no failure.
    assert "permission_missing" not in shown


def test_a_tenant_has_its_collections(address: str) -> None:
    shown = words(get(address, f"/tenant?name=contoso&id={CONTOSO}"))

    assert "devices left out never 0 none" in shown
    assert "users fresh 20 min ago 3 1 h 2026-11-01 14:10 UTC" in shown
    assert "groups/members failing" in shown


def test_a_tenant_whose_settings_are_broken_has_a_page_too(address: str) -> None:
    assert "client_id is no GUID" in words(get(address, "/tenant?name=tailspin"))


@pytest.mark.parametrize(
    ("text", "name"),
    [("an", "Ana"), ("a", "Ana"), ("CY", "Cy"), ("b", "Bo")],
)
def test_objects_are_found_by_id_and_by_any_part_of_a_name(
    address: str, text: str, name: str
) -> None:
    assert name in words(get(address, f"/search?tenant=1&q={text}"))


@pytest.mark.parametrize("text", ["%", "_", "'", "\\", "%27 OR 1=1 --", "zz" * 300])
def test_signs_that_mean_something_to_a_database_are_looked_for_as_they_are(
    address: str, text: str
) -> None:
    given = get(address, f"/search?tenant=1&q={quote(text)}")
    assert given.status == 200
    assert "no object like that" in words(given)


def test_the_history_of_an_object_is_told_the_latest_first(address: str) -> None:
    shown = words(get(address, "/object?tenant=1&id=a"))

    assert 'updated businessPhones : nothing → ["1"]' in shown
    assert "updated jobTitle : Clerk → Manager" in shown
    assert shown.index("businessPhones :") < shown.index("jobTitle :")
    assert "As it is now" in shown


def test_what_is_gone_is_shown_as_it_was_last(address: str) -> None:
    shown = words(get(address, "/object?tenant=1&id=c"))

    assert "deleted for good" in shown
    assert "As it was last" in shown


def test_of_a_group_its_memberships_are_told(address: str) -> None:
    shown = words(get(address, "/object?tenant=1&id=g"))

    assert "g: Di created" in shown
    assert "g: Bo deleted for good" in shown


@pytest.mark.parametrize(
    "path",
    [
        "/elsewhere",
        "/tenant",
        "/tenant?name=nobody",
        "/tenant?name=contoso&id=other",
        "/search",
        "/search?tenant=99&q=a",
        "/object?tenant=1",
        "/object?tenant=1&id=nothing",
        "/object?tenant=x&id=a",
        "/../../etc/passwd",
        "/templates/frame.html",
    ],
)
def test_what_is_not_there_is_told_in_plain_words(address: str, path: str) -> None:
    given = get(address, path)
    assert given.status == 404
    assert "There is nothing at this address." in words(given)


def test_pages_run_no_script_and_load_nothing_from_elsewhere(address: str) -> None:
    given = get(address, "/")

    policy = given.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert given.headers["cache-control"] == "no-store"
    assert given.headers["x-frame-options"] == "DENY"
    assert "<script" not in given.text
    assert "style=" not in given.text
    assert "<b>" not in given.text


@pytest.mark.parametrize("path", ["/", "/tenant?name=contoso", "/search?tenant=1&q=a"])
def test_the_language_that_was_chosen_is_kept_by_every_link(address: str, path: str) -> None:
    joined = f"{path}{'&' if '?' in path else '?'}lang=pt-BR"
    given = get(address, joined, "Accept-Language: en\r\n")

    assert given.headers["content-language"] == "pt-BR"
    links = [unescape(one) for one in re.findall(r'<a[^>]* href="(/[^"]*)"', given.text)]
    assert links
    assert all("lang=" in one for one in links)
    assert get(address, path, "Accept-Language: pt\r\n").headers["content-language"] == "pt-BR"


def test_many_tenants_are_shown_a_hundred_at_a_time_and_found_by_name(store_url: str) -> None:
    with open_store(store_url) as store:
        names = [f"tenant-{number:03}" for number in range(250)]
        leases = LeaseHolder(store, "here", 60, lambda: NOW)
        leases.enter([(f"{name}.example", name) for name in names], ["users"], 300)
        assert len(read_status(store, NOW).tenants) == 250
    with run_site(store_url) as place:
        first, last = words(get(place, "/")), words(get(place, "/?page=3"))
        found = words(get(place, "/?q=NT-24"))
        beyond = get(place, "/?page=999999")

    assert "1 to 100 of 250 Next" in first
    assert "tenant-099" in first
    assert "tenant-100" not in first
    assert "201 to 250 of 250 Previous" in last
    assert found.count("tenant-24") == 10
    assert beyond.status == 200


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "9" * 50])
def test_a_page_that_is_no_number_is_the_first(address: str, page: str) -> None:
    assert "contoso in step" in words(get(address, f"/?page={quote(page)}"))


def test_a_name_that_is_html_stays_a_name(lived_url: str) -> None:
    wild = "<img src=x onerror=alert(1)>"
    with open_store(lived_url) as store, store.change(1, "users", "round") as change:
        change.put([user("w", wild)])
    with run_site(lived_url) as place:
        for path in ("/search?tenant=1&q=img", "/object?tenant=1&id=w"):
            given = get(place, path)
            assert wild in words(given) or wild in unescape(given.text)
            assert "<img" not in given.text


def test_an_empty_store_says_so(store_url: str) -> None:
    open_store(store_url).close()
    with run_site(store_url) as place:
        assert "The store has no tenant yet." in words(get(place, "/"))
