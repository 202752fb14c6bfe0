"""The certificate authorities that a program is to trust: the emulator's, and those it trusts."""

import base64
import hashlib
import re
import ssl
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from entra_emulator.private_files import write_file

# Where systems keep the certificates that programs trust, besides what Python's OpenSSL names.
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, BSD
)
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file with all authorities to trust: of OpenSSL and Go, requests, curl."""
ADDED_VARIABLE = "NODE_EXTRA_CA_CERTS"
"""The variable that names a file with authorities for Node to trust besides its own."""

STORE_PASSWORD = "changeit"  # noqa: S105  the password of every Java trust store

_PUBLIC = 0o644
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----"
)


class TrustFiles(NamedTuple):
    """Files of trusted certificates: all in PEM, those to be added in PEM, all for Java."""

    bundle: Path
    additions: Path
    java: Path


def write_trust_files(folder: Path, ca_pem: bytes, environment: Mapping[str, str]) -> TrustFiles:
    """
    Write the files into a folder.

    Args:
        folder: where they are written.
        ca_pem: the certificate of the emulator's authority.
        environment: the variables that say what the program trusts by itself.
    """
    files = TrustFiles(*(folder / name for name in ("trusted.pem", "added.pem", "trusted.jks")))
    bundle = make_bundle(ca_pem, environment)
    write_file(files.bundle, bundle.encode("ascii"), mode=_PUBLIC)
    write_file(files.additions, make_additions(ca_pem, environment).encode("ascii"), mode=_PUBLIC)
    write_file(files.java, make_java_store(bundle), mode=_PUBLIC)
    return files


def find_system_bundles() -> list[Path]:
    """The files of trusted certificates that this system has, each once."""
    named = ssl.get_default_verify_paths().cafile
    paths = [Path(name).resolve() for name in (named, *_SYSTEM_BUNDLES) if name]
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def make_bundle(ca_pem: bytes, environment: Mapping[str, str]) -> str:
    """
    The certificates that programs in this environment trust, and the emulator's, in PEM.

    Those that variables name come first, or else the system's.
    """
    named = [Path(environment[name]) for name in BUNDLE_VARIABLES if environment.get(name)]
    texts = [ca_pem.decode(), *map(_read, [*named, *find_system_bundles()])]
    return _join(texts)


def make_additions(ca_pem: bytes, environment: Mapping[str, str]) -> str:
    """The certificates that Node trusts besides its own: the emulator's, and those it is told."""
    named = environment.get(ADDED_VARIABLE)
    return _join([ca_pem.decode(), _read(Path(named)) if named else ""])


def make_java_store(bundle: str) -> bytes:
    """
    The same certificates as a Java trust store.

    In the form JKS, which every Java reads: a PKCS #12 file needs an attribute of Oracle's to be
    one of trusted certificates. Source: OpenJDK, sun.security.provider.JavaKeyStore.
    """
    rows = [struct.pack(">IIi", 0xFEED_FEED, 2, 0)]
    for number, der in enumerate(_list_certificates([bundle])):
        entry = struct.pack(">i", 2) + _text(f"authority{number}") + struct.pack(">q", 0)
        rows.append(entry + _text("X.509") + struct.pack(">i", len(der)) + der)
    rows[0] = struct.pack(">IIi", 0xFEED_FEED, 2, len(rows) - 1)
    content = b"".join(rows)
    # The file's format has this digest; it proves nothing to anybody.
    salted = STORE_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + content
    return content + hashlib.sha1(salted, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")


def _list_certificates(texts: Iterable[str]) -> list[bytes]:
    certificates = (base64.b64decode(body) for text in texts for body in _CERTIFICATE.findall(text))
    return list(dict.fromkeys(certificates))


def _join(texts: Iterable[str]) -> str:
    return "".join(map(ssl.DER_cert_to_PEM_cert, _list_certificates(texts)))


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        # A variable may name a file that is not there; its program would not have trusted it.
        return ""
