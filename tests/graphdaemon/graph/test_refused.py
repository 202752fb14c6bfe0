"""What a refusal of Graph is called, and that its words are kept."""

import email.utils
import time

import pytest

from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Headers, Response
from graphdaemon.protect.refusal import refuse
from tests.support.graph_answers import answer
from tests.support.unsigned_tokens import make_token

URL = "https://graph.microsoft.com/v1.0/users"


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


def test_a_permission_that_graph_names_beats_the_one_of_the_call() -> None:
    """The token's roles suffice for the list, and not for a property that it selects."""
    message = "Calling principal does not have required MSGraph permissions AuditLog.Read.All"
    body = {"error": {"code": "Authentication_MSGraphPermissionMissing", "message": message}}

    error = explain(
        answer(body, 403),
        f"{URL}?$select=signInActivity",
        needs="User.Read.All",
        consent_url=None,
        token=make_token(roles=["User.Read.All"]),
    )

    assert (error.code, error.case) == ("permission_missing", "permission_missing")
    assert (error.hint or "").startswith("Add the application permission AuditLog.Read.All (")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b" \r\n"],
    ids=["empty", "html", "list", "object", "blank"],
)
def test_strange_error_bodies_are_survived(body: bytes) -> None:
    """A front door answers in HTML, and some services send objects for texts."""
    error = explain(answer(body, 503), URL, needs="x", consent_url=None)

    assert str(error) == "/v1.0/users: 503"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("2.128", 2.128), ("-1", None), ("soon", None), ("", None)],
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


def test_the_permission_that_opens_a_call_is_known_by_its_path_and_method() -> None:
    """Whatever the caller thought; for other refusals no permission is named."""
    url = "https://graph.microsoft.com/v1.0/users/x"

    error = explain(answer({}, 403), url, needs=None, consent_url=None, method="PATCH")
    assert "User.ReadWrite.All" in (error.hint or "")
    error = explain(answer({}, 404), url, needs=None, consent_url=None, method="PATCH")
    assert "User.ReadWrite.All" not in (error.hint or "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"Cannot query data for more than 120 users at a time", "Cannot query data for more than"),
        (b'{"Message":"An error has occurred."}', "403: An error has occurred."),
        (b'{"error":"text"}', "403: text"),
        (b'{"error":{"code":1,"message":{"lang":"en","value":"x"}}}', ": x"),
        (b"<!DOCTYPE html><html><head><title>Blocked</title></head>\r\n<p>by policy", "Blocked by"),
        (b"\x1b[2J\xff", "\\x1b[2J\ufffd"),
        (b"token eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln", "token [redacted]"),
        (b"see /users?$skiptoken=SECRET-PLACE", "see /users?$skiptoken=[redacted]"),
        (b"[" * 100_000, "403"),
        (b'{"value":[{"id":"SECRET-PLACE"}]}', "403"),
        (b"<" * 1_000_000, "403"),
    ],
    ids="text json error value html control token link deep page markup".split(),
)
def test_an_answer_that_is_not_graphs_is_quoted_in_part(body: bytes, words: str) -> None:
    """It says who refused, such as a firewall; nothing secret of it is repeated."""
    error = explain(answer(body, 403), URL, needs="x", consent_url=None)

    assert words in str(error)
    assert len(str(error)) < 300
    assert "SECRET-PLACE" not in str(error)


def test_graphs_own_words_are_kept_in_part_and_without_page_links() -> None:
    """However long they are; a code or a request ID that is none is left out."""
    body = {"error": {"code": "x" * 200, "message": f"$skiptoken=SECRET-PLACE {'y' * 100_000}"}}

    error = explain(answer(body, 400, request_id="\x1b[2J"), URL, needs="x", consent_url=None)

    assert str(error).startswith("/v1.0/users: 400: $skiptoken=[redacted] yyy")
    assert len(str(error)) < 2_100
    assert (error.graph_code, error.request_id) == (None, None)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://login.example/sign-in?ticket=SECRET-PLACE", "to https://login.example"),
        ("https://me:SECRET-PLACE@login.example/", "to https://login.example"),
        ("/SECRET-PLACE", "to another path of the same host"),
        ("https://[::1/SECRET-PLACE", "to an invalid address"),
        ("https://\u2100.example/SECRET-PLACE", "to an invalid address"),
        (f"https://{'x' * 10_000}/", "to https://xxx"),
    ],
)
def test_a_redirect_names_the_host_it_points_to(location: str, target: str) -> None:
    """Not the path and the options, which may hold what lets somebody in."""
    response = answer({}, 302, Location=location)

    error = explain(response, URL, needs="x", consent_url=None)

    assert f"302: it redirects {target}" in str(error)
    assert "SECRET-PLACE" not in str(error)
    assert len(str(error)) < 200


def test_a_wait_that_is_too_long_says_how_long() -> None:
    """Otherwise nobody knows when to come back."""
    error = explain(answer({}, 429, Retry_After="3600"), URL, needs="x", consent_url=None)
    assert "it asks to wait for 3,600 s" in str(error)

    error = explain(answer({}, 429, Retry_After="300"), URL, needs="x", consent_url=None)
    assert "asks to wait" not in str(error)


def test_what_is_not_implemented_is_not_to_be_tried_again() -> None:
    """501 is no outage."""
    error = explain(answer({}, 501), URL, needs="x", consent_url=None)

    assert (error.code, error.case) == ("request_refused", "not_implemented")
    assert "repeating it does not help" in (error.hint or "")


@pytest.mark.parametrize(
    ("headers", "page", "answerer"),
    [
        ({"Server": "AcmeGuard/7"}, b"<html>no", "whatever answers as AcmeGuard/7"),
        ({"server": "squid/5.7"}, b"<!DOCTYPE html>no", "the proxy (Squid)"),
        ({}, b" <html>Blocked by Zscaler", "Zscaler"),
        ({}, b"<html>no", "the firewall or proxy"),
    ],
)
def test_a_firewalls_page_is_not_called_a_missing_permission(
    headers: dict[str, str], page: bytes, answerer: str
) -> None:
    """It has no request ID, and is for people; who made it is named, and nothing else blamed."""
    error = explain(answer(page, 403, **headers), URL, needs="User.Read.All", consent_url=None)

    assert (error.code, error.case) == ("answer_foreign", "answer_foreign")
    assert "403, not from Graph" in str(error)
    assert f"Ask whoever runs {answerer} to let" in (error.hint or "")


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, {"request-id": "r-1"}, b"<html>"),
        (404, {"x-ms-ags-diagnostic": "{}"}, b"<html>"),
        (403, {}, b"no"),
        (403, {}, b""),
        (503, {}, b"<html>"),
    ],
)
def test_what_may_be_graphs_is_not_called_anybody_elses(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    """Its IDs, a text without markup, and the page of its own front door when it is down."""
    error = explain(answer(body, status, **headers), URL, needs=None, consent_url=None)

    assert error.case != "answer_foreign"
    assert "not from Graph" not in str(error)


def test_an_api_of_ones_own_is_heard() -> None:
    """Its challenge names the case: that case's step, with the role that it names."""
    refusal = refuse("caller_role_missing", role="Orders.Read.All")
    response = Response(refusal.status, Headers(refusal.headers), refusal.body)

    error = explain(
        response,
        "https://my.api/orders",
        needs=None,
        consent_url=None,
        token=make_token(aud="api://orders", roles=["Orders.Write"]),
    )

    assert error.case == "caller_role_missing"
    assert str(error) == (
        "/orders: 403: The token lacks the app role Orders.Read.All. (caller_role_missing)"
    )
    assert "Add the app role Orders.Read.All to the calling app" in (error.hint or "")
