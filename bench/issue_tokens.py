"""
Tokens per second that one emulator process issues, over TLS keep-alive.

    .venv/bin/python bench/issue_tokens.py [SECONDS]

The server has a process of its own; this one asks with four connections. A client assertion is
signed once and sent again, as MSAL does for nine minutes: what is measured is the server.
"""

from __future__ import annotations

import http.client
import json
import ssl
import statistics
import subprocess
import sys
import threading
import time
from urllib.parse import urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from graphdaemon.auth.key_files import make_key_pair

CONNECTIONS = 4
ROUNDS = 3

SERVER = """
import json, sys
from entra_emulator.server.emulator import Emulator
with Emulator(users=1) as emulator:
    app = emulator.add_application("bench")
    der = bytes.fromhex(sys.argv[1])
    emulator.directory.credentials.add_certificate(emulator.tenant, app.client_id, der)
    print(json.dumps([app.parameters["authority"], app.parameters["ca_file"], app.client_id,
                      app.secret]), flush=True)
    sys.stdin.read()
"""


def forms(authority: str, client_id: str, secret: str, pem: str, der: bytes) -> dict[str, bytes]:
    """The body of each kind of request."""
    leaf = x509.load_der_x509_certificate(der)
    thumbprint = leaf.fingerprint(hashes.SHA256())
    now = int(time.time())
    assertion = jwt.encode(
        {
            "aud": f"{authority}/oauth2/v2.0/token",
            "iss": client_id,
            "sub": client_id,
            "exp": now + 600,
        },
        pem.partition("-----BEGIN CERT")[0],
        algorithm="PS256",
        headers={"x5t#S256": jwt.utils.base64url_encode(thumbprint).decode()},
    )
    common = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": "https://graph.microsoft.com/.default",
    }
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    by_certificate = {"client_assertion_type": kind, "client_assertion": assertion}
    return {
        "secret": urlencode(common | {"client_secret": secret}).encode(),
        "certificate": urlencode(common | by_certificate).encode(),
    }


def ask(authority: str, ca_file: str, body: bytes, until: float) -> int:
    """Ask on one connection until the time is over; how many tokens came."""
    parts = urlsplit(authority)
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(parts.netloc, context=context)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    count = 0
    while time.perf_counter() < until:
        connection.request("POST", f"{parts.path}/oauth2/v2.0/token", body, headers)
        response = connection.getresponse()
        content = response.read()
        assert response.status == 200, content
        count += 1
    connection.close()
    return count


def measure(authority: str, ca_file: str, body: bytes, seconds: float) -> float:
    """Tokens per second over all connections."""
    counts: list[int] = []
    started = time.perf_counter()
    threads = [
        threading.Thread(
            target=lambda: counts.append(ask(authority, ca_file, body, started + seconds))
        )
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    pem, der = make_key_pair("bench")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, der.hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    authority, ca_file, client_id, secret = json.loads(server.stdout.readline())
    kinds = forms(authority, client_id, secret, pem, der)
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, body in kinds.items():
            rates[kind].append(measure(authority, ca_file, body, seconds))
    server.communicate("")
    for kind, found in rates.items():
        print(f"{kind:12} {statistics.median(found):6.0f} tokens/s (median of {ROUNDS})")


if __name__ == "__main__":
    main()
