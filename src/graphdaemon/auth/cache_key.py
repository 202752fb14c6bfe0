"""The key that a shared token cache is encrypted with: from a setting, a file or the keyring."""

import base64
import binascii
import os

from graphdaemon.errors import SettingsError
from graphdaemon.settings.file_content import read_small_file, warn_if_readable
from graphdaemon.settings.model import CacheSettings
from graphdaemon.settings.text import clean, decode_text

_ENTRY = "graphdaemon/token cache key"
_LENGTH = 32
_HINT = (
    "Make one (openssl rand -base64 32), and put it into GRAPHDAEMON_CACHE_KEY, or into a file of "
    "mode 0600 that token_cache_key_file names."
)


def read_cache_key(cache: CacheSettings) -> bytes:
    """
    Return the key, 32 bytes.

    Where none is configured, one is made and kept in the operating system's keyring.

    Raises:
        SettingsError: There is none and no keyring, or it is not a key.
    """
    if cache.key is not None:
        return _decode(cache.key.reveal(), "token_cache_key")
    if cache.key_file is None:
        return _from_keyring()
    try:
        text = decode_text(read_small_file(cache.key_file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not base64"
        raise SettingsError(
            f"token_cache_key_file {cache.key_file} cannot be read: {reason}",
            code="cache_key_missing",
            hint=_HINT,
        ) from None
    warn_if_readable(cache.key_file, "holds the token cache's key")
    return _decode(text, str(cache.key_file))


def _from_keyring() -> bytes:
    from graphdaemon.auth.os_keyring import read_entry, write_entry

    try:
        text = read_entry(_ENTRY)
        if text is None:
            text = base64.b64encode(os.urandom(_LENGTH)).decode()
            write_entry(_ENTRY, text)
            # Another process may have made one at the same moment; the last one written is the one
            # that all use.
            text = read_entry(_ENTRY) or text
    except SettingsError as error:
        raise SettingsError(
            f"the token cache has no key to be encrypted with, and {error}",
            code="cache_key_missing",
            hint=_HINT,
        ) from None
    return _decode(text, "the keyring")


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(clean(text).replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _LENGTH:
        raise SettingsError(
            f"{source} does not hold 32 bytes as base64, which a cache's key is",
            code="cache_key_missing",
            hint=_HINT,
        )
    return key
