import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from entra_emulator.model.records import Tenant
from entra_emulator.tokens.signing import sign_token
from tests.support.certificates_and_assertions import encode, encode_json, make_key
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, App, Probe, register, running
from tests.support.foreign_issuer import EXCHANGE, METADATA, SUBJECT, Foreign, serving
from tests.support.token_service import msal_daemon

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EID1 = "/eid1/c/pub/t/{}/a/9ExAW52n_ky4ZiS_jhpJIQ/7e307b14-2a27-4f66-ada8-ec6400eb4977"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    with serving(tmp_path_factory.mktemp("foreign")) as foreign:
        foreign.keys["curve"] = ec.generate_private_key(ec.SECP256R1())
        yield foreign


@pytest.fixture(scope="module")
def trusting(
    keys: Path, foreign: Foreign, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """An application that trusts the issuer for one subject."""
    data = tmp_path_factory.mktemp("trusting")
    with running(keys, data, users=3, federation_ca=foreign.ca_file) as probe:
        app = register(probe, "User.Read.All")
        trust(app, foreign.url)
        yield app


def trust(app: App, issuer: str, subject: str = SUBJECT, name: str = "github") -> None:
    directory = app.probe.emulator.directory
    directory.credentials.add_federated(app.tenant, app.client_id, name, issuer, subject)


def send_assertion(app: App, assertion: str) -> Answer:
    form = app.form(
        client_secret=None, client_assertion=assertion, client_assertion_type=JWT_BEARER
    )
    return app.probe.post(app.token_path, form)


def codes(answer: Answer) -> tuple[int, Any]:
    return answer.status, answer.json().get("error_codes")


def test_msal(trusting: App, foreign: Foreign) -> None:
    """Unmodified MSAL acquires with an assertion that somebody else issued."""
    with msal_daemon(trusting, {"client_assertion": foreign.token}) as client:
        answer = client.acquire_token_for_client([GRAPH_SCOPE])

    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["appidacr"], claims["roles"]) == ("2", ["User.Read.All"])


ACCEPTED: dict[str, Callable[[Foreign], str]] = {
    "RS256": lambda f: f.token(),
    "ES256": lambda f: f.token(kid="curve"),
    "several audiences (Kubernetes)": lambda f: f.token(aud=["https://kubernetes", EXCHANGE]),
    "with x5t (GitHub)": lambda f: f.token({"x5t": "not looked at"}),
    "without nbf": lambda f: f.token(nbf=None),
}


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(trusting: App, foreign: Foreign, make: Callable[[Foreign], str]) -> None:
    """Both algorithms and every oddity of well-known issuers are accepted."""
    assert codes(send_assertion(trusting, make(foreign))) == (200, None)


def claims_of(foreign: Foreign) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(foreign.token(), options={"verify_signature": False})
    return claims


def unsigned(foreign: Foreign) -> str:
    return f"{encode_json({'alg': 'none', 'kid': 'one'})}.{encode_json(claims_of(foreign))}."


def with_public_key(foreign: Foreign) -> str:
    """The classic confusion: an HMAC whose secret is the public key."""
    signed = f"{encode_json({'alg': 'HS256', 'kid': 'one'})}.{encode_json(claims_of(foreign))}"
    secret = (
        foreign.keys["one"]
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), 'sha256'))}"


def with_wrong_key(foreign: Foreign) -> str:
    return jwt.encode(claims_of(foreign), make_key(8), "RS256", {"kid": "one"})


def with_other_kind(foreign: Foreign) -> str:
    """An RSA signature under the name of the curve's key."""
    return jwt.encode(claims_of(foreign), make_key(7), "RS256", {"kid": "curve"})


def with_number(foreign: Foreign) -> str:
    claims = claims_of(foreign) | {"sub": 7}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), make_key(7), "RS256", {"kid": "one"})


NOW = int(time.time())
REFUSED: dict[str, tuple[Callable[[Foreign], str], int, int]] = {
    "another issuer": (lambda f: f.token(iss="https://issuer.example"), 401, 700211),
    "a slash behind the issuer": (lambda f: f.token(iss=f"{f.url}/"), 401, 700211),
    "blanks around the issuer": (lambda f: f.token(iss=f"{f.url} "), 401, 700211),
    "an issuer in capitals": (lambda f: f.token(iss=f.url.replace("local", "LOCAL")), 401, 700211),
    "an issuer without TLS": (lambda f: f.token(iss="http://localhost"), 401, 700211),
    "another subject": (lambda f: f.token(sub="repo:contoso/other"), 401, 700213),
    "a subject in small letters": (lambda f: f.token(sub=SUBJECT.lower()), 401, 7002138),
    "an agent's subject, misspelt": (lambda f: f.token(sub=EID1.format("v4j5cv")), 401, 7002137),
    "another audience": (lambda f: f.token(aud="api://other"), 401, 700212),
    "an audience in small letters": (lambda f: f.token(aud=EXCHANGE.lower()), 401, 700212),
    "no audience": (lambda f: f.token(aud=None), 400, 50027),
    "no audience among several": (lambda f: f.token(aud=[]), 400, 50027),
    "an audience that is no text": (lambda f: f.token(aud=[EXCHANGE, 1]), 400, 50027),
    "expired": (lambda f: f.token(exp=NOW - 3600), 401, 700024),
    "not yet": (lambda f: f.token(nbf=NOW + 3600), 401, 700024),
    "never expiring": (lambda f: f.token(exp=None), 400, 50027),
    "a number for a subject": (with_number, 400, 50027),
    "an unknown key": (lambda f: f.token(kid="other"), 401, 7000272),
    "no key's name": (lambda f: f.token({"kid": ""}), 401, 7000272),
    "a wrong key": (with_wrong_key, 401, 700027),
    "a key of the other kind": (with_other_kind, 401, 700027),
    "no signature": (unsigned, 400, 5002730),
    "HMAC with the public key": (with_public_key, 400, 5002730),
    "PS256": (lambda f: f.token({"alg": "PS256"}), 400, 5002730),
    "extensions": (lambda f: f.token({"crit": ["exp"]}), 400, 50027),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(
    trusting: App, foreign: Foreign, case: tuple[Callable[[Foreign], str], int, int]
) -> None:
    """An assertion that differs in anything is refused with the number for that."""
    if not trusting.probe.emulator.directory.credentials.list_federated(trusting.client_id)[1:]:
        trust(trusting, foreign.url, EID1.format("{tenantId}"), "agent")
    make, status, code = case

    assert codes(send_assertion(trusting, make(foreign))) == (status, [code])


def test_texts(trusting: App, foreign: Foreign) -> None:
    """The texts are the quoted ones, and name what was presented."""
    issuer = send_assertion(trusting, foreign.token(iss="https://issuer.example")).json()
    subject = send_assertion(trusting, foreign.token(sub=SUBJECT.upper())).json()

    hint = "Check your federated identity credential Subject, Audience and Issuer against the "
    assert issuer["error"] == "invalid_client"
    assert issuer["error_description"].startswith(
        "AADSTS700211: No matching federated identity record found for presented assertion issuer "
        f"'https://issuer.example'. {hint}presented assertion. https://learn.microsoft.com/entra/"
        "workload-id/workload-identity-federation Trace ID: "
    )
    assert (
        f"subject '{SUBJECT.upper()}'. The subject matches with case-insensitive comparison, but "
        "not with case-sensitive comparison. Check" in subject["error_description"]
    )


def test_no_request_forgery(trusting: App, foreign: Foreign) -> None:
    """Nobody is asked for keys but an issuer the application trusts, for a subject it trusts."""
    foreign.asked.clear()
    stranger = register(trusting.probe)

    answers = [
        send_assertion(stranger, foreign.token(kid="new")),
        send_assertion(trusting, foreign.token(kid="new", sub="stranger")),
        send_assertion(trusting, foreign.token(kid="new", exp=1)),
    ]

    assert [codes(answer)[1] for answer in answers] == [[700211], [700213], [700024]]
    assert foreign.asked == []


def test_unreachable_issuer(trusting: App) -> None:
    """An issuer that cannot be reached is a refusal, not a fault of ours."""
    app = register(trusting.probe)
    trust(app, "https://localhost:1", "s")
    token = jwt.encode(
        {"iss": "https://localhost:1", "sub": "s", "aud": EXCHANGE, "exp": NOW + 900},
        make_key(7),
        "RS256",
        {"kid": "one"},
    )

    answer = send_assertion(app, token)

    assert codes(answer) == (400, [50166])
    assert answer.json()["error"] == "invalid_request"


def test_others_do_not_wait(
    keys: Path, foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an issuer keeps silent, every other request is answered, and then these too."""
    release = threading.Event()
    usual = foreign.answers["/keys"]

    def wait(handler: BaseHTTPRequestHandler) -> None:
        release.wait(120)
        usual(handler)

    monkeypatch.setitem(foreign.answers, "/keys", wait)
    foreign.asked.clear()
    with (
        running(keys, tmp_path, users=1, federation_ca=foreign.ca_file) as probe,
        ThreadPoolExecutor(60) as pool,
    ):
        app = register(probe)
        trust(app, foreign.url)

        def send_and_close() -> tuple[int, Any]:
            own = Probe(probe.emulator)
            try:
                waiting = App(own, app.tenant, app.client_id, app.secret)
                return codes(send_assertion(waiting, foreign.token()))
            finally:
                own.close()

        # More than the server has threads: were they kept waiting, nobody else were served.
        waiting = [pool.submit(send_and_close) for _ in range(60)]
        others = [probe.post(app.token_path, app.form()).status for _ in range(20)]
        unfinished = not any(future.done() for future in waiting)
        release.set()
        answers = [future.result() for future in waiting]

    assert others == [200] * 20
    assert unfinished
    assert answers == [(200, None)] * 60
    assert foreign.asked == [METADATA, "/keys"]


def test_limits(probe: Probe) -> None:
    """The service's limits on federated credentials are errors that say which."""
    app, directory = register(probe), probe.emulator.directory

    def add(name: str = "abc", issuer: str = "https://i", subject: str = "s", **more: str) -> None:
        directory.credentials.add_federated(
            app.tenant, app.client_id, name, issuer, subject, **more
        )

    add()
    for values, message in (
        ({"name": "ab"}, "3 to 120"),
        ({"name": "a" * 121}, "3 to 120"),
        ({"name": "with blank"}, "3 to 120"),
        ({"name": "abc", "subject": "t"}, "'abc' already"),
        ({"name": "abd"}, "'abc' is for that issuer and subject"),
        ({"name": "abd", "subject": "x" * 601}, "the subject must have 1 to 600"),
        ({"name": "abd", "issuer": "https://" + "x" * 600}, "the issuer must have 1 to 600"),
        ({"name": "abd", "subject": "t", "audience": ""}, "the audience must have"),
        ({"name": "abd", "issuer": "http://i"}, "https URL"),
    ):
        with pytest.raises(ValueError, match=message):
            add(**values)
    for number in range(19):
        add(f"number-{number}", subject=f"s{number}")
    with pytest.raises(ValueError, match="at most 20"):
        add("one-more", subject="more")
    with pytest.raises(LookupError, match="no application"):
        directory.credentials.add_federated(
            app.tenant, "00000003-0000-0000-c000-000000000000", "abc", "https://i", "s"
        )


def test_removal(trusting: App, foreign: Foreign) -> None:
    """A federated credential that is taken away is good no longer."""
    app, directory = register(trusting.probe), trusting.probe.emulator.directory
    trust(app, foreign.url)

    before = codes(send_assertion(app, foreign.token()))
    directory.credentials.remove_federated(app.tenant, app.client_id, "github")
    after = codes(send_assertion(app, foreign.token()))

    assert (before, after) == ((200, None), (401, [700211]))
    with pytest.raises(LookupError, match="'github'"):
        directory.credentials.remove_federated(app.tenant, app.client_id, "github")


def test_managed_identity(trusting: App, foreign: Foreign) -> None:
    """A managed identity can have federated credentials too."""
    directory, tenant = trusting.probe.emulator.directory, trusting.tenant
    identity = directory.managed_identities.add(tenant, "pod", "/subscriptions/s/pod")
    directory.consents.grant_app_role(tenant, identity.app_id, "User.Read.All")
    app = App(trusting.probe, tenant, identity.app_id, "")
    trust(app, foreign.url)

    answer = send_assertion(app, foreign.token())

    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert (claims["appid"], claims["roles"]) == (identity.app_id, ["User.Read.All"])
    refused = trusting.probe.post(app.token_path, app.form(client_secret="x"))
    assert refused.json()["error_codes"] == [7000215]


@pytest.mark.parametrize("version", [1, 2])
def test_own_tokens(trusting: App, version: int) -> None:
    """Our own app-only tokens can serve as an assertion, users' tokens cannot."""
    probe, tenant = trusting.probe, trusting.tenant
    directory, keys = probe.emulator.directory, probe.emulator.keys
    app, worker = register(probe), register(probe)
    api = register(probe)
    identifier = f"api://exchange-{version}"
    directory.applications.expose_api(tenant, api.client_id, identifier, token_version=version)
    token = worker.token(scope=f"{identifier}/.default")
    claims = jwt.decode(token, options={"verify_signature": False})
    directory.credentials.add_federated(
        tenant, app.client_id, "own", claims["iss"], claims["sub"], audience=claims["aud"]
    )

    users = sign_token(keys, claims | {"scp": "User.Read"})

    assert codes(send_assertion(app, token)) == (200, None)
    assert codes(send_assertion(app, users)) == (401, [700229])


def test_foreign_tenant_is_not_own(trusting: App, foreign: Foreign) -> None:
    """An issuer that only looks like a tenant of ours is asked for keys as any other."""
    tenant = Tenant(9, "11111111-1111-4111-8111-111111111111", "x", (), "EU", 0)
    app = register(trusting.probe)
    issuer = f"{foreign.url}/{tenant.id}/v2.0"
    trust(app, issuer)
    foreign.asked.clear()

    answer = send_assertion(app, foreign.token(iss=issuer))

    assert codes(answer) == (400, [50166])
    assert foreign.asked == [f"/{tenant.id}/v2.0{METADATA}"]
