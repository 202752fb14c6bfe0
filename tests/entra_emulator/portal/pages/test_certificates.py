from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from entra_emulator.model.applications import describe_certificate
from tests.support.portal_visitor import (
    Visitor,
    at_credentials,
)

FORMS = serialization.Encoding


@pytest.fixture(scope="session")
def pair() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return certify(key), key


def certify(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nightly")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    dated = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(
        now + timedelta(days=99)
    )
    return dated.sign(key, hashes.SHA256())


@pytest.mark.parametrize("form", ["pem", "bundle", "der"])
def test_certificate(
    admin: Visitor, pair: tuple[x509.Certificate, rsa.RSAPrivateKey], form: str
) -> None:
    """A certificate in PEM, below other text or in DER is added; its thumbprints are shown."""
    certificate, _ = pair
    content = certificate.public_bytes(FORMS.DER if form == "der" else FORMS.PEM)
    if form == "bundle":
        content = b"Bag Attributes\r\n    friendlyName: nightly\r\n" + content
    with at_credentials(admin, f"With {form}", "/certificates") as app_id:
        admin.open(admin.page.links["Upload certificate"])
        page = admin.press("Add", files={"certificate": content}, description="")

        assert "The certificate was added." in page.text
        (known,) = admin.probe.emulator.directory.credentials.list_certificates(app_id)
        expected = describe_certificate("", certificate.public_bytes(FORMS.DER), 0, 0)
        assert (known.thumbprint, known.der) == (expected.thumbprint, expected.der)
        for text in (expected.thumbprint, expected.thumbprint_sha256, "CN=nightly"):
            assert text in page.ids["certificates"]
        admin.open(next(a for w, a in page.links.items() if w.startswith("Delete")))
        admin.press("Delete")
        assert "The certificate CN=nightly was deleted." in admin.page.text
        assert admin.probe.emulator.directory.credentials.list_certificates(app_id) == []


def test_certificates_stay(
    admin: Visitor, pair: tuple[x509.Certificate, rsa.RSAPrivateKey]
) -> None:
    """Another certificate leaves those there are as they are."""
    with at_credentials(admin, "With two", "/certificates") as app_id:
        for certificate in (pair[0], certify(pair[1])):
            admin.open(admin.page.links["Upload certificate"])
            admin.press("Add", files={"certificate": certificate.public_bytes(FORMS.PEM)})
        assert len(admin.probe.emulator.directory.credentials.list_certificates(app_id)) == 2
        assert "Certificates (2)" in admin.page.text


def bad_files(key: rsa.RSAPrivateKey) -> dict[str, tuple[bytes, str]]:
    private = key.private_bytes(
        FORMS.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    elliptic = certify(ec.generate_private_key(ec.SECP256R1()))
    return {
        "none": (b"", "Choose a file."),
        "noise": (b"\x00\x01hello", "That file is not a certificate with an RSA key"),
        "elliptic": (elliptic.public_bytes(FORMS.DER), "not a certificate with an RSA key"),
        "private": (private, "That file holds a private key"),
        "large": (b"0" * 40_000, "at most 32 KB"),
    }


@pytest.mark.parametrize("kind", ["none", "noise", "elliptic", "private", "large"])
def test_bad_certificate(
    admin: Visitor, pair: tuple[x509.Certificate, rsa.RSAPrivateKey], kind: str
) -> None:
    """A file that is no certificate is refused with what to do instead."""
    content, complaint = bad_files(pair[1])[kind]
    with at_credentials(admin, "Bad file", "/certificates") as app_id:
        admin.open(admin.page.links["Upload certificate"])
        page = admin.press("Add", files={"certificate": content}, description="kept")

        assert (admin.status, complaint in page.text) == (400, True)
        assert dict(page.form("Add").fields)["description"] == "kept"
        assert admin.probe.emulator.directory.credentials.list_certificates(app_id) == []
