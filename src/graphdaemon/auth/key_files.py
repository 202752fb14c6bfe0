"""Key files: read the key and certificate that prove the app's identity, or make a new pair."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from graphdaemon.errors import SettingsError
from graphdaemon.settings.setting import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

_BEGIN = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """
    What names a certificate to the identity platform.

    Attributes:
        thumbprint: SHA-1 as 40 upper-case hex digits, as the portal shows it, if known.
        thumbprint_sha256: SHA-256 as 64 upper-case hex digits, if known.
        expires_at: Epoch seconds, if the certificate itself is known.
        chain: The certificates as DER, the app's own first; empty if only a thumbprint is known.
    """

    thumbprint: str | None
    thumbprint_sha256: str | None
    expires_at: float | None = None
    chain: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key, never shown, and what names its certificate."""

    private_key: "RSAPrivateKey" = field(repr=False)
    certificate: CertificateInfo

    def sign(self, content: bytes, algorithm: str) -> bytes:
        """Sign with `PS256` or `RS256`."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        # RFC 7518, 3.5: the salt is as long as the hash.
        scheme = (
            padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
            if algorithm == "PS256"
            else padding.PKCS1v15()
        )
        return self.private_key.sign(content, scheme, hashes.SHA256())


def read_key_pair(
    path: Path,
    expected_thumbprint: str | None = None,
    *,
    certificate_file: Path | None = None,
    passphrase: Secret | None = None,
) -> KeyPair:
    """
    Read a PEM or PFX file, and check that key, certificate and thumbprint belong together.

    It holds the private key, and possibly its certificate and chain in any order, unless they are
    in `certificate_file`. Without a certificate the thumbprint, SHA-1 or SHA-256, is required.

    Raises:
        SettingsError: Missing, unreadable, wrong passphrase, malformed, or not belonging together.
    """
    content = _read(path, "private_key_file")
    key, certificates = (
        _load_pfx(path, content, passphrase)
        if path.suffix.lower() in (".pfx", ".p12")
        else (_load_pem_key(path, content, passphrase), _load_certificates(path, content))
    )
    if certificate_file is not None:
        certificates = _load_certificates(
            certificate_file, _read(certificate_file, "certificate_file")
        )
    if not certificates:
        return KeyPair(key, _by_thumbprint(path, expected_thumbprint))
    leaf = _find_leaf(path, key, certificate_file, certificates)
    certificate = _identify(certificate_file or path, leaf, certificates, expected_thumbprint)
    return KeyPair(key, certificate)


def read_certificate(path: Path | None, expected_thumbprint: str | None) -> CertificateInfo:
    """
    Read the certificate whose key is elsewhere; without a file, only its thumbprint is known.

    Raises:
        SettingsError: Missing, malformed, or another than the thumbprint says.
    """
    if path is None:
        return _by_thumbprint(Path(), expected_thumbprint)
    certificates = _load_certificates(path, _read(path, "certificate_file"))
    if not certificates:
        raise SettingsError(
            f"{path} holds no certificate",
            code="certificate_malformed",
            hint="Export the certificate as PEM (base64): -----BEGIN CERTIFICATE-----.",
        )
    return _identify(path, certificates[0], certificates, expected_thumbprint)


def make_key_pair(
    name: str, *, days: int = 365, passphrase: Secret | None = None
) -> tuple[str, bytes]:
    """
    Make an RSA key, encrypted if there is a passphrase, and a self-signed certificate for it.

    Returns:
        PEM text of both, for `private_key_file`, and the certificate as DER, for uploading.
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
        # A server whose clock is somewhat behind accepts it at once.
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase.reveal().encode()),
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    return pem.decode(), certificate.public_bytes(serialization.Encoding.DER)


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problem = "does not exist"
        hint = f"Check {name}; a relative path starts at the settings file's folder."
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        hint = "Let this user, and only this user, read it."
    raise SettingsError(f"{name} {path} {problem}", code="private_key_unreadable", hint=hint)


def _load_pem_key(path: Path, pem: bytes, passphrase: Secret | None) -> "RSAPrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    # cryptography refuses a passphrase for a key that needs none, which a variable may hold.
    encrypted = b"ENCRYPTED" in pem
    password = passphrase.reveal().encode() if passphrase is not None and encrypted else None
    try:
        return _rsa(path, serialization.load_pem_private_key(pem, password))
    except TypeError:
        raise _not_opened(path, None) from None
    except (ValueError, UnsupportedAlgorithm):
        if password is not None:
            raise _not_opened(path, password) from None
        raise SettingsError(
            f"{path} holds no PEM private key",
            code="private_key_malformed",
            hint="The file must contain -----BEGIN PRIVATE KEY-----; a certificate alone is the "
            "public half.",
        ) from None


def _load_pfx(
    path: Path, content: bytes, passphrase: Secret | None
) -> "tuple[RSAPrivateKey, list[Certificate]]":
    from cryptography.hazmat.primitives.serialization import pkcs12

    password = passphrase.reveal().encode() if passphrase is not None else None
    try:
        key, leaf, others = pkcs12.load_key_and_certificates(content, password)
    except ValueError as error:
        # OpenSSL's message is the same for a missing password and a wrong one.
        if "password" in str(error).lower():
            raise _not_opened(path, password) from None
        key = leaf = None
        others = []
    if key is None:
        raise SettingsError(
            f"{path} is not a PFX file with a private key",
            code="private_key_malformed",
            hint="Export it again with its private key; a PEM file needs the ending .pem.",
        )
    return _rsa(path, key), [
        certificate for certificate in (leaf, *others) if certificate is not None
    ]


def _rsa(path: Path, key: "PrivateKeyTypes") -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        raise SettingsError(
            f"the private key in {path} is not an RSA key",
            code="private_key_malformed",
            hint="Entra ID accepts RSA keys only; make a new certificate with one.",
        )
    return key


def _not_opened(path: Path, password: bytes | None) -> SettingsError:
    return SettingsError(
        f"the private key in {path} is encrypted, and no passphrase is given"
        if password is None
        else f"the passphrase does not open the private key in {path}",
        code="private_key_encrypted",
        hint="Set GRAPHDAEMON_PASSPHRASE, or passphrase_file."
        if password is None
        else "Check GRAPHDAEMON_PASSPHRASE or passphrase_file.",
    )


def _load_certificates(path: Path, pem: bytes) -> "list[Certificate]":
    from cryptography import x509

    # cryptography fails in the same way where there is no certificate and where one is damaged.
    if _BEGIN not in pem:
        return []
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise SettingsError(
            f"the certificate in {path} is damaged",
            code="private_key_malformed",
            hint="Export it again as PEM (base64).",
        ) from None


def _find_leaf(
    path: Path,
    key: "RSAPrivateKey",
    certificate_file: Path | None,
    certificates: "list[Certificate]",
) -> "Certificate":
    """Return the certificate of `key`: those of a chain may stand in any order."""
    public_key = key.public_key()
    for certificate in certificates:
        if certificate.public_key() == public_key:
            return certificate
    raise SettingsError(
        f"the certificate in {certificate_file or path} does not belong to the private key in "
        f"{'it' if certificate_file is None else path}",
        code="certificate_mismatch",
        hint="Put the key and the certificate made from it into one file.",
    )


def _identify(
    path: Path, leaf: "Certificate", chain: "list[Certificate]", expected: str | None
) -> CertificateInfo:
    from cryptography.hazmat.primitives import hashes, serialization

    sha1 = leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303  a name, not a proof
    sha256 = leaf.fingerprint(hashes.SHA256()).hex().upper()
    if expected is not None and expected not in (sha1, sha256):
        raise SettingsError(
            f"the certificate in {path} has thumbprint {sha1 if len(expected) == 40 else sha256}, "
            f"the settings say {expected}",
            code="certificate_mismatch",
            hint="Upload this certificate, or name the file of the uploaded one; with the "
            "certificate in the file, thumbprint may be left out.",
        )
    ordered = [leaf, *(certificate for certificate in chain if certificate != leaf)]
    return CertificateInfo(
        sha1,
        sha256,
        leaf.not_valid_after_utc.timestamp(),
        tuple(certificate.public_bytes(serialization.Encoding.DER) for certificate in ordered),
    )


def _by_thumbprint(path: Path, thumbprint: str | None) -> CertificateInfo:
    if thumbprint is None:
        raise SettingsError(
            f"{path} holds a private key and no certificate, and no thumbprint is set",
            code="credential_missing",
            hint="Append the certificate to the file (cat cert.pem >> key.pem), or set "
            "certificate_file or thumbprint.",
        )
    if len(thumbprint) == 40:
        return CertificateInfo(thumbprint, None)
    return CertificateInfo(None, thumbprint)
