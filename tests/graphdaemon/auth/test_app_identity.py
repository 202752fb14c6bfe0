"""Every kind of credential end to end: real MSAL, real TLS, the pretend tenant's token service."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from entra_emulator.clock import Clock
from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.auth.kinds.managed_identity import ask_machine
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import Error, IdentityError, NetworkError, SettingsError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.client_app import App, register
from tests.support.foreign_issuer import SUBJECT, Foreign, serving
from tests.support.run_command import Command
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer


@dataclass(frozen=True)
class Place:
    """A machine in a cloud: a tenant that trusts a foreign issuer, an app, a managed identity."""

    emulator: Emulator
    issuer: Foreign
    app: App
    identity: str

    def settings(self, **credential: Any) -> Settings:
        known = {
            "authority": f"{self.emulator.url}/{self.emulator.tenant.id}",
            "client_id": self.app.client_id,
            "scope": ["https://graph.microsoft.com/.default"],
            "endpoint": f"{self.emulator.url}/v1.0/users",
            "ca_file": str(self.emulator.ca_file),
        }
        given = {name: value for name, value in (known | credential).items() if value is not None}
        return read_settings(None, {}, given)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, key_pair: tuple[str, bytes]) -> Iterator[Place]:
    with (
        serving(tmp_path_factory.mktemp("foreign")) as issuer,
        Emulator(users=5, managed_identity=True, federation_ca=issuer.ca_file) as emulator,
    ):
        app = register(emulator, key_pair)
        directory, tenant = emulator.directory, emulator.tenant
        directory.credentials.add_federated(tenant, app.client_id, "pipeline", issuer.url, SUBJECT)
        identity = directory.managed_identities.add(tenant, "vm-1")
        directory.consents.grant_app_role(tenant, identity.app_id, "User.Read.All")
        yield Place(emulator, issuer, app, identity.app_id)


@pytest.fixture(autouse=True)
def environment(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", place.emulator.imds_url)


def private(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return str(path)


def fetch(settings: Settings, demand: Demand | None = None) -> Token:
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return AppIdentity(settings, transport).fetch(demand or Demand())
    finally:
        transport.close()


def claims_of(token: Token) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token.value, options={"verify_signature": False})
    return claims


def encrypted_pem(pem: str) -> bytes:
    key = serialization.load_pem_private_key(pem.encode(), None)
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
        + pem[pem.index("-----BEGIN CERT") :].encode()
    )


def pfx(pem: str) -> bytes:
    key = serialization.load_pem_private_key(pem.encode(), None)
    return pkcs12.serialize_key_and_certificates(
        b"app",
        key,  # type: ignore[arg-type]
        x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode()),
        None,
        serialization.BestAvailableEncryption(b"open sesame"),
    )


KINDS = {
    "secret": "1",
    "secret_file": "1",
    "secret_keyring": "1",
    "pem": "2",
    "pem and thumbprint": "2",
    "bare key and SHA-1": "2",
    "bare key and SHA-256": "2",
    "two files": "2",
    "encrypted pem": "2",
    "pfx": "2",
    "chain sent": "2",
    "federated_token_file": "2",
    "federated_command": "2",
    "kubernetes": "2",
    "managed_identity": "2",
    "managed_identity by ID": "2",
}


def configure(kind: str, place: Place, folder: Path) -> dict[str, Any]:
    """The settings of one kind of credential, with the files they name."""
    app, pem = place.app, place.app.pem
    key, certificate = pem.split("-----BEGIN CERT")
    leaf = x509.load_pem_x509_certificate(("-----BEGIN CERT" + certificate).encode())
    token_file = private(folder, "token", place.issuer.token() + "\n")
    whole = private(folder, "app.pem", pem)
    bare = private(folder, "bare.pem", key)
    print_it = f"print(open({token_file!r}).read())"
    configured: dict[str, dict[str, Any]] = {
        "secret": {"secret": app.secret},
        "secret_file": {"secret_file": private(folder, "secret", app.secret + "\n")},
        "secret_keyring": {"secret_keyring": "graphdaemon/test"},
        "pem": {"private_key_file": whole},
        "pem and thumbprint": {"private_key_file": whole, "thumbprint": app.thumbprint},
        "bare key and SHA-1": {"private_key_file": bare, "thumbprint": app.thumbprint},
        "bare key and SHA-256": {
            "private_key_file": bare,
            "thumbprint": leaf.fingerprint(hashes.SHA256()).hex(),
        },
        "two files": {
            "private_key_file": bare,
            "certificate_file": private(folder, "c.pem", "-----BEGIN CERT" + certificate),
        },
        "encrypted pem": {
            "private_key_file": private(folder, "e.pem", encrypted_pem(pem)),
            "passphrase_file": private(folder, "phrase", "open sesame\n"),
        },
        "pfx": {
            "private_key_file": private(folder, "app.pfx", pfx(pem)),
            "passphrase": "open sesame",
        },
        "chain sent": {"private_key_file": whole, "send_chain": True},
        "federated_token_file": {"federated_token_file": token_file},
        "federated_command": {"federated_command": [sys.executable, "-c", print_it]},
        "kubernetes": {"federated": "kubernetes"},
        "managed_identity": {"managed_identity": "system", "client_id": None, "authority": None},
        "managed_identity by ID": {"managed_identity": place.identity},
    }
    return configured[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gets_a_token(
    kind: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each proves the app's identity to the token service, which says with what in the token."""
    credential = configure(kind, place, tmp_path)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    if kind == "secret_keyring":
        keyring = pytest.importorskip("keyring")
        from tests.support.keyring_in_memory import KeyringInMemory

        held = KeyringInMemory()
        held.set_password("graphdaemon", "test", place.app.secret)
        monkeypatch.setattr(keyring, "get_password", held.get_password)

    token = fetch(place.settings(**credential))

    claims = claims_of(token)
    assert claims["roles"] == ["User.Read.All"]
    assert claims["appidacr"] == KINDS[kind]
    assert token.refresh_at is not None, "a token that lives a day is renewed at half of it"


def test_a_managed_identity_lists_users(
    command: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tenant, no client ID, no secret: two variables beside those of the pretend tenant."""
    monkeypatch.setenv("GRAPHDAEMON_MANAGED_IDENTITY", "system")
    monkeypatch.setenv("GRAPHDAEMON_ENDPOINT", f"{place.emulator.url}/v1.0/users")
    monkeypatch.setenv("GRAPHDAEMON_CA_FILE", str(place.emulator.ca_file))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", place.emulator.imds_url)

    outcome = command("users")

    assert (outcome.code, outcome.err.partition(":")[0]) == (0, "5 records, complete")


def test_an_app_service_has_managed_identities_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its endpoint and header are found in the environment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", place.emulator.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", place.emulator.identity_header)

    assert claims_of(fetch(place.settings(managed_identity="system")))["roles"]


def test_github_actions_is_asked_for_each_assertion(
    place: Place, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the runner's own token and the audience that Entra ID wants."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{scripted.url}/idtoken?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-token")
    both = tmp_path / "both.pem"
    both.write_bytes(place.emulator.ca_file.read_bytes() + scripted.ca_file.read_bytes())
    scripted.script = [json_answer({"count": 1, "value": place.issuer.token()})]
    settings = place.settings(federated="github", ca_file=str(both))

    fetch(settings)
    fetch(settings)

    first, second = scripted.requests
    assert first.target == second.target
    assert first.target == "/idtoken?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"
    assert first.headers["authorization"] == "Bearer runner-token"


def test_a_federated_token_is_read_anew_for_each_request(place: Place, tmp_path: Path) -> None:
    """Kubernetes replaces the file behind our back, long before the old token ends."""
    path = tmp_path / "token"
    path.write_text(place.issuer.token(exp=1_000_000_000, nbf=999_999_000))
    settings = place.settings(federated_token_file=str(path))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)
    with pytest.raises(IdentityError, match="AADSTS700024"):
        identity.fetch(Demand())

    path.write_text(place.issuer.token())

    assert claims_of(identity.fetch(Demand()))["roles"]
    transport.close()


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    # name: (settings, code, in the message)
    "no file": ({"federated_token_file": "/nowhere/token"}, "assertion_unavailable", "/nowhere"),
    "no token": ({"federated_command": ["echo", "hello"]}, "assertion_unavailable", "not a token"),
    "no program": ({"federated_command": ["/nowhere/x"]}, "assertion_unavailable", "not be start"),
    "program fails": (
        {"federated_command": ["sh", "-c", "echo top-secret >&2; echo top-secret; exit 7"]},
        "assertion_unavailable",
        "exit code 7",
    ),
    "no runner": ({"federated": "github"}, "assertion_unavailable", "ACTIONS_ID_TOKEN"),
    "no secret file": ({"secret_file": "/nowhere/secret"}, "secret_unreadable", "/nowhere"),
    "unknown identity": (
        {"managed_identity": "99999999-9999-4999-8999-999999999999"},
        "managed_identity_absent",
        "Identity not found",
    ),
}


@pytest.mark.parametrize(("credential", "code", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_prove_anything_is_explained(
    place: Place, credential: dict[str, Any], code: str, words: str
) -> None:
    """Its own code, what happened, and the next step; nothing of what a program printed."""
    with pytest.raises(Error) as caught:
        fetch(place.settings(**credential))

    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.hint
    assert "top-secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("statuses", [[404, 429, 200], [503, 200], [410, 410, 410, 410]], ids=str)
def test_the_metadata_service_is_given_time(statuses: list[int]) -> None:
    """What it documents as passing is asked again, after longer and longer waits."""
    answers, waits = iter(statuses), list[float]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/metadata?x=1"
        response = ask_machine(url, {}, timeout=5, sleep=waits.append)
        server.shutdown()

    assert response.status == statuses[-1]
    assert waits == [0.5, 1, 2][: len(statuses) - 1]


def test_a_token_that_is_asked_for_anew_is_kept_for_others(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Past the shared cache, and into it."""
    cache = {"token_cache": "file", "token_cache_folder": str(tmp_path)}
    key = base64.b64encode(bytes(32)).decode()
    settings = read_settings(None, {}, scripted.settings(**cache, token_cache_key=key))
    fetch(settings)
    transport = Transport(ca_file=settings.ca_file)

    token = asyncio.run(AppIdentity(settings, transport).acquire(cached=False))

    transport.close()
    assert token.value == "token-2"
    assert fetch(settings) == token


def test_outside_azure_there_is_no_managed_identity(
    place: Place, monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer
) -> None:
    """Nothing answers at the metadata service's address: said so, with what to use instead."""
    port = scripted.port
    scripted._listener.close()
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")

    with pytest.raises(IdentityError, match="has no managed identity") as caught:
        fetch(place.settings(managed_identity="system"))

    assert caught.value.code == "managed_identity_absent"
    assert "federated" in (caught.value.hint or "")


def assertion_of(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the client assertion in a token request."""
    (assertion,) = parse_qs(request.body.decode())["client_assertion"]
    return (
        jwt.get_unverified_header(assertion),
        jwt.decode(assertion, options={"verify_signature": False}),
    )


def test_an_assertion_says_what_microsoft_documents(
    scripted: ScriptedServer, tmp_path: Path, key_pair: tuple[str, bytes]
) -> None:
    """PS256, SHA-256 of the certificate, ten minutes, used once; the chain only if asked."""
    path = private(tmp_path, "app.pem", key_pair[0])
    for send_chain in (False, True):
        settings = scripted.settings(secret=None, private_key_file=path, send_chain=send_chain)
        fetch(read_settings(None, {}, settings))
    (plain, claims), (chained, later) = map(assertion_of, scripted.token_requests)

    assert set(plain) == {"alg", "typ", "x5t#S256"}
    assert plain["alg"] == "PS256"
    assert not plain["x5t#S256"].endswith("=")
    assert [base64.b64decode(one) for one in chained["x5c"]] == [key_pair[1]]
    assert claims["aud"].endswith("/oauth2/v2.0/token")
    assert claims["iss"] == claims["sub"] == settings["client_id"]
    assert claims["exp"] - claims["iat"] == 600
    assert claims["jti"] != later["jti"]


# ---- Fail-over ---------------------------------------------------------------------------------


def refusal(number: int, error: str = "invalid_client", status: int = 401) -> Answer:
    text = f"AADSTS{number}: Refused. Trace ID: t Correlation ID: c"
    return json_answer({"error": error, "error_description": text, "error_codes": [number]}, status)


LOST = [7000215, 7000222, 700027, 700024, 50012, 700211, 700213, 7002137, 700016100]


@pytest.mark.parametrize("number", LOST)
def test_the_next_credential_is_used_at_once(
    scripted: ScriptedServer, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Invalid, expired, unknown, or any other invalid_client: the second serves, once told."""

    def answer(request: Request) -> Answer | None:
        return refusal(number) if b"first" in request.body else None

    scripted.choose_token = answer
    credentials = [{"secret": "first"}, {"secret": "second~one"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    for _ in range(3):
        identity.fetch(Demand())

    transport.close()
    secrets = [parse_qs(one.body.decode())["client_secret"] for one in scripted.token_requests]
    assert secrets == [["first"], *[["second~one"]] * 3]
    (warning,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert f"AADSTS{number}" in warning.message
    assert "secret in credential 1 of the caller is no longer accepted" in warning.message
    assert "secret in credential 2 of the caller is used" in warning.message
    assert "second~one" not in caplog.text


OUTAGES = {
    "503": json_answer({}, 503),
    "429": json_answer({"error": "temporarily_unavailable", "error_codes": [90055]}, 429),
    "no JSON": Answer(200, b"<html>"),
    "unknown client": refusal(700016, "unauthorized_client", 400),
    "unknown scope": refusal(1002012, "invalid_scope", 400),
}


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_or_a_wrong_client_costs_no_credential(
    scripted: ScriptedServer, answer: Answer
) -> None:
    """The other credential would meet the same, so it is not even shown."""
    scripted.token_answer = answer
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    with pytest.raises(IdentityError):
        fetch(settings)

    assert len(scripted.token_requests) == 1


def test_a_network_failure_costs_no_credential(scripted: ScriptedServer) -> None:
    """Nor does a connection that breaks."""
    scripted.token_answer = Answer(200, b"{}", cut=1)
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    with pytest.raises(NetworkError):
        fetch(settings)

    assert len(scripted.token_requests) == 1


def test_a_file_that_is_gone_is_a_loss_too(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is passed over, without a request."""
    credentials = [{"private_key_file": "/nowhere/app.pem"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    assert fetch(settings).value == "token-1"
    assert "/nowhere/app.pem does not exist" in caplog.text


def test_when_all_are_lost_the_last_ones_error_is_raised(scripted: ScriptedServer) -> None:
    """The others have been told of by then; next time all are tried again."""
    scripted.token_answer = refusal(7000222)
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    with pytest.raises(IdentityError) as caught:
        identity.fetch(Demand())
    scripted.token_answer = None

    assert caught.value.code == "secret_expired"
    assert identity.fetch(Demand()).value
    transport.close()


def test_the_listing_goes_on_and_says_so(command: Command, place: Place, tmp_path: Path) -> None:
    """An expired secret in front of a good certificate: all users, and one warning on stderr."""
    emulator, app = place.emulator, place.app
    now = emulator.clock.now()
    old = emulator.directory.credentials.add_password(
        emulator.tenant, app.client_id, start=now - 7200, end=now - 3600
    )
    settings = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
        "credentials": [{"secret": old.secret_text}, {"private_key_file": "app.pem"}],
    }
    private(tmp_path, "app.pem", app.pem)
    path = private(tmp_path, "parameters.json", json.dumps(settings))

    outcome = command("users", path)

    assert outcome.code == 0
    assert len(json.loads(outcome.out)["value"]) == 5
    assert outcome.err.count("WARNING") == 1
    assert "AADSTS7000222" in outcome.err
    assert "private_key_file in credential 2 of parameters.json is used" in outcome.err


def test_auto_takes_the_best_and_says_why(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of secret, certificate and federated token the last is used, in Microsoft's order."""
    caplog.set_level(logging.INFO)
    credential = {
        "credential": "auto",
        "secret": place.app.secret,
        "private_key_file": private(tmp_path, "app.pem", place.app.pem),
        "federated_token_file": private(tmp_path, "token", place.issuer.token()),
    }

    settings = place.settings(**credential)
    fetch(settings)

    kinds = [one.kind for one in settings.credentials]
    assert kinds == ["federated", "certificate", "secret"]
    assert (
        "proved by federated_token_file in the caller (number 1 of 3: the platform" in caplog.text
    )


# ---- Time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "words"), [(-420, "7 minutes ahead of"), (7200, "2 hours behind")]
)
def test_a_wrong_clock_is_named(
    key_pair: tuple[str, bytes], tmp_path: Path, ahead: float, words: str
) -> None:
    """The token service's own Date header shows by how much."""
    clock = Clock()
    with Emulator(users=1, clock=clock) as emulator:
        app = register(emulator, key_pair)
        clock.move(ahead)
        settings = read_settings(
            None,
            {},
            {
                "authority": f"{emulator.url}/{emulator.tenant.id}",
                "client_id": app.client_id,
                "private_key_file": private(tmp_path, "app.pem", app.pem),
                "ca_file": str(emulator.ca_file),
            },
        )
        with pytest.raises(IdentityError, match=f"this machine's clock is {words}") as caught:
            fetch(settings)

    assert caught.value.code == "clock_wrong"
    assert "AADSTS700024" in str(caught.value)


def test_a_certificate_that_ends_soon_is_told_of_once(
    scripted: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Thirty days ahead, once in a run, with the command that replaces it."""
    path = private(tmp_path, "app.pem", make_key_pair("app", days=20)[0])
    settings = read_settings(None, {}, scripted.settings(secret=None, private_key_file=path))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    for _ in range(3):
        identity.fetch(Demand())

    transport.close()
    (warning,) = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    assert "ends in 20 days: graphdaemon certificate rotate" in warning


def test_a_corrected_secret_works_at_once(scripted: ScriptedServer, tmp_path: Path) -> None:
    """Nothing remembers the refusal of the old one, not even where it was a 400."""
    path = Path(private(tmp_path, "secret", "wrong"))
    settings = read_settings(None, {}, scripted.settings(secret=None, secret_file=str(path)))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)
    scripted.token_answer = refusal(7000215, status=400)
    for _ in range(2):
        with pytest.raises(IdentityError):
            identity.fetch(Demand())
    assert len(scripted.token_requests) == 2

    scripted.token_answer = None
    assert identity.fetch(Demand()).value
    transport.close()


def test_unusable_files_are_settings_errors(place: Place, tmp_path: Path) -> None:
    """An empty secret file is said to be one."""
    path = private(tmp_path, "secret", "\n")

    with pytest.raises(SettingsError, match="is empty"):
        fetch(place.settings(secret_file=path))
