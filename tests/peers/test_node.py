"""@azure/msal-node and @microsoft/microsoft-graph-client, unmodified, in Node processes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from entra_emulator.server.emulator import Emulator
from tests.peers.conftest import GRAPH, REFUSALS, Refused
from tests.support.client_app import App, register

SCRIPTS = Path(__file__).parent / "node"


def ask(emulator: Emulator, **changes: Any) -> dict[str, str]:
    asked = {"authority": f"{emulator.url}/{emulator.tenant.id}", "scope": GRAPH} | changes
    answer: dict[str, str] = run_script("msal.mjs", asked)
    return answer


def run_script(name: str, asked: dict[str, Any]) -> Any:
    done = subprocess.run(
        ["node", SCRIPTS / name],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def certificate(app: App, algorithm: str) -> dict[str, str]:
    key, mark, rest = app.pem.partition("-----BEGIN CERT")
    leaf = x509.load_pem_x509_certificate((mark + rest).encode())
    sha256 = leaf.fingerprint(hashes.SHA256()).hex()
    thumbprint = (
        {"thumbprintSha256": sha256} if algorithm == "PS256" else {"thumbprint": app.thumbprint}
    )
    return thumbprint | {"privateKey": key, "x5c": mark + rest}


def test_secret(emulator: Emulator, app: App) -> None:
    """Telemetry in the body, client-request-id in the query: none of it matters."""
    answer = ask(emulator, clientId=app.client_id, secret=app.secret)

    assert answer["token"].startswith("eyJ")


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_certificate(emulator: Emulator, app: App, algorithm: str) -> None:
    """Unpadded thumbprints, integer times, and an nbf one second ahead."""
    answer = ask(emulator, clientId=app.client_id, certificate=certificate(app, algorithm))

    assert answer["token"].startswith("eyJ")


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(emulator: Emulator, app: App, refused: dict[str, Refused], name: str) -> None:
    """Its errors carry Microsoft's text; for an unknown tenant, that of discovery."""
    case = refused[name]

    answer = ask(
        emulator,
        authority=f"{emulator.url}/{case.tenant or emulator.tenant.id}",
        clientId=case.client_id or app.client_id,
        secret=case.secret or app.secret,
        scope=case.scope,
    )

    shown = f"AADSTS{case.code}" if case.tenant is None else "invalid_tenant|endpoints_resolution"
    assert any(word in json.dumps(answer) for word in shown.split("|")), answer


def test_graph_client(emulator: Emulator, key_pair: tuple[str, bytes]) -> None:
    """Graph's own client lists, filters, creates, batches, follows changes and deletes."""
    app = register(emulator, key_pair, roles=("User.ReadWrite.All", "User.DeleteRestore.All"))
    token = ask(emulator, clientId=app.client_id, secret=app.secret)["token"]
    asked = {"url": emulator.url, "token": token, "upn": "node.made@contoso.example"}

    answer = run_script("graph.mjs", asked)

    assert answer["users"] >= 250
    assert answer["before"] == 0
    assert answer["created"] == "Node Made"
    assert answer["walked"] >= 251
    assert answer["renamed"] == ["Node Renamed"]
    assert answer["batch"] == [200, 404]
    assert answer["deleted"]
