"""Key files: read the key and certificate that prove the app's identity, or create a new pair."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from graphdaemon.auth.key_formats import KeyFileContent, is_pem, read_content
from graphdaemon.errors import SettingsError
from graphdaemon.settings.file_content import read_small_file
from graphdaemon.settings.setting import Secret
from graphdaemon.settings.text import clean

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

LONGEST_NAME = 64
"""Bytes of the longest common name (ub-common-name in RFC 5280, appendix A.1)."""


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
    Read the app's key and certificate, and check that they and the thumbprint belong together.

    `path` holds the private key, and possibly its certificate and chain in any order, unless they
    are in `certificate_file`; either may be PEM, DER, PFX or PKCS#7, whatever it is called. Of two
    certificates of one key the thumbprint chooses. Without a certificate the thumbprint, SHA-1 or
    SHA-256, is required.

    Raises:
        SettingsError: Missing, unreadable, wrong passphrase, malformed, or not belonging together.
    """
    passphrases = _list_passphrases(passphrase)
    content = read_content(_read(path, "private_key_file"), passphrases)
    apart = (
        read_content(_read(certificate_file, "certificate_file"), passphrases)
        if certificate_file is not None
        else KeyFileContent()
    )
    # People swap the two files, whose names say little.
    keys = [_rsa(path, key) for key in content.keys or apart.keys]
    if not keys:
        raise _no_key(path, content, passphrase)
    certificates = apart.certificates or content.certificates
    source = certificate_file if certificate_file is not None and apart.certificates else path
    if not certificates:
        if certificate_file is not None:
            raise _no_certificate(certificate_file, apart)
        if content.damaged:
            raise _no_certificate(path, content)
        return KeyPair(keys[0], _by_thumbprint(path, expected_thumbprint))
    key, leaf = _match(path, keys, source, certificates, expected_thumbprint)
    return KeyPair(key, _identify(source, leaf, certificates, expected_thumbprint))


def read_certificate(path: Path | None, expected_thumbprint: str | None) -> CertificateInfo:
    """
    Read the certificate whose key is elsewhere; without a file, only its thumbprint is known.

    Of several, a chain in any order, the thumbprint chooses, or else it is the one that has signed
    none of the others.

    Raises:
        SettingsError: Missing, malformed, or another than the thumbprint says.
    """
    if path is None:
        return _by_thumbprint(Path(), expected_thumbprint)
    content = read_content(_read(path, "certificate_file"))
    certificates = content.certificates
    if not certificates:
        raise _no_certificate(path, content)
    issuers = [one.issuer for one in certificates if one.issuer != one.subject]
    leaf = next((one for one in certificates if one.subject not in issuers), certificates[0])
    chosen = _choose(certificates, expected_thumbprint) or leaf
    return _identify(path, chosen, certificates, expected_thumbprint)


def is_pem_file(path: Path) -> bool:
    """Say whether a key file is PEM; raises `SettingsError` where it cannot be read."""
    return is_pem(_read(path, "private_key_file"))


def make_key_pair(
    name: str, *, days: int = 365, passphrase: Secret | None = None
) -> tuple[str, bytes]:
    """
    Make an RSA key, encrypted if there is a passphrase, and a self-signed certificate for it.

    `name` becomes its common name, which has from 1 to `LONGEST_NAME` bytes.

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
        return read_small_file(path)
    except FileNotFoundError:
        problem = "does not exist"
        hint = f"Check {name}. A relative path starts at the folder of the settings file."
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        hint = "Allow this user, and only this user, to read it."
    raise SettingsError(f"{name} {path} {problem}", code="private_key_unreadable", hint=hint)


def _list_passphrases(passphrase: Secret | None) -> list[bytes]:
    """The passphrase as it is given, and without what the clipboard put around it."""
    if passphrase is None:
        return []
    text = passphrase.reveal()
    return [one.encode() for one in dict.fromkeys((text, clean(text))) if one]


def _no_key(path: Path, content: KeyFileContent, passphrase: Secret | None) -> SettingsError:
    if content.locked:
        return SettingsError(
            f"the private key in {path} is encrypted, but there is no passphrase"
            if passphrase is None
            else f"the passphrase does not open the private key in {path}",
            code="private_key_encrypted",
            hint="Set GRAPHDAEMON_PASSPHRASE, or passphrase_file."
            if passphrase is None
            else "Check GRAPHDAEMON_PASSPHRASE or passphrase_file.",
        )
    if content.certificates:
        words = "contains a certificate, but no private key"
    elif content.damaged:
        words = "contains a private key or certificate that is damaged or of an unknown kind"
    else:
        words = f"holds no private key but {_describe(path, content)}"
    return SettingsError(
        f"{path} {words}",
        code="private_key_malformed",
        hint="Export the certificate again together with its private key, as PEM (-----BEGIN "
        "PRIVATE KEY-----) or PFX. The certificate alone is only the public half.",
    )


def _no_certificate(path: Path, content: KeyFileContent) -> SettingsError:
    words = (
        "contains a certificate that is damaged"
        if content.damaged
        else "contains a private key, but no certificate"
        if content.keys
        else "is encrypted, and no passphrase opens it"
        if content.locked
        else f"holds no certificate but {_describe(path, content)}"
    )
    return SettingsError(
        f"{path} {words}",
        code="certificate_malformed",
        hint="Export the certificate again, as PEM (base64: -----BEGIN CERTIFICATE-----) or DER.",
    )


def _describe(path: Path, content: KeyFileContent) -> str:
    if content.others:
        return content.others[0]
    empty = path.stat().st_size == 0
    return "nothing at all" if empty else "what is neither PEM nor DER, PFX or PKCS#7"


def _rsa(path: Path, key: "PrivateKeyTypes") -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, rsa.RSAPrivateKey):
        raise SettingsError(
            f"the private key in {path} is not an RSA key",
            code="private_key_malformed",
            hint="Entra ID accepts only RSA keys. Create a new certificate with one.",
        )
    return key


def _match(
    path: Path,
    keys: "list[RSAPrivateKey]",
    source: Path,
    certificates: "list[Certificate]",
    expected: str | None,
) -> "tuple[RSAPrivateKey, Certificate]":
    """Return a key and its certificate: those of a chain may stand in any order."""
    for key in keys:
        own = [one for one in certificates if _belongs(one, key)]
        if own:
            # A certificate that was renewed with its old key stands beside the old one.
            return key, _choose(own, expected) or own[0]
    raise SettingsError(
        f"the certificate in {source} does not belong to the private key in "
        f"{'it' if source == path else path}",
        code="certificate_mismatch",
        hint="Put the key and the certificate made from it into one file.",
    )


def _belongs(certificate: "Certificate", key: "RSAPrivateKey") -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    # An authority in the chain may have a key of a kind that cryptography does not know.
    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def _choose(certificates: "list[Certificate]", expected: str | None) -> "Certificate | None":
    return next((one for one in certificates if expected in _name(one)), None)


def _name(certificate: "Certificate") -> tuple[str, str]:
    """The SHA-1 and SHA-256 thumbprint."""
    from cryptography.hazmat.primitives import hashes

    sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303  a name, not a proof
    return sha1.hex().upper(), certificate.fingerprint(hashes.SHA256()).hex().upper()


def _identify(
    path: Path, leaf: "Certificate", chain: "list[Certificate]", expected: str | None
) -> CertificateInfo:
    from cryptography.hazmat.primitives import serialization

    sha1, sha256 = _name(leaf)
    if expected is not None and expected not in (sha1, sha256):
        raise SettingsError(
            f"the certificate in {path} has thumbprint {sha1 if len(expected) == 40 else sha256}, "
            f"the settings say {expected}",
            code="certificate_mismatch",
            hint="Upload this certificate, or name the file of the uploaded one. If the file "
            "contains the certificate, thumbprint can be left out.",
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
