"""A stand-in for Azure Key Vault: real TLS, the real protocol, and signatures that are real."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

HOST = "contoso.vault.azure.net"
KEY = f"https://{HOST}/keys/app"
VERSION = "0123456789abcdef0123456789abcdef"
TOKEN = "token-for-the-vault"
_CHALLENGE = (
    'Bearer authorization="https://login.microsoftonline.com/'
    '11111111-2222-4333-8444-555555555555", resource="https://vault.azure.net"'
)


class Vault:
    """The vault's port, what it was asked, and whether it lets anybody sign."""

    def __init__(self, pem: str) -> None:
        key = serialization.load_pem_private_key(pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.asked: list[str] = []
        self.refusal: int | None = None
        self.port = 0

    def answer(self, path: str, token: str | None, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body, as "Sign - Sign" and "Get Key" of the REST reference have them."""
        self.asked.append(path.partition("?")[0])
        if token != f"Bearer {TOKEN}":
            return 401, {"error": {"code": "Unauthorized", "message": "AKV10000"}}
        if self.refusal is not None:
            return self.refusal, {"error": {"code": "Forbidden", "message": "no"}}
        kid = f"{KEY}/{VERSION}"
        if not path.startswith(f"/keys/app/{VERSION}/sign"):
            numbers = self.key.public_key().public_numbers()
            key = {"kid": kid, "kty": "RSA", "key_ops": ["sign"], "e": encode(numbers.e)}
            return 200, {"key": key | {"n": encode(numbers.n)}, "attributes": {"enabled": True}}
        digest = base64.urlsafe_b64decode(body["value"] + "==")
        scheme = (
            padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            if body["alg"] == "PS256"
            else padding.PKCS1v15()
        )
        signature = self.key.sign(digest, scheme, utils.Prehashed(hashes.SHA256()))
        return 200, {"kid": kid, "value": base64.urlsafe_b64encode(signature).decode().rstrip("=")}


def encode(number: int) -> str:
    size = (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(size)).decode().rstrip("=")


@contextmanager
def serving(pem: str, authority: trustme.CA) -> Iterator[Vault]:
    """The vault on a free port, under its real name."""
    vault = Vault(pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}")
            status, answer = vault.answer(self.path, self.headers.get("Authorization"), body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", _CHALLENGE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    vault.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def machine() -> Iterator[str]:
    """A machine whose identity the vault knows: the address of its metadata service."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"access_token": TOKEN, "expires_in": "3600", "resource": "", "token_type": "x"}
            content = json.dumps(body).encode()
            self.send_response(200 if self.headers.get("Metadata") else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
