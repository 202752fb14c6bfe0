"""Certificates and client assertions, right ones and wrong ones."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


class Identity(NamedTuple):
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex()


@cache
def make_key(number: int = 0) -> rsa.RSAPrivateKey:
    """RSA keys are slow to make: each number names one for the whole run."""
    return rsa.generate_private_key(65537, 2048)


def make_identity(number: int = 0, *, start_days: int = -1, end_days: int = 365) -> Identity:
    key, now = make_key(number), datetime.now(UTC).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"app {number}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=start_days))
        .not_valid_after(now + timedelta(days=end_days))
        .sign(key, hashes.SHA256())
    )
    return Identity(key, certificate)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_json(value: Any) -> str:
    return encode(value.encode() if isinstance(value, str) else json.dumps(value).encode())


def describe(identity: Identity, client_id: str, audience: str) -> tuple[Any, Any]:
    """The header and claims that MSAL sends, to be spoilt by the test."""
    now = time.time()
    thumbprint = encode(identity.certificate.fingerprint(hashes.SHA256()))
    header = {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
    claims = {"aud": audience, "iss": client_id, "sub": client_id, "jti": "1", "exp": now + 600}
    return header, claims


def sign(identity: Identity, header: Any, claims: Any) -> str:
    """A JWT signed as its header says; text stands for itself, e.g. with a repeated name."""
    signed = f"{encode_json(header)}.{encode_json(claims)}"
    alg = header["alg"] if isinstance(header, dict) else "PS256"
    chosen = (
        padding.PKCS1v15()
        if alg == "RS256"
        else padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    )
    return f"{signed}.{encode(identity.key.sign(signed.encode(), chosen, hashes.SHA256()))}"


def make_small_pair(name: str) -> tuple[str, bytes]:
    """As the real ones, but short: reading a key of 2048 bits takes 60 ms, and they are many."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key())
    certificate = (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return (private + public).decode(), certificate.public_bytes(serialization.Encoding.DER)
