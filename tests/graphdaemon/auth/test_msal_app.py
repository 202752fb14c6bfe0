"""What the token service's answers become."""

from __future__ import annotations

import pytest

from graphdaemon.errors import IdentityError
from graphdaemon.settings.read import read_settings
from tests.support.cloud_machine import fetch
from tests.support.scripted_server import Answer, ScriptedServer, json_answer

# One pass over one chain: what is asked is the same each time.


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json_answer({"error": "invalid_client", "error_codes": [7000222]}, 401), "secret_expired"),
        (
            json_answer({"error": "x", "error_description": "AADSTS90002: no"}, 400),
            "tenant_unknown",
        ),
        (json_answer({"error": "temporarily_unavailable"}, 400), "identity_unavailable"),
        (Answer(503, b"<html>"), "identity_unavailable"),
        (Answer(429, b"slow down"), "identity_unavailable"),
        (Answer(200, b"<html>"), "identity_unreadable"),
        (Answer(200, b""), "identity_unreadable"),
        (json_answer({"error": "something_new"}, 400), "identity_refused"),
        (json_answer({"error": "x", "error_codes": 5}, 400), "identity_refused"),
        (json_answer([]), "identity_unreadable"),
        (json_answer(None), "identity_unreadable"),
        (json_answer("text"), "identity_unreadable"),
        (json_answer({}), "identity_unreadable"),
        (json_answer({"access_token": "t", "expires_in": "soon"}), "identity_unreadable"),
        (json_answer({"access_token": "a\nb", "expires_in": 3599}), "identity_unreadable"),
        (json_answer({"access_token": 7, "expires_in": 3599}), "identity_unreadable"),
    ],
    ids=(
        "7000222 90002 temporarily 503 429 html empty unknown codes-number list null text nothing "
        "expiry-word token-lines token-number"
    ).split(),
)
def test_every_answer_of_the_token_service_has_a_meaning(
    scripted: ScriptedServer, answer: Answer, code: str
) -> None:
    """MSAL's four ways to fail all become one."""
    scripted.token_answer = answer

    with pytest.raises(IdentityError) as caught:
        fetch(read_settings(None, {}, scripted.settings()))

    assert caught.value.code == code
    assert caught.value.exit_code == 4
    assert caught.value.hint
