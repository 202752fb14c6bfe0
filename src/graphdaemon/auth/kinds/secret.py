"""A client secret: in the settings, in a file of its own, or in the operating system's keyring."""

from pathlib import Path

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.auth.os_keyring import read_entry
from graphdaemon.errors import SettingsError
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret
from graphdaemon.settings.sources import warn_if_readable


def read(_settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """Read the secret, anew each time: a file or an entry may have been replaced."""
    secret = credential.secret
    if credential.secret_file is not None:
        secret = read_secret_file(credential.secret_file, "secret_file")
    elif credential.secret_keyring is not None:
        secret = _read_keyring(credential.secret_keyring)
    return ClientCredential(credential.kind, credential.source, secret=secret)


def read_secret_file(path: Path, setting: str) -> Secret:
    """
    Return what `path`, which `setting` names, holds: a secret, perhaps with a line break after it.

    Raises:
        SettingsError: It is empty, or cannot be read.
    """
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
        f"{setting} {path} {problem}",
        code="secret_unreadable",
        hint="It must hold the value alone, and be readable by this user.",
    )


def _read_keyring(entry: str) -> Secret:
    value = read_entry(entry)
    if not value:
        raise SettingsError(
            f"the keyring holds nothing under {entry}",
            code="secret_unreadable",
            hint=f"Run keyring set {entry.replace('/', ' ', 1)}.",
        )
    return Secret(value)
