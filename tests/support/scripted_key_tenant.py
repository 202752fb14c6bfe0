"""A tenant that knows one app's keys: a token service, and Graph's addKey and removeKey."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer

OBJECT_ID = "44444444-4444-4444-8444-444444444444"
_AUDIENCE = "00000002-0000-0000-c000-000000000000"


class Registry:
    """
    The app's keys by key ID, and how the services treat them.

    ``delay``: how many token requests with a new key are refused until it has got everywhere.
    ``readable``: whether the app may read its registration.
    """

    def __init__(self, server: ScriptedServer, *certificates: bytes) -> None:
        self._added = 0
        self.keys: dict[str, x509.Certificate] = {}
        for certificate in certificates:
            self._put(certificate)
        self.delay = 0
        self.readable = True
        self._delays: dict[str, int] = {}
        server.script = self.answer
        server.choose_token = self.issue

    @property
    def thumbprints(self) -> list[str]:
        return [thumbprint(one) for one in self.keys.values()]

    def issue(self, request: Request) -> Answer | None:
        """A token for whoever signs with one of the keys."""
        (assertion,) = parse_qs(request.body.decode())["client_assertion"]
        for key_id, certificate in self.keys.items():
            if self._verified(assertion, certificate, None) is None:
                continue
            if self._delays.get(key_id, 0):
                self._delays[key_id] -= 1
                break
            return None
        text = "AADSTS700027: Client assertion failed. [Reason - The key was not found.]"
        body = {"error": "invalid_client", "error_description": text, "error_codes": [700027]}
        return json_answer(body, 401)

    def answer(self, request: Request) -> Answer:
        path = unquote(request.target).partition("?")[0]
        if request.method == "GET":
            return self._read()
        body = json.loads(request.body)
        if not any(self._verified(body["proof"], c, OBJECT_ID) for c in self.keys.values()):
            return refuse(401, "Authentication_MissingOrMalformed", "Access Token missing.")
        if path.endswith("/addKey"):
            return self._add(body["keyCredential"])
        return self._remove(body["keyId"])

    def _read(self) -> Answer:
        if not self.readable:
            return refuse(403, "Authorization_RequestDenied", "Insufficient privileges.")
        keys = [
            {"keyId": key_id, "customKeyIdentifier": thumbprint(one)}
            for key_id, one in self.keys.items()
        ]
        return json_answer({"id": OBJECT_ID, "keyCredentials": keys})

    def _add(self, sent: dict[str, Any]) -> Answer:
        assert (sent["type"], sent["usage"]) == ("AsymmetricX509Cert", "Verify")
        key_id = self._put(base64.b64decode(sent["key"]))
        self._delays[key_id] = self.delay
        return json_answer({"keyId": key_id})

    def _put(self, certificate: bytes) -> str:
        self._added += 1
        key_id = str(uuid.UUID(int=self._added))
        self.keys[key_id] = x509.load_der_x509_certificate(certificate)
        return key_id

    def _remove(self, key_id: str) -> Answer:
        if self.keys.pop(key_id, None) is None:
            return refuse(
                400, "Request_BadRequest", f"No key credential found with keyId '{key_id}'."
            )
        return Answer(204)

    @staticmethod
    def _verified(token: str, certificate: x509.Certificate, issuer: str | None) -> Any:
        options: Any = {"verify_aud": issuer is not None}
        try:
            return jwt.decode(
                token,
                certificate.public_key(),  # type: ignore[arg-type]
                algorithms=["RS256", "PS256"],
                audience=_AUDIENCE,
                issuer=issuer,
                options=options,
            )
        except jwt.InvalidTokenError:
            return None


def thumbprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


def refuse(status: int, code: str, message: str) -> Answer:
    return json_answer({"error": {"code": code, "message": message}}, status)
