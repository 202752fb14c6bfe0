"""Whom a protected API lets in: the tokens that it takes, and a table of attacks."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from traceback import TracebackException
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from graphdaemon import protect
from graphdaemon.errors import CallerRefusedError, SettingsError
from graphdaemon.protect.api import _wait, _wait_async
from graphdaemon.protect.bearer_token import LARGEST
from tests.support.certificates_and_assertions import encode, make_key
from tests.support.protected_api_scene import (
    API,
    CALLER,
    OTHER_TENANT,
    PRINCIPAL,
    ROLE,
    TENANT,
    Scene,
    refusal,
    sign,
)

Make = Callable[[Scene], str]

HEADER = {"typ": "JWT", "alg": "RS256", "kid": "one"}


@pytest.mark.parametrize(
    ("version", "changes"),
    [
        ("2.0", {}),
        ("1.0", {}),
        ("1.0", {"aud": API}),
        ("1.0", {"aud": f"api://{API}/"}),
        ("1.0", {"aud": API.upper()}),
        ("2.0", {"idtyp": "app", "sub": "another"}),
        ("2.0", {"tid": TENANT.upper()}),
        ("2.0", {"nbf": None}),
        ("2.0", {"roles": ["Orders.Write.All", ROLE]}),
    ],
)
def test_a_token_of_the_tenant_for_the_api_with_the_role_is_taken(
    scene: Scene, version: str, changes: dict[str, Any]
) -> None:
    """Of both versions, with the audience in each of its forms, app-only told in both ways."""
    caller = scene.api().check(f"Bearer {scene.token(version, **changes)}")

    assert caller.client_id == CALLER
    assert caller.tenant == TENANT
    assert caller.object_id == PRINCIPAL
    assert ROLE in caller.roles
    assert caller.scopes == frozenset()
    assert caller.is_app
    assert caller.version == version
    assert caller.expires == scene.clock.now + 3600


def test_the_scheme_is_read_without_regard_to_case(scene: Scene) -> None:
    """RFC 9110, 11.1."""
    assert scene.api().check(f"bEARER  {scene.token()}").client_id == CALLER


def forge_hs256(scene: Scene) -> str:
    """The public key, which everybody has, taken for a secret."""
    secret = (
        scene.keys["one"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return sign_by_secret(HEADER | {"alg": "HS256"}, scene.claims(), secret)


def sign_by_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    algorithm = jwt.get_algorithm_by_name("HS256")
    # PyJWT itself would not take a public key for a secret.
    signature = algorithm.sign(signed.encode(), secret)
    return f"{signed}.{encode(signature)}"


def forge(scene: Scene, header: dict[str, Any], key: int = 9, **claims: Any) -> str:
    """Signed by a key of the attacker's."""
    return sign(HEADER | header, scene.claims(**claims), make_key(key))


def embed_key(scene: Scene) -> str:
    own = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "one"}
    own |= json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(make_key(9).public_key()))
    return forge(scene, {"jwk": own, "kid": "one"})


def change_claims(scene: Scene) -> str:
    """A role is added to a token that was signed without it."""
    head, _, signature = scene.token(roles=["Orders.Read.Own"]).split(".")
    return f"{head}.{encode(json.dumps(scene.claims()).encode())}.{signature}"


def strip_signature(scene: Scene) -> str:
    return scene.token().rpartition(".")[0] + "."


def swap_keys(scene: Scene) -> str:
    """Signed by one published key, and said to be signed by another."""
    return sign(HEADER | {"kid": "two"}, scene.claims(), scene.keys["one"])


def raw(header: bytes, body: bytes, signature: bytes = b"signature") -> str:
    return f"{encode(header)}.{encode(body)}.{encode(signature)}"


def nest(_: Scene) -> str:
    body = b'{"tid":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    return raw(json.dumps(HEADER).encode(), body)


def say(header: dict[str, Any] | None = None, **claims: Any) -> Make:
    """Properly signed by the tenant's key, with what is given said in it."""

    def make(scene: Scene) -> str:
        kept = scene.claims(**claims)
        return sign(HEADER | (header or {}), kept, scene.keys["one"])

    return make


def later(seconds: float) -> Make:
    """A token of a time that is over, or to come."""

    def make(scene: Scene) -> str:
        now = int(scene.clock.now + seconds)
        return scene.token(iat=now, nbf=now, exp=now + 3600)

    return make


def of_version_1(**claims: Any) -> Make:
    return lambda scene: scene.token("1.0", **claims)


ATTACKS: dict[str, tuple[Make, int, str]] = {
    # The signature
    "alg none": (
        lambda scene: raw(b'{"alg":"none","kid":"one"}', json.dumps(scene.claims()).encode(), b""),
        401,
        "bearer_unsigned",
    ),
    "alg None": (lambda scene: forge(scene, {"alg": "nOnE"}), 401, "bearer_unsigned"),
    "alg absent": (lambda scene: forge(scene, {"alg": None}), 401, "bearer_unsigned"),
    "alg a list": (lambda scene: forge(scene, {"alg": ["RS256"]}), 401, "bearer_unsigned"),
    "HS256 with the public key": (forge_hs256, 401, "bearer_unsigned"),
    "PS256": (say({"alg": "PS256"}), 401, "bearer_unsigned"),
    "no signature": (strip_signature, 401, "bearer_forged"),
    "claims changed": (change_claims, 401, "bearer_forged"),
    "an attacker's key": (lambda scene: forge(scene, {}), 401, "bearer_forged"),
    "another published key's name": (swap_keys, 401, "bearer_forged"),
    "critical extension": (say({"crit": ["exp"]}), 401, "bearer_critical"),
    "detached content": (say({"b64": False, "crit": ["b64"]}), 401, "bearer_critical"),
    # The key
    "kid unknown": (lambda scene: forge(scene, {"kid": "three"}), 401, "bearer_key_unknown"),
    "kid absent": (lambda scene: forge(scene, {"kid": None}), 401, "bearer_malformed"),
    "kid empty": (lambda scene: forge(scene, {"kid": ""}), 401, "bearer_malformed"),
    "kid a number": (lambda scene: forge(scene, {"kid": 1}), 401, "bearer_malformed"),
    "kid a list": (lambda scene: forge(scene, {"kid": ["one"]}), 401, "bearer_malformed"),
    "kid long": (lambda scene: forge(scene, {"kid": "k" * 10_000}), 401, "bearer_malformed"),
    "kid a path": (
        lambda scene: forge(scene, {"kid": "../../../dev/null"}),
        401,
        "bearer_key_unknown",
    ),
    "kid a statement": (
        lambda scene: forge(scene, {"kid": "one' OR '1'='1"}),
        401,
        "bearer_key_unknown",
    ),
    "jku": (
        lambda scene: forge(scene, {"jku": f"{scene.url}/attacker/keys", "kid": "nine"}),
        401,
        "bearer_key_unknown",
    ),
    "x5u": (
        lambda scene: forge(scene, {"x5u": f"{scene.url}/attacker/certificate"}),
        401,
        "bearer_forged",
    ),
    "jwk": (embed_key, 401, "bearer_forged"),
    "x5c": (lambda scene: forge(scene, {"x5c": ["MIIB"]}), 401, "bearer_forged"),
    # The form
    "no dots": (lambda _: "token", 401, "bearer_malformed"),
    "four parts": (lambda scene: f"{scene.token()}.AAAA", 401, "bearer_malformed"),
    "five parts, as if encrypted": (lambda _: "a.b.c.d.e", 401, "bearer_malformed"),
    "claims that are a list": (
        lambda scene: sign(HEADER, ["aud"], scene.keys["one"]),
        401,
        "bearer_malformed",
    ),
    "nested deeply": (nest, 401, "bearer_large"),
    "nested": (
        lambda _: raw(b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", b"{}"),
        401,
        "bearer_malformed",
    ),
    "huge": (lambda _: "eyJ" + "A" * 50_000_000, 401, "bearer_large"),
    "huge, and signed": (say(groups=["g" * 36] * 1000), 401, "bearer_large"),
    "other letters": (lambda scene: f"ñ{scene.token()}", 401, "bearer_malformed"),
    "half a character": (lambda scene: f"\ud800{scene.token()}", 401, "bearer_malformed"),
    # Whom it is for
    "for Graph": (say(aud="https://graph.microsoft.com"), 401, "bearer_for_graph"),
    "for Graph, by its ID": (
        say(aud="00000003-0000-0000-c000-000000000000"),
        401,
        "bearer_for_graph",
    ),
    "for another API": (say(aud=CALLER), 401, "bearer_for_other"),
    "for several": (say(aud=[API, CALLER]), 401, "bearer_claims_missing"),
    "for none": (say(aud=None), 401, "bearer_claims_missing"),
    "for what begins alike": (say(aud=f"{API}.attacker.example"), 401, "bearer_for_other"),
    # Whose it is
    "another tenant": (
        lambda scene: scene.token(tid=OTHER_TENANT, iss=f"{scene.url}/{OTHER_TENANT}/v2.0"),
        401,
        "bearer_tenant",
    ),
    "another tenant's issuer": (
        lambda scene: scene.token(iss=f"{scene.url}/{OTHER_TENANT}/v2.0"),
        401,
        "bearer_issuer",
    ),
    "an attacker's issuer": (
        say(iss=f"https://attacker.example/{TENANT}/v2.0"),
        401,
        "bearer_issuer",
    ),
    "no issuer": (say(iss=None), 401, "bearer_issuer"),
    "an issuer that is a list": (say(iss=[f"{TENANT}"]), 401, "bearer_issuer"),
    "version 1's issuer in version 2": (
        say(iss=f"https://sts.windows.net/{TENANT}/"),
        401,
        "bearer_issuer",
    ),
    "version 2's issuer in version 1": (
        lambda scene: scene.token("1.0", iss=f"{scene.url}/{TENANT}/v2.0"),
        401,
        "bearer_issuer",
    ),
    "no tid": (say(tid=None), 401, "bearer_claims_missing"),
    "tid that is no text": (say(tid=7), 401, "bearer_claims_missing"),
    "tid that leads elsewhere": (say(tid=f"{TENANT}/../{OTHER_TENANT}"), 401, "bearer_tenant"),
    "no ver": (say(ver=None), 401, "bearer_claims_missing"),
    "ver 3": (say(ver="3.0"), 401, "bearer_version"),
    "no client": (say(azp=None), 401, "bearer_claims_missing"),
    "the client of the other version": (say(azp=None, appid=CALLER), 401, "bearer_claims_missing"),
    "bound to a key": (say(cnf={"kid": "the attacker has it not"}), 401, "bearer_bound"),
    # When
    "expired": (later(-3661), 401, "bearer_expired"),
    "not yet valid": (later(61), 401, "bearer_early"),
    "no exp": (say(exp=None), 401, "bearer_claims_missing"),
    "exp as text": (say(exp="9999999999"), 401, "bearer_claims_missing"),
    "exp endless": (say(exp=float("inf")), 401, "bearer_claims_missing"),
    "exp none": (say(exp=float("nan")), 401, "bearer_claims_missing"),
    "exp true": (say(exp=True), 401, "bearer_claims_missing"),
    "exp of 5,000 digits": (
        lambda _: raw(json.dumps(HEADER).encode(), b'{"exp":' + b"9" * 5000 + b"}"),
        401,
        "bearer_malformed",
    ),
    "nbf as text": (say(nbf="soon"), 401, "bearer_claims_missing"),
    # Who
    "another app without a role": (say(roles=None), 403, "caller_role_none"),
    "an empty list of roles": (say(roles=[]), 403, "caller_role_none"),
    "another role": (say(roles=["Orders.Read"]), 403, "caller_role_missing"),
    "a role in other letters": (say(roles=[ROLE.upper()]), 403, "caller_role_missing"),
    "roles as one text": (say(roles=ROLE), 401, "bearer_claims_missing"),
    "roles of objects": (say(roles=[{"value": ROLE}]), 401, "bearer_claims_missing"),
    "a delegated token": (say(scp=ROLE, sub="a user's"), 403, "caller_delegated"),
    "a delegated token of version 1": (
        of_version_1(scp="user_impersonation", sub="a user's", idtyp="user"),
        403,
        "caller_delegated",
    ),
    "a user's role": (say(scp="access", sub="a user's", roles=[ROLE]), 403, "caller_delegated"),
    "an empty scp": (say(scp=""), 403, "caller_delegated"),
    "an ID token": (
        say(azp=None, scp=None, sub="a user's", nonce="n", name="Ana"),
        401,
        "bearer_claims_missing",
    ),
    "scp a list": (say(scp=[ROLE]), 401, "bearer_claims_missing"),
    "idtyp of another kind": (say(idtyp="device"), 403, "caller_delegated"),
    "neither sub nor oid": (say(sub=None, oid=None), 401, "bearer_claims_missing"),
    "sub that is not oid": (say(sub="another"), 403, "caller_delegated"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_its_own_reason(
    scene: Scene, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the token a cleaned audience or tenant is repeated, no more, in answer, error or log."""
    caplog.set_level(logging.DEBUG)
    make, status, case = ATTACKS[name]
    token = make(scene)

    error = refusal(scene.api(), token)

    assert (error.status, error.case) == (status, case), error
    said = error.body.decode() + str(error.headers) + repr(error) + caplog.text
    assert not [part for part in token.split(".") if len(part) > 60 and part in said]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_after_a_good_token_too(scene: Scene, name: str) -> None:
    """What is remembered of good tokens opens nothing, and bad ones leave the good ones alone."""
    make, status, case = ATTACKS[name]
    api, good, bad = scene.api(), scene.token(), make(scene)
    api.check(f"Bearer {good}")

    error = refusal(api, bad)

    assert (error.status, error.case) == (status, case)
    assert refusal(api, bad).status == status
    assert api.check(f"Bearer {good}").client_id == CALLER


def test_addresses_in_a_token_are_not_asked(scene: Scene) -> None:
    """`jku` and `x5u` name where the attacker has put his keys; the API asks its tenant alone."""
    api = scene.api()
    for name in ("jku", "x5u", "jwk", "x5c"):
        refusal(api, ATTACKS[name][0](scene))

    assert [path for path in scene.asked if "attacker" in path] == []
    assert {path.split("/")[1] for path in scene.asked} == {TENANT}


@pytest.mark.parametrize(
    ("header", "status", "challenge"),
    [
        (None, 401, "Bearer"),
        ("", 401, "Bearer"),
        ("Basic dXNlcjpwYXNz", 401, "Bearer"),
        ("Bearer", 401, 'Bearer error="invalid_token"'),
        ("Bearer ", 401, 'Bearer error="invalid_token"'),
        ("Bearer two tokens", 401, 'Bearer error="invalid_token"'),
    ],
)
def test_what_is_no_token_is_asked_for_one(
    scene: Scene, header: str | None, status: int, challenge: str
) -> None:
    """Without one there is no error in the challenge (RFC 6750, 3.1)."""
    with pytest.raises(CallerRefusedError) as caught:
        scene.api().check(header)

    assert caught.value.status == status
    assert caught.value.challenge is not None
    assert caught.value.challenge.split(",")[0] == challenge


@pytest.mark.parametrize(
    ("length", "case"), [(LARGEST, "bearer_malformed"), (LARGEST + 1, "bearer_large")]
)
def test_a_token_has_so_many_characters_at_most(scene: Scene, length: int, case: str) -> None:
    """More are not looked at."""
    assert refusal(scene.api(), "a" * length).case == case


def test_a_token_has_one_spelling(scene: Scene) -> None:
    """Others that decode to the same would fill the memory for tokens that were seen before."""
    api, token = scene.api(), scene.token()
    signed, _, signature = token.rpartition(".")
    # Two signs hold the last byte of 256, and four bits that say nothing.
    last = chr(ord(signature[-1]) + 1)
    others = (
        f"{token}=",
        f"{token}==",
        f"{signed}.{signature.replace('-', '+').replace('_', '/')}",
        f"{signed}.{signature[:-1]}{last}",
        f"{signed}.{signature[:9]}\n{signature[9:]}",
    )
    assert not {"-", "_"}.isdisjoint(signature)

    assert {refusal(api, other).case for other in others} == {"bearer_malformed"}
    assert api.validate(token).client_id == CALLER


def test_a_report_of_a_refusal_shows_no_part_of_the_token_beside_the_token(scene: Scene) -> None:
    """Reports hide variables by names such as `token`; the parts have other names."""
    token = scene.token(exp=1)
    error = refusal(scene.api(), token)
    report = TracebackException.from_exception(error, capture_locals=True)
    shown = [
        f"{name}={value}"
        for frame in report.stack
        for name, value in (frame.locals or {}).items()
        if name not in ("token", "authorization")
    ]

    assert any(name.startswith("parts=") for name in shown)
    assert [name for name in shown if "signature" in name or token[:20] in name] == []


@pytest.mark.parametrize("leeway", [-1.0, 601.0, float("inf"), float("nan")])
def test_clocks_do_not_differ_by_just_any_time(scene: Scene, leeway: float) -> None:
    """With some of these no token would ever expire."""
    with pytest.raises(SettingsError, match="leeway is"):
        protect.ProtectedApi(scene.api().settings, leeway=leeway)


def test_clocks_may_differ_by_ten_minutes_at_most(scene: Scene) -> None:
    """And not at all, if that is what an API wants."""
    settings = scene.api().settings
    for leeway in (0.0, 600.0):
        protect.ProtectedApi(settings, leeway=leeway).close()


def test_a_keys_name_may_be_long(scene: Scene) -> None:
    """Of 256 characters, in the token and in the document; or of one."""
    scene.keys["k"] = scene.keys["k" * 256] = make_key(3)
    scene.keys["k" * 257] = make_key(4)
    api = scene.api()

    assert api.validate(scene.token(kid="k")).client_id == CALLER
    assert api.validate(scene.token(kid="k" * 256)).client_id == CALLER
    assert refusal(api, scene.token(kid="k" * 257)).case == "bearer_malformed"


def test_a_token_may_be_a_minute_beside_the_clock(scene: Scene) -> None:
    """That much two clocks may differ by, either way, and no more."""
    api = scene.api()
    for seconds in (-3659, 60):
        assert api.check(f"Bearer {later(seconds)(scene)}").client_id == CALLER


def test_a_remembered_token_ends_when_it_expires(scene: Scene) -> None:
    """Its signature is not verified twice; its time is."""
    api, token = scene.api(), scene.token()
    api.check(f"Bearer {token}")
    scene.clock.now += 3659
    assert api.check(f"Bearer {token}").client_id == CALLER
    scene.clock.now += 1

    assert refusal(api, token).case == "bearer_expired"
    assert len(api._remembered) == 0


def test_roles_are_asked_for_at_every_call(scene: Scene) -> None:
    """A token that one route took opens no other."""
    api, token = scene.api(), scene.token()
    api.check(f"Bearer {token}")

    with pytest.raises(CallerRefusedError, match="lacks the app role Orders") as caught:
        api.check(f"Bearer {token}", protect.require("Orders.Write.All"))

    assert caught.value.error == "insufficient_scope"
    assert "Orders.Write.All" in (caught.value.challenge or "")


def test_a_delegated_token_is_taken_where_it_is_asked_for(scene: Scene) -> None:
    """Its scopes count, and not the roles of its user."""
    api = scene.api()
    token = scene.token(scp="Orders.Read Orders.Write", sub="a user's", roles=None)

    caller = api.check(f"Bearer {token}", protect.require(ROLE, scopes=["Orders.Read"]))

    assert not caller.is_app
    assert caller.scopes == {"Orders.Read", "Orders.Write"}
    with pytest.raises(CallerRefusedError) as caught:
        api.check(f"Bearer {token}", protect.require(scopes=["Orders.Delete"]))
    assert caught.value.case == "caller_scope_missing"
    assert 'scope="Orders.Delete"' in (caught.value.challenge or "")


def test_nothing_required_is_no_protection(scene: Scene) -> None:
    """Entra ID gives every app of the tenant a token for every API of it."""
    api = scene.api(roles=None)

    with pytest.raises(SettingsError) as caught:
        api.check(f"Bearer {scene.token()}")

    assert caught.value.code == "setting_missing"
    assert "every app of the tenant" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ((("Orders.Read.All", "Orders.Write.All"),), {}),
        (("",), {}),
        ((None,), {}),
        (("Orders.Read.All Orders.Write.All",), {}),
        ((), {"clients": ""}),
        ((), {"scopes": "Orders.Read Orders.Write"}),
    ],
)
def test_what_no_caller_can_have_is_not_required(
    roles: tuple[Any, ...], names: dict[str, Any]
) -> None:
    """The program ends when it starts, instead of refusing everybody."""
    with pytest.raises(SettingsError, match="a caller cannot have") as caught:
        protect.require(*roles, **names)

    assert caught.value.code == "setting_invalid"


def test_apps_are_let_in_by_their_client_ids(scene: Scene) -> None:
    """Without a role, if the settings list them."""
    token = scene.token(roles=None)
    assert scene.api(roles=None, clients=[CALLER.upper()]).validate(token).client_id == CALLER

    error = refusal(scene.api(roles=None, clients=[API]), token)

    assert (error.status, error.case) == (403, "caller_unlisted")
    # A user's token names the same app.
    user = scene.token(roles=None, scp="access", sub="a user's")
    assert refusal(scene.api(roles=None, clients=[CALLER]), user).case == "caller_delegated"


def test_tokens_of_several_tenants_are_taken_if_they_are_listed(scene: Scene) -> None:
    """Each is checked with the keys of its own tenant, which are fetched when it calls."""
    api = scene.api(tenants=[TENANT.upper(), OTHER_TENANT])
    other = scene.token(tid=OTHER_TENANT, iss=f"{scene.url}/{OTHER_TENANT}/v2.0")

    assert api.validate(scene.token()).tenant == TENANT
    assert {path.split("/")[1] for path in scene.asked} == {TENANT}
    assert api.validate(other).tenant == OTHER_TENANT
    crossed = scene.token(tid=OTHER_TENANT)
    assert refusal(api, crossed).case == "bearer_issuer"


def test_a_key_of_another_tenant_signs_nothing_for_this_one(scene: Scene) -> None:
    """Each tenant's own document counts, though both are at the same token service."""
    theirs = {"keys": [describe_key(scene, "nine", 9)]}
    scene.answers[f"/{OTHER_TENANT}/discovery/v2.0/keys"] = lambda h: answer(h, theirs)
    api = scene.api(tenants=[TENANT, OTHER_TENANT])
    token = sign(HEADER | {"kid": "nine"}, scene.claims(), make_key(9))
    own = scene.claims(tid=OTHER_TENANT, iss=f"{scene.url}/{OTHER_TENANT}/v2.0")

    assert api.validate(sign(HEADER | {"kid": "nine"}, own, make_key(9))).tenant == OTHER_TENANT
    assert refusal(api, token).case == "bearer_key_unknown"


def describe_key(scene: Scene, kid: str, number: int, **more: Any) -> dict[str, Any]:
    from tests.support.foreign_issuer import describe

    return describe(kid, make_key(number)) | more


def answer(handler: Any, document: Any, status: int = 200) -> None:
    from tests.support.foreign_issuer import send

    send(handler, document, status)


def test_a_tenant_may_be_named_by_a_domain(scene: Scene) -> None:
    """Its ID is learnt from its metadata."""
    api = scene.api(authority=f"{scene.url}/contoso.example")

    assert api.validate(scene.token()).tenant == TENANT
    assert api.validate(scene.token("1.0")).tenant == TENANT
    other = scene.token(tid=OTHER_TENANT, iss=f"{scene.url}/{OTHER_TENANT}/v2.0")
    assert refusal(api, other).case == "bearer_tenant"


@pytest.mark.parametrize("owner", [OTHER_TENANT, "00000000-2222-4333-8444-555555555555"])
def test_a_domain_that_moves_to_another_tenant_takes_its_tokens_with_it(
    scene: Scene, owner: str
) -> None:
    """Also those that were seen before, and if the keys are the same, as all tenants' may be."""
    api, token = scene.api(authority=f"{scene.url}/contoso.example"), scene.token()
    assert api.validate(token).client_id == CALLER
    scene.publish("contoso.example", "/v2.0", f"{scene.url}/{owner}/v2.0")
    scene.timer.now += 40
    refusal(api, sign(HEADER | {"kid": "new"}, scene.claims(), scene.keys["one"]))

    assert refusal(api, token).case == "bearer_issuer"


def test_a_domain_that_is_gone_keeps_no_other_tenant_out(scene: Scene) -> None:
    """Those that can be looked up call; of the others nobody knows whose they are."""
    api = scene.api(tenants=["gone.example", "contoso.example"])

    assert api.validate(scene.token()).tenant == TENANT
    other = scene.token(tid=OTHER_TENANT, iss=f"{scene.url}/{OTHER_TENANT}/v2.0")
    assert refusal(api, other).case == "keys_unavailable"


def test_an_issuer_of_ones_own_has_one_version_and_one_tenant(scene: Scene) -> None:
    """`oidc_authority` names it, and it is its metadata that counts."""
    given = {"authority": None, "oidc_authority": f"{scene.url}/{TENANT}/v2.0"}
    other = scene.token(tid=OTHER_TENANT)

    api = scene.api(**given)
    assert api.validate(scene.token()).tenant == TENANT
    assert refusal(api, scene.token("1.0")).case == "bearer_issuer"
    assert refusal(api, other).case == "bearer_tenant"
    # Not even if the settings list a tenant that is not the issuer's.
    assert refusal(scene.api(**given, tenants=[OTHER_TENANT]), other).case == "bearer_tenant"


def test_an_app_id_uri_of_ones_own_is_listed(scene: Scene) -> None:
    """The setting names it, besides the client ID."""
    token = scene.token("1.0", aud="https://orders.contoso.example")

    assert refusal(scene.api(), token).case == "bearer_for_other"
    api = scene.api(audience=["https://orders.contoso.example/"])
    assert api.validate(token).client_id == CALLER
    assert api.validate(scene.token()).client_id == CALLER


def test_a_new_key_is_known_at_once_and_an_old_one_forgotten(scene: Scene) -> None:
    """After a rotation new tokens are taken; those of a withdrawn key are not, seen or unseen."""
    api, old = scene.api(), scene.token()
    api.validate(old)
    scene.keys = {"three": make_key(3)}

    assert api.validate(scene.token(kid="three")).client_id == CALLER
    assert refusal(api, old).case == "bearer_key_unknown"


def test_an_unknown_key_is_looked_up_twice_a_minute_at_most(scene: Scene) -> None:
    """Whatever is sent meanwhile."""
    api = scene.api()
    api.validate(scene.token())
    attacks = [forge(scene, {"kid": f"kid {number}"}) for number in range(20)]

    for token in attacks:
        assert refusal(api, token).case == "bearer_key_unknown"
    assert scene.key_fetches == 2
    scene.timer.now += 29
    refusal(api, attacks[0])
    assert scene.key_fetches == 2
    scene.timer.now += 1
    refusal(api, attacks[0])
    assert scene.key_fetches == 3


@pytest.mark.parametrize("warm", [True, False], ids=["keys known", "no keys yet"])
def test_a_thousand_unknown_keys_at_once_cause_one_fetch(scene: Scene, warm: bool) -> None:
    """In one event loop; and a token whose key is known waits for none of it."""
    api = scene.api()
    if warm:
        api.validate(scene.token())
    before = scene.key_fetches
    tokens = [forge(scene, {"kid": f"kid {number}"}) for number in range(1000)]

    async def call(token: str) -> str:
        with pytest.raises(CallerRefusedError) as caught:
            await api.check_async(f"Bearer {token}")
        return caught.value.case

    async def call_all() -> list[str]:
        return await asyncio.gather(*map(call, tokens))

    assert set(asyncio.run(call_all())) == {"bearer_key_unknown"}
    assert scene.key_fetches == before + 1


def test_threads_share_one_fetch_too(scene: Scene) -> None:
    """Each blocks until it is done; then all are let in."""
    api, token = scene.api(), scene.token()
    with ThreadPoolExecutor(32) as pool:
        callers = list(pool.map(lambda _: api.validate(token), range(200)))

    assert {caller.client_id for caller in callers} == {CALLER}
    assert scene.key_fetches == 1


def test_a_slow_token_service_holds_up_nobody_whose_key_is_known(scene: Scene) -> None:
    """Requests with an unknown key wait for it; the others go by."""
    api, good = scene.api(), scene.token()
    api.validate(good)
    hold, held = threading.Event(), threading.Event()
    place = f"/{TENANT}/v2.0/.well-known/openid-configuration"
    slow = scene.answers[place]

    def wait(handler: Any) -> None:
        held.set()
        hold.wait(30)
        slow(handler)

    scene.answers[place] = wait

    async def call_both() -> None:
        unknown = asyncio.create_task(api.validate_async(forge(scene, {"kid": "three"})))
        await asyncio.to_thread(held.wait, 30)
        assert (await api.validate_async(scene.token(uti="another"))).client_id == CALLER
        assert not unknown.done()
        hold.set()
        with pytest.raises(CallerRefusedError):
            await unknown

    asyncio.run(call_both())


@pytest.mark.parametrize(("warm", "patience"), [(True, 2.0), (False, 10.0)])
def test_a_request_does_not_wait_for_a_slow_token_service_for_long(
    scene: Scene, warm: bool, patience: float
) -> None:
    """Least where others need not wait; then it is told to come again, and not that it is bad."""
    api, hold = scene.api(), threading.Event()
    if warm:
        api.validate(scene.token())

    def wait(_: Any) -> None:
        hold.wait(30)

    scene.answers[f"/{TENANT}/v2.0/.well-known/openid-configuration"] = wait
    steps = api._verify(forge(scene, {"kid": "three"}))
    flight, seconds = next(steps)
    assert seconds == patience
    # As after so many seconds.
    with pytest.raises(CallerRefusedError) as caught:
        next(steps)

    assert (caught.value.status, caught.value.case) == (503, "keys_unavailable")
    hold.set()
    flight.result(30)


def test_waiting_ends_after_its_time_with_a_word_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever it is that is waited for goes on without the request."""
    flight: Future[None] = Future()
    flight.set_running_or_notify_cancel()

    _wait(flight, 0.001)
    asyncio.run(_wait_async(flight, 0.001))

    assert caplog.text.count("took longer than 0.001 s") == 2
    flight.set_result(None)
    _wait(flight, 0.001)
    asyncio.run(_wait_async(flight, 30))
    assert caplog.text.count("took longer") == 2


def test_a_request_that_ends_does_not_end_the_fetch_for_others(scene: Scene) -> None:
    """A client that hangs up cancels its own request alone."""
    api = scene.api()

    async def call() -> protect.Caller:
        first = asyncio.create_task(api.validate_async(scene.token()))
        await asyncio.sleep(0)
        second = asyncio.create_task(api.validate_async(scene.token()))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(call()).client_id == CALLER
    assert scene.key_fetches == 1


def test_many_different_keys_take_no_memory(scene: Scene) -> None:
    """Neither the names of keys nor refused tokens are kept."""
    api = scene.api()
    api.validate(scene.token())
    _, body, signature = forge(scene, {}).split(".")
    refusal(api, f"{encode(json.dumps(HEADER | {'kid': 'x'}).encode())}.{body}.{signature}")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(3_000):
        header = encode(json.dumps(HEADER | {"kid": f"kid {number:0200}"}).encode())
        refusal(api, f"{header}.{body}.{signature}")
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown < 100_000
    assert len(api._remembered) == 1


def test_good_tokens_are_remembered_up_to_a_bound(scene: Scene) -> None:
    """The oldest give way, and are verified again when they come."""
    api = scene.api()
    tokens = [scene.token(uti=str(number)) for number in range(6)]
    for token in tokens:
        api.validate(token)
    entry = next(iter(api._remembered.values()))
    api._remembered.update((number.to_bytes(4), entry) for number in range(5_000))
    api.validate(scene.token(uti="one more"))

    assert len(api._remembered) == 5_000
    assert api.validate(tokens[0]).client_id == CALLER


def refuse_metadata(scene: Scene, document: Any, status: int = 200) -> None:
    place = f"/{TENANT}/v2.0/.well-known/openid-configuration"
    scene.answers[place] = lambda handler: answer(handler, document, status)


def refuse_keys(scene: Scene, document: Any) -> None:
    scene.answers[f"/{TENANT}/discovery/v2.0/keys"] = lambda handler: answer(handler, document)


def own(scene: Scene, **changes: Any) -> dict[str, Any]:
    keys = f"{scene.url}/{TENANT}/discovery/v2.0/keys"
    return {"issuer": f"{scene.url}/{TENANT}/v2.0", "jwks_uri": keys} | changes


LIES: dict[str, Callable[[Scene], None]] = {
    "another tenant's issuer": lambda scene: refuse_metadata(
        scene, own(scene, issuer=f"{scene.url}/{OTHER_TENANT}/v2.0")
    ),
    "an issuer elsewhere": lambda scene: refuse_metadata(
        scene, own(scene, issuer=f"https://attacker.example/{TENANT}/v2.0")
    ),
    "an issuer with more behind it": lambda scene: refuse_metadata(
        scene, own(scene, issuer=f"{scene.url}/{TENANT}/v2.0?x")
    ),
    "version 1's issuer": lambda scene: refuse_metadata(
        scene, own(scene, issuer=f"https://sts.windows.net/{TENANT}/")
    ),
    "the template": lambda scene: refuse_metadata(
        scene, own(scene, issuer=f"{scene.url}/{{tenantid}}/v2.0")
    ),
    "no issuer": lambda scene: refuse_metadata(scene, own(scene, issuer=None)),
    "keys elsewhere": lambda scene: refuse_metadata(
        scene, own(scene, jwks_uri="https://attacker.example/keys")
    ),
    "keys over http": lambda scene: refuse_metadata(
        scene, own(scene, jwks_uri=f"{scene.url.replace('https', 'http')}/keys")
    ),
    "keys of a file": lambda scene: refuse_metadata(scene, own(scene, jwks_uri="file:///etc/keys")),
    "keys at no address": lambda scene: refuse_metadata(scene, own(scene, jwks_uri="https://[")),
    "no keys": lambda scene: refuse_keys(scene, {"keys": []}),
    "keys of no list": lambda scene: refuse_keys(scene, {"keys": {"kid": "one"}}),
    "keys for another issuer": lambda scene: refuse_keys(
        scene,
        {"keys": [describe_key(scene, "one", 1, issuer=f"{scene.url}/{OTHER_TENANT}/v2.0")]},
    ),
    "keys for a strange issuer": lambda scene: refuse_keys(
        scene, {"keys": [describe_key(scene, "one", 1, issuer=["x"])]}
    ),
    "keys to encrypt with": lambda scene: refuse_keys(
        scene, {"keys": [describe_key(scene, "one", 1, use="enc")]}
    ),
    "no JSON": lambda scene: refuse_metadata(scene, b"<html>sign in</html>"),
    "nested deeply": lambda scene: refuse_keys(scene, b"[" * 100_000),
    "huge": lambda scene: refuse_keys(scene, b" " * (2 << 20)),
    "redirected": lambda scene: refuse_metadata(scene, {}, 302),
    "down": lambda scene: refuse_metadata(scene, {}, 503),
    "unknown tenant": lambda scene: refuse_metadata(scene, {"error": "invalid_tenant"}, 400),
}


@pytest.mark.parametrize("name", LIES)
def test_metadata_that_lies_opens_nothing(
    scene: Scene, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is let in, nobody is told that his token is bad, and the log says what is wrong."""
    LIES[name](scene)

    error = refusal(scene.api(), scene.token())

    assert (error.status, error.case) == (503, "keys_unavailable")
    assert error.challenge is None
    assert dict(error.headers)["Retry-After"] == "5"
    assert "were not fetched: " in caplog.text


def test_a_token_service_that_is_down_is_asked_again_after_five_seconds(scene: Scene) -> None:
    """Not for every request that comes meanwhile."""
    api, token = scene.api(), scene.token()
    refuse_metadata(scene, {}, 503)
    for _ in range(10):
        assert refusal(api, token).status == 503
    assert len(scene.asked) == 1
    scene.publish(TENANT, "/v2.0", f"{scene.url}/{TENANT}/v2.0")
    scene.timer.now += 5

    assert api.validate(token).client_id == CALLER


def test_keys_count_for_a_day_while_the_token_service_is_down(scene: Scene) -> None:
    """Good tokens are taken until then; an unknown key is nobody's fault but the outage's."""
    api = scene.api()
    api.validate(scene.token())
    refuse_metadata(scene, {}, 503)
    scene.timer.now += 86_399
    assert api.validate(scene.token(uti="later")).client_id == CALLER

    error = refusal(api, forge(scene, {"kid": "three"}))
    assert (error.status, error.case) == (503, "keys_unavailable")

    scene.timer.now += 1
    assert refusal(api, scene.token()).case == "keys_unavailable"


def test_tokens_that_were_revoked_are_refused_with_a_challenge(scene: Scene) -> None:
    """A client that says it can is told what the new one must have; others just get a 401."""
    since = scene.clock.now - 10
    api = scene.api(revoked=lambda caller: since if caller.client_id == CALLER else None)
    old: dict[str, Any] = {"iat": int(since) - 1, "nbf": int(since) - 1}

    error = refusal(api, scene.token(**old, xms_cc=["CP1"]))
    plain = refusal(api, scene.token(**old))

    assert api.validate(scene.token()).client_id == CALLER
    # What answers the challenge begins when it was demanded to, whatever its date.
    answer = scene.token(iat=int(since) - 300, nbf=int(since))
    assert api.validate(answer).client_id == CALLER
    assert (error.status, error.error, error.case) == (401, "insufficient_claims", "bearer_revoked")
    demanded = (error.challenge or "").partition('claims="')[2].rstrip('"')
    assert json.loads(base64.b64decode(demanded)) == {
        "access_token": {"nbf": {"essential": True, "value": str(int(since))}}
    }
    assert (plain.status, plain.error) == (401, "invalid_token")
    assert "claims=" not in (plain.challenge or "")


def test_the_settings_are_read_from_a_file(
    scene: Scene, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file as a client's, with keys of the API's own."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "GRAPHDAEMON_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "parameters.json"
    values = {
        "authority": f"{scene.url}/{TENANT}",
        "client_id": API,
        "audience": ["api://orders"],
        "roles": [ROLE],
        "ca_file": str(scene.ca_file),
    }
    path.write_text(json.dumps(values))

    with protect.load(path) as api:
        assert api.validate(scene.token("1.0", aud="api://orders")).client_id == CALLER
    with protect.load(path, roles=["Orders.Write.All"]) as api:
        assert refusal(api, scene.token()).case == "caller_role_missing"


def test_every_attack_is_refused_alike_without_blocking(scene: Scene) -> None:
    """The async form and the blocking one are the same steps."""
    api = scene.api()

    async def refuse_all() -> dict[str, str]:
        cases = {}
        for name, (make, _, _) in ATTACKS.items():
            with pytest.raises(CallerRefusedError) as caught:
                await api.check_async(f"Bearer {make(scene)}")
            cases[name] = caught.value.case
        return cases

    assert asyncio.run(refuse_all()) == {name: row[2] for name, row in ATTACKS.items()}
