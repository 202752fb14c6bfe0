"""Which certificate authorities are trusted: the system's, and those that people name."""

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

# Companies whose proxy re-signs TLS set these for every Python program.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_MARK = b"-----BEGIN CERTIFICATE-----"
_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE")
# `openssl rehash` names a certificate, or a list of revoked ones, by the hash of its subject.
_HASHED = r"[0-9a-f]{8}\.r?\d+"
_ENDINGS = (".pem", ".crt", ".cer", ".der", ".p7b", ".p7c")


_Key = tuple[Path | None, tuple[str, ...], tuple[tuple[int, int, int] | None, ...]]

_shared: dict[_Key, ssl.SSLContext] = {}
_shared_lock = threading.Lock()


def share_context(ca_file: Path | None) -> ssl.SSLContext:
    """
    Return what `make_context` returns, made once for all who trust the same.

    A context takes 20 ms and half a megabyte, and a daemon has one client for each tenant. Where a
    variable, or a file that is named, has changed since, it is made anew.

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
            # Only the newest is kept of each: files that are replaced each day would fill memory.
            stale = [one for one in _shared if one[:2] == key[:2]]
            for one in stale:
                del _shared[one]
            context = _shared[key] = make_context(ca_file)
        return context


def _read_state(path: str) -> tuple[int, int, int] | None:
    """What changes with a file; None if there is none."""
    if not path:
        return None
    try:
        status = os.stat(clean(path))  # noqa: PTH116  a path that is none raises ValueError here
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """
    Return a TLS context that trusts the system's certificate authorities and those that are named.

    They are named by `ca_file` and by the variables `SSL_CERT_FILE` and `SSL_CERT_DIR`, which
    replace the system's (OpenSSL), `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE`, which add to them.

    Raises:
        SettingsError: What one of them names cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Some builds of Python (Debian's 3.11.2) let OpenSSL take a line that is cut for one that
    # ended, and then whoever cuts it could shorten an answer (RFC 9112, 9.8).
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
        # Companies set several of them to one file, and reading it takes long.
        if path and path not in trusted:
            trusted.add(path)
            _trust(context, source, Path(path))
    return context


def _trust_system(context: ssl.SSLContext, *, is_file_named: bool, is_folder_named: bool) -> None:
    paths = ssl.get_default_verify_paths()
    if is_file_named or is_folder_named:
        if sys.platform == "win32":
            context.load_default_certs()
        # OpenSSL's rule: each of the two variables replaces one of its own two places.
        if not is_folder_named and _is_hashed(paths.openssl_capath):
            context.load_verify_locations(capath=paths.openssl_capath)
        if not is_file_named and Path(paths.openssl_cafile).is_file():
            context.load_verify_locations(cafile=paths.openssl_cafile)
        return
    if _is_hashed(paths.openssl_capath):
        # Of a hashed folder only what is needed is read; the whole bundle costs each start 60 ms.
        context.load_verify_locations(capath=paths.openssl_capath)
        return
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:
        # python.org's builds for macOS have no certificates. certifi is there: msal needs requests,
        # which needs it.
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
        raise _unusable(source, path, "is no certificate, or a damaged one") from None
    raise _unusable(source, path, "holds no certificate")


def _is_plain(content: bytes) -> bool:
    """Whether OpenSSL finds every certificate: it passes over marks that begin no line."""
    at_lines = content.count(b"\n-----BEGIN ") + content.startswith(b"-----BEGIN ")
    marks = content.count(b"-----BEGIN ")
    return _MARK in content and at_lines == marks < content.count(b"\n")


def _read_certificates(content: bytes) -> bytes:
    """The certificates as DER, one behind the other; empty if there is none."""
    text = find_pem(content)
    if text is None:
        der = decode_base64(content) or content
        # Certificates of PKCS#7 stand behind the identifier of signed data (RFC 5652, 5.1).
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
    # Loaded for the rare file only: it takes as long as all the rest.
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
        hint="Name a file that holds the certificate authority's own certificate, as PEM or DER"
        + ("." if source == "ca_file" else f", or unset {source}."),
    )
