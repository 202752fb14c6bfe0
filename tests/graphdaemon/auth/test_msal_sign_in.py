"""Sign-ins that end without a token."""

from __future__ import annotations

import pytest

from graphdaemon.auth.msal_sign_in import _refused_to_sign_in
from graphdaemon.registration.administrator import PUBLIC_CLIENT
from graphdaemon.settings.read import read_sign_in_settings

REFUSED = {
    "declined": ("authorization_declined", None, "sign_in_declined"),
    "closed": ("access_denied", 65004, "sign_in_unconsented"),
    "reserved": ("access_denied", 90094, "sign_in_unconsented"),
    "late": ("expired_token", 70020, "sign_in_expired"),
    "never": ("authorization_pending", 70016, "sign_in_expired"),
    "no such client": ("unauthorized_client", 700016, "client_unknown"),
    "no such tenant": ("invalid_request", 90002, "tenant_unknown"),
    "policy": ("invalid_grant", 53003, "access_blocked"),
    "own trouble": ("temporarily_unavailable", None, "identity_unavailable"),
    "another": ("invalid_grant", 50126, "sign_in_failed"),
}


@pytest.mark.parametrize(("error", "number", "case"), REFUSED.values(), ids=REFUSED)
def test_a_sign_in_that_fails_says_what_to_do(error: str, number: int | None, case: str) -> None:
    """By the number, or by OAuth's word; the exit code is 4."""
    text = f"AADSTS{number}: It is so. Trace ID: 1" if number else "It is so."
    place = read_sign_in_settings(PUBLIC_CLIENT, {}, {}, {})

    refused = _refused_to_sign_in({"error": error, "error_description": text}, place)

    assert (refused.case, refused.exit_code) == (case, 4)
    assert refused.hint
    assert "Trace ID" not in str(refused)
