"""Assertions signed by a vault: Microsoft's own library asks it under its real name."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.kinds import keyvault
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import Error, IdentityError, NetworkError, SettingsError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.client_app import App
from tests.support.connect_proxy import connect_proxy, make_tls
from tests.support.pretend_key_vault import KEY, VERSION, Vault, machine, serving

pytest.importorskip("azure.keyvault.keys")
pytest.importorskip("azure.identity")

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError


@pytest.fixture
def vault(emulator: Emulator, app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """The vault, reached through a proxy, and a machine that has an identity there."""
    keyvault._open.cache_clear()
    with (
        serving(app.pem, emulator.ca) as running,
        connect_proxy(running.port) as (proxy, _),
        machine() as metadata,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata)
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        yield running


def settings_of(emulator: Emulator, app: App, folder: Path, **changes: Any) -> Settings:
    certificate = folder / "app.crt"
    certificate.write_text(app.pem[app.pem.index("-----BEGIN CERT") :])
    given = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "key_vault_key": KEY,
        "certificate_file": str(certificate),
        "ca_file": str(emulator.ca_file),
    } | changes
    return read_settings(
        None, {}, {name: value for name, value in given.items() if value is not None}
    )


def fetch(settings: Settings) -> Token:
    transport = Transport(ca_file=settings.ca_file)
    try:
        return AppIdentity(settings, transport).fetch(Demand())
    finally:
        transport.close()


def test_the_vault_signs(vault: Vault, emulator: Emulator, app: App, tmp_path: Path) -> None:
    """The token service accepts what the vault signed; the key itself was never here."""
    token = fetch(settings_of(emulator, app, tmp_path))

    claims = jwt.decode(token.value, options={"verify_signature": False})
    assert claims["appidacr"] == "2"
    assert vault.asked[-1] == f"/keys/app/{VERSION}/sign"


def test_a_thumbprint_will_do(vault: Vault, emulator: Emulator, app: App, tmp_path: Path) -> None:
    """Without the certificate's file; by SHA-1 the assertion is the older RS256 form."""
    changes = {"certificate_file": None, "thumbprint": app.thumbprint}

    assert fetch(settings_of(emulator, app, tmp_path, **changes)).value


@pytest.mark.parametrize(("status", "code"), [(403, "vault_refused"), (404, "vault_refused")])
def test_a_vault_that_refuses_is_explained(
    vault: Vault, emulator: Emulator, app: App, tmp_path: Path, status: int, code: str
) -> None:
    """The role that is missing is named."""
    vault.refusal = status

    with pytest.raises(IdentityError, match=f"did not sign .HTTP {status}") as caught:
        fetch(settings_of(emulator, app, tmp_path))

    assert caught.value.code == code
    assert "Key Vault Crypto User" in (caught.value.hint or "")


def test_a_vault_that_refuses_is_a_loss_and_one_out_of_order_is_none(
    vault: Vault, emulator: Emulator, app: App, tmp_path: Path
) -> None:
    """The next credential is used where the vault says no, not where it is down for a moment."""
    settings = settings_of(emulator, app, tmp_path, credential="auto", secret=app.secret)
    vault.refusal = 403
    assert fetch(settings).value

    keyvault._open.cache_clear()
    vault.refusal = 501
    with pytest.raises(NetworkError, match="not be reached: it answered 501"):
        fetch(settings)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_vault_is_reached_through_a_proxy_as_every_host_is(
    vault: Vault,
    emulator: Emulator,
    app: App,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    """With a password that is no part of a URL, and over TLS where the proxy takes that."""
    tls = make_tls(emulator.ca) if scheme == "https" else None
    with connect_proxy(vault.port, tls=tls) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:p#s/@{address}")

        assert fetch(settings_of(emulator, app, tmp_path)).value

    signed = base64.b64encode(b"me:p#s/").decode()
    assert heads
    assert all(f"Proxy-Authorization: Basic {signed}" in head for head in heads)


def test_a_proxy_that_does_not_lead_to_the_vault_is_named(
    vault: Vault, emulator: Emulator, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the vault, whose network rules are in order."""
    settings = settings_of(emulator, app, tmp_path)
    with connect_proxy(1, "403 Forbidden") as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        with pytest.raises(NetworkError, match=rf"the proxy {address} \(HTTPS_PROXY\) does not"):
            fetch(settings)

    keyvault._open.cache_clear()
    monkeypatch.setenv("HTTPS_PROXY", f"socks5h://{address}")
    with pytest.raises(SettingsError, match="HTTPS_PROXY names a SOCKS proxy"):
        fetch(settings)


def refuse(status: int | None) -> HttpResponseError:
    error = HttpResponseError("no")
    error.status_code = status
    return error


TROUBLE: dict[str, tuple[Exception, str, str]] = {
    "too busy": (refuse(429), "connection_failed", "not be reached: it answered 429"),
    "broken": (refuse(500), "connection_failed", "not be reached: it answered 500"),
    "denied": (refuse(428), "vault_refused", "did not sign (HTTP 428)"),
    "odd": (refuse(499), "vault_refused", "did not sign (HTTP 499)"),
    "unreached": (ServiceRequestError("x"), "connection_failed", "ServiceRequestError"),
    "no identity": (
        ClientAuthenticationError("x"),
        "vault_refused",
        "this machine has no identity",
    ),
}


@pytest.mark.parametrize(("error", "code", "words"), TROUBLE.values(), ids=TROUBLE)
def test_what_keeps_the_vault_from_signing_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, words: str
) -> None:
    """Trouble that passes costs no credential; a refusal does."""

    class Client:
        def sign(self, *_: object) -> None:
            raise error

    monkeypatch.setattr(keyvault, "_open", lambda *_: Client())

    with pytest.raises(Error) as caught:
        keyvault._sign(KEY, None, 1, b"content", "PS256")

    assert caught.value.code == code
    assert words in str(caught.value)
