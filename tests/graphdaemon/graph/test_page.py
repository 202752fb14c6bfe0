"""Protocol decisions: what an answer means, as tables."""

from __future__ import annotations

import email.utils
import time

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import follow
from graphdaemon.graph.page import (
    Page,
    ids_of,
    page_ids,
    read_number,
    read_object,
    read_page,
    texts_of,
)
from graphdaemon.graph.refused import explain
from tests.support.graph_answers import answer, raw
from tests.support.pretend_graph import ROOT

URL = "https://graph.microsoft.com/v1.0/users?$skiptoken=SECRET-PLACE"


def test_records_are_the_bytes_graph_sent() -> None:
    """Spelling, order and unknown members of a record survive untouched."""
    body = b'{"@odata.context":"x","@odata.count":7,"value":[{"b": 1.0,"a":null},{"c":"\\u00e9"}]}'

    page = read_page(answer(body), URL)

    assert [bytes(record) for record in page.records] == [
        b'{"b": 1.0,"a":null}',
        b'{"c":"\\u00e9"}',
    ]
    assert page.next_link is None
    assert page.total == 7


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b'{"value":[{"id":"1"}',
        b"[]",
        b'{"value":null}',
        b'{"id":"1"}',
        b'{"value":[{"id":"1","displayName":"\xff"}]}',
    ],
    ids=["empty", "html", "cut", "list", "null", "object", "no UTF-8"],
)
def test_what_is_no_page_is_refused(body: bytes) -> None:
    """A page that is not one raises: it is never taken for the last."""
    with pytest.raises(GraphError, match=r"/v1\.0/users") as caught:
        read_page(answer(body, Content_Type="text/html; charset=utf-8"), URL)

    assert caught.value.code == "page_malformed"
    assert "SECRET-PLACE" not in str(caught.value)


def test_what_is_no_object_is_refused() -> None:
    """get() wants one JSON object."""
    assert read_object(answer({"id": "1"}), URL) == {"id": "1"}
    with pytest.raises(GraphError):
        read_object(answer([]), URL)


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/users?$skiptoken=A",
        "https://graph.microsoft.com:443/v1.0/users?$skiptoken=A",
        "https://GRAPH.microsoft.com/v1.0/users?$skiptoken=A%2f",
    ],
)
def test_links_on_the_same_origin_are_followed_byte_for_byte(link: str) -> None:
    """The address is Graph's; not a byte of it is rebuilt."""
    assert follow(link, URL) == link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users?$skiptoken=SECRET-PLACE",
        "http://graph.microsoft.com/v1.0/users?$skiptoken=SECRET-PLACE",
        "https://graph.microsoft.com:8443/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "https://graph.microsoft.com.evil.example/",
        "//evil.example/users",
        "/v1.0/users?$skiptoken=1",
        "",
    ],
)
def test_links_elsewhere_are_not_followed(link: str) -> None:
    """The token goes to the configured origin only; the error names both and no token."""
    with pytest.raises(GraphError, match=r"not to https://graph\.microsoft\.com") as caught:
        follow(link, URL)

    assert caught.value.code == "link_foreign"
    assert "SECRET-PLACE" not in str(caught.value)


def test_a_link_to_itself_is_no_next_page() -> None:
    """Following it would never end."""
    with pytest.raises(GraphError, match="points to its own page"):
        follow(URL, URL)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (302, "request_refused"),
        (400, "request_refused"),
        (401, "token_refused"),
        (403, "permission_missing"),
        (404, "not_found"),
        (429, "throttled"),
        (500, "graph_unavailable"),
        (503, "graph_unavailable"),
    ],
)
def test_every_status_has_its_code_and_next_step(status: int, code: str) -> None:
    """A refusal keeps Graph's words and request ID, and adds what to do."""
    body = {"error": {"code": "Some_Code", "message": "Some words."}}

    error = explain(
        answer(body, status, request_id="r-1"), URL, needs="User.Read.All", consent_url=None
    )

    assert (error.code, error.status, error.graph_code) == (code, status, "Some_Code")
    assert str(error) == f"/v1.0/users: {status} Some_Code: Some words."
    assert error.request_id == "r-1"
    assert error.hint


def test_missing_permission_names_it_and_where_to_consent() -> None:
    """The 403 everybody meets says which permission, of which type, and the consent address."""
    error = explain(
        answer({}, 403), URL, needs="User.Read.All", consent_url="https://login/adminconsent"
    )

    assert error.hint is not None
    for words in ("User.Read.All", "not Delegated", "https://login/adminconsent", "old roles"):
        assert words in error.hint


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"error":"text"}', b'{"error":{"code":1,"message":{"value":"x"}}}'],
    ids=["empty", "html", "list", "text", "objects"],
)
def test_strange_error_bodies_are_survived(body: bytes) -> None:
    """A front door answers in HTML, and some services send objects for texts."""
    error = explain(answer(body, 503), URL, needs="x", consent_url=None)

    assert str(error) == "/v1.0/users: 503"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("2.128", 2.128), ("-1", 0.0), ("soon", None), ("", None)],
)
def test_retry_after_is_read_in_every_form(value: str, seconds: float | None) -> None:
    """Integer, and fractional as in Graph's own documentation."""
    error = explain(answer({}, 429, Retry_After=value), URL, needs="x", consent_url=None)

    assert error.retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    """HTTP allows a date; one in the past means now."""
    soon = email.utils.formatdate(time.time() + 30, usegmt=True)
    past = email.utils.formatdate(time.time() - 30, usegmt=True)

    waits = [
        explain(answer({}, 429, Retry_After=date), URL, needs="x", consent_url=None).retry_after
        for date in (soon, past)
    ]

    assert waits[0] is not None
    assert 25 < waits[0] <= 30
    assert waits[1] == 0.0


def test_ids_are_read_with_the_page_and_without() -> None:
    """Both ways say the same; what has no ID counts as itself."""
    body = b'{"value":[{"id":"1","x":{"id":"no"}},{"b":2}]}'
    page = read_page(answer(body), ROOT)

    assert page_ids(page) == ["1", '{"b":2}']
    assert ids_of(page.records) == ["1", '{"b":2}']
    assert page_ids(read_page(answer(b'{"value":[{"id":"1"}]}'), ROOT)) == ["1"]


def test_what_is_no_record_is_refused() -> None:
    """Numbers in a page are nobody."""
    page = read_page(answer(b'{"value":[1]}'), ROOT)

    with pytest.raises(GraphError) as caught:
        page_ids(page)

    assert caught.value.code == "page_malformed"
    assert texts_of([raw({"k": "a"}), raw({"k": None}), raw({}), raw({"k": 1})], "k") == ["a"]


@pytest.mark.parametrize(("body", "number"), [(b"250", 250), (b"\xef\xbb\xbf7", 7)])
def test_a_count_is_a_number(body: bytes, number: int) -> None:
    """With and without a byte order mark."""
    assert read_number(answer(body), ROOT) == number


def test_a_count_that_is_none_is_refused() -> None:
    """A sign-in page is no number."""
    with pytest.raises(GraphError):
        read_number(answer(b"<html>"), ROOT)


def test_a_page_is_a_page() -> None:
    """Links of deltas and lists are told apart."""
    text = b'{"value":[],"@odata.deltaLink":"https://x/d"}'
    page = read_page(answer(text), ROOT)

    assert page == Page([], None, None, "https://x/d", text)
    assert follow("https://x/d", "https://x/e") == "https://x/d"
