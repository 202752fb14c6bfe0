"""What a file of keys and certificates holds, told by its content: PEM, DER, PFX or PKCS#7."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from graphdaemon.settings.text import decode_base64, find_pem, list_pem_blocks

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE")
_SETS = (b"PKCS7", b"CMS")
# What follows the outermost length in a PFX (RFC 7292, 4: version 3, then content), and in a PKCS#7
# file (RFC 5652, 3 and 5.1: the object identifier of signed data).
_PFX = bytes.fromhex("02010330")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_OTHERS = {
    b"PUBLIC KEY": "a public key",
    b"RSA PUBLIC KEY": "a public key",
    b"CERTIFICATE REQUEST": "a certificate request",
    b"NEW CERTIFICATE REQUEST": "a certificate request",
    b"TRUSTED CERTIFICATE": "a certificate in OpenSSL's own form",
}


@dataclass
class KeyFileContent:
    """
    What a file holds.

    Attributes:
        keys: Its private keys, of any kind.
        certificates: Its certificates, in the order of the file.
        locked: It has a private key that none of the passphrases opens.
        damaged: It has a certificate or key that cannot be read.
        others: What else it has, in words.
        is_text: It is PEM.
    """

    keys: "list[PrivateKeyTypes]" = field(default_factory=list)
    certificates: "list[Certificate]" = field(default_factory=list)
    locked: bool = False
    damaged: bool = False
    others: list[str] = field(default_factory=list)
    is_text: bool = False


def read_content(data: bytes, passphrases: Sequence[bytes] = ()) -> KeyFileContent:
    """
    Tell what `data` holds, whatever the file is called.

    Each passphrase is tried where something is encrypted, and ignored where nothing is.
    """
    content = KeyFileContent()
    text = find_pem(data)
    if text is not None:
        content.is_text = True
        for label, block in list_pem_blocks(text):
            _read_block(content, label, block, passphrases)
        return content
    _read_binary(content, decode_base64(data) or data, passphrases)
    return content


def is_pem(data: bytes) -> bool:
    """Say whether `data` is PEM, to which other parts can be appended."""
    return find_pem(data) is not None


def _read_block(
    content: KeyFileContent, label: bytes, block: bytes, passphrases: Sequence[bytes]
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs7

    if label in _CERTIFICATES:
        plain = block.replace(b"X509 CERTIFICATE", b"CERTIFICATE")
        _collect(content, lambda: [x509.load_pem_x509_certificate(plain)])
    elif label in _SETS:
        plain = block.replace(b"CMS-----", b"PKCS7-----")
        _collect(content, lambda: pkcs7.load_pem_pkcs7_certificates(plain))
    elif label == b"OPENSSH PRIVATE KEY":
        _open(content, block, passphrases, serialization.load_ssh_private_key)
    elif label.endswith(b"PRIVATE KEY"):
        _open(content, block, passphrases, serialization.load_pem_private_key)
    else:
        content.others.append(_OTHERS.get(label, "something else"))


def _read_binary(content: KeyFileContent, data: bytes, passphrases: Sequence[bytes]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs7

    inner = _skip_header(data)
    if inner is None:
        return
    if inner.startswith(_PFX):
        _open_pfx(content, data, passphrases)
    elif inner.startswith(_SIGNED_DATA):
        _collect(content, lambda: pkcs7.load_der_pkcs7_certificates(data))
    else:
        _collect(content, lambda: [x509.load_der_x509_certificate(data)])
        if content.certificates:
            return
        content.damaged = False
        _open(content, data, passphrases, serialization.load_der_private_key)


def _collect(content: KeyFileContent, load: "Callable[[], list[Certificate]]") -> None:
    try:
        certificates = load()
        for one in certificates:
            # cryptography looks at these parts only when they are asked for.
            _ = one.subject, one.issuer, one.not_valid_after_utc
    except _refusals():
        content.damaged = True
    else:
        content.certificates += certificates


def _open(
    content: KeyFileContent,
    data: bytes,
    passphrases: Sequence[bytes],
    load: "Callable[[bytes, bytes | None], PrivateKeyTypes]",
) -> None:
    try:
        content.keys.append(load(data, None))
    except TypeError:
        # cryptography's way to say that a passphrase is needed.
        refusals: tuple[type[Exception], ...] = (TypeError, *_refusals())
        for passphrase in passphrases:
            try:
                content.keys.append(load(data, passphrase))
            except refusals:
                continue
            return
        content.locked = True
    except _refusals():
        content.damaged = True


def _open_pfx(content: KeyFileContent, data: bytes, passphrases: Sequence[bytes]) -> None:
    from cryptography.hazmat.primitives.serialization import pkcs12

    # An empty passphrase and none at all are two things in a PFX, and people cannot tell them
    # apart.
    for passphrase in (*passphrases, None, b""):
        try:
            key, leaf, others = pkcs12.load_key_and_certificates(data, passphrase)
        except _refusals() as error:
            # The message is the same for a missing password and a wrong one.
            content.locked = content.locked or "password" in str(error).lower()
            content.damaged = not content.locked
            continue
        content.locked = content.damaged = False
        content.keys += [key] if key is not None else []
        certificates = [one for one in (leaf, *others) if one is not None]
        _collect(content, partial(list, certificates))
        return


def _refusals() -> tuple[type[Exception], ...]:
    """What cryptography raises for what it cannot read."""
    from cryptography import x509
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm

    return ValueError, UnsupportedAlgorithm, InternalError, x509.InvalidVersion


def _skip_header(data: bytes) -> bytes | None:
    """What is within the outermost sequence of DER or BER; None if there is none."""
    if len(data) < 2 or data[0] != 0x30:
        return None
    # A length below 128 is one byte; else its low bits say how many bytes of length follow (X.690,
    # 8.1.3). Windows writes PFX files whose length is not given, 0x80.
    more = data[1] & 0x7F if data[1] & 0x80 else 0
    return data[2 + more : 2 + more + 16]
