import base64
from typing import Any
from urllib.parse import quote

import jwt

from tests.support.certificates_and_assertions import make_identity
from tests.support.emulator_probe import GRAPH_SCOPE, App, Probe, register
from tests.support.token_service import msal_daemon


def acquire(app: App, credential: object) -> dict[str, Any]:
    with msal_daemon(app, credential, segment=app.tenant.domains[1]) as client:
        answer: dict[str, Any] = client.acquire_token_for_client([GRAPH_SCOPE])
    return answer


def test_msal_secret(app: App) -> None:
    """Unmodified MSAL acquires with a secret, and finds its token in the cache."""
    answer = acquire(app, app.secret)

    assert answer.get("token_type") == "Bearer", answer
    assert app.get("/v1.0/users?$top=1", answer["access_token"]).status == 200


def test_msal_certificates(probe: Probe) -> None:
    """Unmodified MSAL acquires with RS256 and a SHA-1 thumbprint, and with PS256."""
    app, identity = register(probe), make_identity()
    probe.emulator.directory.credentials.add_certificate(app.tenant, app.client_id, identity.der)
    key, public = identity.key_pem, identity.certificate_pem
    credentials = (
        {"private_key": key, "thumbprint": identity.thumbprint},
        {"private_key": key, "public_certificate": public},
        {"private_key": key, "thumbprint": identity.thumbprint, "public_certificate": public},
    )

    answers = [acquire(app, credential) for credential in credentials]

    claims = [jwt.decode(a["access_token"], options={"verify_signature": False}) for a in answers]
    assert [c["appidacr"] for c in claims] == ["2", "2", "2"]


def test_msal_wrong_secret(app: App) -> None:
    """MSAL hands on the token service's refusal of a wrong secret."""
    answer = acquire(app, "not it")

    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])


def test_basic_authentication(app: App) -> None:
    """Client ID and secret may come by HTTP Basic, each urlencoded first."""
    pair = f"{quote(app.client_id)}:{quote(app.secret, safe='')}"
    basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
    form = app.form(client_id=None, client_secret=None)

    answer = app.probe.post(app.token_path, form, Authorization=basic)

    assert answer.status == 200
