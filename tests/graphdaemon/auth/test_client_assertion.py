"""What a signed assertion says."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt

from graphdaemon.settings.read import read_settings
from tests.support.cloud_machine import fetch, private
from tests.support.scripted_server import Request, ScriptedServer


def assertion_of(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the client assertion in a token request."""
    (assertion,) = parse_qs(request.body.decode())["client_assertion"]
    return (
        jwt.get_unverified_header(assertion),
        jwt.decode(assertion, options={"verify_signature": False}),
    )


def test_an_assertion_says_what_microsoft_documents(
    scripted: ScriptedServer, tmp_path: Path, key_pair: tuple[str, bytes]
) -> None:
    """PS256, SHA-256 of the certificate, ten minutes, used once; the chain only if asked."""
    path = private(tmp_path, "app.pem", key_pair[0])
    for send_chain in (False, True):
        settings = scripted.settings(secret=None, private_key_file=path, send_chain=send_chain)
        fetch(read_settings(None, {}, settings))
    (plain, claims), (chained, later) = map(assertion_of, scripted.token_requests)

    assert set(plain) == {"alg", "typ", "x5t#S256"}
    assert plain["alg"] == "PS256"
    assert not plain["x5t#S256"].endswith("=")
    assert [base64.b64decode(one) for one in chained["x5c"]] == [key_pair[1]]
    assert claims["aud"].endswith("/oauth2/v2.0/token")
    assert claims["iss"] == claims["sub"] == settings["client_id"]
    assert claims["exp"] - claims["iat"] == 600
    assert claims["jti"] != later["jti"]
