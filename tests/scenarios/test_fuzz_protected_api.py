"""Ten thousand requests to a protected API, and keys documents for it: only good ones count."""

from __future__ import annotations

import json
import os
import random
import re
import string
from collections.abc import Iterator
from typing import Any

import pytest

from graphdaemon import protect
from graphdaemon.errors import CallerRefusedError
from graphdaemon.http.response import Headers, Response
from graphdaemon.protect.published_keys import MetadataRefusedError, TokenService, fetch_keys
from tests.support.certificates_and_assertions import encode
from tests.support.protected_api_scene import (
    API,
    OTHER_TENANT,
    ROLE,
    TENANT,
    Scene,
    sign,
    staging,
)

CASES = int(os.environ.get("GRAPHDAEMON_FUZZ_CASES", "10000"))
SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))
CHALLENGE = re.compile(r'Bearer(?: \w+="[ !#-\[\]-~]*"(?:, \w+="[ !#-\[\]-~]*")*)?')

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, 10**400, 1.5, float("inf"), float("nan"), -0.0),
    *("", " ", "\0", "app", "user", "1.0", "2.0", "RS256", "none", "HS256", "one", "two", "\ud800"),
    *(TENANT, TENANT.upper(), OTHER_TENANT, API, f"api://{API}", ROLE, "a" * 300, "é", "../x"),
    *([], [ROLE], [None], [[ROLE]], [ROLE, 7], {}, {"a": {}}, [{}] * 50, {"": ROLE}),
)
NAMES = (
    *("aud", "iss", "tid", "sub", "oid", "roles", "scp", "ver", "azp", "appid", "idtyp"),
    *("exp", "nbf", "iat", "xms_cc", "nonce", "__proto__", ""),
)
HEADERS = ("alg", "kid", "typ", "crit", "jku", "jwk", "x5u", "x5c", "x5t", "b64", "zip", "cty")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with staging(tmp_path_factory.mktemp("tenant")) as scene:
        yield scene


def change(draw: random.Random, names: tuple[str, ...], value: dict[str, Any]) -> dict[str, Any]:
    """Some of the names take another value, or none."""
    changed = dict(value)
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3))):
        name = draw.choice(names)
        if draw.random() < 0.3:
            changed.pop(name, None)
        else:
            changed[name] = draw.choice(VALUES)
    return changed


def spoil(draw: random.Random, text: str) -> str:
    """The text with some signs changed, doubled, or cut out."""
    for _ in range(draw.randrange(4)):
        place, length = draw.randrange(len(text) + 1), draw.randrange(6)
        signs = "".join(draw.choices(string.printable + ".=.-_+/\ud800é\0", k=draw.randrange(4)))
        text = text[:place] + signs * draw.choice((1, 1, 50)) + text[place + length :]
    return text


def make_token(draw: random.Random, scene: Scene) -> str:
    """A token with something wrong with it, mostly; some are signed by the tenant all the same."""
    version = draw.choice(("1.0", "2.0"))
    claims = change(draw, NAMES, scene.claims(version))
    header = change(draw, HEADERS, {"typ": "JWT", "alg": "RS256", "kid": "one"})
    if draw.random() < 0.15:
        return sign(header, claims, scene.keys["one"])
    parts = [encode(json.dumps(header).encode()), encode(json.dumps(claims).encode())]
    parts.append(encode(draw.randbytes(draw.choice((0, 1, 255, 256, 257)))))
    return ".".join(parts)


def check_caller(caller: protect.Caller, scene: Scene) -> None:
    """Whoever was let in has all that he must have."""
    said = caller.claims
    assert said["aud"].lower() in {API, f"api://{API}"}
    assert said["tid"].lower() == caller.tenant == TENANT
    assert said["iss"] in {f"{scene.url}/{TENANT}/v2.0", f"https://sts.windows.net/{TENANT}/"}
    assert said["exp"] > scene.clock.now - 60
    assert said.get("nbf", 0) <= scene.clock.now + 60
    assert caller.is_app
    assert said.get("idtyp", "app") == "app"
    assert ROLE in said["roles"]
    assert said["azp" if said["ver"] == "2.0" else "appid"].lower() == caller.client_id


def check_refusal(error: CallerRefusedError) -> str:
    """The case of a refusal that is an answer as it should be."""
    assert error.status in (401, 403)
    assert CHALLENGE.fullmatch(error.challenge or ""), error.challenge
    assert json.loads(error.body)["code"] == error.case
    return error.case


@pytest.mark.nightly
def test_only_good_requests_are_let_in_and_nothing_else_is_raised(scene: Scene) -> None:
    """Whatever is sent: a caller with all that is needed, or a refusal that is a good answer."""
    draw, api = random.Random(SEED), scene.api()
    accepted, cases = 0, set()
    for number in range(CASES):
        token = make_token(draw, scene)
        header = f"Bearer {token}"
        if draw.random() < 0.4:
            header = spoil(draw, header)
        # Unknown keys are looked up now and then.
        scene.timer.now += draw.random()
        try:
            caller = api.check(header)
        except CallerRefusedError as error:
            cases.add(check_refusal(error))
        except Exception as error:
            raise AssertionError(
                f"GRAPHDAEMON_FUZZ_SEED={SEED}, number {number}: {header!r}"
            ) from error
        else:
            accepted += 1
            check_caller(caller, scene)

    assert accepted > CASES / 100
    assert len(cases) >= 12, cases
    # Half a second passes with each request, and a look-up takes two of the tenant's documents.
    assert len(scene.asked) <= 2 * (CASES / 2 / 30 + CASES / 2 / 3600 + 5)


class Documents:
    """A transport that answers with these documents in turn."""

    def __init__(self, *bodies: bytes) -> None:
        self._bodies = list(bodies)

    def exchange(self, _method: str, _url: str, _headers: Any) -> Response:
        return Response(200, Headers(), self._bodies.pop(0))


def spoil_bytes(draw: random.Random, content: bytes) -> bytes:
    for _ in range(draw.randrange(3)):
        place, length = draw.randrange(len(content) + 1), draw.randrange(6)
        content = content[:place] + draw.randbytes(draw.randrange(4)) + content[place + length :]
    return content


@pytest.mark.nightly
def test_only_keys_of_the_tenant_are_taken_from_documents(scene: Scene) -> None:
    """Whatever the token service sends: the tenant's own keys, or a refusal that is ours."""
    draw = random.Random(SEED)
    service, good = TokenService(scene.url), f"{scene.url}/{TENANT}/v2.0"
    keys = scene.describe_keys("/v2.0")["keys"]
    names = ("kty", "use", "alg", "kid", "n", "e", "d", "issuer", "x5c")
    taken = 0
    for number in range(CASES):
        metadata = change(
            draw, ("issuer", "jwks_uri"), {"issuer": good, "jwks_uri": f"{scene.url}/keys"}
        )
        entries: Any = [change(draw, names, key) for key in keys]
        if draw.random() < 0.1:
            entries.insert(0, draw.choice(VALUES))
        document = {"keys": draw.choice(VALUES) if draw.random() < 0.1 else entries}
        bodies = [json.dumps(metadata).encode(), json.dumps(document).encode()]
        if draw.random() < 0.3:
            bodies = [spoil_bytes(draw, body) for body in bodies]
        try:
            published = fetch_keys(Documents(*bodies), service, TENANT, "2.0")  # type: ignore[arg-type]  # as much of a transport as is used
        except MetadataRefusedError:
            continue
        except Exception as error:
            raise AssertionError(
                f"GRAPHDAEMON_FUZZ_SEED={SEED}, number {number}: {bodies}"
            ) from error
        taken += 1
        assert (published.tenant, published.issuer) == (TENANT, good)
        assert all(key.key_size >= 2048 for key in published.keys.values())

    assert taken > CASES / 25
