"""What proves the app's identity, as values made from the settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from graphdaemon.auth.client_assertion import Sign, make_assertion
from graphdaemon.auth.key_files import Identified, read_certificate, read_key_pair
from graphdaemon.auth.kinds.federated import Exchange, fetch_assertion
from graphdaemon.auth.kinds.keyvault import open_vault
from graphdaemon.auth.os_keyring import read_entry
from graphdaemon.errors import Error, SettingsError
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret
from graphdaemon.settings.sources import warn_if_readable

WARN_BEFORE_S = 30 * 86_400
"""How long before a credential's end its owner is told."""


@dataclass(frozen=True, slots=True)
class Proof:
    """
    One way to prove the app's identity; exactly one of the last four attributes is given.

    Attributes:
        kind: `secret`, `certificate`, `federated`, `managed_identity` or `keyvault`.
        source: Where it is configured, for messages.
        thumbprint: SHA-1 of its certificate, if known.
        thumbprint_sha256: SHA-256 of its certificate, if known.
        expires_at: Epoch seconds, if it can be seen from here: a secret's end cannot.
        secret: The client secret.
        assertion: Makes a signed statement for a token endpoint.
        managed_identity: `system`, or which user-assigned one.
        problem: Why it cannot be used.
    """

    kind: str
    source: str
    thumbprint: str | None = None
    thumbprint_sha256: str | None = None
    expires_at: float | None = None
    secret: Secret | None = None
    assertion: Callable[[str, Exchange], str] | None = field(default=None, repr=False)
    managed_identity: str | None = None
    problem: Error | None = None


def list_proofs(settings: Settings) -> tuple[Proof, ...]:
    """Every configured proof in the order of use; what cannot be read has a `problem`."""
    return tuple(_try(settings, credential) for credential in settings.credentials)


def read_proof(settings: Settings, credential: CredentialSettings) -> Proof:
    """
    Read what `credential` names.

    Raises:
        SettingsError: It cannot be used as it is.
    """
    match credential.kind:
        case "secret":
            secret = credential.secret or _read_secret(credential)
            return Proof("secret", credential.source, secret=secret)
        case "managed_identity":
            identity = credential.managed_identity
            return Proof("managed_identity", credential.source, managed_identity=identity)
        case "federated":
            fetch = partial(_federated, credential)
            return Proof("federated", credential.source, assertion=fetch)
        case "keyvault":
            certificate = read_certificate(credential.certificate_file, credential.thumbprint)
            sign = open_vault(credential.key_vault_key or "", settings.ca_file, settings.timeout)
            return _signed(settings, credential, certificate, sign)
    assert credential.private_key_file is not None, "settings hold a key file"
    warn_if_readable(credential.private_key_file, "holds a private key")
    pair = read_key_pair(
        credential.private_key_file,
        credential.thumbprint,
        certificate_file=credential.certificate_file,
        passphrase=read_passphrase(credential),
    )
    return _signed(settings, credential, pair.certificate, pair.sign)


def list_expiring(proofs: Iterable[Proof], now: float) -> list[tuple[Proof, float]]:
    """The proofs that end within `WARN_BEFORE_S`, each with its seconds left; below 0 is over."""
    return [
        (proof, proof.expires_at - now)
        for proof in proofs
        if proof.expires_at is not None and proof.expires_at - now < WARN_BEFORE_S
    ]


def _try(settings: Settings, credential: CredentialSettings) -> Proof:
    try:
        return read_proof(settings, credential)
    except Error as error:
        return Proof(credential.kind, credential.source, problem=error)


def _signed(
    settings: Settings, credential: CredentialSettings, certificate: Identified, sign: Sign
) -> Proof:
    def assert_identity(audience: str, _exchange: Exchange) -> str:
        return make_assertion(
            settings.client_id, audience, certificate, sign, send_chain=credential.send_chain
        )

    return Proof(
        credential.kind,
        credential.source,
        certificate.thumbprint,
        certificate.thumbprint_sha256,
        certificate.expires_at,
        assertion=assert_identity,
    )


def _federated(credential: CredentialSettings, _audience: str, exchange: Exchange) -> str:
    return fetch_assertion(credential, exchange)


def _read_secret(credential: CredentialSettings) -> Secret:
    if credential.secret_keyring is not None:
        value = read_entry(credential.secret_keyring)
        if not value:
            raise SettingsError(
                f"the keyring holds nothing under {credential.secret_keyring}",
                code="secret_unreadable",
                hint=f"Run keyring set {credential.secret_keyring.replace('/', ' ', 1)}.",
            )
        return Secret(value)
    assert credential.secret_file is not None, "settings hold a secret"
    return _read_private(credential.secret_file, "secret_file")


def read_passphrase(credential: CredentialSettings) -> Secret | None:
    """What the key file is encrypted with, if anything."""
    if credential.passphrase_file is not None:
        return _read_private(credential.passphrase_file, "passphrase_file")
    return credential.passphrase


def _read_private(path: Path, name: str) -> Secret:
    """What `path` holds; editors and `echo` end it with a line break that is not part of it."""
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}"
    else:
        if value:
            warn_if_readable(path, "holds a secret")
            return Secret(value)
        problem = "is empty"
    raise SettingsError(
        f"{name} {path} {problem}",
        code="secret_unreadable",
        hint="It must hold the value alone, and be readable by this user.",
    )
