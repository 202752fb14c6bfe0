"""
Certificates in the place of those that a recording's scrubber took out.

`REDACTED(len=918)` tells how long the text was, and its length tells its form: base64 in one piece
has a multiple of four characters; any other length is that of lines of 64 characters, as PEM has.
"""

import base64
import re
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.support.certificates_and_assertions import make_key

_LINE = 64


def restore_keys(text: str) -> str:
    """The text of a JSON body with certificates in the place of redacted ones."""
    pattern = r'("key": ")REDACTED\(len=(\d+)\)"'
    return re.sub(
        pattern, lambda found: f'{found[1]}{_escape(make_key_text(int(found[2])))}"', text
    )


@cache
def make_key_text(length: int) -> str:
    """A certificate in base64 of exactly so many characters."""
    for end in ("", "\n", "\r\n"):
        for size in range(4, length + 1, 4):
            if size + len(end) * ((size - 1) // _LINE) == length:
                encoded = base64.b64encode(_make_certificate(size // 4 * 3)).decode()
                return end.join(_split(encoded)) if end else encoded
    raise AssertionError(f"no base64 of a certificate has {length} characters")


def _split(text: str) -> list[str]:
    return [text[start : start + _LINE] for start in range(0, len(text), _LINE)]


def _escape(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _make_certificate(size: int) -> bytes:
    """A certificate that has so many bytes in DER: its names are as long as it takes."""
    key, now = make_key(), datetime.now(UTC).replace(microsecond=0)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "b" * 50)]
    for count in range(10):
        for letters in range(1, 64):
            own = x509.NameAttribute(NameOID.COMMON_NAME, "c" * letters)
            der = (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(x509.Name([own, *units * count]))
                .public_key(key.public_key())
                .serial_number(1)
                .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
                .not_valid_after(now + timedelta(days=3650))
                .sign(key, hashes.SHA256())
                .public_bytes(serialization.Encoding.DER)
            )
            if len(der) == size:
                return der
    raise AssertionError(f"no certificate of {size} bytes")
