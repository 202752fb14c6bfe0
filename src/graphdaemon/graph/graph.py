"""
Graph over the transport: one request, who may ask, trying again, page after page.

Read it from the bottom up: `_send_with` waits for its turn in the throttle budget, `_send` adds
the token and renews it once, `ask` tries again when that can help, `pages` follows the links to
the last.
"""

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from graphdaemon.auth.token import Token
from graphdaemon.errors import Error, GraphError, IdentityError, NetworkError
from graphdaemon.graph.headers import read_wait
from graphdaemon.graph.links import follow, path_of
from graphdaemon.graph.page import Page, read_number, read_object, read_page
from graphdaemon.graph.refused import explain
from graphdaemon.http.response import Response
from graphdaemon.throttling.budget import Budget, Outcome

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 5
"""How often one page is asked for before its failure is the listing's."""

PATIENCE = 4
"""How many times as often it is asked again where Graph says to wait, and serves others."""

LONGEST_WAIT_S = 300.0
"""If Graph asks to wait for longer, that is said instead of done."""

# A token this old may lack what an administrator has granted meanwhile.
_STALE_S = 300.0

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Ask(NamedTuple):
    """
    What is asked of Graph.

    Attributes:
        url: Where.
        needs: The application permission to name if it is missing.
        advanced: Send `ConsistencyLevel: eventual`, which next links do not carry.
        method: The verb.
        body: What is sent along: JSON.
        accept: What the answer should be.
        repeatable: Doing it twice is no different from doing it once.
        measure: Reads from an answer what the budget has to know.
        weight: How many requests it stands for.
        headers: What else to send; beats what is sent by itself, but for the token.
    """

    url: str
    needs: str
    advanced: bool = False
    method: str = "GET"
    body: bytes | None = None
    accept: str = "application/json"
    repeatable: bool = True
    measure: Callable[[Response], Outcome] | None = None
    weight: int = 1
    headers: tuple[tuple[str, str], ...] = ()


class Tally(msgspec.Struct):
    """What one piece of work has cost so far."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    units: float = 0


class Sender(Protocol):
    """What carries a request: the transport."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Send one request and read the whole answer."""


class Tokens(Protocol):
    """Where the bearer token comes from: a token source."""

    async def token(self) -> Token:
        """A token that is good for now."""

    async def renew(self, refused: Token, claims: str | None = None) -> Token:
        """A token other than the one that Graph did not accept."""


class Graph:
    """
    Asks Graph, as the app.

    Args:
        transport: The socket.
        tokens: Where the bearer token comes from.
        consent_url: Named in the hint when a permission is missing.
        budget: Shared by all who talk to the same Graph as the same app.
        attempts: How often to ask before a failure is one.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        transport: Sender,
        tokens: Tokens,
        *,
        consent_url: str | None = None,
        budget: Budget | None = None,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._consent_url = consent_url
        self.budget = budget or Budget(sleep=sleep)
        self.attempts = attempts
        self._served = 0
        self._sleep = sleep
        self._reached = False

    async def get(self, url: str, *, needs: str, tally: Tally | None = None) -> dict[str, Any]:
        """
        Get one JSON object.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        return await self.ask(Ask(url, needs), read_object, tally)

    async def count(self, url: str, *, needs: str, tally: Tally | None = None) -> int:
        """
        Get the number that a `$count` path answers.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        return await self.ask(
            Ask(url, needs, advanced=True, accept="text/plain"), read_number, tally
        )

    async def page(
        self, url: str, *, needs: str, advanced: bool = False, tally: Tally | None = None
    ) -> Page:
        """
        Get one page.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        return await self.ask(Ask(url, needs, advanced), read_page, tally)

    async def pages(
        self, url: str, *, needs: str, advanced: bool = False, tally: Tally | None = None
    ) -> AsyncIterator[Page]:
        """
        Yield every page from `url` on; ending means there are no more.

        A page may be empty and still have a next link (msgraph-sdk-javascript #129).

        Args:
            url: The first page.
            needs: The application permission to name if it is missing.
            advanced: Send `ConsistencyLevel: eventual`, which next links do not carry.
            tally: Counts every request.

        Raises:
            IdentityError, GraphError, NetworkError: What was yielded so far is then a part.
        """
        while True:
            page = await self.page(url, needs=needs, advanced=advanced, tally=tally)
            yield page
            if page.next_link is None:
                return
            url = follow(page.next_link, url)

    async def ask(
        self, ask: Ask, read: Callable[[Response, str], T], tally: Tally | None = None
    ) -> T:
        """
        Send a request until it is answered, and return what `read` makes of the answer.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        tally = tally or Tally()
        attempt, served = 1, self._served
        while True:
            try:
                response, token = await self._send(ask, tally)
                self._reached = True
                if response.status >= 300:
                    raise explain(
                        response,
                        ask.url,
                        needs=ask.needs,
                        consent_url=self._consent_url,
                        token=token.value,
                        method=ask.method,
                    )
                answer = read(response, ask.url)
            except (GraphError, NetworkError) as error:
                most = self._most_attempts(error, others_are_served=self._served > served)
                may_pass = attempt < most and self._may_pass(ask, error)
                wait = _wait_before(attempt, error) if may_pass else None
                if wait is None:
                    raise
                logger.warning(
                    "%s; attempt %d of %d in %.1f s",
                    _brief(error, ask.url),
                    attempt + 1,
                    most,
                    wait,
                )
                tally.retries += 1
                await self._pause(error, wait)
                attempt += 1
            else:
                self._served += 1
                return answer

    async def _pause(self, error: Error, wait: float) -> None:
        """Wait alone, or, where Graph asked for it, let everybody wait who enters the budget."""
        if isinstance(error, GraphError) and (
            error.code == "throttled" or error.retry_after is not None
        ):
            self.budget.pause(wait)
        else:
            await self._sleep(wait)

    async def _send(self, ask: Ask, tally: Tally) -> tuple[Response, Token]:
        """Send, with a new token once where that may help; say which was the last."""
        token = await self._tokens.token()
        response = await self._send_with(token, ask, tally)
        if response.status == 401:
            from graphdaemon.graph.claims_challenge import read_challenge

            token = await self._tokens.renew(token, read_challenge(response.headers))
            return await self._send_with(token, ask, tally), token
        if response.status == 403 and time.time() - token.issued_at > _STALE_S:
            # What was granted after a token was issued, only a new one shows.
            with contextlib.suppress(IdentityError, NetworkError):
                token = await self._tokens.renew(token)
                return await self._send_with(token, ask, tally), token
        return response, token

    async def _send_with(self, token: Token, ask: Ask, tally: Tally) -> Response:
        headers = {"Accept": ask.accept}
        if ask.advanced:
            headers["ConsistencyLevel"] = "eventual"
        if ask.body is not None:
            headers["Content-Type"] = "application/json"
        if self.budget.yields:
            headers["x-ms-throttle-priority"] = "low"
        headers |= {**dict(ask.headers), "Authorization": f"Bearer {token.value}"}
        ticket = await self.budget.enter(_kind_of(ask.url), ask.weight)
        tally.requests += 1
        outcome = Outcome()
        try:
            response = await self._transport.send(ask.method, ask.url, headers, ask.body)
            outcome = (ask.measure or _measure)(response)
        finally:
            self.budget.leave(ticket, outcome)
        tally.units += ticket.units if outcome.units is None else outcome.units
        tally.throttled += outcome.refused_for is not None
        return response

    def _may_pass(self, ask: Ask, error: Error) -> bool:
        if isinstance(error, GraphError) and error.code == "throttled":
            return True
        if not ask.repeatable:
            return False
        if isinstance(error, GraphError):
            # 501 is what Graph says to a property that this collection does not serve.
            passing = error.code in ("throttled", "graph_unavailable", "page_malformed")
            return passing and error.status != 501
        absent = ("host_unknown", "connection_failed", "timed_out")
        if error.code in absent or error.case == "tls_broken":
            # Before anything has answered, no network is no accident, and is said at once.
            return self._reached
        return error.code == "connection_lost"

    def _most_attempts(self, error: Error, *, others_are_served: bool) -> int:
        throttled = isinstance(error, GraphError) and error.code == "throttled"
        return self.attempts * PATIENCE if throttled and others_are_served else self.attempts


def _wait_before(attempt: int, error: Error) -> float | None:
    """Seconds until the next attempt, or None if there should be none."""
    asked = error.retry_after if isinstance(error, GraphError) else None
    if asked is not None:
        return asked if asked <= LONGEST_WAIT_S else None
    # Half fixed, half random, so that many that failed together do not return together.
    return 0.5 * float(2 ** min(attempt, 6)) * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it


def _measure(response: Response) -> Outcome:
    refused_for = None
    if response.status == 429:
        refused_for = min(read_wait(response.headers.get("Retry-After")) or 0, LONGEST_WAIT_S)
    units = _number(response.headers.get("x-ms-resource-unit"))
    return Outcome(
        # What is refused is not charged for.
        units if refused_for is None else 0.0,
        _number(response.headers.get("x-ms-throttle-limit-percentage")),
        refused_for,
        len(response.body),
    )


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < 1_000_000 else None


def _kind_of(url: str) -> str:
    """What tells the cost of a request: its path without names, and whether it selects."""
    parts = urlsplit(url)
    return _GUID.sub("*", parts.path) + ("?$select" if "select=" in parts.query else "")


def _brief(error: Error, url: str) -> str:
    return f"{path_of(url)}: {error.code}"
