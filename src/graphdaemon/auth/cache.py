"""
Tokens that processes share: sealed, one small entry for each identity, read without MSAL.

An entry is found only by who has the key, the settings and the credentials it was made with: its
name and its seal are computed from all three.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from graphdaemon.auth.cache_key import read_cache_key
from graphdaemon.auth.token import Token
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings

logger = logging.getLogger(__name__)

_MAGIC = b"gdt1"
_NONCE = 12


class Place(Protocol):
    """Where sealed entries lie; its methods raise `OSError` where it cannot be used."""

    def read(self, name: str) -> bytes | None:
        """The entry, or None."""

    def write(self, name: str, content: bytes, life: float) -> None:
        """Put the entry in the old one's place at once; it is useless after `life` seconds."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Keep other processes from asking for the same token; give up waiting after a while."""


class TokenCache:
    """
    One identity's entry in a shared cache; trouble with the cache is told once and does no harm.

    Args:
        place: Where the entry lies.
        key: 32 bytes.
        identity: What the token is for: see `identify`.
    """

    def __init__(self, place: Place, key: bytes, identity: bytes) -> None:
        self._place = place
        self._key = key
        self._identity = identity
        # Keyed, so that nobody can try settings against the names of entries.
        self._name = hashlib.blake2b(identity, key=key, digest_size=20).hexdigest()
        self._told = False

    def read(self) -> Token | None:
        """The token that was kept, whatever is left of it, or None."""
        try:
            content = self._place.read(self._name)
        except OSError as error:
            self._tell(error)
            return None
        return None if content is None else self._open(content)

    def write(self, token: Token, now: float) -> None:
        """Keep `token` for others."""
        try:
            self._place.write(self._name, self._seal(token), max(token.expires_at - now, 1))
        except OSError as error:
            self._tell(error)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let no other process ask for the same token meanwhile."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._place.lock(self._name))
            except OSError as error:
                self._tell(error)
            yield

    def _seal(self, token: Token) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        entry = [token.value, token.expires_at, token.refresh_at, token.issued_at]
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._key).encrypt(nonce, json.dumps(entry).encode(), self._identity)
        return _MAGIC + nonce + sealed

    def _open(self, content: bytes) -> Token | None:
        # This module of cryptography alone takes a fifth of what all of it does.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, sealed = content[len(_MAGIC) :][:_NONCE], content[len(_MAGIC) + _NONCE :]
        try:
            if content.startswith(_MAGIC):
                return Token(*json.loads(AESGCM(self._key).decrypt(nonce, sealed, self._identity)))
        except (InvalidTag, ValueError):
            pass
        logger.warning("the token cache holds a damaged entry; it is replaced")
        return None

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
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
    key = read_cache_key(cache)
    place: Place
    if cache.backend == "redis":
        from graphdaemon.auth.cache_redis import RedisPlace

        assert cache.url is not None, "settings hold the address"
        place = RedisPlace(cache.url, settings.ca_file, settings.timeout)
    else:
        from graphdaemon.auth.cache_file import FilePlace

        place = FilePlace(cache.folder, settings.timeout)
    return TokenCache(place, key, identify(settings))


def identify(settings: Settings) -> bytes:
    """A digest of whose token it is: authority, client, scope, and every credential's content."""
    told = [
        settings.authority,
        settings.oidc_authority,
        settings.region,
        settings.client_id,
        *settings.scope,
        *(part for credential in settings.credentials for part in _describe(credential)),
    ]
    return hashlib.sha256(json.dumps(told).encode()).digest()


def _describe(credential: CredentialSettings) -> list[object]:
    secret = credential.secret
    return [
        credential.kind,
        secret.reveal() if secret is not None else None,
        credential.secret_keyring,
        credential.thumbprint,
        credential.federated,
        credential.federated_command,
        str(credential.federated_token_file),
        credential.managed_identity,
        credential.key_vault_key,
        *map(
            _digest,
            (credential.secret_file, credential.private_key_file, credential.certificate_file),
        ),
    ]


def _digest(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
