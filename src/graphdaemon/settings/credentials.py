"""
The credential part of the settings table: the kinds, their keys, and the checked value of one.

To add a kind of credential, add a row to `KINDS`, rows to `CREDENTIAL_SETTINGS`, fields to
`CredentialSettings` with their checks, and a module of that name to `auth/kinds/`.
"""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.errors import SettingsError
from graphdaemon.settings.checks import (
    check_choice,
    check_https,
    check_id,
    check_keyring_entry,
    check_passphrase,
    check_path,
    check_secret,
    check_switch,
    check_thumbprint,
    check_words,
    invalid_setting,
    join_choices,
)
from graphdaemon.settings.setting import Layer, Secret, Setting


class CredentialKind(NamedTuple):
    """
    A kind of credential. One of the settings in `keys` configures it; `companions` may be added.

    `reason` says in the log why this kind is used.
    """

    keys: tuple[str, ...]
    companions: tuple[str, ...]
    reason: str


# The order is Microsoft's: "Security best practices for application properties in Microsoft Entra
# ID" on learn.microsoft.com.
KINDS = {
    "managed_identity": CredentialKind(
        ("managed_identity",), (), "the platform keeps and renews it"
    ),
    "federated": CredentialKind(
        ("federated_token_file", "federated", "federated_command"),
        (),
        "the platform vouches for the app and nothing is kept here",
    ),
    "keyvault": CredentialKind(
        ("key_vault_key",),
        ("thumbprint", "certificate_file", "send_chain"),
        "its private key never leaves the vault",
    ),
    "certificate": CredentialKind(
        ("private_key_file",),
        ("thumbprint", "certificate_file", "passphrase", "passphrase_file", "send_chain"),
        "its private key is never sent",
    ),
    "secret": CredentialKind(
        ("secret", "secret_file", "secret_keyring"), (), "nothing better is configured"
    ),
}
"""Every kind of credential, in the order in which `auto` prefers them."""

_COMPANIONS = tuple(dict.fromkeys(key for kind in KINDS.values() for key in kind.companions))

_PLATFORMS = ("github", "kubernetes")

CREDENTIAL_SETTINGS = (
    Setting(
        "credential",
        join_choices(("auto", *KINDS)),
        "Which of several configured credentials to use. With auto, the first in this order is "
        "used, and the next one when it is no longer accepted.",
        default="the only one configured",
    ),
    Setting(
        "credentials",
        "list of tables",
        "Several credentials instead of one, in the order in which they are tried. Each table "
        "holds settings from the list below, from secret to key_vault_key.",
        variable=None,
    ),
    Setting(
        "secret",
        "secret",
        "The client secret's Value (not its Secret ID).",
        azure="AZURE_CLIENT_SECRET",
    ),
    Setting(
        "secret_file",
        "file",
        "A file that holds the client secret and nothing else. It is read again for every token.",
    ),
    Setting(
        "secret_keyring",
        "service/name",
        "The entry of the operating system's keyring that holds the client secret.",
    ),
    Setting(
        "thumbprint",
        "text",
        "The thumbprint of the uploaded certificate: SHA-1, which the portal shows, or SHA-256.",
        default="computed from the certificate, if there is one",
    ),
    Setting(
        "private_key_file",
        "file",
        "A PEM, PFX or DER file with the private key and, if possible, its certificate.",
        azure="AZURE_CLIENT_CERTIFICATE_PATH",
    ),
    Setting(
        "certificate_file",
        "file",
        "A file with the certificate and, if there is one, its chain.",
        default="{private_key_file}",
    ),
    Setting(
        "passphrase",
        "secret",
        "The passphrase of private_key_file. It is safest in the environment variable.",
        azure="AZURE_CLIENT_CERTIFICATE_PASSWORD",
    ),
    Setting("passphrase_file", "file", "A file that holds the passphrase and nothing else."),
    Setting(
        "send_chain",
        "true or false",
        "Send the certificate chain with the request. Apps that trust certificates by subject and "
        "issuer (SNI) need it.",
        default="false",
        azure="AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    ),
    Setting(
        "federated_token_file",
        "file",
        "A file that holds the platform's token. It is read again for every token.",
        azure="AZURE_FEDERATED_TOKEN_FILE",
    ),
    Setting(
        "federated",
        "github or kubernetes",
        "The platform whose token proves the app's identity. Its environment variables say where "
        "that token is.",
    ),
    Setting(
        "federated_command",
        "list of text",
        "A program and its arguments that print the platform's token. It runs without a shell.",
        variable=None,
    ),
    Setting(
        "managed_identity",
        "system, a client ID or a resource ID",
        "The managed identity that Azure assigned to this machine.",
    ),
    Setting(
        "key_vault_key",
        "https address",
        "The address of a key in Azure Key Vault that signs in place of private_key_file. "
        "certificate_file or thumbprint names its certificate.",
    ),
)
"""The rows of the settings table that are about credentials."""


class CredentialSettings(NamedTuple):
    """
    One credential as it is configured. None of its files has been read yet.

    Attributes:
        kind: One of `KINDS`. Only the fields that belong to this kind are set.
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


RENEWED_FILES = ("federated_token_file",)
"""Fields that name a file whose content changes although the credential stays the same."""


def check_credentials(merged: Layer, where: str) -> tuple[CredentialSettings, ...]:
    """
    Return the configured credentials, the best one first. Messages call the settings `where`.

    Raises:
        SettingsError: There is no credential, several contradict each other, or a value has the
            wrong form.
    """
    choice = check_choice(merged, "credential", ("auto", *KINDS))
    kinds = _list_kinds(merged)
    if "credentials" in merged:
        if kinds or choice:
            # Choosing in silence would leave people unsure which credential is in use.
            raise _ambiguous(
                f"{where} has both credentials (a list) and "
                + ("credential" if choice else _list_keys(merged, kinds[0])[0]),
                "Move everything into the list. The credentials are tried in its order.",
            )
        return _check_list(merged)
    if choice not in (None, "auto") and kinds:
        if choice not in kinds:
            raise SettingsError(
                f"credential in {merged['credential'][1]} is {choice}, but no credential of that "
                "kind is configured",
                code="credential_missing",
                hint=f"Set {' or '.join(KINDS[choice].keys)}, or credential to auto.",
            )
        kinds = [choice]
    return tuple(_check_layer(merged, where, kinds, several=choice == "auto"))


def _list_kinds(layer: Layer) -> list[str]:
    """List the kinds that are configured, the best one first."""
    return [kind for kind in KINDS if _list_keys(layer, kind)]


def _list_keys(layer: Layer, kind: str) -> list[str]:
    """List the settings that are given and configure a credential of this kind."""
    return [key for key in KINDS[kind].keys if key in layer]


def _check_list(merged: Layer) -> tuple[CredentialSettings, ...]:
    tables, source = merged["credentials"]
    if (
        not isinstance(tables, list)
        or not tables
        or not all(isinstance(table, dict) for table in tables)
    ):
        raise invalid_setting(
            merged,
            "credentials",
            "is not a list of tables",
            'Write [{"private_key_file": "new.pem"}, {"private_key_file": "old.pem"}].',
        )
    credentials: list[CredentialSettings] = []
    for number, table in enumerate(tables, 1):
        where = f"credential {number} of {source}"
        layer = {key: (value, where) for key, value in table.items() if value not in (None, "")}
        credentials += _check_layer(layer, where, _list_kinds(layer), several=False)
    return tuple(credentials)


def _check_layer(
    layer: Layer, where: str, kinds: list[str], *, several: bool
) -> list[CredentialSettings]:
    """
    Return a credential of each of `kinds`.

    More than one is allowed only if `several` is true.
    """
    used = {key for kind in kinds for key in KINDS[kind].companions}
    unused = [key for key in _COMPANIONS if key in layer and key not in used]
    if not kinds:
        raise _missing(where, unused)
    best, weakest = kinds[0], kinds[-1]
    if len(kinds) > 1 and (unused or not several):
        key = (unused or _list_keys(layer, best))[0]
        raise _two_kinds(layer, where, weakest, f"{best} ({key})", best)
    if unused:
        # Nearly always it goes with a certificate whose private_key_file was forgotten.
        raise _two_kinds(layer, where, weakest, unused[0], "certificate")
    return [_check_one(layer, kind) for kind in kinds]


def _missing(where: str, unused: list[str]) -> SettingsError:
    return SettingsError(
        f"{where} has a {unused[0]} and no private_key_file"
        if unused
        else f"{where} has no credential: neither secret nor private_key_file",
        code="credential_missing",
        hint="Create one under App registrations > Certificates & secrets, and set secret or "
        "private_key_file. The variables AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH "
        "and AZURE_FEDERATED_TOKEN_FILE are read as well. On a machine with a managed "
        "identity, set managed_identity.",
    )


def _two_kinds(layer: Layer, where: str, weaker: str, other: str, better: str) -> SettingsError:
    return _ambiguous(
        f"{where} has both a {weaker} and a {other}",
        f"Keep the {better}, the stronger of the two, and delete {_list_keys(layer, weaker)[0]}. "
        "Or set credential to auto, which falls back to the other one.",
    )


def _check_one(layer: Layer, kind: str) -> CredentialSettings:
    keys = _list_keys(layer, kind)
    where = layer[keys[0]][1]
    if len(keys) > 1:
        raise _ambiguous(f"{where} has both {keys[0]} and {keys[1]}", "Keep one of the two.")
    own = {key: layer[key] for key in (*keys, *KINDS[kind].companions) if key in layer}
    return CredentialSettings(
        kind=kind,
        source=f"{keys[0]} in {where}",
        secret=check_secret(own, "secret"),
        secret_file=check_path(own, "secret_file"),
        secret_keyring=check_keyring_entry(own, "secret_keyring"),
        thumbprint=check_thumbprint(own, "thumbprint"),
        private_key_file=check_path(own, "private_key_file"),
        certificate_file=check_path(own, "certificate_file"),
        passphrase=check_passphrase(own, "passphrase"),
        passphrase_file=check_path(own, "passphrase_file"),
        send_chain=check_switch(own, "send_chain"),
        federated_token_file=check_path(own, "federated_token_file"),
        federated=check_choice(own, "federated", _PLATFORMS),
        federated_command=check_words(own, "federated_command", '["spire-agent", "api", "fetch"]'),
        managed_identity=check_id(own, "managed_identity"),
        key_vault_key=_check_vault(own),
    )


def _check_vault(layer: Layer) -> str | None:
    address = check_https(layer, "key_vault_key")
    if address is None:
        return None
    steps = urlsplit(address).path.strip("/").split("/")
    # The third step is a version; without it the vault takes the newest one.
    if steps[0] != "keys" or len(steps) not in (2, 3):
        raise invalid_setting(
            layer,
            "key_vault_key",
            "is not the address of a key",
            "Copy Key Identifier from the key's page: https://NAME.vault.azure.net/keys/KEY.",
        )
    if "thumbprint" not in layer and "certificate_file" not in layer:
        raise SettingsError(
            f"{layer['key_vault_key'][1]} has a key_vault_key and no certificate_file",
            code="credential_missing",
            hint="Set certificate_file to the uploaded certificate (without its key), or set "
            "thumbprint.",
        )
    return address


def _ambiguous(message: str, hint: str) -> SettingsError:
    return SettingsError(message, code="credential_ambiguous", hint=hint)
