"""A managed identity: the machine's own metadata service, which MSAL asks, gives the token."""

import http.client
import os
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.errors import IdentityError, SettingsError
from graphdaemon.http.response import Response
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings

# Outside Azure nothing answers at its address, and nobody should wait a minute to learn that.
_CONNECT_TIMEOUT_S = 2.0
# "How to use managed identities on an Azure VM": 404 and 429 pass, 410 within 70 seconds, 5xx too.
_PASSING = (404, 410, 429, 500, 502, 503, 504)
_WAITS_S = (0.5, 1.0, 2.0)


# By these together MSAL knows a Service Fabric cluster (`msal.managed_identity._obtain_token`).
_SERVICE_FABRIC = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT")


def read(_settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """
    Return the credential; there is nothing to read.

    Raises:
        SettingsError: This is a Service Fabric cluster.
    """
    # Its endpoint has a certificate of its own, known by its thumbprint. MSAL 1.39 checks that, and
    # only in a session of requests; earlier ones do not check it. Neither suits what carries the
    # requests here.
    if all(os.environ.get(name) for name in _SERVICE_FABRIC):
        raise SettingsError(
            "managed identities of Service Fabric are not supported, and this is a cluster of it: "
            f"{_SERVICE_FABRIC[2]} is set",
            code="managed_identity_unsupported",
            hint="Use a certificate there (private_key_file, or key_vault_key).",
        )
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
