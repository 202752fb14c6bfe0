"""The certificate authorities that TLS trusts: those of the system, and those in the settings."""

import os
import re
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from graphdaemon.errors import SettingsError
from graphdaemon.settings.file_content import read_small_file
from graphdaemon.settings.text import clean, decode_base64, find_pem, list_pem_blocks, quote

# Companies whose proxy decrypts TLS and signs it anew set these variables for Python programs.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_MARK = b"-----BEGIN CERTIFICATE-----"
_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE")
# `openssl rehash` names the file of a certificate, or of a revocation list, by a hash of its
# subject.
_HASHED = r"[0-9a-f]{8}\.r?\d+"
_ENDINGS = (".pem", ".crt", ".cer", ".der", ".p7b", ".p7c")


_Key = tuple[Path | None, tuple[str, ...], tuple[tuple[int, int, int] | None, ...]]

_shared: dict[_Key, ssl.SSLContext] = {}
_shared_lock = threading.Lock()


def share_context(ca_file: Path | None) -> ssl.SSLContext:
    """
    Return the context that `make_context` returns; callers that trust the same files share it.

    Making a context takes 20 ms and half a megabyte, and a daemon has a client for each tenant. It
    is made anew when one of the variables, or one of the files that they name, has changed.

    Raises:
        SettingsError: As `make_context`.
    """
    paths = ssl.get_default_verify_paths()
    variables = (paths.openssl_cafile_env, paths.openssl_capath_env, *_BUNDLES)
    values = tuple(os.environ.get(name, "") for name in variables)
    named = [str(ca_file or ""), *(part for value in values for part in value.split(os.pathsep))]
    key = (ca_file, values, tuple(_read_state(path) for path in named))
    with _shared_lock:
        context = _shared.get(key)
        if context is None:
            # Keep the newest context only, or files that are replaced every day would fill the
            # memory.
            stale = [one for one in _shared if one[:2] == key[:2]]
            for one in stale:
                del _shared[one]
            context = _shared[key] = make_context(ca_file)
        return context


def _read_state(path: str) -> tuple[int, int, int] | None:
    """Return inode, time of change in ns, and size in bytes of a file; None if there is none."""
    if not path:
        return None
    try:
        status = os.stat(clean(path))  # noqa: PTH116  a path that is none raises ValueError here
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """
    Return a TLS context that trusts the certificate authorities of the system and further ones.

    The authorities in `ca_file` and in the variables `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` are
    added to those of the system. Those in `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them, as
    everywhere with OpenSSL.

    Raises:
        SettingsError: One of these files or folders is missing, unreadable or has no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Some builds of Python (Debian's 3.11.2) make OpenSSL treat a connection that was cut like one
    # that was closed, so that an attacker could cut an answer short unnoticed (RFC 9112, 9.8).
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    paths = ssl.get_default_verify_paths()
    file, folders = (
        clean(os.environ.get(name, ""))
        for name in (paths.openssl_cafile_env, paths.openssl_capath_env)
    )
    _trust_system(context, is_file_named=bool(file), is_folder_named=bool(folders))
    named = [(paths.openssl_cafile_env, file)]
    named += [(paths.openssl_capath_env, folder) for folder in folders.split(os.pathsep)]
    named += [(name, clean(os.environ.get(name, ""))) for name in _BUNDLES]
    named += [("ca_file", str(ca_file))] if ca_file is not None else []
    trusted: set[str] = set()
    for source, path in named:
        # Several settings often name the same file, which takes long to read.
        if path and path not in trusted:
            trusted.add(path)
            _trust(context, source, Path(path))
    return context


def _trust_system(context: ssl.SSLContext, *, is_file_named: bool, is_folder_named: bool) -> None:
    paths = ssl.get_default_verify_paths()
    if is_file_named or is_folder_named:
        if sys.platform == "win32":
            context.load_default_certs()
        # As OpenSSL does it: SSL_CERT_FILE replaces the default file, and SSL_CERT_DIR the default
        # folder.
        if not is_folder_named and _is_hashed(paths.openssl_capath):
            context.load_verify_locations(capath=paths.openssl_capath)
        if not is_file_named and Path(paths.openssl_cafile).is_file():
            context.load_verify_locations(cafile=paths.openssl_cafile)
        return
    if _is_hashed(paths.openssl_capath):
        # From a hashed folder, only the files that are needed are read. Reading the whole bundle
        # would take 60 ms at each start.
        context.load_verify_locations(capath=paths.openssl_capath)
        return
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:
        # The builds of python.org for macOS have no certificates. certifi is always installed,
        # because msal needs requests, which needs certifi.
        import certifi

        context.load_verify_locations(cafile=certifi.where())


def _is_hashed(folder: str | Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(re.fullmatch(_HASHED, entry.name) for entry in entries)
    except OSError:
        return False


def _trust(context: ssl.SSLContext, source: str, path: Path) -> None:
    if not path.is_dir():
        _trust_file(context, source, path)
    elif _is_hashed(path):
        context.load_verify_locations(capath=path)
    else:
        files = list(_list_files(source, path))
        if not files:
            raise _unusable(source, path, "is a folder without certificates")
        for file in files:
            _trust_file(context, source, file)


def _list_files(source: str, folder: Path) -> Iterator[Path]:
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in _ENDINGS and path.is_file():
                yield path
    except OSError as error:
        raise _unusable(source, folder, f"cannot be read: {error.strerror}") from None


def _trust_file(context: ssl.SSLContext, source: str, path: Path) -> None:
    try:
        content = read_small_file(path)
    except FileNotFoundError:
        raise _unusable(source, path, "does not exist") from None
    except OSError as error:
        raise _unusable(source, path, f"cannot be read: {error.strerror}") from None
    if not content.strip():
        raise _unusable(source, path, "is empty")
    try:
        if _is_plain(content):
            context.load_verify_locations(cafile=path)
            return
        certificates = _read_certificates(content)
        if certificates:
            context.load_verify_locations(cadata=certificates)
            return
    except (ssl.SSLError, ValueError):
        raise _unusable(source, path, "is not a certificate, or a damaged one") from None
    raise _unusable(source, path, "contains no certificate")


def _is_plain(content: bytes) -> bool:
    """Return whether OpenSSL finds all certificates: it ignores a PEM mark within a line."""
    at_lines = content.count(b"\n-----BEGIN ") + content.startswith(b"-----BEGIN ")
    marks = content.count(b"-----BEGIN ")
    return _MARK in content and at_lines == marks < content.count(b"\n")


def _read_certificates(content: bytes) -> bytes:
    """Return all certificates in `content` as DER, one after the other; empty if it has none."""
    text = find_pem(content)
    if text is None:
        der = decode_base64(content) or content
        # A file in PKCS#7 begins with the object identifier of signed data (RFC 5652, 5.1).
        if bytes.fromhex("06092a864886f70d010702") in der[:20]:
            return _unpack(der, is_pem=False)
        return der
    blocks = list_pem_blocks(text)
    parts = [
        ssl.PEM_cert_to_DER_cert(_plain(block)) for label, block in blocks if label in _CERTIFICATES
    ]
    parts += [
        _unpack(block.replace(b"CMS-----", b"PKCS7-----"), is_pem=True)
        for label, block in blocks
        if label in (b"PKCS7", b"CMS")
    ]
    return b"".join(parts)


def _plain(block: bytes) -> str:
    return block.replace(b"X509 CERTIFICATE", b"CERTIFICATE").decode("ascii")


def _unpack(content: bytes, *, is_pem: bool) -> bytes:
    # Imported for these rare files only, because the import takes as long as everything else here.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    load = pkcs7.load_pem_pkcs7_certificates if is_pem else pkcs7.load_der_pkcs7_certificates
    try:
        return b"".join(one.public_bytes(Encoding.DER) for one in load(content))
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from error


def _unusable(source: str, path: Path, problem: str) -> SettingsError:
    return SettingsError(
        f"{source} {quote(str(path))} {problem}",
        code="ca_file_unreadable",
        hint="Name a file that contains the certificate authority's own certificate, as PEM or DER"
        + ("." if source == "ca_file" else f", or unset {source}."),
    )
