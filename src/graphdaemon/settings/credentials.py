"""What the settings say about credentials: one or several, each of one kind, in order of use."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.errors import SettingsError
from graphdaemon.settings import checks
from graphdaemon.settings.sources import Layer
from graphdaemon.settings.table import KINDS, PLATFORMS, Secret

_COMPANIONS = tuple(dict.fromkeys(key for kind in KINDS.values() for key in kind.companions))


class CredentialSettings(NamedTuple):
    """
    One credential as configured; no file of it is read yet.

    Attributes:
        kind: One of `KINDS`; only what belongs to it is given.
        source: Where it is configured, for messages: `secret in parameters.json`.
        thumbprint: 40 (SHA-1) or 64 (SHA-256) upper-case hex digits, or None.
        federated: `github`, `kubernetes` or None.
        managed_identity: `system`, or the client ID or resource ID of a user-assigned one.
    """

    kind: str
    source: str
    secret: Secret | None = None
    secret_file: Path | None = None
    secret_keyring: str | None = None
    thumbprint: str | None = None
    private_key_file: Path | None = None
    certificate_file: Path | None = None
    passphrase: Secret | None = None
    passphrase_file: Path | None = None
    send_chain: bool = False
    federated_token_file: Path | None = None
    federated: str | None = None
    federated_command: tuple[str, ...] | None = None
    managed_identity: str | None = None
    key_vault_key: str | None = None


def check_credentials(merged: Layer, where: str) -> tuple[CredentialSettings, ...]:
    """
    Return the configured credentials, the one to use first.

    Raises:
        SettingsError: None, contradictory ones, or a value of the wrong form.
    """
    wanted = checks.choice(merged, "credential", ("auto", *KINDS))
    kinds = _kinds_of(merged)
    if "credentials" in merged:
        if kinds or wanted:
            raise _ambiguous(
                f"{where} has both credentials (a list) and "
                + ("credential" if wanted else _keys_of(merged, kinds[0])[0]),
                "Move everything into the list; its order is the order of use.",
            )
        return _check_list(merged)
    if wanted not in (None, "auto") and kinds:
        if wanted not in kinds:
            raise SettingsError(
                f"credential in {merged['credential'][1]} is {wanted}, and none is configured",
                code="credential_missing",
                hint=f"Set {' or '.join(KINDS[str(wanted)].keys)}, or credential to auto.",
            )
        kinds = [str(wanted)]
    return tuple(_check_all(merged, where, kinds, several=wanted == "auto"))


def _kinds_of(merged: Layer) -> list[str]:
    """The kinds that are configured, best first."""
    return [kind for kind in KINDS if _keys_of(merged, kind)]


def _keys_of(merged: Layer, kind: str) -> list[str]:
    return [key for key in KINDS[kind].keys if key in merged]


def _check_list(merged: Layer) -> tuple[CredentialSettings, ...]:
    value, source = merged["credentials"]
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise checks.invalid(
            merged,
            "credentials",
            "is not a list of tables",
            'Write [{"private_key_file": "new.pem"}, {"private_key_file": "old.pem"}].',
        )
    found: list[CredentialSettings] = []
    for number, table in enumerate(value, 1):
        where = f"credential {number} of {source}"
        layer = {name: (one, where) for name, one in table.items() if one not in (None, "")}
        found += _check_all(layer, where, _kinds_of(layer), several=False)
    return tuple(found)


def _check_all(
    merged: Layer, where: str, kinds: list[str], *, several: bool
) -> list[CredentialSettings]:
    used = {key for kind in kinds for key in KINDS[kind].companions}
    stray = [key for key in _COMPANIONS if key in merged and key not in used]
    if not kinds:
        raise SettingsError(
            f"{where} has a {stray[0]} and no private_key_file"
            if stray
            else f"{where} has no credential: neither secret nor private_key_file",
            code="credential_missing",
            hint="Make one under App registrations > Certificates & secrets; AZURE_CLIENT_SECRET, "
            "AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE are read as well, and "
            "managed_identity needs nothing.",
        )
    if stray or (len(kinds) > 1 and not several):
        one, other = kinds[-1], stray[0] if stray else _keys_of(merged, kinds[0])[0]
        raise _ambiguous(
            f"{where} has both a {one} and a {kinds[0]} ({other})"
            if len(kinds) > 1
            else f"{where} has both a {one} and a {other}",
            f"Keep the {kinds[0] if len(kinds) > 1 else 'certificate'}, the stronger of the two, "
            f"and delete {_keys_of(merged, one)[0]}; or set credential to auto, which falls back.",
        )
    return [_check_one(merged, kind) for kind in kinds]


def _check_one(merged: Layer, kind: str) -> CredentialSettings:
    keys = _keys_of(merged, kind)
    where = merged[keys[0]][1]
    if len(keys) > 1:
        raise _ambiguous(f"{where} has both {keys[0]} and {keys[1]}", "Keep one of the two.")
    own = {key: merged[key] for key in (*keys, *KINDS[kind].companions) if key in merged}
    return CredentialSettings(
        kind=kind,
        source=f"{keys[0]} in {where}",
        secret=checks.secret(own, "secret"),
        secret_file=checks.path(own, "secret_file"),
        secret_keyring=_check_keyring(own),
        thumbprint=_check_thumbprint(own),
        private_key_file=checks.path(own, "private_key_file"),
        certificate_file=checks.path(own, "certificate_file"),
        passphrase=checks.secret(own, "passphrase"),
        passphrase_file=checks.path(own, "passphrase_file"),
        send_chain=checks.yes_or_no(own, "send_chain"),
        federated_token_file=checks.path(own, "federated_token_file"),
        federated=checks.choice(own, "federated", PLATFORMS),
        federated_command=checks.words(own, "federated_command", '["spire-agent", "api", "fetch"]'),
        managed_identity=checks.text(own, "managed_identity"),
        key_vault_key=_check_vault(own),
    )


def _check_thumbprint(merged: Layer) -> str | None:
    thumbprint = checks.text(merged, "thumbprint")
    if not thumbprint:
        return None
    thumbprint = re.sub(r"[\s:]", "", thumbprint).upper()
    if not re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}", thumbprint):
        raise checks.invalid(
            merged,
            "thumbprint",
            "is not 40 hexadecimal digits (SHA-1), nor 64 (SHA-256)",
            "Copy it from Certificates & secrets > Certificates.",
        )
    return thumbprint


def _check_keyring(merged: Layer) -> str | None:
    name = checks.text(merged, "secret_keyring")
    if name is not None and not all(name.partition("/")):
        raise checks.invalid(
            merged, "secret_keyring", "is not of the form service/name", "Write graphdaemon/secret."
        )
    return name


def _check_vault(merged: Layer) -> str | None:
    address = checks.https(merged, "key_vault_key")
    if address is None:
        return None
    steps = urlsplit(address).path.strip("/").split("/")
    if steps[0] != "keys" or len(steps) not in (2, 3):
        raise checks.invalid(
            merged,
            "key_vault_key",
            "is not the address of a key",
            "Copy Key Identifier from the key's page: https://NAME.vault.azure.net/keys/KEY.",
        )
    if "thumbprint" not in merged and "certificate_file" not in merged:
        raise SettingsError(
            f"{merged['key_vault_key'][1]} has a key_vault_key and no certificate_file",
            code="credential_missing",
            hint="Set certificate_file (the certificate as uploaded, without its key), or "
            "thumbprint.",
        )
    return address


def _ambiguous(message: str, hint: str) -> SettingsError:
    return SettingsError(message, code="credential_ambiguous", hint=hint)
