"""
One request to Graph, repeated until it is answered; and page after page of a collection.

Read it from the bottom up: `_send_with` waits for its turn in the throttle budget and sends one
request, `_send` adds the token and renews it once, `ask` tries again where that can help, `pages`
follows the links to the last page.
"""

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from graphdaemon.auth.token import Token
from graphdaemon.errors import Error, GraphError, IdentityError, NetworkError
from graphdaemon.graph.headers import LONGEST_WAIT_S, read_cost, read_load, read_wait
from graphdaemon.graph.links import follow, path_of
from graphdaemon.graph.page import Page, read_number, read_object, read_page
from graphdaemon.graph.refused import explain
from graphdaemon.graph.throttling.budget import Budget, Outcome
from graphdaemon.http.response import Response
from graphdaemon.http.span import span, template_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 5
"""How often a request is sent, by default, before its failure is raised."""

PATIENCE = 4
"""A request that is throttled while others are served gets so many times the attempts."""

# A token this old may lack a permission that an administrator has granted meanwhile.
_STALE_S = 300.0

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class GraphRequest(NamedTuple):
    """
    One request to Graph.

    Attributes:
        url: The whole address.
        needs: The application permission to name if it is missing.
        advanced: Send `ConsistencyLevel: eventual`, which next links do not carry.
        method: The HTTP method.
        body: JSON to send along.
        accept: The media type of the answer.
        repeatable: Sending it twice does the same as sending it once.
        measure: Reads from an answer what the throttle budget has to know.
        weight: How many requests it counts as: a batch counts as its parts.
        headers: More headers; they replace those sent by default, except for the token.
        attempts: How often to send it at most, if that is less than `Graph.attempts`; None for as
            often as that says.
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
    attempts: int | None = None


class Tally(msgspec.Struct):
    """
    What one piece of work has cost so far.

    Attributes:
        requests: Requests that were sent, repetitions among them.
        retries: How many of those were repetitions.
        throttled: How many of those were refused because the budget was used up (429).
        units: Resource units.
    """

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    units: float = 0


class Sender(Protocol):
    """What carries a request to Graph: the transport."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Send one request and read the whole answer."""


class Tokens(Protocol):
    """Where the bearer token comes from: a token source."""

    async def token(self) -> Token:
        """Return a token that is valid now."""

    async def renew(self, refused: Token, claims: str | None = None) -> Token:
        """Return another token than `refused`, which Graph did not accept."""


class Graph:
    """
    Sends requests to Graph, as the app.

    Whatever asks Graph raises an `IdentityError`, a `GraphError` or a `NetworkError`, after every
    attempt that could help.

    Args:
        transport: Carries the requests.
        tokens: Where the bearer token comes from.
        consent_url: Where an administrator can consent; named if a permission is missing.
        budget: The throttle budget, shared by all that talk to the same Graph as the same app.
        attempts: How often a request is sent before its failure is raised.
        sleep: Waits so many seconds between attempts.

    Attributes:
        tokens: Where the bearer token comes from.
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
        self.tokens = tokens
        self._consent_url = consent_url
        self.budget = budget or Budget(sleep=sleep)
        self.attempts = attempts
        self._served = 0
        self._sleep = sleep
        self._reached = False

    def cost(self, url: str) -> float:
        """Return the resource units that getting `url` is expected to cost, as answers told."""
        return self.budget.cost(_kind_of(url))

    async def get(self, url: str, *, needs: str, tally: Tally | None = None) -> dict[str, Any]:
        """Get one JSON object."""
        return await self.ask(GraphRequest(url, needs), read_object, tally)

    async def count(
        self, url: str, *, needs: str, tally: Tally | None = None, attempts: int | None = None
    ) -> int:
        """Get the number that a `$count` path returns; `attempts` are as in `GraphRequest`."""
        request = GraphRequest(url, needs, advanced=True, accept="text/plain", attempts=attempts)
        return await self.ask(request, read_number, tally)

    async def page(
        self, url: str, *, needs: str, advanced: bool = False, tally: Tally | None = None
    ) -> Page:
        """Get one page."""
        return await self.ask(GraphRequest(url, needs, advanced), read_page, tally)

    async def pages(self, url: str, *, needs: str, advanced: bool = False) -> AsyncIterator[Page]:
        """
        Yield every page from `url` on, to the last; if it raises, those so far are not everything.

        `advanced` and `needs` are as in `GraphRequest`.
        """
        while True:
            page = await self.page(url, needs=needs, advanced=advanced)
            yield page
            # Not when it is empty: such a page may still have a next link (msgraph-sdk-javascript
            # #129).
            if page.next_link is None:
                return
            url = follow(page.next_link, url)

    async def ask(
        self, request: GraphRequest, read: Callable[[Response, str], T], tally: Tally | None = None
    ) -> T:
        """Send a request until it is answered, and return what `read` makes of the answer."""
        tally = tally or Tally()
        attempt, served = 1, self._served
        attempts = min(self.attempts, request.attempts or self.attempts)
        while True:
            try:
                answer = read(await self._get_answer(request, tally), request.url)
            except (GraphError, NetworkError) as error:
                # While others are served the budget is not closed, and our turn will come.
                patient = error.code == "throttled" and self._served > served
                most = attempts * (PATIENCE if patient else 1)
                may_pass = attempt < most and self._may_pass(request, error)
                wait = _wait_before(attempt, error) if may_pass else None
                if wait is None:
                    raise
                attempt += 1
                logger.warning(
                    "%s; attempt %d of %d in %.1f s",
                    f"{path_of(request.url)}: {error.code}",
                    attempt,
                    most,
                    wait,
                )
                tally.retries += 1
                await self._pause(error, wait)
            else:
                self._served += 1
                return answer

    async def _get_answer(self, request: GraphRequest, tally: Tally) -> Response:
        """Send a request once, and raise what an answer means that refuses it."""
        response, token = await self._send(request, tally)
        self._reached = True
        if response.status >= 300:
            raise explain(
                response,
                request.url,
                needs=request.needs,
                consent_url=self._consent_url,
                token=token.value,
                method=request.method,
            )
        return response

    async def _pause(self, error: Error, wait: float) -> None:
        """Wait; where Graph asked for it, let everybody wait who enters the budget."""
        if error.code == "throttled" or _read_retry_after(error) is not None:
            self.budget.pause(wait)
        else:
            await self._sleep(wait)

    async def _send(self, request: GraphRequest, tally: Tally) -> tuple[Response, Token]:
        """Send, and once more with a new token if that may help; return the last token too."""
        token = await self.tokens.token()
        response = await self._send_with(token, request, tally)
        if response.status == 401:
            # Graph revokes tokens before they expire, and may say which claims a new one must have.
            from graphdaemon.graph.claims_challenge import read_challenge

            token = await self.tokens.renew(token, read_challenge(response.headers))
            return await self._send_with(token, request, tally), token
        if response.status == 403 and time.time() - token.issued_at > _STALE_S:
            # A permission that was granted after a token was issued is only in a new one.
            with contextlib.suppress(IdentityError, NetworkError):
                token = await self.tokens.renew(token)
                return await self._send_with(token, request, tally), token
        return response, token

    async def _send_with(self, token: Token, request: GraphRequest, tally: Tally) -> Response:
        headers = {"Accept": request.accept}
        if request.advanced:
            headers["ConsistencyLevel"] = "eventual"
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if self.budget.yields:
            headers["x-ms-throttle-priority"] = "low"
        # The token last, so that no header of a caller's can take its place.
        headers |= {**dict(request.headers), "Authorization": f"Bearer {token.value}"}
        ticket = await self.budget.enter(_kind_of(request.url), request.weight)
        tally.requests += 1
        outcome = Outcome()
        try:
            response = await self._send_traced(request, headers)
            outcome = (request.measure or _measure)(response)
        finally:
            self.budget.leave(ticket, outcome)
        tally.units += ticket.units if outcome.units is None else outcome.units
        tally.throttled += outcome.refused_for is not None
        return response

    async def _send_traced(self, request: GraphRequest, headers: Mapping[str, str]) -> Response:
        place = {"http__request__method": request.method, "url__template": template_of(request.url)}
        with span("graph request", **place) as note:
            response = await self._transport.send(
                request.method, request.url, headers, request.body
            )
            note("http.response.status_code", response.status)
            return response

    def _may_pass(self, request: GraphRequest, error: Error) -> bool:
        """Say whether the same request may be answered later."""
        # Graph has done nothing of what it throttles, so that even a write may be sent again.
        if error.code == "throttled":
            return True
        if not request.repeatable:
            return False
        if isinstance(error, GraphError):
            return error.code in ("graph_unavailable", "page_malformed")
        unreachable = ("host_unknown", "connection_failed", "timed_out")
        if error.code in unreachable or error.case == "tls_broken":
            # If nothing has answered yet, the network is not there at all: say so at once.
            return self._reached
        return error.code == "connection_lost"


def _wait_before(attempt: int, error: Error) -> float | None:
    """Seconds until the next attempt, or None if there should be none."""
    retry_after = _read_retry_after(error)
    if retry_after is not None:
        return retry_after if retry_after <= LONGEST_WAIT_S else None
    # Half fixed, half random, so that requests that failed together do not come back together.
    return 0.5 * float(2 ** min(attempt, 6)) * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it


def _read_retry_after(error: Error) -> float | None:
    return error.retry_after if isinstance(error, GraphError) else None


def _measure(response: Response) -> Outcome:
    refused_for = None
    if response.status == 429:
        refused_for = min(read_wait(response.headers.get("Retry-After")) or 0, LONGEST_WAIT_S)
    units = read_cost(response.headers.get("x-ms-resource-unit"))
    return Outcome(
        # Graph does not charge for what it refuses.
        units if refused_for is None else 0.0,
        read_load(response.headers.get("x-ms-throttle-limit-percentage")),
        refused_for,
        len(response.body),
    )


@lru_cache(maxsize=64)
def _kind_of(url: str) -> str:
    """Name what a request costs by: its path without IDs, and whether it has a `$select`."""
    parts = urlsplit(url)
    return _GUID.sub("*", parts.path) + ("?$select" if "select=" in parts.query else "")
