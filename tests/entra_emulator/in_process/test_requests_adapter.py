"""What a program that uses requests meets, MSAL among them."""

import io
from typing import Any

import msal
import pytest
import requests

from entra_emulator.server.emulator import Emulator
from tests.support.in_process_token import SCOPE, get_token

BREAKS: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("reset", {}, requests.exceptions.ConnectionError),
    ("reset", {"when": "during"}, requests.exceptions.ChunkedEncodingError),
    ("truncated", {"framing": "length"}, requests.exceptions.ChunkedEncodingError),
    ("latency", {"delay": 60}, requests.exceptions.ReadTimeout),
]


@pytest.mark.entra(users=5)
def test_msal_and_a_list(entra: Emulator, bearer: dict[str, str]) -> None:
    """MSAL needs its `http_client` and nothing else, since the hosts are Microsoft's."""
    with entra.requests_session() as session:
        answer = session.get(f"{entra.graph_url}/users", headers=bearer)

    assert len(answer.json()["value"]) == 5
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.reason == "OK"


@pytest.mark.parametrize(("kind", "order", "error"), BREAKS)
def test_a_broken_connection_is_requests_own_error(
    entra: Emulator,
    bearer: dict[str, str],
    kind: str,
    order: dict[str, Any],
    error: type[Exception],
) -> None:
    """Then the next request is answered."""
    entra.faults.fail(kind, **order)
    with entra.requests_session() as session:
        session.headers.update(bearer)
        with pytest.raises(error):
            session.get(f"{entra.graph_url}/users", timeout=(5, 0.05))

        assert session.get(f"{entra.graph_url}/users").status_code == 200


def test_another_host_is_not_asked(entra: Emulator) -> None:
    with (
        entra.requests_session() as session,
        pytest.raises(requests.exceptions.ConnectionError, match=r"example\.com was not asked"),
    ):
        session.get("https://example.com/")


@pytest.mark.parametrize("kind", ["text", "bytes", "file", "pieces"])
def test_a_body_may_have_any_form(entra: Emulator, kind: str) -> None:
    form = (
        f"grant_type=client_credentials&client_id={entra.application.client_id}"
        f"&client_secret={entra.application.secret.replace('~', '%7E')}&scope={SCOPE[0]}"
    )
    body: Any = {
        "text": form,
        "bytes": form.encode(),
        "file": io.BytesIO(form.encode()),
        "pieces": iter([form[:9].encode(), form[9:].encode()]),
    }[kind]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with entra.requests_session() as session:
        url = f"{entra.authority}/oauth2/v2.0/token"
        answer = session.post(url, data=body, headers=headers)

    assert answer.json()["token_type"] == "Bearer"


def test_cookies_are_kept(entra: Emulator) -> None:
    """A page of the token service sets one, which comes back with the next request."""
    with entra.requests_session() as session:
        answer = session.get(
            f"{entra.authority}/oauth2/v2.0/authorize",
            params={
                "client_id": entra.application.client_id,
                "response_type": "code",
                "scope": "openid",
            },
            headers={"Accept": "text/html"},
        )
        portal = session.get("https://localhost/portal")

    assert answer.status_code == 400
    assert portal.status_code == 200
    assert len(session.cookies) >= 1


def test_a_certificate_proves_an_application(entra: Emulator) -> None:
    """Made in one line, used by MSAL; a second one is another."""
    application = entra.application
    first, second = (entra.add_certificate(application.client_id) for _ in range(2))
    credential = {"private_key": first.private_key, "thumbprint": first.thumbprint}

    assert get_token(entra, application, credential)
    assert first.thumbprint != second.thumbprint


def test_over_tls_the_same_call_trusts_the_authority(
    entra_server: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says of bundles and proxies."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    assert get_token(entra_server)


def test_a_token_of_another_test_is_of_no_use(entra: Emulator, entra_server: Emulator) -> None:
    """Two tenants side by side know nothing of each other's applications."""
    with entra.requests_session() as session:
        client = msal.ConfidentialClientApplication(
            entra_server.application.client_id,
            authority=entra.authority,
            client_credential=entra_server.application.secret,
            http_client=session,
        )
        answer = client.acquire_token_for_client(SCOPE)

    assert answer["error"] in {"unauthorized_client", "invalid_client"}
