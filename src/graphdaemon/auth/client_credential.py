"""One client credential: a secret, something that makes assertions, or a managed identity."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from graphdaemon.auth.client_assertion import Sign, make_assertion
from graphdaemon.auth.key_files import CertificateInfo
from graphdaemon.errors import Error
from graphdaemon.http.response import Response
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret

WARN_BEFORE_S = 30 * 86_400
"""How long before a credential's end its owner is told: a company may take weeks to renew one."""

Exchange = Callable[[str, str, Mapping[str, str]], Response]
"""Sends a request without a body: method, address, headers."""


@dataclass(frozen=True, slots=True)
class ClientCredential:
    """
    One way to prove the app's identity; exactly one of the last four attributes is given.

    Attributes:
        kind: One of `KINDS`.
        source: Where it is configured, for messages.
        thumbprint: SHA-1 of its certificate, if known.
        expires_at: Epoch seconds, if it can be seen from here: a secret's end cannot.
        assertion: Makes a signed statement for the token endpoint that it is given.
        managed_identity: `system`, or which user-assigned one.
        problem: Why it cannot be used.
    """

    kind: str
    source: str
    thumbprint: str | None = None
    expires_at: float | None = None
    secret: Secret | None = None
    assertion: Callable[[str, Exchange], str] | None = field(default=None, repr=False)
    managed_identity: str | None = None
    problem: Error | None = None


def make_signing_credential(
    settings: Settings, credential: CredentialSettings, certificate: CertificateInfo, sign: Sign
) -> ClientCredential:
    """Return the credential of whoever can sign with the key of `certificate`."""
    return ClientCredential(
        credential.kind,
        credential.source,
        certificate.thumbprint,
        certificate.expires_at,
        assertion=lambda audience, _: make_assertion(
            settings.client_id, audience, certificate, sign, send_chain=credential.send_chain
        ),
    )


def list_expiring(
    credentials: Iterable[ClientCredential], now: float
) -> list[tuple[ClientCredential, float]]:
    """
    Return those that end within `WARN_BEFORE_S`, each with the seconds it has left.

    A negative number says how long ago it ended.
    """
    return [
        (credential, credential.expires_at - now)
        for credential in credentials
        if credential.expires_at is not None and credential.expires_at - now < WARN_BEFORE_S
    ]
