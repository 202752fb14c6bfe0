"""A managed identity: the machine's own metadata service, which MSAL asks, gives the token."""

import http.client
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.errors import IdentityError
from graphdaemon.http.response import Response
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings

# Outside Azure nothing answers at its address, and nobody should wait a minute to learn that.
_CONNECT_TIMEOUT_S = 2.0
# "How to use managed identities on an Azure VM": 404 and 429 pass, 410 within 70 seconds, 5xx too.
_PASSING = (404, 410, 429, 500, 502, 503, 504)
_WAITS_S = (0.5, 1.0, 2.0)


def read(_settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """Return the credential; there is nothing to read."""
    identity = credential.managed_identity
    return ClientCredential(credential.kind, credential.source, managed_identity=identity)


def ask_machine(
    url: str,
    headers: Mapping[str, str],
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Response:
    """
    Get `url` over plain http, past any proxy; again where the service only asks for patience.

    Raises:
        IdentityError: Nothing answers there.
    """
    response = _get(url, headers, timeout)
    for wait in _WAITS_S:
        if response.status not in _PASSING:
            break
        sleep(wait)
        response = _get(url, headers, timeout)
    return response


def _get(url: str, headers: Mapping[str, str], timeout: float) -> Response:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_CONNECT_TIMEOUT_S
    )
    try:
        connection.connect()
        # Something is there, and fetching a token may take it longer than being reached.
        connection.sock.settimeout(timeout)
        connection.request("GET", f"{parts.path}?{parts.query}", headers=dict(headers))
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise IdentityError(
            f"this machine has no managed identity: nothing answers at {parts.netloc} "
            f"({getattr(error, 'strerror', None) or type(error).__name__})",
            code="managed_identity_absent",
            hint="Turn it on under Identity on the machine's page in the portal; outside Azure, "
            "use a federated credential or a certificate.",
        ) from None
    finally:
        connection.close()
