import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import jwt
import pytest

from tests.support.certificates_and_assertions import describe, make_identity, sign
from tests.support.emulator_probe import GRAPH_SCOPE, App, Probe, register, running
from tests.support.token_service import msal_daemon
from tests.support.user_flows import ordinary, web_client


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


def test_on_common_an_assertion_may_be_for_any_tenant(launch: Callable[..., Probe]) -> None:
    """Nobody has said yet whose user it is, so that the second tenant's address is as good."""
    probe = launch(users=20)
    directory = probe.emulator.directory
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    home = probe.emulator.tenant
    client = replace(web_client(probe, sign_in_audience="AzureADMultipleOrgs"), segment="common")
    identity = make_identity()
    directory.credentials.add_certificate(home, client.client_id, identity.der)

    def redeem(segment: str) -> list[int]:
        audience = f"{probe.emulator.url}/{segment}/oauth2/v2.0/token"
        assertion = sign(identity, *describe(identity, client.client_id, audience))
        code = client.visit(ordinary(probe.emulator)).values["code"]
        answer = client.redeem(
            code=code,
            client_secret=None,
            client_assertion=assertion,
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        codes: list[int] = answer.json().get("error_codes", [])
        return codes

    assert [redeem(one) for one in (home.id, other.id, "common")] == [[], [], []]
    assert redeem("00000000-0000-4000-8000-000000000000") == [700023]


@pytest.mark.parametrize(("rules", "told"), [(2026, 7000229), (2024, 700016)])
def test_a_client_without_a_service_principal_is_told_so(
    rules: int, told: int, keys: Path, tmp_path: Path
) -> None:
    """Since March 2026; by the rules of 2024 it is unknown, as what cannot be here is."""
    with running(keys, tmp_path / "data", users=0, rules=rules) as probe:
        refusals = _refuse(probe)

    missing, unknown = (
        "is missing service principal in the tenant",
        "was not found in the directory",
    )
    phrase = missing if rules == 2026 else unknown
    assert refusals == [[told, phrase], [told, phrase], [700016, unknown]]


def _refuse(probe: Probe) -> list[list[Any]]:
    """What clients hear: at home, from another tenant, and from another tenant for itself alone."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    other = directory.tenants.create("Elsewhere", (f"{uuid4()}.example",))
    refusals = []
    for home, audience in (
        (tenant, "AzureADMyOrg"),
        (other, "AzureADMultipleOrgs"),
        (other, "AzureADMyOrg"),
    ):
        made = directory.applications.register(home, "Lonely", sign_in_audience=audience)
        principal = directory.objects.find(home, made.app_id, kind="servicePrincipal")
        assert principal is not None
        directory.recycle_bin.delete(home, principal)
        app = App(probe, tenant, made.app_id, "any")
        error = probe.post(app.token_path, app.form()).json()
        (number,) = error["error_codes"]
        assert made.app_id in error["error_description"]
        refusals.append([number, _find_phrase(error["error_description"])])
    return refusals


def _find_phrase(description: str) -> str:
    phrases = ("is missing service principal in the tenant", "was not found in the directory")
    return next(phrase for phrase in phrases if phrase in description)
