"""oidc-provider, unmodified: a token service that nobody here, nor Microsoft, has written."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from graphdaemon import protect
from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.errors import Error, IdentityError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.settings.protected_api import read_api_settings
from graphdaemon.settings.read import read_settings
from tests.support.run_command import Command

SCRIPT = Path(__file__).parent / "node" / "oidc.mjs"
RESOURCE = "https://ledger.example"
SECRET = "a-secret~with.signs+in/it="
TENANT = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Server:
    """Where it is, and what trusts it."""

    issuer: str
    ca_file: Path


@pytest.fixture(scope="module")
def pem() -> str:
    return make_key_pair("with-key")[0]


@pytest.fixture(scope="module")
def server(pem: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("oidc")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf = authority.issue_cert("localhost")
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    asked = {
        "key": str(folder / "key.pem"),
        "certificate": str(folder / "cert.pem"),
        "secret": SECRET,
        "jwk": describe(pem),
        "resource": RESOURCE,
        "claims": {
            "tid": TENANT,
            "ver": "2.0",
            "azp": "with-claims",
            "oid": "with-claims",
            "roles": ["Ledger.Read.All"],
        },
    }
    with subprocess.Popen(
        ["node", SCRIPT, json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        issuer = next((line for line in process.stdout if line.startswith("https://")), "")
        assert issuer, "the server did not start"
        yield Server(issuer.strip(), folder / "ca.pem")
        process.stdin.close()


def describe(pem: str) -> dict[str, Any]:
    """The public key as the client's registration has it."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    jwk: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return jwk | {"use": "sig"}


def settings_for(server: Server, **values: Any) -> Settings:
    given = {
        "oidc_authority": server.issuer,
        "scope": ["read"],
        "endpoint": f"{RESOURCE}/v1.0/entries",
        "ca_file": str(server.ca_file),
    }
    return read_settings(None, {}, given | values)


def with_key(server: Server, pem: str, folder: Path, **values: Any) -> Settings:
    path = folder / "key.pem"
    path.write_text(pem)
    path.chmod(0o600)
    return settings_for(server, client_id="with-key", private_key_file=str(path), **values)


def acquire(settings: Settings) -> str:
    transport = Transport(ca_file=settings.ca_file)
    try:
        return asyncio.run(AppIdentity(settings, transport).acquire()).value
    finally:
        transport.close()


def check(server: Server, token: str, client_id: str) -> None:
    """Verify it as the API would: by the keys that the server publishes."""
    transport = Transport(ca_file=server.ca_file)
    try:
        keys = transport.exchange("GET", f"{server.issuer}/jwks", {})
    finally:
        transport.close()
    (key,) = (
        one
        for one in jwt.PyJWKSet.from_json(keys.body.decode()).keys
        if one.key_id == jwt.get_unverified_header(token)["kid"]
    )
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=RESOURCE, issuer=server.issuer)
    assert (claims["client_id"], claims["scope"]) == (client_id, "read")


def test_secret(server: Server) -> None:
    """client_secret_post, with signs in the secret that a form must escape."""
    token = acquire(settings_for(server, client_id="with-secret", secret=SECRET))

    check(server, token, "with-secret")


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_private_key_jwt(server: Server, pem: str, tmp_path: Path, algorithm: str) -> None:
    """Both of our assertions: with the certificate, and the older one with a bare key."""
    bare, _, _ = pem.partition("-----BEGIN CERT")
    settings = (
        with_key(server, pem, tmp_path)
        if algorithm == "PS256"
        else with_key(server, bare, tmp_path, thumbprint="AB" * 20)
    )

    check(server, acquire(settings), "with-key")


def test_an_assertion_is_never_used_twice(server: Server, pem: str, tmp_path: Path) -> None:
    """This server remembers jti, as RFC 7523 allows; each request brings a new one."""
    settings = with_key(server, pem, tmp_path)

    assert acquire(settings) != acquire(settings)


def test_a_wrong_secret_is_refused_in_oauths_words(server: Server) -> None:
    """No AADSTS number here; the standard's word is enough for code and hint."""
    with pytest.raises(IdentityError) as caught:
        acquire(settings_for(server, client_id="with-secret", secret="wrong"))

    assert (caught.value.error, caught.value.case) == ("invalid_client", "client_refused")
    assert "what is registered at the token service" in (caught.value.hint or "")


def test_another_key_is_refused(server: Server, tmp_path: Path) -> None:
    """The signature is really checked."""
    with pytest.raises(Error) as caught:
        acquire(with_key(server, make_key_pair("another")[0], tmp_path))

    assert isinstance(caught.value, IdentityError)
    assert caught.value.error == "invalid_client"


def test_the_doctor_finds_it_well_up_to_the_token(
    server: Server, command: Command, tmp_path: Path
) -> None:
    """Metadata, issuer and token of a stranger are read as well; its API is not there."""
    path = tmp_path / "parameters.json"
    values = {
        "oidc_authority": server.issuer,
        "client_id": "with-secret",
        "secret": SECRET,
        "scope": ["read"],
        "endpoint": "https://localhost:1/entries",
        "ca_file": str(server.ca_file),
    }
    path.write_text(json.dumps(values))
    path.chmod(0o600)

    report = json.loads(command("doctor", path, "--json").out)

    states = {one["check"]: one["state"] for one in report["checks"] if not one["host"]}
    assert [states[name] for name in ("authority", "tenant", "credential", "token")] == ["ok"] * 4
    assert report["first"]["check"] == "tcp"


def protect_ledger(server: Server, **values: Any) -> protect.ProtectedApi:
    given = {
        "oidc_authority": server.issuer,
        "tenants": [TENANT],
        "audience": [RESOURCE],
        "roles": ["Ledger.Read.All"],
        "ca_file": str(server.ca_file),
    }
    return protect.ProtectedApi(read_api_settings(None, {}, given | values))


def test_a_token_without_the_claims_of_entra_id_opens_no_protected_api(server: Server) -> None:
    """Its signature, issuer and audience are right; whose it is, and what it may, is not said."""
    token = acquire(settings_for(server, client_id="with-secret", secret=SECRET))

    with protect_ledger(server) as api, pytest.raises(protect.CallerRefusedError) as caught:
        api.validate(token)

    assert (caught.value.status, caught.value.case) == (401, "bearer_claims_missing")


def test_a_token_with_the_claims_of_entra_id_opens_a_protected_api(server: Server) -> None:
    """The keys are those that the issuer's own metadata names, and no others."""
    token = acquire(settings_for(server, client_id="with-claims", secret=SECRET))

    with protect_ledger(server) as api:
        caller = api.validate(token)
    assert (caller.client_id, caller.tenant, caller.is_app) == ("with-claims", TENANT, True)

    with protect_ledger(server, roles=["Ledger.Write.All"]) as api:
        assert refused(api, token) == (403, "caller_role_missing")
    with protect_ledger(server, audience=["https://other.example"]) as api:
        assert refused(api, token) == (401, "bearer_for_other")
    # Somebody else's issuer: what the metadata says of itself is not what the settings say.
    with protect_ledger(server, oidc_authority=f"{server.issuer}/other") as api:
        assert refused(api, token) == (503, "keys_unavailable")
    head, _, _ = token.rpartition(".")
    with protect_ledger(server) as api:
        assert refused(api, f"{head}.AAAA") == (401, "bearer_forged")


def refused(api: protect.ProtectedApi, token: str) -> tuple[int, str]:
    with pytest.raises(protect.CallerRefusedError) as caught:
        api.validate(token)
    return caught.value.status, caught.value.case
