"""A client secret: in the settings, in a file of its own, or in the operating system's keyring."""

from pathlib import Path

from graphdaemon.auth.client_credential import ClientCredential
from graphdaemon.auth.os_keyring import read_entry
from graphdaemon.errors import SettingsError
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.file_content import read_small_file, warn_if_readable
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret
from graphdaemon.settings.text import clean, decode_text, name_flaw, quote


def read(_settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """Read the secret again each time, because a file or an entry may have been replaced."""
    secret = credential.secret
    if credential.secret_file is not None:
        secret = read_secret_file(credential.secret_file, "secret_file")
    elif credential.secret_keyring is not None:
        secret = _read_keyring(credential.secret_keyring)
    return ClientCredential(credential.kind, credential.source, secret=secret)


def read_secret_file(path: Path, setting: str) -> Secret:
    """
    Return the secret that `path`, which `setting` names, holds and nothing else.

    Raises:
        SettingsError: It is empty, cannot be read, or has a character in it that cannot be seen.
    """
    value = clean(read_value(path, setting))
    if not value:
        raise _unreadable(f"{setting} {path} is empty")
    return _check(value, f"{setting} {path}")


def read_value(path: Path, setting: str) -> str:
    """Return the text of `path`, which `setting` names; fails as `read_secret_file` does."""
    try:
        text = decode_text(read_small_file(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise _unreadable(f"{setting} {quote(str(path))} cannot be read: {reason}") from None
    warn_if_readable(path, "holds a secret")
    return text


def _unreadable(message: str) -> SettingsError:
    return SettingsError(
        message,
        code="secret_unreadable",
        hint="It must contain only the value, and this user must be able to read it.",
    )


def _check(value: str, source: str) -> Secret:
    if len(value.splitlines()) > 1:
        raise _unreadable(f"{source} contains more than one line")
    if (flaw := name_flaw(value)) is not None:
        raise _unreadable(f"{source} {flaw}")
    return Secret(value)


def _read_keyring(entry: str) -> Secret:
    value = clean(read_entry(entry) or "")
    if not value:
        raise SettingsError(
            f"the keyring holds nothing under {entry}",
            code="secret_unreadable",
            hint=f"Run keyring set {entry.replace('/', ' ', 1)}.",
        )
    return _check(value, f"the keyring's entry {entry}")
