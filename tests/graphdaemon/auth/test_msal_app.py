"""What the token service's answers become."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from graphdaemon.auth.msal_app import read_refusal, read_token
from graphdaemon.auth.token import Token
from graphdaemon.errors import IdentityError
from graphdaemon.settings.read import read_settings
from tests.support.cloud_machine import fetch, private
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
        (
            json_answer({"error": "temporarily_unavailable", "error_codes": [1]}, 400),
            "identity_unavailable",
        ),
        (json_answer({"error": "x", "error_codes": [90002]}, 503), "tenant_unknown"),
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
        "7000222 90002 temporarily temporarily-1 503-90002 503 429 html empty unknown codes-number "
        "list null text nothing expiry-word token-lines token-number"
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


def test_only_a_region_that_the_settings_name_is_asked(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure's own programs tell each where it runs; most tenants may not use its token service."""
    monkeypatch.setenv("REGION_NAME", "westeurope")

    assert fetch(read_settings(None, {}, scripted.settings())).value == "token-1"


def test_an_answer_that_makes_no_sense_is_told_of_with_its_status(scripted: ScriptedServer) -> None:
    """It shows whether a token service, a proxy or a sign-in page answered."""
    scripted.token_answer = Answer(203, b"<html>")

    with pytest.raises(IdentityError, match=r"did not answer like a token service \(HTTP 203\)"):
        fetch(read_settings(None, {}, scripted.settings()))


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"expires_in": 7199}, Token("t", 7299, None, 100)),
        ({"expires_in": 7200}, Token("t", 7300, 3700, 100)),
        ({"expires_in": "86400", "refresh_on": "40000"}, Token("t", 86_500, 40_000, 100)),
        ({}, Token("t", 3699, None, 100)),
    ],
    ids=["short", "long", "told", "unsaid"],
)
def test_a_long_lived_token_is_renewed_at_half_of_its_life(
    answer: dict[str, object], token: Token
) -> None:
    """Unless the token service says when; where it says nothing at all, a token lives an hour."""
    assert read_token({"access_token": "t", **answer}, 100) == token


def fetch_or_fail(server: ScriptedServer) -> Token | IdentityError:
    try:
        return fetch(read_settings(None, {}, server.settings()))
    except IdentityError as error:
        return error


ABSURD = ["1e999", "-1", "NaN", '"nan"', "1e300", "9" * 5_000, "null", "[]", '"soon"', "1e9"]


@pytest.mark.parametrize("number", ABSURD)
@pytest.mark.parametrize("name", ["expires_in", "ext_expires_in", "refresh_in"])
def test_a_token_that_lives_for_no_sensible_time_is_no_token_or_lives_as_long_as_it_says(
    scripted: ScriptedServer, name: str, number: str
) -> None:
    """MSAL fails on such numbers in its own ways, or takes them; the token is in no message."""
    numbers = {"expires_in": "3600"} | {name: number}
    members = ",".join(f'"{key}":{value}' for key, value in numbers.items())
    body = f'{{"token_type":"Bearer","access_token":"SECRET-TOKEN",{members}}}'
    scripted.token_answer = Answer(200, body.encode(), {"Content-Type": "application/json"})

    got = fetch_or_fail(scripted)

    if isinstance(got, Token):
        assert name != "expires_in"
        assert 0 < got.expires_at - time.time() <= 3600
        assert got.refresh_at is None or got.refresh_at < 1e11
    else:
        assert got.code == "identity_unreadable"
        assert "SECRET-TOKEN" not in str(got)


@pytest.mark.parametrize("where", ["token", "metadata"])
def test_an_answer_nested_too_deeply_makes_no_sense(scripted: ScriptedServer, where: str) -> None:
    """Python's decoder ends in a RecursionError."""
    deep = Answer(200, b'{"access_token":' + b"[" * 100_000, {"Content-Type": "application/json"})
    if where == "token":
        scripted.token_answer = deep
    else:
        scripted.metadata_answer = deep

    with pytest.raises(IdentityError, match="did not answer like a token service"):
        fetch(read_settings(None, {}, scripted.settings()))


def test_a_refusal_is_told_in_part_and_without_what_is_secret() -> None:
    """However long it is, and whatever stands in the place of its texts."""
    secret = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"
    body = {
        "error": ["x"],
        "error_description": f"AADSTS70021: {secret} {' ' * 200_000}x" + "y" * 5_000,
        "error_codes": [True, -1, 10**400, {}],
    }

    error, text, codes = read_refusal(body)

    assert (error, codes) == ("unknown_error", (70021,))
    assert text.startswith("AADSTS70021: [redacted] ")
    assert len(text) < 2_100
    assert read_refusal({"error": "e", "error_description": {"a": 1}})[1] == "e"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"error": "e"}, ("e", "e", ())),
        (
            {"error": "e", "error_description": "AADSTS1: A. AADSTS2: B.\r\nTrace ID: t"},
            ("e", "AADSTS1: A. AADSTS2: B.", (1,)),
        ),
        (
            {"error": "e", "error_description": "AADSTS1: A.", "error_codes": [3, "x", 4]},
            ("e", "AADSTS1: A.", (3, 4)),
        ),
    ],
)
def test_a_refusal_has_the_numbers_it_lists_or_the_first_in_its_text(
    body: dict[str, object], refusal: tuple[str, str, tuple[int, ...]]
) -> None:
    """What it says ends where the data for Microsoft's support begin."""
    assert read_refusal(body) == refusal


@pytest.mark.parametrize(
    ("begin", "end", "words", "case"),
    [
        ("15:05:00", "15:10:00", "shown too late", "assertion_stale"),
        ("17:00:00", "17:05:00", "shown too early", "assertion_early"),
    ],
)
def test_a_federated_token_outside_its_time_is_called_late_or_early(
    scripted: ScriptedServer, tmp_path: Path, begin: str, end: str, words: str, case: str
) -> None:
    """This machine's clock is right: whoever issued the token, or kept it, is to blame."""
    text = (
        "AADSTS700024: Client assertion is not within its valid time range. Current time: "
        f"2026-03-01T16:00:00.0000000Z, assertion valid from 2026-03-01T{begin}.0000000Z, "
        f"expiry time of assertion 2026-03-01T{end}.0000000Z."
    )
    scripted.token_answer = json_answer({"error": "invalid_client", "error_description": text}, 401)
    token = private(tmp_path, "token", "e30.e30.e30")
    settings = scripted.settings(secret=None, federated_token_file=token)

    with pytest.raises(IdentityError, match=f"the federated token was {words}") as caught:
        fetch(read_settings(None, {}, settings))

    assert (caught.value.code, caught.value.case) == ("assertion_refused", case)
