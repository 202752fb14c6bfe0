"""Key files as people have them: their content decides, not their names."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.auth.key_files import read_certificate, read_key_pair
from graphdaemon.auth.key_formats import read_content
from graphdaemon.errors import SettingsError
from graphdaemon.settings.setting import Secret

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
OPENSSH = serialization.PrivateFormat.OpenSSH
OPEN = serialization.NoEncryption()
PASSPHRASE = "öpen sesame"
LOCKED = serialization.BestAvailableEncryption(PASSPHRASE.encode())


def issue(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: str | None = None,
    issuer_key: rsa.RSAPrivateKey | None = None,
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(named(issuer or name), named(name), key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=30))
        .sign(issuer_key or key, hashes.SHA256())
    )


def make_key() -> rsa.RSAPrivateKey:
    # Short, since 2048 bits take long to make and to check.
    return rsa.generate_private_key(65537, 1024)


KEY, OTHER_KEY, CA_KEY = make_key(), make_key(), make_key()
CA = issue("authority", CA_KEY)
CERTIFICATE = issue("app", KEY, "authority", CA_KEY)
SECOND = issue("app, renewed", KEY)
OTHER = issue("other", OTHER_KEY)


def key(
    encoding: serialization.Encoding = PEM,
    form: serialization.PrivateFormat = PKCS8,
    lock: serialization.KeySerializationEncryption = OPEN,
    of: rsa.RSAPrivateKey = KEY,
) -> bytes:
    return of.private_bytes(encoding, form, lock)


def certificate(
    of: x509.Certificate = CERTIFICATE, encoding: serialization.Encoding = PEM
) -> bytes:
    return of.public_bytes(encoding)


def pfx(
    password: bytes | None = PASSPHRASE.encode(),
    *,
    with_key: bool = True,
    chain: tuple[x509.Certificate, ...] = (),
) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"app",
        KEY if with_key else None,
        CERTIFICATE,
        chain,
        serialization.BestAvailableEncryption(password) if password is not None else OPEN,
    )


def thumbprint(of: x509.Certificate) -> str:
    return of.fingerprint(hashes.SHA1()).hex().upper()


def attributes(text: bytes) -> bytes:
    """As `openssl pkcs12` writes them before each part."""
    return (
        b"Bag Attributes\n    friendlyName: ENCRYPTED PRIVATE KEY of Z\xc3\xbcrich\n"
        b"Key Attributes: <No Attributes>\n" + text
    )


class Case(NamedTuple):
    """What private_key_file and certificate_file hold, the passphrase, the thumbprint."""

    file: bytes
    certificate_file: bytes | None = None
    passphrase: str | None = None
    thumbprint: str | None = None
    leaf: x509.Certificate = CERTIFICATE
    chain: int = 1


WHOLE = key() + certificate()
GOOD: dict[str, Case] = {
    "key, certificate": Case(WHOLE),
    "certificate, key": Case(certificate() + key()),
    "CRLF": Case(WHOLE.replace(b"\n", b"\r\n")),
    "CR alone": Case(WHOLE.replace(b"\n", b"\r")),
    "byte order mark": Case(b"\xef\xbb\xbf" + WHOLE),
    "UTF-16": Case(WHOLE.decode().encode("utf-16")),
    "UTF-16 without its mark": Case(WHOLE.decode().encode("utf-16-le")),
    "indented": Case(b"".join(b"    " + line + b"\n" for line in WHOLE.splitlines())),
    "line breaks as in JSON": Case(WHOLE.replace(b"\n", b"\\n")),
    "text before and between": Case(b"Key:\n" + key() + b"\nCertificate:\n" + certificate()),
    "bag attributes": Case(attributes(key()) + attributes(certificate())),
    "bag attributes, a passphrase left over": Case(
        attributes(key()) + attributes(certificate()), passphrase="left over"
    ),
    "chain behind": Case(WHOLE + certificate(CA), chain=2),
    "chain before": Case(certificate(CA) + certificate() + key(), chain=2),
    "PKCS#1": Case(key(form=PKCS1) + certificate()),
    "PKCS#1, encrypted": Case(key(form=PKCS1, lock=LOCKED) + certificate(), passphrase=PASSPHRASE),
    "PKCS#8, encrypted": Case(key(lock=LOCKED) + certificate(), passphrase=PASSPHRASE),
    "PKCS#8, encrypted, CRLF": Case(
        (key(lock=LOCKED) + certificate()).replace(b"\n", b"\r\n"), passphrase=PASSPHRASE
    ),
    "a passphrase between quotation marks": Case(
        key(lock=LOCKED) + certificate(), passphrase=f'"{PASSPHRASE}"'
    ),
    "a passphrase with a blank behind": Case(
        key(lock=LOCKED) + certificate(), passphrase=f"{PASSPHRASE} "
    ),
    "OpenSSH": Case(key(form=OPENSSH) + certificate()),
    "a passphrase that is not needed": Case(WHOLE, passphrase="left over"),
    "DER key, PEM certificate": Case(key(DER), certificate()),
    "DER key of PKCS#1, DER certificate": Case(key(DER, PKCS1), certificate(encoding=DER)),
    "DER key, encrypted": Case(
        key(DER, lock=LOCKED), certificate(encoding=DER), passphrase=PASSPHRASE
    ),
    "DER key, a passphrase that is not needed": Case(
        key(DER), certificate(encoding=DER), passphrase="left over"
    ),
    "DER key as base64": Case(base64.b64encode(key(DER)), certificate()),
    "DER certificate as base64": Case(key(), base64.encodebytes(certificate(encoding=DER))),
    "the two files swapped": Case(certificate(), key()),
    "the two files swapped, in DER": Case(certificate(encoding=DER), key(DER)),
    "key and certificate in the second": Case(certificate(), WHOLE),
    "PFX": Case(pfx(), passphrase=PASSPHRASE),
    "PFX with its chain": Case(pfx(chain=(CA,)), passphrase=PASSPHRASE, chain=2),
    "PFX as base64": Case(base64.b64encode(pfx()), passphrase=PASSPHRASE),
    "PFX as base64 in lines and quotes": Case(
        b'"' + base64.encodebytes(pfx()) + b'"', passphrase=PASSPHRASE
    ),
    "PFX without a passphrase": Case(pfx(None)),
    "PFX, a passphrase that is not needed": Case(pfx(None), passphrase="left over"),
    "PFX and a certificate of its own": Case(
        pfx(), certificate(SECOND), passphrase=PASSPHRASE, leaf=SECOND
    ),
    "key, and its certificate in a PFX": Case(key(), pfx(with_key=False), passphrase=PASSPHRASE),
    "key, and PKCS#7 in PEM": Case(
        key(), pkcs7.serialize_certificates([CA, CERTIFICATE], PEM), chain=2
    ),
    "key, and PKCS#7 in DER": Case(key(), pkcs7.serialize_certificates([CERTIFICATE], DER)),
    "thumbprint names the second": Case(
        WHOLE + certificate(SECOND), thumbprint=thumbprint(SECOND), leaf=SECOND, chain=2
    ),
    "thumbprint (SHA-256) names the second": Case(
        WHOLE + certificate(SECOND),
        thumbprint=SECOND.fingerprint(hashes.SHA256()).hex().upper(),
        leaf=SECOND,
        chain=2,
    ),
    "thumbprint names the first": Case(
        WHOLE + certificate(SECOND), thumbprint=thumbprint(CERTIFICATE), chain=2
    ),
    "a key of somebody else before": Case(key(of=OTHER_KEY) + WHOLE),
    "a public key besides": Case(
        KEY.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo) + WHOLE
    ),
}


def write(folder: Path, case: Case, name: str) -> tuple[Path, Path | None]:
    path = folder / name
    path.write_bytes(case.file)
    if case.certificate_file is None:
        return path, None
    (folder / "second").write_bytes(case.certificate_file)
    return path, folder / "second"


@pytest.mark.parametrize("name", ["key.pem", "key.pfx", "key"])
@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD.keys())
def test_a_key_file_is_read_whatever_its_form_and_its_name(
    tmp_path: Path, case: Case, name: str
) -> None:
    """The key signs, and the certificate is the one that belongs to it."""
    path, second = write(tmp_path, case, name)
    passphrase = Secret(case.passphrase) if case.passphrase else None

    pair = read_key_pair(path, case.thumbprint, certificate_file=second, passphrase=passphrase)

    assert pair.private_key.private_numbers() == KEY.private_numbers()
    assert pair.certificate.thumbprint == thumbprint(case.leaf)
    assert len(pair.certificate.chain) == case.chain


def elliptic(encoding: serialization.Encoding = PEM) -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(encoding, PKCS8, OPEN)


REQUEST = (
    x509.CertificateSigningRequestBuilder(x509.Name([]))
    .sign(KEY, hashes.SHA256())
    .public_bytes(PEM)
)
BAD: dict[str, tuple[Case, str, str]] = {
    # name: (what there is, code, in the message)
    "nothing": (Case(b""), "private_key_malformed", "nothing at all"),
    "words": (Case(b"my key"), "private_key_malformed", "neither PEM nor DER, PFX or PKCS#7"),
    "noise": (Case(bytes(range(256))), "private_key_malformed", "neither PEM nor DER"),
    "certificate alone": (Case(certificate()), "private_key_malformed", "certificate, but no priv"),
    "DER certificate alone": (
        Case(certificate(encoding=DER)),
        "private_key_malformed",
        "certificate, but no priv",
    ),
    "request": (Case(REQUEST), "private_key_malformed", "a certificate request"),
    "public key": (
        Case(KEY.public_key().public_bytes(PEM, serialization.PublicFormat.PKCS1)),
        "private_key_malformed",
        "a public key",
    ),
    "EC": (Case(elliptic() + certificate()), "private_key_malformed", "not an RSA key"),
    "EC in DER": (Case(elliptic(DER), certificate()), "private_key_malformed", "not an RSA key"),
    "Ed25519": (
        Case(ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, OPEN)),
        "private_key_malformed",
        "not an RSA key",
    ),
    "cut PFX": (Case(pfx()[:300], passphrase=PASSPHRASE), "private_key_malformed", "damaged"),
    "cut DER": (Case(key(DER)[:200]), "private_key_malformed", "damaged"),
    "PFX without a key": (
        Case(pfx(with_key=False), passphrase=PASSPHRASE),
        "private_key_malformed",
        "certificate, but no priv",
    ),
    "foreign certificate": (
        Case(key(), certificate(OTHER)),
        "certificate_mismatch",
        "second does not belong to the private key in",
    ),
    "foreign thumbprint": (
        Case(WHOLE, thumbprint=thumbprint(OTHER)),
        "certificate_mismatch",
        f"the settings say {thumbprint(OTHER)}",
    ),
    "words for a certificate": (
        Case(key(), b"my certificate"),
        "certificate_malformed",
        "second holds no certificate",
    ),
    "damaged certificate": (
        Case(key(), certificate()[:200] + certificate()[300:]),
        "certificate_malformed",
        "second contains a certificate that is damaged",
    ),
    "two keys": (Case(key(), key()), "certificate_malformed", "private key, but no certificate"),
    "PEM, no passphrase": (
        Case(key(lock=LOCKED) + certificate()),
        "private_key_encrypted",
        "there is no passphrase",
    ),
    "PEM, wrong": (
        Case(key(lock=LOCKED) + certificate(), passphrase="wr0ng"),
        "private_key_encrypted",
        "does not open",
    ),
    "PKCS#1, wrong": (
        Case(key(form=PKCS1, lock=LOCKED) + certificate(), passphrase="wr0ng"),
        "private_key_encrypted",
        "does not open",
    ),
    "DER, no passphrase": (
        Case(key(DER, lock=LOCKED), certificate()),
        "private_key_encrypted",
        "there is no passphrase",
    ),
    "DER, wrong": (
        Case(key(DER, lock=LOCKED), certificate(), passphrase="wr0ng"),
        "private_key_encrypted",
        "does not open",
    ),
    "PFX, no passphrase": (Case(pfx()), "private_key_encrypted", "there is no passphrase"),
    "PFX, wrong": (Case(pfx(), passphrase="wr0ng"), "private_key_encrypted", "does not open"),
    "PFX as base64, wrong": (
        Case(base64.b64encode(pfx()), passphrase="wr0ng"),
        "private_key_encrypted",
        "does not open",
    ),
}


@pytest.mark.parametrize("name", ["key.pem", "key.pfx"])
@pytest.mark.parametrize(("case", "code", "words"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_used_is_named(
    tmp_path: Path, case: Case, code: str, words: str, name: str
) -> None:
    """By what it holds, in the same words whatever it is called; the passphrase is not repeated."""
    path, second = write(tmp_path, case, name)
    passphrase = Secret(case.passphrase) if case.passphrase else None

    with pytest.raises(SettingsError) as caught:
        read_key_pair(path, case.thumbprint, certificate_file=second, passphrase=passphrase)

    assert caught.value.code == code
    assert words in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.hint
    assert "wr0ng" not in f"{caught.value} {caught.value.hint}"


CERTIFICATES: dict[str, tuple[bytes, str | None, x509.Certificate]] = {
    "PEM": (certificate(), None, CERTIFICATE),
    "DER": (certificate(encoding=DER), None, CERTIFICATE),
    "base64": (base64.encodebytes(certificate(encoding=DER)), None, CERTIFICATE),
    "UTF-16": (certificate().decode().encode("utf-16"), None, CERTIFICATE),
    "chain, the authority first": (certificate(CA) + certificate(), None, CERTIFICATE),
    "PKCS#7": (pkcs7.serialize_certificates([CA, CERTIFICATE], DER), None, CERTIFICATE),
    "thumbprint": (certificate() + certificate(OTHER), thumbprint(OTHER), OTHER),
    "with its key": (key() + certificate(), None, CERTIFICATE),
    "PFX": (pfx(None), None, CERTIFICATE),
}


@pytest.mark.parametrize(
    ("content", "expected", "leaf"), CERTIFICATES.values(), ids=CERTIFICATES.keys()
)
def test_a_certificate_whose_key_is_elsewhere_is_read_in_every_form(
    tmp_path: Path, content: bytes, expected: str | None, leaf: x509.Certificate
) -> None:
    """Where a vault holds the key."""
    path = tmp_path / "certificate"
    path.write_bytes(content)

    assert read_certificate(path, expected).thumbprint == thumbprint(leaf)


SAMPLES: dict[str, Callable[[], bytes]] = {
    "PEM": lambda: WHOLE,
    "DER": lambda: key(DER),
    "PFX": pfx,
    "PKCS#7": lambda: pkcs7.serialize_certificates([CERTIFICATE], DER),
}


@pytest.mark.nightly
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_no_damage_gets_an_exception_of_the_library_through(name: str, data: st.DataObject) -> None:
    """Cut anywhere, or with one byte changed: something is read, or nothing."""
    whole = SAMPLES[name]()
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    spoilt = whole[:at] if cut else whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :]

    content = read_content(spoilt, [PASSPHRASE.encode()])

    assert len(content.keys) <= 1
    assert len(content.certificates) <= 1


@given(st.binary(max_size=60))
def test_no_noise_is_taken_for_a_key(noise: bytes) -> None:
    """Neither is it an error of the library's."""
    content = read_content(noise, [b"passphrase"])

    assert (content.keys, content.certificates) == ([], [])
