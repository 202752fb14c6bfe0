"""A managed identity: MSAL gets the token from the machine's own metadata service."""

import contextlib
import os
import time
from collections.abc import Callable, Mapping

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.diagnosis.advice import advise
from graphdaemon.errors import IdentityError, SettingsError
from graphdaemon.http.address import split_address
from graphdaemon.http.connection import Connection
from graphdaemon.http.exchange import Deadline
from graphdaemon.http.failures import FAILURES
from graphdaemon.http.limits import Limits
from graphdaemon.http.response import Response
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings

# Outside Azure nothing answers at its address, and nobody should wait a minute to learn that.
_LIMITS = Limits(connect_seconds=2.0, sent_bytes=1 << 20)
# "How to use managed identities on an Azure VM": 404, 410, 429 and 5xx pass, 410 within 70 seconds.
# The waits are those of azure-identity (5 repeats, 0.8 s doubled; for 410 enough to fill the 70 s).
_WAITS_S = (0.8, 1.6, 3.2, 6.4, 12.8)
_WAITS_BY_STATUS_S = {
    # Where another cloud's metadata service answers, it stays 404.
    404: (0.5, 1.0, 2.0),
    410: (2.5, 5.0, 10.0, 20.0, 40.0),
}
_UNAVAILABLE = frozenset((410, 429, 500, 502, 503, 504))


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
            "managed identities of Service Fabric are not supported, and this is a Service Fabric "
            f"cluster: {_SERVICE_FABRIC[2]} is set",
            code="managed_identity_unsupported",
            hint="Use a certificate instead (private_key_file or key_vault_key).",
        )
    identity = credential.managed_identity
    return ClientCredential(credential.kind, credential.source, managed_identity=identity)


def is_unavailable(status: int) -> bool:
    """Whether a metadata service that answers so is there, and out of order or too busy."""
    return status in _UNAVAILABLE


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
        IdentityError: Nothing listens there (`managed_identity_absent`), or what listens gives no
            answer (`identity_unavailable`).
    """
    response = _get(url, headers, timeout)
    for attempt in range(len(_WAITS_S)):
        wait = _find_wait(response.status, attempt)
        if wait is None:
            break
        sleep(wait)
        response = _get(url, headers, timeout)
    return response


def _find_wait(status: int, attempt: int) -> float | None:
    if status != 404 and not is_unavailable(status):
        return None
    waits = _WAITS_BY_STATUS_S.get(status, _WAITS_S)
    return waits[attempt] if attempt < len(waits) else None


def _get(url: str, headers: Mapping[str, str], timeout: float) -> Response:
    try:
        address = split_address(url, "http")
        connection = Connection(
            address.name, address.port, context=None, timeout=timeout, limits=_LIMITS
        )
        http = connection.open()
    except FAILURES as error:
        raise _refuse(
            "machine_identity_absent",
            f"this machine has no managed identity: nothing answers at {url.split('/')[2]} "
            f"({getattr(error, 'strerror', None) or type(error).__name__})",
        ) from None
    # Something is there, and fetching a token may take it longer than being reached.
    deadline = Deadline(time.monotonic() + timeout, timeout)
    sent = {"Host": address.host, **headers}
    try:
        with contextlib.closing(connection):
            head, content = http.exchange("GET", address.target, sent.items(), None, deadline)
        return Response(head.status, head.headers, content)
    except FAILURES as error:
        raise _refuse(
            "machine_identity_unavailable",
            f"this machine's metadata service at {address.host} was reached, and gave no answer "
            f"({getattr(error, 'strerror', None) or type(error).__name__})",
        ) from None


def _refuse(case: str, message: str) -> IdentityError:
    advice = advise(case)
    return IdentityError(message, code=advice.code, hint=advice.step, case=case)
