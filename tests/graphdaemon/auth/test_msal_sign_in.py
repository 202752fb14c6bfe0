"""Sign-ins that end without a token."""

from __future__ import annotations

import json
import logging

import pytest

from graphdaemon.auth.msal_sign_in import SignIn, _refused_to_sign_in
from graphdaemon.auth.token import Token
from graphdaemon.errors import IdentityError
from graphdaemon.http.transport import Transport
from graphdaemon.registration.administrator import PUBLIC_CLIENT
from graphdaemon.settings.read import read_settings, read_sign_in_settings
from tests.support.scripted_server import TENANT, Answer, ScriptedServer, json_answer

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


SCOPES = ["https://graph.microsoft.com/Application.ReadWrite.All"]
FLOW = {
    "user_code": "ABC-DEF",
    "device_code": "d",
    "verification_uri": "https://login.test/device",
    "expires_in": 900,
    "interval": 1,
    "message": "Enter ABC-DEF at https://login.test/device.",
}


def sign_in(server: ScriptedServer, flow: Answer) -> tuple[Token, list[str]]:
    """Sign in by a code; the token, and what the person was told."""
    base = f"{server.url}/{TENANT}"
    server.metadata_answer = json_answer(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }
    )
    server.script = [flow]
    told: list[str] = []
    transport = Transport(ca_file=server.ca_file)
    try:
        client = SignIn(read_settings(None, {}, server.settings()), transport)
        return client.by_code(SCOPES, told.append), told
    finally:
        transport.close()


def test_who_enters_the_code_is_signed_in(scripted: ScriptedServer) -> None:
    """The person is told what to do, in the token service's own words."""
    token, told = sign_in(scripted, json_answer(FLOW))

    assert token.value == "token-1"
    assert told == [FLOW["message"]]


@pytest.mark.parametrize("level", [logging.NOTSET, logging.ERROR])
def test_msal_logs_as_before_once_the_sign_in_is_over(scripted: ScriptedServer, level: int) -> None:
    """Meanwhile it says nothing, since it would log the codes."""
    logger = logging.getLogger("msal")
    before, during = logger.level, list[int]()
    scripted.before_token = lambda: during.append(logger.level)
    logger.setLevel(level)
    try:
        sign_in(scripted, json_answer(FLOW))

        assert logger.level == level
        assert during == [logging.CRITICAL]
    finally:
        logger.setLevel(before)


def test_a_sign_in_that_is_refused_ends_with_the_reason(scripted: ScriptedServer) -> None:
    """Whether the token service gives no code, or no token."""
    text = "AADSTS50126: No. Trace ID: 1"
    refusal = json_answer({"error": "invalid_grant", "error_description": text}, 400)
    scripted.token_answer = refusal
    for flow in (json_answer(FLOW), refusal):
        with pytest.raises(IdentityError, match="AADSTS50126: No") as caught:
            sign_in(scripted, flow)

        assert caught.value.case == "sign_in_failed"


@pytest.mark.parametrize("number", ["1e999", "NaN", "-1", '"soon"', "1e6", "null", "9" * 5_000])
@pytest.mark.parametrize("name", ["interval", "expires_in"])
def test_a_code_with_no_sensible_time_to_live_is_not_told_of(
    scripted: ScriptedServer, name: str, number: str
) -> None:
    """MSAL would wait by such numbers, for ever or without any pause."""
    members = {key: json.dumps(value) for key, value in FLOW.items()} | {name: number}
    body = ",".join(f'"{key}":{value}' for key, value in members.items())

    with pytest.raises(IdentityError) as caught:
        sign_in(scripted, Answer(200, f"{{{body}}}".encode()))

    assert caught.value.code == "identity_unreadable"


def test_what_the_token_service_tells_a_person_is_one_line_of_visible_characters(
    scripted: ScriptedServer,
) -> None:
    """It goes to a terminal."""
    flow = FLOW | {"message": "Enter\r\n\x1b[2JABC-DEF\u202e" + "x" * 10_000}

    _, (told,) = sign_in(scripted, json_answer(flow))

    assert told.startswith("Enter \\x1b[2JABC-DEF\\u202exxx")
    assert len(told) < 1_100


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), json_answer({}), Answer(500)])
def test_an_answer_that_is_none_of_a_token_service_is_told_of(
    scripted: ScriptedServer, answer: Answer
) -> None:
    """A proxy or a sign-in page may be answering instead."""
    scripted.token_answer = answer

    with pytest.raises(IdentityError, match="did not answer like a token service") as caught:
        sign_in(scripted, json_answer(FLOW))

    assert caught.value.code == "identity_unreadable"
