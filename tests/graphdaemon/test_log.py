"""Logs: nothing sensitive leaves."""

from __future__ import annotations

import logging

import pytest

from graphdaemon.log import RedactingFormatter, redact

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {JWT}",
        "client_secret=abc8Q~SENSITIVE&grant_type=client_credentials",
        '{"secret": "abc8Q~SENSITIVE"}',
        f"client_assertion={JWT}",
        "https://graph.microsoft.com/v1.0/users?$skiptoken=SENSITIVE",
        "https://graph.microsoft.com/v1.0/users?%24deltatoken=SENSITIVE",
        "access_token: SENSITIVE",
    ],
)
def test_sensitive_text_is_redacted(text: str) -> None:
    """Tokens, secrets and page tokens are replaced wherever they stand."""
    shown = redact(text)

    assert "[redacted]" in shown
    assert "SENSITIVE" not in shown
    assert "eyJ" not in shown


def test_ordinary_text_is_left_alone() -> None:
    """Redaction hides nothing that helps."""
    text = (
        "/v1.0/users: 403 Authorization_RequestDenied: secret expired? see Certificates & secrets"
    )

    assert redact(text) == text


def test_tracebacks_are_redacted_too() -> None:
    """An exception's text is part of the log."""
    record = logging.makeLogRecord(
        {"msg": "failed", "exc_info": (ValueError, ValueError(JWT), None)}
    )

    assert JWT not in RedactingFormatter("%(message)s").format(record)
