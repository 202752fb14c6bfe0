"""A tenant that publishes its keys over real TLS, an API that trusts it, tokens of any kind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from graphdaemon import protect
from graphdaemon.errors import CallerRefusedError
from graphdaemon.settings.protected_api import read_api_settings
from tests.support.certificates_and_assertions import encode, make_key
from tests.support.foreign_issuer import Foreign, describe, send, serving

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
API = "22222222-2222-4333-8444-555555555555"
CALLER = "33333333-2222-4333-8444-555555555555"
PRINCIPAL = "44444444-2222-4333-8444-555555555555"
ROLE = "Orders.Read.All"


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


class Scene:
    """
    The tenant, with its documents and its keys, and both clocks of the API.

    ``asked`` are the paths that were asked for; ``keys`` what is published, by kid.
    """

    def __init__(self, issuer: Foreign, stack: ExitStack) -> None:
        self._issuer = issuer
        self._stack = stack
        self.url = issuer.url
        self.ca_file = issuer.ca_file
        self.answers = issuer.answers
        self.reset()

    def reset(self) -> None:
        """The tenant as it is at the beginning of a test."""
        self.clock, self.timer = Clock(), Clock()
        self.keys: dict[str, rsa.RSAPrivateKey] = {"one": make_key(1), "two": make_key(2)}
        self._issuer.asked.clear()
        self.answers.clear()
        for tenant in (TENANT, OTHER_TENANT, "contoso.example"):
            owner = TENANT if tenant == "contoso.example" else tenant
            self.publish(tenant, "/v2.0", f"{self.url}/{owner}/v2.0")
            self.publish(tenant, "", f"https://sts.windows.net/{owner}/")

    @property
    def asked(self) -> list[str]:
        return self._issuer.asked

    @property
    def key_fetches(self) -> int:
        return sum("/discovery/" in path for path in self.asked)

    def publish(self, tenant: str, version: str, issuer: str, **changes: Any) -> None:
        """Publish the metadata of a tenant, and its keys."""
        keys = f"/{tenant}/discovery{version}/keys"
        metadata = {"issuer": issuer, "jwks_uri": f"{self.url}{keys}"} | changes
        place = f"/{tenant}{version}/.well-known/openid-configuration"
        self.answers[place] = lambda handler: send(handler, metadata)
        self.answers[keys] = lambda handler: send(handler, self.describe_keys(version))

    def describe_keys(self, version: str) -> dict[str, Any]:
        """The keys document; those of version 2.0 name their issuer as a template."""
        named = {"issuer": f"{self.url}/{{tenantid}}/v2.0"} if version else {}
        return {"keys": [describe(kid, key) | named for kid, key in self.keys.items()]}

    def claims(self, version: str = "2.0", **changes: Any) -> dict[str, Any]:
        """The claims of an app's token with the role; None leaves one out."""
        now = int(self.clock.now)
        one = {
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": f"api://{API}",
            "appid": CALLER,
        }
        two = {"iss": f"{self.url}/{TENANT}/v2.0", "aud": API, "azp": CALLER}
        said = {
            "tid": TENANT,
            "sub": PRINCIPAL,
            "oid": PRINCIPAL,
            "roles": [ROLE],
            "ver": version,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "uti": "a-token's-own-ID",
        }
        whole = said | (two if version == "2.0" else one) | changes
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, version: str = "2.0", kid: str = "one", **changes: Any) -> str:
        """A token of the tenant's, signed by the published key of that name."""
        header = {"typ": "JWT", "alg": "RS256", "kid": kid}
        return sign(header, self.claims(version, **changes), self.keys[kid])

    def api(self, **settings: Any) -> protect.ProtectedApi:
        """An API of the tenant's that wants the role, but for ``settings``; None leaves one out."""
        options = {name: settings.pop(name) for name in ("revoked",) if name in settings}
        given = {
            "authority": f"{self.url}/{TENANT}",
            "client_id": API,
            "roles": [ROLE],
            "ca_file": str(self.ca_file),
        } | settings
        chosen = {name: value for name, value in given.items() if value is not None}
        api = protect.ProtectedApi(
            read_api_settings(None, {}, chosen), clock=self.clock, timer=self.timer, **options
        )
        self._stack.callback(api.close)
        return api


def sign(header: dict[str, Any], claims: Any, key: rsa.RSAPrivateKey) -> str:
    """A JWT whose header may say anything, signed by RS256."""
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
    return f"{signed}.{encode(signature)}"


def refusal(api: protect.ProtectedApi, token: str) -> CallerRefusedError:
    """The refusal of a token that has to be refused."""
    try:
        caller = api.check(f"Bearer {token}")
    except CallerRefusedError as error:
        return error
    raise AssertionError(f"{caller.client_id} was let in")


@contextmanager
def staging(folder: Path) -> Iterator[Scene]:
    """The tenant on a free port."""
    with serving(folder) as issuer, ExitStack() as stack:
        yield Scene(issuer, stack)
