"""Every kind of credential end to end: real MSAL, real TLS, the pretend tenant's token service."""

from __future__ import annotations

import base64
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from graphdaemon.errors import Error, SettingsError
from graphdaemon.settings import credentials as settings_table
from tests.support.cloud_machine import Place, claims_of, fetch, private


def encrypted_pem(pem: str) -> bytes:
    key = serialization.load_pem_private_key(pem.encode(), None)
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
        + pem[pem.index("-----BEGIN CERT") :].encode()
    )


def pfx(pem: str) -> bytes:
    key = serialization.load_pem_private_key(pem.encode(), None)
    return pkcs12.serialize_key_and_certificates(
        b"app",
        key,  # type: ignore[arg-type]
        x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode()),
        None,
        serialization.BestAvailableEncryption(b"open sesame"),
    )


KINDS = {
    "secret": "1",
    "secret_file": "1",
    "secret_keyring": "1",
    "pem": "2",
    "pem and thumbprint": "2",
    "bare key and SHA-1": "2",
    "bare key and SHA-256": "2",
    "two files": "2",
    "encrypted pem": "2",
    "pfx": "2",
    "pfx of another name": "2",
    "chain sent": "2",
    "federated_token_file": "2",
    "federated_command": "2",
    "kubernetes": "2",
    "managed_identity": "2",
    "managed_identity by ID": "2",
}


def configure(kind: str, place: Place, folder: Path) -> dict[str, Any]:
    """The settings of one kind of credential, with the files they name."""
    app, pem = place.app, place.app.pem
    key, certificate = pem.split("-----BEGIN CERT")
    leaf = x509.load_pem_x509_certificate(("-----BEGIN CERT" + certificate).encode())
    token_file = private(folder, "token", place.issuer.token() + "\n")
    whole = private(folder, "app.pem", pem)
    bare = private(folder, "bare.pem", key)
    print_it = f"print(open({token_file!r}).read())"
    configured: dict[str, dict[str, Any]] = {
        "secret": {"secret": app.secret},
        "secret_file": {"secret_file": private(folder, "secret", app.secret + "\n")},
        "secret_keyring": {"secret_keyring": "graphdaemon/test"},
        "pem": {"private_key_file": whole},
        "pem and thumbprint": {"private_key_file": whole, "thumbprint": app.thumbprint},
        "bare key and SHA-1": {"private_key_file": bare, "thumbprint": app.thumbprint},
        "bare key and SHA-256": {
            "private_key_file": bare,
            "thumbprint": leaf.fingerprint(hashes.SHA256()).hex(),
        },
        "two files": {
            "private_key_file": bare,
            "certificate_file": private(folder, "c.pem", "-----BEGIN CERT" + certificate),
        },
        "encrypted pem": {
            "private_key_file": private(folder, "e.pem", encrypted_pem(pem)),
            "passphrase_file": private(folder, "phrase", "open sesame\n"),
        },
        "pfx": {
            "private_key_file": private(folder, "app.pfx", pfx(pem)),
            "passphrase": "open sesame",
        },
        "pfx of another name": {
            "private_key_file": private(folder, "app.key", base64.b64encode(pfx(pem))),
            "passphrase": "open sesame",
        },
        "chain sent": {"private_key_file": whole, "send_chain": True},
        "federated_token_file": {"federated_token_file": token_file},
        "federated_command": {"federated_command": [sys.executable, "-c", print_it]},
        "kubernetes": {"federated": "kubernetes"},
        "managed_identity": {"managed_identity": "system", "client_id": None, "authority": None},
        "managed_identity by ID": {"managed_identity": place.identity},
    }
    return configured[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gets_a_token(
    kind: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each proves the app's identity to the token service, which says with what in the token."""
    credential = configure(kind, place, tmp_path)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    if kind == "secret_keyring":
        keyring = pytest.importorskip("keyring")
        from tests.support.keyring_in_memory import KeyringInMemory

        held = KeyringInMemory()
        held.set_password("graphdaemon", "test", place.app.secret)
        monkeypatch.setattr(keyring, "get_password", held.get_password)

    token = fetch(place.settings(**credential))

    claims = claims_of(token)
    assert claims["roles"] == ["User.Read.All"]
    assert claims["appidacr"] == KINDS[kind]
    assert token.refresh_at is not None, "a token that lives a day is renewed at half of it"


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    # name: (settings, code, in the message)
    "no file": ({"federated_token_file": "/nowhere/token"}, "assertion_unavailable", "/nowhere"),
    "no token": ({"federated_command": ["echo", "hello"]}, "assertion_unavailable", "not a token"),
    "no program": ({"federated_command": ["/nowhere/x"]}, "assertion_unavailable", "not be start"),
    "program fails": (
        {"federated_command": ["sh", "-c", "echo top-secret >&2; echo top-secret; exit 7"]},
        "assertion_unavailable",
        "exit code 7",
    ),
    "no runner": ({"federated": "github"}, "assertion_unavailable", "ACTIONS_ID_TOKEN"),
    "no secret file": ({"secret_file": "/nowhere/secret"}, "secret_unreadable", "/nowhere"),
    "unknown identity": (
        {"managed_identity": "99999999-9999-4999-8999-999999999999"},
        "managed_identity_absent",
        "Identity not found",
    ),
}


@pytest.mark.parametrize(("credential", "code", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_prove_anything_is_explained(
    place: Place, credential: dict[str, Any], code: str, words: str
) -> None:
    """Its own code, what happened, and the next step; nothing of what a program printed."""
    with pytest.raises(Error) as caught:
        fetch(place.settings(**credential))

    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.hint
    assert "top-secret" not in f"{caught.value} {caught.value.hint}"


def test_unusable_files_are_settings_errors(place: Place, tmp_path: Path) -> None:
    """An empty secret file is said to be one."""
    path = private(tmp_path, "secret", "\n")

    with pytest.raises(SettingsError, match="is empty"):
        fetch(place.settings(secret_file=path))


def test_a_secret_file_that_is_no_text_is_a_settings_error(place: Place, tmp_path: Path) -> None:
    """Its bytes are not repeated."""
    path = private(tmp_path, "secret", b"\xfe\x80")

    with pytest.raises(SettingsError, match="cannot be read: it is not text") as caught:
        fetch(place.settings(secret_file=path))

    assert caught.value.code == "secret_unreadable"


@pytest.mark.parametrize("kind", settings_table.KINDS)
def test_every_kind_of_the_table_has_a_module_that_reads_it(kind: str) -> None:
    """Of its name, so that nobody keeps a list of them."""
    assert callable(importlib.import_module(f"graphdaemon.auth.kinds.{kind}").read)


def test_only_a_file_with_a_private_key_is_told_to_be_closed(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate alone may be read by all, and is refused for another reason."""
    pem = place.app.pem
    public = tmp_path / "app.crt"
    public.write_text(pem[pem.index("-----BEGIN CERT") :], encoding="ascii")
    public.chmod(0o644)
    whole = tmp_path / "app.pem"
    whole.write_text(pem, encoding="ascii")
    whole.chmod(0o644)

    with pytest.raises(SettingsError, match="contains a certificate, but no private key"):
        fetch(place.settings(private_key_file=str(public)))
    assert caplog.messages == []

    fetch(place.settings(private_key_file=str(whole)))
    assert f"{whole} holds a private key, and others can read it" in caplog.text
