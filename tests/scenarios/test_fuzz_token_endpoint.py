"""Ten thousand requests to the token endpoint, without a network between."""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.errors import TokenRefusal
from entra_emulator.model.applications import describe_certificate
from entra_emulator.server.app import create_app
from entra_emulator.tokens.client_assertion import verify_assertion
from entra_emulator.tokens.signing import KeyRing
from tests.support.asgi_line import Line, running_loop
from tests.support.certificates_and_assertions import encode, encode_json, make_identity
from tests.support.foreign_issuer import EXCHANGE, describe
from tests.support.token_requests import REDIRECT, Client, make_mistake, make_request

# Of all cases, so that a hurried developer can ask for fewer and a patient one for more.
CASES = int(os.environ.get("GRAPHDAEMON_FUZZ_CASES", "10000"))
SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))
BATCHES = 4
# Of the requests with one mistake at most, so many get a token, at least.
ACCEPTED = 0.5
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "https://issuer.example"
IDENTITY = make_identity()
THUMBPRINT = encode(IDENTITY.certificate.fingerprint(hashes.SHA256()))


def some(share: float) -> Callable[[Any], Any]:
    return settings(
        max_examples=max(1, int(CASES * share)), suppress_health_check=list(HealthCheck)
    )


@dataclass(frozen=True)
class Wire:
    """The emulator's application, called as its server calls it."""

    line: Line
    curve: ec.EllipticCurvePrivateKey
    tenant_id: str
    client_id: str
    secret: str
    client: Client

    def post(self, path: bytes, body: bytes, headers: list[tuple[bytes, bytes]]) -> Any:
        """The answer's JSON; a failure of the application's is raised here."""
        answer = self.line.send("POST", path, body=body, headers=headers)
        status = answer.status
        assert status < 500, answer
        value = json.loads(answer.body)
        assert ("access_token" in value) == (status == 200)
        assert ("error" in value) == (status != 200)
        return value

    @property
    def path(self) -> str:
        return f"/{self.tenant_id}/oauth2/v2.0/token"

    def form(self, **changes: str) -> dict[str, str]:
        values = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        return values | changes


@pytest.fixture(scope="module")
def wire(keys: Path) -> Iterator[Wire]:
    directory = Directory(clock=Clock())
    tenant = seed_directory(directory, users=1)
    made = directory.applications.register(tenant, "Fuzzed", redirect_uris=(REDIRECT,))
    secret = directory.credentials.add_password(tenant, made.app_id).secret_text or ""
    directory.credentials.add_certificate(tenant, made.app_id, IDENTITY.der)
    directory.credentials.add_federated(tenant, made.app_id, "fuzzed", ISSUER, "s")
    curve = ec.generate_private_key(ec.SECP256R1())

    def fetch(url: str) -> bytes:
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}).encode()
        assert url == f"{ISSUER}/keys", "nobody else is asked"
        return json.dumps({"keys": [describe("curve", curve)]}).encode()

    app = create_app(directory, KeyRing(keys, directory.clock), fetch=fetch)
    with running_loop() as loop:
        user = msgspec.json.decode(next(directory.collections.scan(tenant, "user"))[1])
        scopes = ["User.Read", "openid", "offline_access"]
        directory.consents.grant_scopes(tenant, made.app_id, scopes)
        client = Client(directory, tenant, made.app_id, secret, user["id"], ())
        wire = Wire(Line(app, loop), curve, tenant.id, made.app_id, secret, client)
        client.signers = (partial(sign_federated, wire), partial(sign_own, wire))
        assert "access_token" in wire.post(wire.path.encode(), urlencode(wire.form()).encode(), [])
        yield wire
    app.state.context.issuers.close()
    directory.close()


def test_fetches_at_all(wire: Wire) -> None:
    """The assertions below start from ones that are accepted."""
    federated, own = (make(wire, {}, {}) for make in (sign_federated, sign_own))

    for assertion in (federated, own):
        form = wire.form(client_assertion=assertion, client_assertion_type=JWT_BEARER)
        assert "access_token" in wire.post(wire.path.encode(), urlencode(form).encode(), [])


PIECES = st.sampled_from(
    [
        *"/ ? & = % ' ( ) # ; : @ .. \\ [ ] { } \" < > * + ~ , - . /.default".split(),
        *"client_credentials refresh_token authorization_code password".split(),
        *"https://graph.microsoft.com api://x common organizations consumers".split(),
        "00000003-0000-0000-c000-000000000000",
        "00000000-0000-0000-0000-000000000000",
        JWT_BEARER,
        '{"access_token":{"xms_cc":{"values":["CP1"]}}}',
        '{"access_token":{"nbf":{"essential":true,"value":"1"}}}',
        "eyJhbGciOiJub25lIn0.e30.",
        "\x00",
        "\u00e4",
        "\U0001f600",
    ]
)
# Few draws per case: hypothesis takes longer to choose than the emulator to answer.
TEXTS = PIECES | st.tuples(PIECES, PIECES, PIECES).map("".join) | st.text(max_size=4)
BYTES = TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=20)
NAMES = st.sampled_from(
    "grant_type client_id client_secret scope client_assertion client_assertion_type resource "
    "claims client-request-id client_info code refresh_token device_code username password".split()
)
SEGMENTS = st.sampled_from(
    ["{tenant}", "common", "organizations", "consumers", "contoso.example", "x.example", "x", ".."]
)
NO_HEADERS: list[tuple[bytes, bytes]] = []
HEADERS = st.just(NO_HEADERS) | st.tuples(
    st.sampled_from(
        [b"authorization", b"client-request-id", b"content-type", b"accept", b"x-client-sku"]
    ),
    BYTES | st.sampled_from([b"Basic QTpC", b"Basic \xff", b"Basic \xc3\xa4", b"Bearer x"]),
).map(lambda header: [header])
DROPPED = st.sampled_from(
    ["", "client_secret", "scope", "client_id", "grant_type", "client_secret scope"]
)


@some(0.3)
@given(
    pairs=st.lists(st.tuples(NAMES, BYTES), max_size=3),
    dropped=DROPPED,
    segment=SEGMENTS,
    version=st.sampled_from(["v2.0/", ""]),
    headers=HEADERS,
)
def test_forms(
    wire: Wire,
    pairs: list[tuple[str, bytes]],
    dropped: str,
    segment: str,
    version: str,
    headers: list[tuple[bytes, bytes]],
) -> None:
    """No form, tenant or header makes the token endpoint fail, or say anything but JSON."""
    form = [f"{name}={quote_from_bytes(value)}" for name, value in pairs]
    form += [
        f"{k}={quote_from_bytes(v.encode())}"
        for k, v in wire.form().items()
        if k not in dropped.split()
    ]
    path = f"/{segment.format(tenant=wire.tenant_id)}/oauth2/{version}token"
    kept = [(name, value) for name, value in headers if b"text/html" not in value]

    wire.post(path.encode(), "&".join(form).encode(), kept)


@some(0.05)
@given(body=st.binary(max_size=200) | TEXTS.map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_bodies(wire: Wire, body: bytes) -> None:
    """No body at all is one that the token endpoint fails at."""
    wire.post(wire.path.encode(), body, [])


VALUES: st.SearchStrategy[Any] = (
    st.sampled_from(
        [
            *(None, True, 0, -1, 2**64, -(2**70), 1e308, -0.0, float("nan"), float("inf")),
            *("", " ", "0", "1e400", "9" * 5000, "x" * 300, "\x00", "\ud800", "\u00e4"),
            *([], [[]], [None], ["RS256"], [EXCHANGE, None], {}, {"a": {"b": []}}),
            *(ISSUER, EXCHANGE, "s", THUMBPRINT, "curve", "RS256", "ES256", "HS256", "none"),
        ]
    )
    | TEXTS
)
HEADER_CHANGES = st.dictionaries(
    st.sampled_from("alg typ kid x5t x5t#S256 x5c jwk jku crit zip b64 cty".split()) | TEXTS,
    VALUES,
    max_size=2,
)
CLAIM_CHANGES = st.dictionaries(
    st.sampled_from("iss sub aud exp nbf iat jti scp idtyp".split()) | TEXTS, VALUES, max_size=2
)


def sign_federated(wire: Wire, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A foreign assertion, changed before it is signed."""
    said = {"iss": ISSUER, "sub": "s", "aud": EXCHANGE, "exp": time.time() + 900} | claims
    return _sign({"alg": "ES256", "kid": "curve"} | header, said, wire.curve)


def sign_own(wire: Wire, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The client's own assertion, changed before it is signed."""
    said = {"iss": wire.client_id, "sub": wire.client_id, "exp": time.time() + 900}
    said["aud"] = f"https://localhost{wire.path}"
    return _sign({"alg": "RS256", "x5t#S256": THUMBPRINT} | header, said | claims, IDENTITY.key)


def _sign(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    signed = f"{encode_json(header)}.{encode_json(claims)}"
    name = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    signature = jwt.get_algorithm_by_name(name).sign(signed.encode(), key)
    return f"{signed}.{encode(signature)}"


@some(0.15)
@given(
    make=st.sampled_from([sign_federated, sign_federated, sign_federated, sign_own]),
    header=HEADER_CHANGES,
    claims=CLAIM_CHANGES,
    cut=st.integers(-3, 3),
)
def test_assertions(
    wire: Wire,
    make: Callable[[Wire, dict[str, Any], dict[str, Any]], str],
    header: dict[str, Any],
    claims: dict[str, Any],
    cut: int,
) -> None:
    """No assertion makes the token endpoint fail, and none with a changed signature is accepted."""
    assertion = make(wire, header, claims)
    if cut:
        assertion = assertion[:cut] if cut < 0 else assertion[cut:]
    form = wire.form(client_assertion=assertion, client_assertion_type=JWT_BEARER)
    del form["client_secret"]

    answer = wire.post(wire.path.encode(), urlencode(form).encode(), [])

    assert "error" in answer or not cut


def dump(value: object) -> str:
    return encode(json.dumps(value).encode())


SEGMENT = st.binary(max_size=40).map(encode) | VALUES.map(dump) | HEADER_CHANGES.map(dump) | TEXTS


@some(0.5)
@given(segments=st.tuples(SEGMENT, SEGMENT, SEGMENT) | st.tuples(SEGMENT))
def test_parser(segments: tuple[str, ...]) -> None:
    """Whatever is sent for an assertion is taken apart, or refused."""
    certificate = describe_certificate("k", IDENTITY.der, 0, 9e9)
    with pytest.raises(TokenRefusal):
        verify_assertion(
            ".".join(segments),
            client_id="c",
            certificates=[certificate],
            audiences={"a"},
            now=1_800_000_000,
        )


@pytest.mark.nightly
@pytest.mark.parametrize("batch", range(BATCHES))
def test_requests_with_one_mistake_at_most(
    wire: Wire, capsys: pytest.CaptureFixture[str], batch: int
) -> None:
    """Whatever is wrong, the answer is a refusal; and most of the requests get a token."""
    draw = random.Random(f"{SEED} {batch}")
    accepted, cases = 0, max(1, CASES // 10 // BATCHES)
    for number in range(cases):
        request = make_request(draw, wire.client, batch * cases + number)
        mistaken = draw.random() < 0.35
        arguments = make_mistake(draw, request) if mistaken else request.encode()
        answer = wire.line.send(**arguments)
        told = f"GRAPHDAEMON_FUZZ_SEED={SEED}, number {number} of batch {batch}: {arguments}"
        assert answer.status < 500, f"{told}: {answer}"
        content = answer.json()
        assert ("access_token" in content) == (answer.status == 200), told
        assert mistaken or answer.status == 200, f"{told}: {answer}"
        accepted += answer.status == 200
        if "refresh_token" in content:
            wire.client.refresh_tokens.append(content["refresh_token"])
    with capsys.disabled():
        sys.stdout.write(f" {accepted / cases:.0%} accepted")
    assert accepted / cases >= ACCEPTED
