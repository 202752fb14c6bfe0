"""Every kind of credential where the token service is far: proxy, private CA, region, silence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import IdentityError, NetworkError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
from tests.support.client_app import App, register
from tests.support.connect_proxy import connect_proxy
from tests.support.foreign_issuer import SUBJECT, Foreign, serving

WORLD = "login.microsoftonline.com"
REGIONAL = "westeurope.login.microsoft.com"
EXTERNAL = "contoso.ciamlogin.com"
OWN = "login.contoso.example"


@dataclass(frozen=True)
class Far:
    """A tenant under Microsoft's own names, reached through a proxy only; whom it was asked for."""

    emulator: Emulator
    issuer: Foreign
    app: App
    heads: list[str]

    @property
    def hosts(self) -> set[str]:
        return {head.split()[1].partition(":")[0] for head in self.heads}


@pytest.fixture(scope="module")
def tenant(
    tmp_path_factory: pytest.TempPathFactory, key_pair: tuple[str, bytes]
) -> Iterator[tuple[Emulator, Foreign, App]]:
    names = (WORLD, REGIONAL, EXTERNAL, OWN)
    with (
        serving(tmp_path_factory.mktemp("foreign")) as issuer,
        Emulator(users=3, hostnames=names, federation_ca=issuer.ca_file) as emulator,
    ):
        app = register(emulator, key_pair)
        emulator.directory.credentials.add_federated(
            emulator.tenant, app.client_id, "pipeline", issuer.url, SUBJECT
        )
        yield emulator, issuer, app


@pytest.fixture
def far(tenant: tuple[Emulator, Foreign, App], monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    emulator, issuer, app = tenant
    port = int(emulator.url.rpartition(":")[2])
    with connect_proxy(port) as (proxy, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        monkeypatch.setenv("NO_PROXY", "")
        yield Far(emulator, issuer, app, heads)


@pytest.fixture(params=["secret", "certificate", "federated"])
def credential(request: pytest.FixtureRequest, far: Far, tmp_path: Path) -> dict[str, Any]:
    pem, token = tmp_path / "app.pem", tmp_path / "token"
    pem.write_text(far.app.pem)
    pem.chmod(0o600)
    token.write_text(far.issuer.token())
    kinds: dict[str, dict[str, Any]] = {
        "secret": {"secret": far.app.secret},
        "certificate": {"private_key_file": str(pem)},
        "federated": {"federated_token_file": str(token)},
    }
    return kinds[request.param]


def fetch(far: Far, **given: Any) -> Token:
    known = {
        "client_id": far.app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "ca_file": str(far.emulator.ca_file),
    }
    settings = read_settings(None, {}, known | given)
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return AppIdentity(settings, transport).fetch(Demand())
    finally:
        transport.close()


def test_through_a_proxy_with_a_private_ca(far: Far, credential: dict[str, Any]) -> None:
    """Nothing but the proxy can resolve the name; nothing but ca_file makes it trusted."""
    assert fetch(far, tenant=far.emulator.tenant.id, **credential).value
    assert far.hosts == {WORLD}


def test_in_a_region(far: Far, credential: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The regional token service is asked, which tells all but Microsoft's own apps to go away."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
    for region, variable in (("westeurope", ""), ("auto", "westeurope")):
        monkeypatch.setenv("REGION_NAME", variable)
        far.heads.clear()

        with pytest.raises(IdentityError, match="AADSTS100007") as caught:
            fetch(far, tenant=far.emulator.tenant.id, region=region, **credential)

        assert REGIONAL in far.hosts
        assert "region" in (caught.value.hint or "")


def test_external_id(far: Far, credential: dict[str, Any]) -> None:
    """Under its own host, and under a domain of the customer's as oidc_authority."""
    tenant = far.emulator.tenant.id
    assert fetch(far, authority=f"https://{EXTERNAL}/{tenant}", **credential).value
    assert fetch(far, oidc_authority=f"https://{OWN}/{tenant}/v2.0", **credential).value
    assert far.hosts == {EXTERNAL, OWN}


def test_a_proxy_that_refuses(
    far: Far, credential: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the proxy that is named, whatever proves the identity."""
    with connect_proxy(1, "407 Proxy Authentication Required") as (proxy, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        with pytest.raises(NetworkError, match=r"the proxy .* asks for a user name") as caught:
            fetch(far, tenant=far.emulator.tenant.id, **credential)

    assert caught.value.code == "proxy_refused"


def test_without_the_ca(far: Far, credential: dict[str, Any]) -> None:
    """An interceptor is not given the credential."""
    with pytest.raises(NetworkError) as caught:
        fetch(far, tenant=far.emulator.tenant.id, ca_file="", **credential)

    assert caught.value.code == "tls_untrusted"


def test_a_token_service_that_says_nothing_is_given_up(
    far: Far, credential: dict[str, Any]
) -> None:
    """After the time that the settings allow."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        authority = f"https://127.0.0.1:{silent.getsockname()[1]}/t"
        with pytest.raises(NetworkError) as caught:
            fetch(far, authority=authority, timeout=0.2, **credential)

    assert caught.value.code == "timed_out"
