"""PEM files: read the key and certificate that prove the app's identity, or make a new pair."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from graphdaemon.errors import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


@dataclass(frozen=True, slots=True)
class KeyPair:
    """
    A private key as PEM text and, where the file holds it, its certificate.

    Attributes:
        private_key: PEM text; never shown.
        certificate: PEM text of the leaf, or None.
        thumbprint: SHA-1 of the certificate as 40 upper-case hex digits, as the portal shows it.
    """

    private_key: str = field(repr=False)
    certificate: str | None
    thumbprint: str | None


def read_key_pair(path: Path, expected_thumbprint: str | None) -> KeyPair:
    """
    Read ``path`` and check that its parts belong together and to ``expected_thumbprint``.

    Raises:
        SettingsError: Missing, unreadable, encrypted, not PEM, or not belonging together.
    """
    # cryptography takes 100 ms to import, and a run with a secret needs none of it.
    from cryptography.hazmat.primitives import serialization

    pem = _read(path)
    key = _load_key(path, pem)
    private_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    certificate, thumbprint = _load_certificate(path, pem, key)
    if thumbprint and expected_thumbprint and thumbprint != expected_thumbprint:
        raise SettingsError(
            f"the certificate in {path} has thumbprint {thumbprint}, the settings say "
            f"{expected_thumbprint}",
            code="certificate_mismatch",
            hint="Upload this certificate, or name the file of the uploaded one; with the "
            "certificate in the file, thumbprint may be left out.",
        )
    if not thumbprint and not expected_thumbprint:
        raise SettingsError(
            f"{path} holds a private key and no certificate, and no thumbprint is set",
            code="credential_missing",
            hint="Append the certificate to the file (cat cert.pem >> key.pem), or set thumbprint.",
        )
    return KeyPair(private_key, certificate, thumbprint)


def make_key_pair(name: str, *, days: int = 365) -> tuple[str, bytes]:
    """
    Make an RSA key and a self-signed certificate for it.

    Returns:
        PEM text of both, for ``private_key_file``, and the certificate as DER, for uploading.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    # Entra ID takes RSA keys only for client assertions ("Certificate credentials" page).
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    return pem.decode(), certificate.public_bytes(serialization.Encoding.DER)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problem = "does not exist"
        hint = "Check private_key_file; a relative path starts at the settings file's folder."
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        hint = "Let this user, and only this user, read it."
    raise SettingsError(
        f"private_key_file {path} {problem}", code="private_key_unreadable", hint=hint
    )


def _load_key(path: Path, pem: bytes) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise SettingsError(
            f"the private key in {path} is encrypted",
            code="private_key_encrypted",
            hint="Write an unencrypted copy that only this user can read: "
            "openssl pkey -in FILE -out FILE.open (umask 077).",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        pfx = path.suffix.lower() in (".pfx", ".p12")
        raise SettingsError(
            f"{path} holds no PEM private key",
            code="private_key_malformed",
            hint="Convert it: openssl pkcs12 -in FILE -nodes -out FILE.pem."
            if pfx
            else "The file must contain -----BEGIN PRIVATE KEY-----; a certificate alone is the "
            "public half.",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SettingsError(
            f"the private key in {path} is not an RSA key",
            code="private_key_malformed",
            hint="Entra ID accepts RSA keys only; make a new certificate with one.",
        )
    return key


def _load_certificate(
    path: Path, pem: bytes, key: PrivateKeyTypes
) -> tuple[str | None, str | None]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    if b"-----BEGIN CERTIFICATE-----" not in pem:
        return None, None
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise SettingsError(
            f"the certificate in {path} is damaged",
            code="private_key_malformed",
            hint="Export it again as PEM (base64).",
        ) from None
    # A chain may stand in any order: the leaf is the one whose public key is ours.
    public_key = key.public_key()
    leaf = next((one for one in certificates if one.public_key() == public_key), None)
    if leaf is None:
        raise SettingsError(
            f"the certificate in {path} does not belong to the private key in it",
            code="certificate_mismatch",
            hint="Put the key and the certificate made from it into one file.",
        )
    thumbprint = leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303  a name, not a proof
    return leaf.public_bytes(serialization.Encoding.PEM).decode(), thumbprint
