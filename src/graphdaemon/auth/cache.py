"""
The token cache that processes share: one small encrypted entry for each app, read without MSAL.

An entry's name and its encryption are computed from the cache's key, the settings and the
credentials, so that only a program with all three can find and open it.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from graphdaemon.auth.token import Token
from graphdaemon.settings.credentials import RENEWED_FILES
from graphdaemon.settings.file_content import read_small_file
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret

logger = logging.getLogger(__name__)

# The name of the format: an entry of another counts as damaged and is replaced.
_MAGIC = b"gdt1"
_NONCE = 12


if TYPE_CHECKING:
    from graphdaemon.auth.cache_file import FileBackend
    from graphdaemon.auth.cache_redis import RedisBackend


class TokenCache:
    """
    One app's entry in a shared cache.

    A backend raises `OSError` where it cannot be used. That is logged once and does no harm:
    nothing is read, kept or locked.
    The key has 32 bytes, and `identify` says whose token it is.
    """

    def __init__(self, backend: "FileBackend | RedisBackend", key: bytes, identity: bytes) -> None:
        self._backend = backend
        self._key = key
        self._identity = identity
        # Keyed, so that nobody can try settings against the names of entries.
        self._name = hashlib.blake2b(identity, key=key, digest_size=20).hexdigest()
        self._warned = False

    def read(self) -> Token | None:
        """Return the token that was kept, even one that has ended, or None."""
        try:
            content = self._backend.read(self._name)
        except OSError as error:
            self._warn(error)
            return None
        return None if content is None else self._decrypt(content)

    def write(self, token: Token, now: float) -> None:
        """Keep `token` for other processes."""
        try:
            # Redis refuses to keep anything for no time.
            self._backend.write(self._name, self._encrypt(token), max(token.expires_at - now, 1))
        except OSError as error:
            self._warn(error)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from asking for the same token while the block runs."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._backend.lock(self._name))
            except OSError as error:
                self._warn(error)
            yield

    def _encrypt(self, token: Token) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        entry = [token.value, token.expires_at, token.refresh_at, token.issued_at]
        nonce = os.urandom(_NONCE)
        encrypted = AESGCM(self._key).encrypt(nonce, json.dumps(entry).encode(), self._identity)
        return _MAGIC + nonce + encrypted

    def _decrypt(self, content: bytes) -> Token | None:
        # Importing this module of cryptography alone takes a fifth of the time of all of it.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, encrypted = content[len(_MAGIC) :][:_NONCE], content[len(_MAGIC) + _NONCE :]
        with contextlib.suppress(InvalidTag, ValueError):
            if content.startswith(_MAGIC):
                entry = AESGCM(self._key).decrypt(nonce, encrypted, self._identity)
                return Token(*json.loads(entry))
        logger.warning("the token cache holds a damaged entry; it is replaced")
        return None

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            reason = error.strerror or str(error)
            logger.warning("the token cache cannot be used, so tokens are not shared: %s", reason)


def open_cache(settings: Settings) -> TokenCache | None:
    """
    Return the configured shared cache, or None where each process keeps its own tokens.

    Raises:
        SettingsError: It has no key, or its package is missing.
    """
    cache = settings.cache
    if cache.backend == "memory":
        return None
    from graphdaemon.auth.cache_key import read_cache_key

    key = read_cache_key(cache)
    if cache.backend == "redis":
        from graphdaemon.auth.cache_redis import RedisBackend

        assert cache.url is not None, "settings hold the address"
        redis = RedisBackend(cache.url, settings.ca_file, settings.timeout)
        return TokenCache(redis, key, identify(settings))
    from graphdaemon.auth.cache_file import FileBackend

    return TokenCache(FileBackend(cache.folder, settings.timeout), key, identify(settings))


def identify(settings: Settings) -> bytes:
    """Return a digest of whose token it is: token service, app, scope and every credential."""
    values = [
        settings.authority,
        settings.oidc_authority,
        settings.region,
        settings.client_id,
        *settings.scope,
        *(
            _describe(name, value)
            for credential in settings.credentials
            for name, value in credential._asdict().items()
            if name != "source"  # where it is configured makes no difference
        ),
    ]
    return hashlib.sha256(json.dumps(values).encode()).digest()


def _describe(name: str, value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    if not isinstance(value, Path):
        return value
    if name in RENEWED_FILES:
        return str(value)
    # By its content: a key file that was replaced is another credential, one that moved is not.
    try:
        return hashlib.sha256(read_small_file(value)).hexdigest()
    except OSError:
        return "unreadable"
