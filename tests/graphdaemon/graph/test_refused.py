"""What a refusal of Graph is called, and that its words are kept."""

import email.utils
import time

import pytest

from graphdaemon.graph.refused import explain
from tests.support.graph_answers import answer

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


def test_the_permission_that_opens_a_call_is_known_by_its_path_and_method() -> None:
    """Whatever the caller thought; for other refusals no permission is named."""
    url = "https://graph.microsoft.com/v1.0/users/x"

    error = explain(answer({}, 403), url, needs=None, consent_url=None, method="PATCH")
    assert "User.ReadWrite.All" in (error.hint or "")
    error = explain(answer({}, 404), url, needs=None, consent_url=None, method="PATCH")
    assert "User.ReadWrite.All" not in (error.hint or "")
