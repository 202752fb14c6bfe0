"""Key files: what can be wrong with one, and that the parts are compared."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from graphdaemon.auth.key_files import (
    CertificateInfo,
    make_key_pair,
    read_certificate,
    read_key_pair,
)
from graphdaemon.errors import SettingsError
from graphdaemon.settings.setting import Secret


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


def thumbprint(der: bytes, algorithm: hashes.HashAlgorithm | None = None) -> str:
    certificate = x509.load_der_x509_certificate(der)
    return certificate.fingerprint(algorithm or hashes.SHA1()).hex().upper()


def ends(der: bytes) -> float:
    return x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()


def test_thumbprint_is_computed_from_the_certificate(
    tmp_path: Path, pair: tuple[str, bytes]
) -> None:
    """With key and certificate in one file nothing else is needed."""
    path = tmp_path / "both.pem"
    path.write_text(pair[0])

    read = read_key_pair(path, None)

    assert read.certificate.thumbprint == thumbprint(pair[1])
    assert read.certificate.thumbprint_sha256 == thumbprint(pair[1], hashes.SHA256())
    assert read.certificate.expires_at == ends(pair[1])
    assert "key" not in repr(read).lower().replace("keypair", "")


def test_the_leaf_is_found_in_any_order(
    tmp_path: Path, pair: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    """A chain may stand before the certificate whose key it is."""
    key, certificate = split(pair[0])
    path = tmp_path / "chain.pem"
    path.write_text(split(other[0])[1] + certificate + key)

    read = read_key_pair(path, None).certificate
    assert read.thumbprint == thumbprint(pair[1])
    assert read.chain == (pair[1], other[1])


def test_a_bare_key_needs_a_thumbprint(tmp_path: Path, pair: tuple[str, bytes]) -> None:
    """Without certificate and thumbprint nobody could tell which key it is."""
    path = tmp_path / "key.pem"
    path.write_text(split(pair[0])[0])

    assert read_key_pair(path, "AB" * 20).certificate == CertificateInfo("AB" * 20, None)
    assert read_key_pair(path, "AB" * 32).certificate == CertificateInfo(None, "AB" * 32)
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


def pfx(pem: str, password: bytes | None) -> bytes:
    key, certificate = split(pem)
    return pkcs12.serialize_key_and_certificates(
        b"app",
        serialization.load_pem_private_key(key.encode(), None),  # type: ignore[arg-type]
        x509.load_pem_x509_certificate(certificate.encode()),
        None,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


def test_encrypted_keys_open_with_their_passphrase(tmp_path: Path, pair: tuple[str, bytes]) -> None:
    """PEM and PFX, and a PFX without any."""
    _, certificate = split(pair[0])
    files = {
        "app.pem": encrypted(pair[0]) + certificate.encode(),
        "app.pfx": pfx(pair[0], b"passphrase"),
        "app.p12": pfx(pair[0], b"passphrase"),
        "open.pfx": pfx(pair[0], None),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        passphrase = None if name == "open.pfx" else Secret("passphrase")

        read = read_key_pair(path, passphrase=passphrase)

        assert read.certificate.thumbprint == thumbprint(pair[1]), name


@pytest.mark.parametrize("name", ["app.pem", "app.pfx"])
def test_a_passphrase_that_is_absent_or_wrong_is_said(
    tmp_path: Path, pair: tuple[str, bytes], name: str
) -> None:
    """The two are told apart, and the passphrase itself is not repeated."""
    path = tmp_path / name
    path.write_bytes(encrypted(pair[0]) if name.endswith("pem") else pfx(pair[0], b"passphrase"))
    for passphrase, words, step in (
        (None, "there is no passphrase", "Set GRAPHDAEMON_PASSPHRASE"),
        ("wr0ng", "does not open", "Check GRAPHDAEMON_PASSPHRASE"),
    ):
        with pytest.raises(SettingsError, match=words) as caught:
            read_key_pair(path, "AB" * 20, passphrase=Secret(passphrase) if passphrase else None)
        assert caught.value.code == "private_key_encrypted"
        assert step in (caught.value.hint or "")
        assert "wr0ng" not in f"{caught.value} {caught.value.hint}"


def test_a_passphrase_too_many_does_no_harm(tmp_path: Path, pair: tuple[str, bytes]) -> None:
    """It is left in the environment after the key was decrypted."""
    path = tmp_path / "app.pem"
    path.write_text(pair[0])

    assert read_key_pair(path, passphrase=Secret("left over")).certificate.thumbprint


def test_key_and_certificate_may_be_two_files(
    tmp_path: Path, pair: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    """They are compared as if they were one."""
    for name, content in (("key.pem", split(pair[0])[0]), ("cert.pem", split(pair[0])[1])):
        (tmp_path / name).write_text(content)
    (tmp_path / "other.pem").write_text(split(other[0])[1])

    read = read_key_pair(tmp_path / "key.pem", certificate_file=tmp_path / "cert.pem")

    assert read.certificate.thumbprint == thumbprint(pair[1])
    with pytest.raises(SettingsError, match=r"other\.pem does not belong .*key\.pem") as caught:
        read_key_pair(tmp_path / "key.pem", certificate_file=tmp_path / "other.pem")
    assert caught.value.code == "certificate_mismatch"


def test_a_certificate_alone_is_read_for_a_key_elsewhere(
    tmp_path: Path, pair: tuple[str, bytes]
) -> None:
    """Where a vault holds the key; what is no certificate is said."""
    path = tmp_path / "cert.pem"
    path.write_text(split(pair[0])[1])

    assert read_certificate(path, None).thumbprint == thumbprint(pair[1])
    assert read_certificate(None, "CD" * 32).thumbprint_sha256 == "CD" * 32
    path.write_text("nothing")
    with pytest.raises(SettingsError, match="holds no certificate") as caught:
        read_certificate(path, None)
    assert caught.value.code == "certificate_malformed"


def test_bad_key_files_are_told_apart(
    tmp_path: Path, pair: tuple[str, bytes], other: tuple[str, bytes]
) -> None:
    """Encrypted, not PEM, not RSA, damaged, foreign, absent: each has its own answer."""
    key, certificate = split(pair[0])
    damaged = "\n".join(line for n, line in enumerate(certificate.splitlines()) if n not in (3, 4))
    cases: dict[str, tuple[bytes, str, str]] = {
        "encrypted.pem": (encrypted(pair[0]), "private_key_encrypted", "PASSPHRASE"),
        "certificate.pem": (certificate.encode(), "private_key_malformed", "public half"),
        "der.pem": (pair[1], "private_key_malformed", "BEGIN PRIVATE KEY"),
        "server.pfx": (b"\x30\x82", "private_key_malformed", "Export"),
        "empty.pem": (b"", "private_key_malformed", "BEGIN PRIVATE KEY"),
        "elliptic.pem": (elliptic(), "private_key_malformed", "RSA"),
        "damaged.pem": ((key + damaged).encode(), "certificate_malformed", "Export"),
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


UNKNOWN_ALGORITHM = """\
-----BEGIN PRIVATE KEY-----
MC8CAQAwCgYIKoUDBwEBAQEEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END PRIVATE KEY-----
"""
"""A key of GOST R 34.10-2012, of which Python's cryptography knows nothing."""


def test_a_key_of_an_unknown_algorithm_is_no_usable_key(tmp_path: Path) -> None:
    """The file is named; nothing of the library's own exceptions gets through."""
    path = tmp_path / "gost.pem"
    path.write_text(UNKNOWN_ALGORITHM)

    with pytest.raises(SettingsError, match=r"gost\.pem contains .* of an unknown kind") as caught:
        read_key_pair(path, "AB" * 20)

    assert caught.value.code == "private_key_malformed"


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
    """Settings and file name two certificates: both thumbprints are shown, of the same kind."""
    path = tmp_path / "both.pem"
    path.write_text(pair[0])
    for expected, algorithm in (("AB" * 20, hashes.SHA1()), ("AB" * 32, hashes.SHA256())):
        with pytest.raises(SettingsError, match=thumbprint(pair[1], algorithm)) as caught:
            read_key_pair(path, expected)

        assert caught.value.code == "certificate_mismatch"
        assert expected in str(caught.value)
        assert read_key_pair(path, thumbprint(pair[1], algorithm)).certificate.expires_at


def test_a_made_certificate_is_valid_now_and_for_a_year(pair: tuple[str, bytes]) -> None:
    """It starts a little in the past, since clocks differ."""
    certificate = x509.load_der_x509_certificate(pair[1])
    now = dt.datetime.now(dt.UTC)

    assert certificate.not_valid_before_utc < now
    assert dt.timedelta(days=364) < certificate.not_valid_after_utc - now < dt.timedelta(days=366)
