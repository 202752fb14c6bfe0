"""Key files: what can be wrong with one, and that the parts are compared."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from graphdaemon.certificate import make_key_pair, read_key_pair
from graphdaemon.errors import SettingsError


@pytest.fixture(scope="module")
def pair() -> tuple[str, bytes]:
    return make_key_pair("tests")


@pytest.fixture(scope="module")
def other() -> tuple[str, bytes]:
    return make_key_pair("others")


def split(pem: str) -> tuple[str, str]:
    """The key's and the certificate's part of a PEM text."""
    at = pem.index("-----BEGIN CERTIFICATE-----")
    return pem[:at], pem[at:]


def thumbprint(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA1()).hex().upper()


def test_thumbprint_is_computed_from_the_certificate(
    tmp_path: Path, pair: tuple[str, bytes]
) -> None:
    """With key and certificate in one file nothing else is needed."""
    path = tmp_path / "both.pem"
    path.write_text(pair[0])

    read = read_key_pair(path, None)

    assert read.thumbprint == thumbprint(pair[1])
    assert read.private_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE" not in repr(read)


def test_the_leaf_is_found_in_any_order(
    tmp_path: Path, pair: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    """A chain may stand before the certificate whose key it is."""
    key, certificate = split(pair[0])
    path = tmp_path / "chain.pem"
    path.write_text(split(other[0])[1] + certificate + key)

    assert read_key_pair(path, None).thumbprint == thumbprint(pair[1])


def test_a_bare_key_needs_a_thumbprint(tmp_path: Path, pair: tuple[str, bytes]) -> None:
    """Without certificate and thumbprint nobody could tell which key it is."""
    path = tmp_path / "key.pem"
    path.write_text(split(pair[0])[0])

    assert read_key_pair(path, "AB" * 20).certificate is None
    with pytest.raises(SettingsError, match="no certificate") as caught:
        read_key_pair(path, None)
    assert caught.value.code == "credential_missing"


def encrypted(pem: str) -> bytes:
    key = serialization.load_pem_private_key(split(pem)[0].encode(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


def elliptic() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_bad_key_files_are_told_apart(
    tmp_path: Path, pair: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    """Encrypted, not PEM, not RSA, damaged, foreign, absent: each has its own answer."""
    key, certificate = split(pair[0])
    damaged = "\n".join(line for n, line in enumerate(certificate.splitlines()) if n not in (3, 4))
    cases: dict[str, tuple[bytes, str, str]] = {
        "encrypted.pem": (encrypted(pair[0]), "private_key_encrypted", "openssl pkey"),
        "certificate.pem": (certificate.encode(), "private_key_malformed", "public half"),
        "der.pem": (pair[1], "private_key_malformed", "BEGIN PRIVATE KEY"),
        "server.pfx": (b"\x30\x82", "private_key_malformed", "pkcs12"),
        "empty.pem": (b"", "private_key_malformed", "BEGIN PRIVATE KEY"),
        "elliptic.pem": (elliptic(), "private_key_malformed", "RSA"),
        "damaged.pem": ((key + damaged).encode(), "private_key_malformed", "Export"),
        "foreign.pem": (
            (key + split(other[0])[1]).encode(),
            "certificate_mismatch",
            "into one file",
        ),
    }
    for name, (content, code, hint) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=name) as caught:
            read_key_pair(path, "AB" * 20)
        assert (name, caught.value.code) == (name, code)
        assert hint in (caught.value.hint or "")


def test_an_absent_or_unreadable_file_is_named(tmp_path: Path) -> None:
    """The path as it was understood is repeated."""
    for path, reason in (
        (tmp_path / "nowhere.pem", "does not exist"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(SettingsError, match=reason) as caught:
            read_key_pair(path, None)
        assert caught.value.code == "private_key_unreadable"


def test_a_thumbprint_of_another_certificate_is_noticed(
    tmp_path: Path, pair: tuple[str, bytes]
) -> None:
    """Settings and file name two certificates: both thumbprints are shown."""
    path = tmp_path / "both.pem"
    path.write_text(pair[0])

    with pytest.raises(SettingsError, match=thumbprint(pair[1])) as caught:
        read_key_pair(path, "AB" * 20)

    assert caught.value.code == "certificate_mismatch"
    assert "AB" * 20 in str(caught.value)


def test_a_made_certificate_is_valid_now_and_for_a_year(pair: tuple[str, bytes]) -> None:
    """It starts a little in the past, since clocks differ."""
    certificate = x509.load_der_x509_certificate(pair[1])
    now = dt.datetime.now(dt.UTC)

    assert certificate.not_valid_before_utc < now
    assert dt.timedelta(days=364) < certificate.not_valid_after_utc - now < dt.timedelta(days=366)
