"""A tenant is the same one by whatever name the settings call it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from graphdaemon.auth.token import Token
from graphdaemon.errors import IdentityError
from graphdaemon.http.response import Headers, Response
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from graphdaemon.sync.tenant import Tenant, ask_tenant, read_tenant
from tests.support.sync_scene import SyncScene
from tests.support.unsigned_tokens import make_token


class Tokens:
    """A token, and no other."""

    def __init__(self, value: str = "") -> None:
        self.value = value

    async def token(self) -> Token:
        return Token(self.value, 0.0, 0.0)

    async def renew(self, refused: Token, claims: str | None = None) -> Token:
        raise NotImplementedError(refused, claims)


def change(settings: Settings, **changes: object) -> Settings:
    values: dict[str, object] = {
        "authority": settings.authority,
        "client_id": settings.client_id,
        "secret": "x",
        "scope": list(settings.scope),
        "endpoint": settings.endpoint,
        "ca_file": str(settings.ca_file),
    }
    return read_settings(None, {}, {k: v for k, v in (values | changes).items() if v is not None})


def ask(settings: Settings, tokens: Tokens | None = None) -> Tenant:
    transport = Transport(ca_file=settings.ca_file)
    try:
        return asyncio.run(ask_tenant(settings, transport, tokens or Tokens()))
    finally:
        transport.close()


def test_an_id_in_the_authority_is_the_tenant(scene: SyncScene) -> None:
    """Nothing is asked for it."""
    known = read_tenant(scene.settings)

    assert known == Tenant(scene.tenant.id, scene.tenant.id)


def test_a_domain_is_the_tenant_that_has_it(scene: SyncScene) -> None:
    """The authority's configuration names the ID."""
    domain = scene.tenant.domains[0]
    settings = change(scene.settings, authority=f"{scene.probe.emulator.url}/{domain}")

    assert read_tenant(settings) is None
    assert ask(settings) == Tenant(scene.tenant.id, domain)


@pytest.mark.parametrize("body", [b"{}", b'{"issuer": 7}', b"no JSON", b'{"issuer": "\\n"}'])
@dataclass
class FixedAnswer:
    """Answers everything with the same."""

    response: Response

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        assert (method, body) == ("GET", None)
        assert url.endswith("/.well-known/openid-configuration")
        assert "Authorization" not in headers
        return self.response


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((200, body) for body in (b"{}", b'{"issuer": 7}', b"no JSON", b'{"issuer": "\\n"}')),
        (404, b'{"issuer": "https://x"}'),
    ],
)
def test_an_answer_without_an_issuer_is_refused(scene: SyncScene, status: int, body: bytes) -> None:
    """A tenant that nobody knows must not become one in the store."""
    settings = change(scene.settings, authority=f"{scene.probe.emulator.url}/contoso.example")
    answer = FixedAnswer(Response(status, Headers(), body))

    with pytest.raises(IdentityError, match="does not name an issuer"):
        asyncio.run(ask_tenant(settings, answer, Tokens()))


def test_an_issuer_without_a_guid_is_a_tenant_too(scene: SyncScene) -> None:
    """Whoever issues tokens under a name of its own is that name."""
    settings = replace(scene.settings, authority=None, oidc_authority="https://login.example/x")
    answer = FixedAnswer(Response(200, Headers(), b'{"issuer": "https://login.example/x"}'))

    tenant = asyncio.run(ask_tenant(settings, answer, Tokens()))

    assert tenant == Tenant("https://login.example/x", "x")


def test_a_managed_identity_belongs_to_the_tenant_of_its_token(scene: SyncScene) -> None:
    """No authority is in its settings, and nothing else says whose directory it reads."""
    settings = replace(scene.settings, authority=None)

    assert ask(settings, Tokens(make_token(tid=scene.tenant.id.upper()))).id == scene.tenant.id
    with pytest.raises(IdentityError, match="does not name a tenant"):
        ask(settings, Tokens("opaque"))
