import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding

from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.errors import TokenRefusal
from entra_emulator.model.applications import describe_certificate
from entra_emulator.model.records import Certificate
from entra_emulator.tokens.client_assertion import LEEWAY, verify_assertion
from tests.support.certificates_and_assertions import (
    Identity,
    describe,
    encode,
    encode_json,
    make_identity,
    sign,
)
from tests.support.emulator_probe import App, Probe, register

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Make = Callable[[Identity, Any, Any], str]


@pytest.fixture(scope="module")
def certified(probe: Probe) -> tuple[App, Identity]:
    app, identity = register(probe, "User.Read.All"), make_identity()
    probe.emulator.directory.credentials.add_certificate(app.tenant, app.client_id, identity.der)
    return app, identity


def audience(app: App) -> str:
    return f"{app.probe.emulator.url}{app.token_path}"


def send(app: App, assertion: str) -> Any:
    form = app.form(
        client_secret=None, client_assertion=assertion, client_assertion_type=JWT_BEARER
    )
    answer = app.probe.post(app.token_path, form)
    return (answer.status, answer.json().get("error_codes"))


def with_header(**changes: object) -> Make:
    return lambda identity, header, claims: sign(identity, header | changes, claims)


def with_claims(**changes: object) -> Make:
    return lambda identity, header, claims: sign(identity, header, claims | changes)


def with_times(form: Callable[[float], object] = float, /, **seconds: float) -> Make:
    """Times so many seconds from the moment of the test, in this form."""

    def make(identity: Identity, header: Any, claims: Any) -> str:
        times = {name: form(time.time() + off) for name, off in seconds.items()}
        return sign(identity, header, claims | times)

    return make


def without(*names: str) -> Make:
    def make(identity: Identity, header: Any, claims: Any) -> str:
        parts = ({k: v for k, v in part.items() if k not in names} for part in (header, claims))
        return sign(identity, *parts)

    return make


def sha1(identity: Identity, header: Any, claims: Any) -> str:
    thumbprint = encode(identity.certificate.fingerprint(hashes.SHA1()))
    return sign(identity, {"alg": "RS256", "typ": "JWT", "x5t": thumbprint}, claims)


def pad_thumbprint(identity: Identity, header: Any, claims: Any) -> str:
    return sign(identity, header | {"x5t#S256": header["x5t#S256"] + "="}, claims)


def pad_segments(identity: Identity, header: Any, claims: Any) -> str:
    parts = [encode_json(part) for part in (header, claims)]
    signed = ".".join(part + "=" * (-len(part) % 4) for part in parts)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    signature = encode(identity.key.sign(signed.encode(), pss, hashes.SHA256()))
    return f"{signed}.{signature}" + "=" * (-len(signature) % 4)


TOLERATED: dict[str, Make] = {
    "as MSAL Python sends it": sign,
    "RS256 with a SHA-1 thumbprint": sha1,
    "padded thumbprint (MSAL Python)": pad_thumbprint,
    "padded segments (azure-identity aio)": pad_segments,
    "times as strings (MSAL.NET)": with_times(lambda moment: str(int(moment)), exp=600, nbf=0),
    "begins in a second (MSAL Node)": with_times(int, nbf=30),
    "issued in 1970": with_claims(iat=0),
    "expired within the leeway": with_times(exp=-200),
    "x5c as a bare string (MSAL.NET)": with_header(x5c="not looked at"),
    "x5c with newlines (MSAL Python)": with_header(x5c=["MII\nC"]),
    "without jti and typ": without("jti", "typ"),
    "alg of the other kind, same thumbprint": with_header(alg="RS256"),
}


@pytest.mark.parametrize("make", TOLERATED.values(), ids=TOLERATED)
def test_tolerated(certified: tuple[App, Identity], make: Make) -> None:
    """Every oddity that a Microsoft library sends is accepted."""
    app, identity = certified

    assertion = make(identity, *describe(identity, app.client_id, audience(app)))

    assert send(app, assertion) == (200, None)


def test_reuse(certified: tuple[App, Identity]) -> None:
    """The same assertion is good again until it expires, as MSAL Python relies on."""
    app, identity = certified

    assertion = sign(identity, *describe(identity, app.client_id, audience(app)))

    assert [send(app, assertion) for _ in range(2)] == [(200, None)] * 2


def test_audience_forms(certified: tuple[App, Identity]) -> None:
    """The audience may be the token endpoint by GUID or by domain, or the issuer."""
    app, identity = certified
    url, tenant = app.probe.emulator.url, app.tenant
    by_domain = f"/{tenant.domains[1]}/oauth2/v2.0/token"

    for name in (f"{url}{by_domain}", f"{url}{app.token_path}", f"{url}/{tenant.id}/v2.0"):
        assertion = sign(identity, *describe(identity, app.client_id, name))
        form = app.form(
            client_secret=None, client_assertion=assertion, client_assertion_type=JWT_BEARER
        )
        assert app.probe.post(by_domain, form).status == 200


def unsigned(_: Identity, header: Any, claims: Any) -> str:
    return f"{encode_json(header | {'alg': 'none'})}.{encode_json(claims)}."


def alg_list(_: Identity, header: Any, claims: Any) -> str:
    return f"{encode_json(header | {'alg': ['PS256']})}.{encode_json(claims)}."


def hmac_with_public_key(identity: Identity, header: Any, claims: Any) -> str:
    signed = f"{encode_json(header | {'alg': 'HS256'})}.{encode_json(claims)}"
    secret = identity.certificate_pem.encode()
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def signed_by_another(_: Identity, header: Any, claims: Any) -> str:
    return sign(make_identity(1), header, claims)


def key_in_the_header(_: Identity, header: Any, claims: Any) -> str:
    other = make_identity(1)
    numbers = other.key.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "n": encode(numbers.n.to_bytes(256)),
        "e": encode(numbers.e.to_bytes(3)),
    }
    chain = [base64.b64encode(other.der).decode()]
    return sign(other, header | {"x5c": chain, "jwk": jwk, "jku": "https://127.0.0.1/"}, claims)


def swapped_thumbprint(_: Identity, header: Any, claims: Any) -> str:
    other = make_identity(1)
    thumbprint = encode(other.certificate.fingerprint(hashes.SHA256()))
    return sign(other, header | {"x5t#S256": thumbprint}, claims)


def repeated_claim(identity: Identity, header: Any, claims: Any) -> str:
    text = '{"iss":"somebody else",' + json.dumps(claims)[1:]
    return sign(identity, header, text)


def repeated_header(identity: Identity, header: Any, claims: Any) -> str:
    text = '{"alg":"none",' + json.dumps(header)[1:]
    return sign(identity, text, claims)


def altered(identity: Identity, header: Any, claims: Any) -> str:
    head, _, signature = sign(identity, header, claims).split(".")
    return f"{head}.{encode_json(claims | {'exp': 9e9})}.{signature}"


def text(value: str) -> Make:
    return lambda *_: value


def parts(header: str, claims: str) -> Make:
    return lambda identity, *_: sign(identity, header, claims)


def signature_missing(identity: Identity, header: Any, claims: Any) -> str:
    return sign(identity, header, claims).rpartition(".")[0] + "."


REFUSED: dict[str, tuple[Make, int, int]] = {
    "alg none": (unsigned, 400, 5002730),
    "alg a list": (alg_list, 400, 5002730),
    "critical extension": (with_header(crit=["exp"]), 400, 50027),
    "HMAC with the public key": (hmac_with_public_key, 400, 5002730),
    "signed by another key": (signed_by_another, 401, 700027),
    "key in the header": (key_in_the_header, 401, 700027),
    "thumbprint of another certificate": (swapped_thumbprint, 401, 700027),
    "altered after signing": (altered, 401, 700027),
    "signature missing": (signature_missing, 401, 700027),
    "expired": (with_times(exp=-400), 401, 700024),
    "not yet valid": (with_times(nbf=4000, exp=8000), 401, 700024),
    "foreign audience": (with_claims(aud="https://login.example/x/oauth2/v2.0/token"), 401, 700023),
    "audience as an array": (with_claims(aud=["a", "b"]), 400, 50027),
    "issuer is not subject": (with_claims(sub="somebody else"), 401, 50048),
    "neither is the client": (with_claims(sub="x", iss="x"), 401, 50048),
    "no expiry": (without("exp"), 400, 50027),
    "expiry is true": (with_claims(exp=True), 400, 50027),
    "expiry is infinite": (parts('{"alg":"PS256"}', '{"exp":1e999}'), 400, 50027),
    "expiry is not a number": (with_claims(exp="soon"), 400, 50027),
    "expiry is NaN": (with_claims(exp="nan"), 400, 50027),
    "no thumbprint": (without("x5t#S256"), 400, 50027),
    "thumbprint is a number": (with_header(**{"x5t#S256": 1}), 400, 50027),
    "thumbprint too short": (with_header(**{"x5t#S256": "AAAA"}), 400, 50027),
    "thumbprint not base64url": (with_header(**{"x5t#S256": "*" * 43}), 400, 50027),
    "a claim twice": (repeated_claim, 400, 50027),
    "a header name twice": (repeated_header, 400, 50027),
    "too large": (with_claims(junk="x" * 40_000), 400, 50027),
    "one segment": (text("abc"), 400, 50027),
    "five segments": (text("a.b.c.d.e"), 400, 50027),
    "empty segments": (text(".."), 400, 50027),
    "not base64url": (text("ä.ö.ü"), 400, 50027),
    "impossible base64url": (text("a.b.c"), 400, 50027),
    "header not an object": (parts("[]", "{}"), 400, 50027),
    "claims not an object": (parts('{"alg":"PS256"}', '"x"'), 400, 50027),
    "not UTF-8": (text(f"{encode(bytes([255, 254]))}.{encode(b'{}')}."), 400, 50027),
    "nested without end": (parts("[" * 9000, "{}"), 400, 50027),
    "a number of 5000 digits": (parts('{"alg":' + "1" * 5000 + "}", "{}"), 400, 50027),
}


@pytest.mark.parametrize(("make", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_refused(certified: tuple[App, Identity], make: Make, status: int, code: int) -> None:
    """Every forged, stale or malformed assertion is refused with its own AADSTS number."""
    app, identity = certified

    assertion = make(identity, *describe(identity, app.client_id, audience(app)))

    assert send(app, assertion) == (status, [code])


def test_certificate_validity(probe: Probe) -> None:
    """An expired certificate is 700027, one that is not valid yet 50012."""
    app, directory = register(probe), probe.emulator.directory
    expired = make_identity(start_days=-9, end_days=-1)
    early = make_identity(start_days=2, end_days=9)
    for identity in (expired, early):
        directory.credentials.add_certificate(app.tenant, app.client_id, identity.der)

    answers = [
        send(app, sign(identity, *describe(identity, app.client_id, audience(app))))
        for identity in (expired, early)
    ]

    assert answers == [(401, [700027]), (401, [50012])]


@pytest.mark.parametrize(
    ("moment", "code"),
    [(-LEEWAY - 1, 50012), (-LEEWAY, None), (LEEWAY, None), (LEEWAY + 1, 700027)],
)
def test_clocks_may_differ_as_much_at_a_certificates_end_as_at_its_beginning(
    moment: int, code: int | None
) -> None:
    identity, begin, end = make_identity(), 1_800_000_000.0, 1_800_086_400.0
    now = (begin if moment < 0 else end) + moment
    header, claims = describe(identity, "c", "a")
    assertion = sign(identity, header, claims | {"nbf": now, "iat": now, "exp": now + 60})
    certificate = describe_certificate("k", identity.der, begin, end)

    def verify() -> Certificate:
        return verify_assertion(
            assertion, client_id="c", certificates=[certificate], audiences={"a"}, now=now
        )

    if code is None:
        assert verify() == certificate
    else:
        with pytest.raises(TokenRefusal) as refused:
            verify()
        assert refused.value.code == code


def test_other_apps_certificate(certified: tuple[App, Identity], probe: Probe) -> None:
    """An application cannot use another's certificate."""
    _, identity = certified
    other = register(probe)

    assertion = sign(identity, *describe(identity, other.client_id, audience(other)))

    assert send(other, assertion) == (401, [700027])


def test_thumbprint_text(certified: tuple[App, Identity]) -> None:
    """The refusal of an unknown key has the text quoted whole in Azure/azure-sdk-for-net#29007."""
    app, _ = certified
    other = make_identity(1)
    form = app.form(
        client_secret=None,
        client_assertion=sign(other, *describe(other, app.client_id, audience(app))),
        client_assertion_type=JWT_BEARER,
    )

    text = app.probe.post(app.token_path, form).json()["error_description"]

    thumbprint = other.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert text.startswith(
        "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not "
        f"found., Thumbprint of key used by client: '{thumbprint}', Please visit the Azure "
        "Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id "
        f"'{app.client_id}'. Review the documentation at "
        "https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service "
        "endpoint and https://docs.microsoft.com/en-us/graph/api/application-get"
        "?view=graph-rest-1.0&tabs=http to build a query request URL, such as "
        f"'https://graph.microsoft.com/beta/applications/{app.client_id}']. Alternatively, SNI may "
        "be configured on the app. Please ensure that client assertion is being sent with the x5c "
        "claim in the JWT header using MSAL's WithSendX5C() method so that Azure Active Directory "
        "can validate the certificate being used."
    )


def test_only_rsa_certificates() -> None:
    """A certificate with another kind of key cannot be registered."""
    identity = make_identity()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(identity.certificate.subject)
        .issuer_name(identity.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(identity.certificate.not_valid_before_utc)
        .not_valid_after(identity.certificate.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    directory = Directory()
    tenant = seed_directory(directory, users=0)
    app_id = directory.applications.register(tenant, "x").app_id

    with pytest.raises(ValueError, match="RSA key"):
        directory.credentials.add_certificate(
            tenant, app_id, certificate.public_bytes(Encoding.DER)
        )
    directory.close()
