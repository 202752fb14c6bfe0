"""A token issuer of somebody else's: a real TLS server, whose answers the test decides."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.certificates_and_assertions import encode, make_key

SUBJECT = "repo:contoso/sync:environment:Production"
EXCHANGE = "api://AzureADTokenExchange"
METADATA = "/.well-known/openid-configuration"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Write = Callable[[BaseHTTPRequestHandler], None]


class Foreign:
    """The issuer: its URL, its keys by name, and which paths it was asked for."""

    def __init__(self, port: int, ca_file: Path) -> None:
        self.url = f"https://localhost:{port}"
        self.ca_file = ca_file
        self.keys: dict[str, Key] = {"one": make_key(7)}
        self.asked: list[str] = []
        self.stopped = threading.Event()
        self.answers: dict[str, Write] = {
            METADATA: lambda h: send(h, self.metadata),
            "/keys": lambda h: send(h, {"keys": [describe(k, v) for k, v in self.keys.items()]}),
        }
        self.metadata: Any = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def token(self, header: dict[str, Any] | None = None, kid: str = "one", **claims: Any) -> str:
        """A token such as workloads get; a claim that is None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "sub": SUBJECT, "aud": EXCHANGE, "nbf": now, "exp": now + 600}
        named = {"kid": kid} | (header or {})
        key = self.keys.get(kid) or self.keys["one"]
        alg = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        kept = {k: v for k, v in (said | claims).items() if v is not None}
        return jwt.encode(kept, key, named.pop("alg", alg), named)


def send(handler: BaseHTTPRequestHandler, content: Any, status: int = 200) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def describe(kid: str, key: Key) -> dict[str, Any]:
    """The key in the form of a keys document."""
    numbers = key.public_key().public_numbers()
    if isinstance(numbers, ec.EllipticCurvePublicNumbers):
        point = {"x": encode(numbers.x.to_bytes(32)), "y": encode(numbers.y.to_bytes(32))}
        return {"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig"} | point
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
    return {"kty": "RSA", "kid": kid, "use": "sig", "n": encode(modulus), "e": "AQAB"}


@contextmanager
def serving(folder: Path) -> Iterator[Foreign]:
    """The issuer on a free port, with a certificate authority of its own."""
    authority = trustme.CA()
    ca_file = folder / "foreign-ca.pem"
    ca_file.write_bytes(authority.cert_pem.bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            foreign.asked.append(self.path)
            answer = foreign.answers.get(self.path)
            try:
                if answer is None:
                    send(self, {}, 404)
                else:
                    answer(self)
            except OSError:
                self.close_connection = True  # the client hung up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = False
        request_queue_size = 64

        def get_request(self) -> tuple[Any, Any]:
            plain, address = self.socket.accept()
            plain.settimeout(10)
            # The handshake is the handler's business: a slow one must not stop the others.
            return tls.wrap_socket(plain, True, do_handshake_on_connect=False), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing: clients that give up are what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    foreign = Foreign(server.server_port, ca_file)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield foreign
    finally:
        foreign.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
