"""A token, and how many callers share one without asking twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeGuard

# MSAL counts a token with less than five minutes left as expired; asking earlier than that
# would only get the same one back.
_MARGIN_S = 300


@dataclass(frozen=True, slots=True)
class Token:
    """
    An access token.

    Attributes:
        value: What goes behind ``Bearer``; never shown.
        expires_at: Epoch seconds.
    """

    value: str = field(repr=False)
    expires_at: float


class TokenSource:
    """
    Hands the current token to everybody, and asks for a new one once, however many wait.

    Args:
        acquire: Gets a token; its argument says whether a cached one may serve.
        now: Epoch seconds.
    """

    def __init__(
        self, acquire: Callable[[bool], Awaitable[Token]], now: Callable[[], float] = time.time
    ) -> None:
        self._acquire = acquire
        self._now = now
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    async def token(self) -> Token:
        """
        Return a token that is good for some minutes.

        Raises:
            IdentityError, NetworkError: From acquiring it.
        """
        if self._is_fresh(self._token):
            return self._token
        async with self._lock:
            if not self._is_fresh(self._token):
                self._token = await self._acquire(True)
            return self._token

    async def renew(self, refused: Token) -> Token:
        """Return a token newer than ``refused``, which Graph did not accept."""
        async with self._lock:
            if self._token is None or self._token is refused:
                self._token = await self._acquire(False)
            return self._token

    def _is_fresh(self, token: Token | None) -> TypeGuard[Token]:
        return token is not None and token.expires_at - self._now() > _MARGIN_S
