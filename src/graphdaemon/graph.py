"""
Graph over the transport: one request, who may ask, trying again, page after page.

Read it from the bottom up: ``_send`` adds the token and renews it once, ``_ask`` tries again when
that can help, ``pages`` follows the links to the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from graphdaemon.challenge import read_challenge
from graphdaemon.errors import Error, GraphError, IdentityError, NetworkError
from graphdaemon.page import Page, explain, follow, path_of, read_object, read_page
from graphdaemon.token import Token, TokenSource
from graphdaemon.transport import Response, Transport

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 5
"""How often one page is asked for before its failure is the listing's."""

_LONGEST_WAIT_S = 300.0
# A token this old may lack what an administrator has granted meanwhile.
_STALE_S = 300.0


class Graph:
    """
    Asks Graph, as the app.

    Args:
        transport: The socket.
        tokens: Where the bearer token comes from.
        consent_url: Named in the hint when a permission is missing.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        transport: Transport,
        tokens: TokenSource,
        *,
        consent_url: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._consent_url = consent_url
        self._sleep = sleep
        self._reached = False

    async def get(self, url: str, *, needs: str) -> dict[str, Any]:
        """
        Get one JSON object.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        return await self._ask(url, read_object, needs=needs, advanced=False)

    async def pages(self, url: str, *, needs: str, advanced: bool = False) -> AsyncIterator[Page]:
        """
        Yield every page from ``url`` on; ending means there are no more.

        A page may be empty and still have a next link (msgraph-sdk-javascript #129).

        Args:
            url: The first page.
            needs: The application permission to name if it is missing.
            advanced: Send ``ConsistencyLevel: eventual``, which next links do not carry.

        Raises:
            IdentityError, GraphError, NetworkError: What was yielded so far is then a part.
        """
        while True:
            page = await self._ask(url, read_page, needs=needs, advanced=advanced)
            yield page
            if page.next_link is None:
                return
            url = follow(page.next_link, url)

    async def _ask(
        self, url: str, read: Callable[[Response, str], T], *, needs: str, advanced: bool
    ) -> T:
        attempt = 1
        while True:
            try:
                response, token = await self._send(url, advanced=advanced)
                self._reached = True
                if response.status >= 300:
                    raise explain(
                        response,
                        url,
                        needs=needs,
                        consent_url=self._consent_url,
                        token=token.value,
                    )
                return read(response, url)
            except (GraphError, NetworkError) as error:
                wait = _wait_before(attempt, error) if self._may_pass(error) else None
                if wait is None:
                    raise
                logger.warning(
                    "%s; attempt %d of %d in %.1f s",
                    _brief(error, url),
                    attempt + 1,
                    ATTEMPTS,
                    wait,
                )
                await self._sleep(wait)
                attempt += 1

    async def _send(self, url: str, *, advanced: bool) -> tuple[Response, Token]:
        """Send, with a new token once where that may help; say which was the last."""
        token = await self._tokens.token()
        response = await self._send_with(token, url, advanced=advanced)
        if response.status == 401:
            token = await self._tokens.renew(token, read_challenge(response.headers))
            return await self._send_with(token, url, advanced=advanced), token
        if response.status == 403 and time.time() - token.issued_at > _STALE_S:
            # What was granted after a token was issued, only a new one shows.
            with contextlib.suppress(IdentityError, NetworkError):
                token = await self._tokens.renew(token)
                return await self._send_with(token, url, advanced=advanced), token
        return response, token

    async def _send_with(self, token: Token, url: str, *, advanced: bool) -> Response:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token.value}"}
        if advanced:
            headers["ConsistencyLevel"] = "eventual"
        return await self._transport.send("GET", url, headers)

    def _may_pass(self, error: Error) -> bool:
        if isinstance(error, GraphError):
            return error.code in ("throttled", "graph_unavailable", "page_malformed")
        absent = ("host_unknown", "connection_failed", "timed_out")
        if error.code in absent or error.case == "tls_broken":
            # Before anything has answered, no network is no accident, and is said at once.
            return self._reached
        return error.code == "connection_lost"


def _wait_before(attempt: int, error: Error) -> float | None:
    """Seconds until the next attempt, or None if there should be none."""
    if attempt >= ATTEMPTS:
        return None
    asked = error.retry_after if isinstance(error, GraphError) else None
    if asked is not None:
        return asked if asked <= _LONGEST_WAIT_S else None
    # Half fixed, half random, so that many that failed together do not return together.
    return 0.5 * float(2**attempt) * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it


def _brief(error: Error, url: str) -> str:
    return f"{path_of(url)}: {error.code}"
