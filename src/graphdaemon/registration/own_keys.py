"""The app's own keys: an app may add and remove them itself, without any permission."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from graphdaemon.auth.client_assertion import make_possession_proof
from graphdaemon.auth.key_files import KeyPair
from graphdaemon.auth.token import Token
from graphdaemon.errors import SettingsError
from graphdaemon.graph.links import path_of
from graphdaemon.graph.page import read_object
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from graphdaemon.registration.shapes import KeyedApplicationShape, check_shape
from graphdaemon.settings.model import Settings


class RegisteredKeys(NamedTuple):
    """
    The keys of the app's registration.

    Attributes:
        object_id: Object ID of the application.
        key_ids: Key IDs by SHA-1 thumbprint; None where the app may not read them.
    """

    object_id: str
    key_ids: dict[str, list[str]] | None


class OwnKeys:
    """
    Reads, adds and removes the app's keys; blocks.

    Args:
        settings: The app's settings.
        transport: The connection to Graph.
        get_token: Gets a token for Graph.
        object_id: Object ID of the application, for apps that may not read their registration.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        get_token: Callable[[], Token],
        object_id: str | None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._get_token = get_token
        self._object_id = object_id

    def read(self) -> RegisteredKeys:
        """
        Read the keys; without permission to, return the object ID alone.

        Raises:
            SettingsError: The app may not read them, and no object ID was given.
            GraphError, IdentityError, NetworkError: Graph refused, or was not reached.
        """
        url = self._url("?$select=id,keyCredentials")
        response = self._send("GET", url, None)
        # The proof of possession names the app by its object ID, which only its registration tells.
        if response.status == 403 and self._object_id is not None:
            return RegisteredKeys(self._object_id, None)
        if response.status == 403:
            raise SettingsError(
                "the app may not read its own registration, and --object-id is missing",
                code="setting_missing",
                hint="Add --object-id with the Object ID under App registrations > your app > "
                "Overview (not the one under Enterprise applications).",
            )
        self._check(response, url)
        body = read_object(response, url)
        check_shape(body, KeyedApplicationShape, path_of(url))
        key_ids: dict[str, list[str]] = {}
        for key in body.get("keyCredentials") or ():
            key_ids.setdefault(read_thumbprint(key), []).append(str(key["keyId"]))
        return RegisteredKeys(str(body["id"]), key_ids)

    def add(self, object_id: str, certificate: bytes, proof: KeyPair) -> str | None:
        """
        Add a certificate (DER), proving possession of another key; return the new key's ID.

        Raises:
            GraphError, IdentityError, NetworkError: Graph refused, or was not reached.
        """
        body = {
            "keyCredential": {
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": base64.b64encode(certificate).decode(),
            },
            # The page "application: addKey" asks for null here with this type of key.
            "passwordCredential": None,
            "proof": make_possession_proof(object_id, proof.certificate, proof.sign),
        }
        url = self._url("/addKey")
        response = self._send("POST", url, body)
        self._check(response, url)
        key_id = read_object(response, url).get("keyId")
        return str(key_id) if key_id else None

    def remove(self, object_id: str, key_id: str, proof: KeyPair) -> None:
        """
        Remove a key, proving possession of another; a key that is gone already counts as removed.

        Raises:
            GraphError, IdentityError, NetworkError: Graph refused, or was not reached.
        """
        possession = make_possession_proof(object_id, proof.certificate, proof.sign)
        url = self._url("/removeKey")
        response = self._send("POST", url, {"keyId": key_id, "proof": possession})
        # A run that was killed may have removed it, or an administrator.
        gone = response.status in (400, 404) and b"No key credential found" in response.body
        if not gone:
            self._check(response, url)

    def _url(self, rest: str) -> str:
        return f"{self._settings.graph_root}/applications(appId='{self._settings.client_id}'){rest}"

    def _send(self, method: str, url: str, body: dict[str, Any] | None) -> Response:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._get_token().value}",
            "Content-Type": "application/json",
        }
        content = json.dumps(body).encode() if body is not None else None
        return self._transport.exchange(method, url, headers, content)

    def _check(self, response: Response, url: str) -> None:
        if response.status >= 300:
            consent_url = self._settings.consent_url
            raise explain(
                response, url, needs="Application.ReadWrite.OwnedBy", consent_url=consent_url
            )


def read_thumbprint(key: dict[str, Any]) -> str:
    """The SHA-1 thumbprint of a key credential, in upper-case hex digits."""
    # Graph gives the hex digits, or base64 of the bytes.
    text = str(key.get("customKeyIdentifier") or "")
    if len(text) == 40:
        return text.upper()
    try:
        return base64.b64decode(text, validate=True).hex().upper()
    except (binascii.Error, ValueError):
        return text
