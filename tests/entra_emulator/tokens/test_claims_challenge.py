import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from entra_emulator.clock import Clock
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, App, Probe, register
from tests.support.token_service import msal_daemon

CP1 = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'


def ask(app: App, claims: str | None = CP1) -> Answer:
    return app.probe.post(app.token_path, app.form(claims=claims))


def claims_of(answer: Answer) -> dict[str, Any]:
    token = answer.json()["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def challenge_of(answer: Answer) -> str:
    """The claims that a challenge wants, decoded."""
    found = re.search(r'claims="([A-Za-z0-9+/]+={0,2})"', answer.headers["www-authenticate"])
    assert found is not None
    return base64.b64decode(found[1], validate=True).decode()


@pytest.fixture
def timed(launch: Callable[..., Probe]) -> App:
    """An application in an emulator whose clock stands still."""
    return register(launch(clock=Clock(at=1_800_000_000.5), users=3), "User.Read.All")


@pytest.mark.parametrize("spelling", ["CP1", "cp1", "Cp1"])
def test_capability(app: App, spelling: str) -> None:
    """A client that handles challenges gets a token for about a day, and when to refresh it."""
    answer = ask(app, CP1.replace("CP1", spelling))

    content = answer.json()
    assert list(content) == [
        "token_type",
        "expires_in",
        "ext_expires_in",
        "refresh_in",
        "access_token",
    ]
    assert 20 * 3600 <= content["expires_in"] + 1 <= 28 * 3600
    assert content["refresh_in"] == content["expires_in"] // 2
    assert claims_of(answer)["xms_cc"] == ["cp1"]


def test_without_capability(app: App) -> None:
    """Others get an hour or so, no time to refresh at, and no `xms_cc`."""
    for claims in (None, "", "{}", CP1.replace("CP1", "CP2"), '{"id_token":{"x":null}}'):
        answer = ask(app, claims)

        assert "refresh_in" not in answer.json()
        assert answer.json()["expires_in"] < 5400
        assert "xms_cc" not in claims_of(answer)


def test_set_lifetime(launch: Callable[..., Probe], tmp_path: Path) -> None:
    """A lifetime that was set holds for all, and `refresh_in` comes with two hours of it."""
    found = []
    for seconds in (7199, 7200):
        probe = launch(tmp_path / str(seconds), users=1, token_lifetime=seconds)
        content = ask(register(probe)).json()
        found.append((content["expires_in"], content.get("refresh_in")))

    assert found == [(7199, None), (7200, 3600)]


def test_revocation(timed: App) -> None:
    """Revoked tokens are challenged in the recorded form; the answer to it ends the matter."""
    directory = timed.probe.emulator.directory
    old = ask(timed).json()["access_token"]
    before = timed.get("/v1.0/users", old).status
    directory.token_policies.revoke_tokens(timed.tenant, timed.client_id)

    refused = timed.get("/v1.0/users", old)
    wanted = challenge_of(refused)
    answer = ask(timed, wanted)

    assert before == 200
    assert (refused.status, refused.code) == (401, "InvalidAuthenticationToken")
    assert refused.message == (
        "Continuous access evaluation resulted in claims challenge with result: "
        "InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp"
    )
    assert wanted == '{"access_token":{"nbf":{"essential":true, "value":"1800000001"}}}'
    assert refused.headers["www-authenticate"].startswith(
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/'
        'authorize", client_id="00000003-0000-0000-c000-000000000000", '
        'error="insufficient_claims", claims="'
    )
    assert "cache-control" not in refused.headers
    assert claims_of(answer)["nbf"] >= 1_800_000_001
    assert timed.get("/v1.0/users", answer.json()["access_token"]).status == 200


def test_new_tokens_are_good(timed: App) -> None:
    """A token issued after the revocation is good, in the same second too."""
    timed.probe.emulator.directory.token_policies.revoke_tokens(timed.tenant, timed.client_id)

    token = ask(timed).json()["access_token"]

    assert timed.get("/v1.0/users", token).status == 200


def test_no_capability_no_challenge(timed: App) -> None:
    """A token of a client that cannot handle challenges stays good until it expires."""
    token = timed.token()
    timed.probe.emulator.directory.token_policies.revoke_tokens(timed.tenant, timed.client_id)

    assert timed.get("/v1.0/users", token).status == 200


def test_disabled(timed: App) -> None:
    """Disabling the service principal revokes; the next token request says why."""
    directory = timed.probe.emulator.directory
    tokens = [ask(timed).json()["access_token"], timed.token()]
    directory.service_principals.enable(timed.tenant, timed.client_id, enabled=False)

    found = [timed.get("/v1.0/users", token).status for token in tokens]
    refused = ask(timed, challenge_of(timed.get("/v1.0/users", tokens[0])))

    assert found == [401, 200]
    assert refused.json()["error_codes"] == [7000112]


def test_only_that_application(timed: App) -> None:
    """Nobody else's tokens are revoked, nor the application's in other tenants."""
    directory, probe = timed.probe.emulator.directory, timed.probe
    other = register(probe, "User.Read.All")
    token = ask(other).json()["access_token"]
    directory.token_policies.revoke_tokens(timed.tenant, timed.client_id)

    assert other.get("/v1.0/users", token).status == 200


def test_msal(timed: App) -> None:
    """Unmodified MSAL, told of the challenge, comes back with a good token, past its cache."""
    directory = timed.probe.emulator.directory
    with msal_daemon(timed, timed.secret, client_capabilities=["CP1"]) as client:
        first = client.acquire_token_for_client([GRAPH_SCOPE])["access_token"]
        directory.token_policies.revoke_tokens(timed.tenant, timed.client_id)
        refused = timed.get("/v1.0/users", first)
        second = client.acquire_token_for_client(
            [GRAPH_SCOPE], claims_challenge=challenge_of(refused)
        )["access_token"]

    assert refused.status == 401
    assert timed.get("/v1.0/users", second).status == 200


MALFORMED = {
    "not JSON": "{",
    "a list": "[]",
    "a number": "7",
    "a list within": '{"access_token":[]}',
    "a word for xms_cc": '{"access_token":{"xms_cc":"cp1"}}',
    "a word for its values": '{"access_token":{"xms_cc":{"values":"cp1"}}}',
    "no time": '{"access_token":{"nbf":{"value":"soon"}}}',
    "a time far off": '{"access_token":{"nbf":{"value":"9999999999"}}}',
    "a time before all": '{"access_token":{"nbf":{"value":-1}}}',
    "infinity": '{"access_token":{"nbf":{"value":1e999}}}',
    "no number": '{"access_token":{"nbf":{"value":NaN}}}',
    "many digits": '{"access_token":{"nbf":{"value":%s}}}' % ("9" * 5000),
    "too deep": "[" * 4000,
    "too long": '{"a":"%s"}' % ("x" * 9000),
    "base64, as the documentation's sample sends it": base64.b64encode(CP1.encode()).decode(),
}


@pytest.mark.parametrize("claims", MALFORMED.values(), ids=MALFORMED)
def test_malformed(app: App, claims: str) -> None:
    """Claims that are not JSON of that form are refused."""
    content = ask(app, claims).json()

    assert (content["error"], content["error_codes"]) == ("invalid_request", [90100])


def test_null_is_absent(app: App) -> None:
    """A claim requested with null is requested without conditions."""
    wishes = [{"access_token": None}, {"access_token": {"nbf": None, "xms_cc": None}}]

    assert [ask(app, json.dumps(wish)).status for wish in wishes] == [200, 200]
