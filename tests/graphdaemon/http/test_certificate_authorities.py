"""Certificate authorities that people name: trusted in every form, or named; never ignored."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.errors import NetworkError, SettingsError
from graphdaemon.http.certificate_authorities import make_context, share_context
from graphdaemon.http.transport import Transport
from tests.support.run_command import Command
from tests.support.scripted_listing import listing
from tests.support.scripted_server import ScriptedServer, page

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
SOURCES = (*VARIABLES, "ca_file")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def other() -> bytes:
    """A certificate of somebody else's, in PEM."""
    pem = make_key_pair("other")[0]
    return pem[pem.index("-----BEGIN CERT") :].encode()


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def as_pkcs7(pem: bytes, encoding: Encoding) -> bytes:
    return pkcs7.serialize_certificates([x509.load_pem_x509_certificate(pem)], encoding)


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "PEM": lambda pem: pem,
    "PEM among text": lambda pem: "Über die CA\n".encode() + pem + b"the end\n",
    "PEM, CRLF": lambda pem: pem.replace(b"\n", b"\r\n"),
    "PEM behind a byte order mark": lambda pem: b"\xef\xbb\xbf" + pem,
    "PEM in UTF-16": lambda pem: pem.decode().encode("utf-16"),
    "PEM, indented": lambda pem: b"".join(b"  " + line + b"\n" for line in pem.splitlines()),
    "PEM with a line break of two signs": lambda pem: pem.replace(b"\n", b"\\n"),
    "several": lambda pem: other() + pem + other(),
    "several behind a byte order mark": lambda pem: b"\xef\xbb\xbf" + pem + other(),
    "older label": lambda pem: pem.replace(b" CERTIFICATE", b" X509 CERTIFICATE"),
    "DER": der,
    "DER, several": lambda pem: der(other()) + der(pem),
    "DER as base64": lambda pem: base64.encodebytes(der(pem)),
    "PKCS#7 in DER": lambda pem: as_pkcs7(pem, Encoding.DER),
    "PKCS#7 in PEM": lambda pem: as_pkcs7(pem, Encoding.PEM),
    "CMS": lambda pem: as_pkcs7(pem, Encoding.PEM).replace(b"PKCS7-----", b"CMS-----"),
}


def name_source(patch: pytest.MonkeyPatch, source: str, path: Path) -> Path | None:
    """Name `path` in the variable, or return it as `ca_file`."""
    if source == "ca_file":
        return path
    patch.setenv(source, str(path))
    return None


def reach(server: ScriptedServer, ca_file: Path | None) -> int:
    """The status of a request, or whatever stands in its way."""
    server.script = [page()]
    transport = Transport(ca_file=ca_file, timeout=20)
    try:
        return transport.exchange("GET", f"{server.url}/v1.0/users", {}).status
    finally:
        transport.close()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_trusted_in_every_form(
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    form: str,
    source: str,
) -> None:
    """Whatever it is called, and whoever names it."""
    path = tmp_path / "authority"
    path.write_bytes(FORMS[form](scripted.ca_file.read_bytes()))

    assert reach(scripted, name_source(monkeypatch, source, path)) == 200


PEM = other()
BAD: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "does not exist"),
    "empty": (b"", "is empty"),
    "blank": (b"\r\n", "is empty"),
    "words": (b"not a certificate", "is not a certificate, or a damaged one"),
    "noise": (bytes(range(256)), "is not a certificate, or a damaged one"),
    "cut": (PEM[:300], "damaged"),
    "damaged": (PEM[:200] + PEM[300:], "damaged"),
    "damaged among others": (PEM + PEM[:200] + PEM[300:] + PEM, "damaged"),
    "damaged in DER": (der(PEM)[:300], "damaged"),
    "damaged in PKCS#7": (as_pkcs7(PEM, Encoding.DER)[:300], "damaged"),
    "a key": (make_key_pair("x")[0].partition("-----BEGIN CERT")[0].encode(), "no certificate"),
    "words in base64": (base64.b64encode(b"\x30words"), "damaged"),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD.keys())
def test_a_file_that_cannot_be_used_is_named(
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
    content: bytes | None,
    words: str,
) -> None:
    """With the variable or setting that names it; nothing is ignored, and nothing is sent."""
    path = tmp_path / "authority"
    if content is not None:
        path.write_bytes(content)
    ca_file = name_source(monkeypatch, source, path)

    with pytest.raises(SettingsError, match=f"{source} {path} .*{words}") as caught:
        reach(scripted, ca_file)

    assert caught.value.code == "ca_file_unreadable"
    assert (source == "ca_file") != (f"unset {source}" in (caught.value.hint or ""))
    assert scripted.requests == []


def test_a_file_that_cannot_be_read_is_named_with_the_systems_words(tmp_path: Path) -> None:
    """Here a file stands where a folder should."""
    (tmp_path / "file").write_bytes(PEM)

    with pytest.raises(SettingsError, match=r"authority\.pem cannot be read: Not a directory"):
        make_context(tmp_path / "file" / "authority.pem")


def rehash(folder: Path, content: bytes) -> None:
    """As `openssl rehash` does."""
    (folder / "authority.pem").write_bytes(content)
    named = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", folder / "authority.pem"],
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / f"{named.stdout.strip()}.0").symlink_to("authority.pem")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("hashed", [True, False])
def test_a_folder_is_trusted(
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
    hashed: bool,
) -> None:
    """A folder may be hashed or plain; files that are not named like certificates are ignored."""
    content = scripted.ca_file.read_bytes()
    if hashed:
        rehash(tmp_path, content)
    else:
        (tmp_path / "authority.crt").write_bytes(der(content))
        (tmp_path / "README").write_text("Our authorities.")

    assert reach(scripted, name_source(monkeypatch, source, tmp_path)) == 200


@pytest.mark.parametrize("source", SOURCES)
def test_a_folder_that_holds_nothing_is_named(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    """OpenSSL would look into it and go on."""
    with pytest.raises(SettingsError, match=f"{source} {tmp_path} is a folder without"):
        reach(scripted, name_source(monkeypatch, source, tmp_path))


def test_several_folders_are_all_looked_at(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SSL_CERT_DIR is a list, as PATH is."""
    for name, content in (("a", other()), ("b", scripted.ca_file.read_bytes())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "c.pem").write_bytes(content)
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))

    assert reach(scripted, None) == 200


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", ["", " ", '""'])
def test_a_variable_that_holds_nothing_names_nothing(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """OpenSSL would take the empty name, find no file, and trust nobody."""
    plain = make_context(None).cert_store_stats()
    monkeypatch.setenv(variable, value)

    assert make_context(None).cert_store_stats() == plain


def test_who_is_trusted_besides_replaces_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scripted: ScriptedServer
) -> None:
    """A file of somebody else's in one variable does not hide the right one in another."""
    path = tmp_path / "other.pem"
    path.write_bytes(other())
    for variable in VARIABLES[:2]:
        monkeypatch.setenv(variable, str(path))

    assert reach(scripted, scripted.ca_file) == 200
    with pytest.raises(NetworkError, match="is not trusted"):
        reach(scripted, None)


@pytest.mark.parametrize("arguments", [("users",), ("token",), ("doctor",)])
def test_every_command_names_the_variable(
    command: Command,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    """As an error of the settings, with exit code 3 and no traceback."""
    path = tmp_path / "authority.crt"
    path.write_bytes(b"garbage")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    outcome = command(*arguments, scripted.write_parameters(tmp_path))

    assert outcome.code == 3
    assert f"SSL_CERT_FILE {path} is not a certificate" in outcome.err + outcome.out.decode()


def test_the_ca_file_counts_even_where_the_environment_names_another(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """REQUESTS_CA_BUNDLE, set on many company machines, does not silently win."""
    other = tmp_path / "other.pem"
    other.write_bytes(scripted.ca_file.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    scripted.script = [page()]

    assert listing(scripted) == []
    assert listing(scripted, ca_file=None) == []


def test_a_line_that_is_cut_is_no_end_whatever_the_build_of_python() -> None:
    """Debian's Python 3.11.2 switches on what makes the two look the same; others do not."""
    assert not make_context(None).options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


def test_who_trusts_the_same_shares_a_context_until_a_file_changes(tmp_path: Path) -> None:
    """Each costs 20 ms, and a daemon has a client for each of its tenants."""
    file, another = tmp_path / "authority.pem", tmp_path / "another.pem"
    file.write_bytes(other())
    another.write_bytes(other())
    context = share_context(file)

    assert share_context(file) is context
    assert share_context(another) is not context
    file.write_bytes(other() + other())
    assert share_context(file) is not context
