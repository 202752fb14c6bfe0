"""
Send requests to Graph, repeat those that failed where that can help, and read page after page.

The methods build on each other: `_send_with` waits until the throttle budget allows the request
and sends it once; `_send` gets the token, and renews it once if it was refused; `ask` repeats the
request where that can help; `pages` follows the next links to the last page.
"""

import asyncio
import contextlib
import logging
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
from graphdaemon.http.span import is_traced, span, template_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 5
"""How often a request is sent, by default, before its failure is raised."""

PATIENCE = 4
"""The factor by which the attempts of a throttled request grow while other requests succeed."""

# Seconds after which a token may lack a permission that an administrator has granted since.
_STALE_S = 300.0

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class GraphRequest(NamedTuple):
    """
    One request to Graph.

    Attributes:
        url: The whole address.
        needs: The application permission that an error names if Graph refuses the request.
        advanced: Whether to send `ConsistencyLevel: eventual`, which every page of an advanced
            query needs.
        method: The HTTP method.
        body: The content, which is JSON; None for none.
        accept: The media type of the answer.
        repeatable: Whether sending the request twice has the same effect as sending it once.
        measure: Reads from an answer what the throttle budget has to learn; None to read the
            headers of the whole answer.
        weight: How many requests it counts as in the throttle budget: a batch counts as many as
            it has parts.
        headers: More headers. They replace those that are sent by default, except the token.
        attempts: How often the request is sent at most, if that is less than `Graph.attempts`;
            None for `Graph.attempts`.
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
    What one piece of work, such as a listing, has cost so far.

    Attributes:
        requests: How many requests were sent, repetitions included.
        retries: How many requests, or parts of a batch, had to be repeated.
        throttled: How many requests were refused because the throttle budget was used up (429).
        units: The resource units that the requests cost.
    """

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    units: float = 0


class Sender(Protocol):
    """What carries a request to Graph: `http.transport.Transport`, or something in its place."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Send one request and return the whole answer."""


class Tokens(Protocol):
    """Where the bearer tokens come from: `TokenSource`, or something in its place."""

    async def token(self) -> Token:
        """Return a token that is valid now."""

    async def renew(self, refused: Token, claims: str | None = None) -> Token:
        """Return a new token in place of `refused`; `claims` is the JSON that Graph demanded."""


class Graph:
    """
    Sends requests to Graph with the token of the app.

    Every method that sends a request raises an `IdentityError`, a `GraphError` or a `NetworkError`
    once no further attempt can help, or all have failed.

    Args:
        transport: Carries the requests.
        tokens: Where the bearer tokens come from.
        consent_url: The page on which an administrator can consent; an error names it if a
            permission is missing.
        budget: The throttle budget, which everything shares that calls the same Graph as the same
            app in the same tenant; by default one that only this object uses.
        attempts: How often a request is sent before its failure is raised.
        sleep: Waits the given number of seconds between attempts.

    Attributes:
        tokens: Where the bearer tokens come from.
        budget: The throttle budget.
        attempts: How often a request is sent before its failure is raised.
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
        """Return the resource units that a GET of `url` should cost, judging by earlier answers."""
        return self.budget.cost(_kind_of(url))

    async def get(self, url: str, *, needs: str, tally: Tally | None = None) -> dict[str, Any]:
        """GET one JSON object; `needs` and `tally` are as in `ask`."""
        return await self.ask(GraphRequest(url, needs), read_object, tally)

    async def count(
        self, url: str, *, needs: str, tally: Tally | None = None, attempts: int | None = None
    ) -> int:
        """GET the number that a `$count` path returns; `attempts` is as in `GraphRequest`."""
        request = GraphRequest(url, needs, advanced=True, accept="text/plain", attempts=attempts)
        return await self.ask(request, read_number, tally)

    async def page(
        self, url: str, *, needs: str, advanced: bool = False, tally: Tally | None = None
    ) -> Page:
        """GET one page of a collection; `needs` and `advanced` are as in `GraphRequest`."""
        return await self.ask(GraphRequest(url, needs, advanced), read_page, tally)

    async def pages(self, url: str, *, needs: str, advanced: bool = False) -> AsyncIterator[Page]:
        """
        Yield every page of a collection, from the one at `url` to the last.

        If it raises, the pages so far are not the whole collection. `advanced` and `needs` are as
        in `GraphRequest`.
        """
        while True:
            page = await self.page(url, needs=needs, advanced=advanced)
            yield page
            # A page without records is not the last one if it has a next link
            # (msgraph-sdk-javascript #129).
            if page.next_link is None:
                return
            url = follow(page.next_link, url)

    async def ask(
        self, request: GraphRequest, read: Callable[[Response, str], T], tally: Tally | None = None
    ) -> T:
        """
        Send a request, repeat it where that can help, and return what `read` makes of the answer.

        Args:
            request: The request.
            read: Takes the answer and the address; what it raises as `GraphError` is treated as
                a failure of the request.
            tally: Where requests, retries and resource units are counted.
        """
        tally = tally or Tally()
        attempt, served = 1, self._served
        attempts = min(self.attempts, request.attempts or self.attempts)
        while True:
            try:
                answer = read(await self._get_answer(request, tally), request.url)
            except (GraphError, NetworkError) as error:
                # While other requests succeed, Graph still serves this app, and this one will
                # succeed, too.
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
        """Send a request, and raise a `GraphError` if Graph refuses it."""
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
        """Wait; if Graph asked for the wait, all requests of the throttle budget wait, too."""
        if error.code == "throttled" or _read_retry_after(error) is not None:
            self.budget.pause(wait)
        else:
            await self._sleep(wait)

    async def _send(self, request: GraphRequest, tally: Tally) -> tuple[Response, Token]:
        """
        Send a request, and once more with a new token if that may help.

        Returns:
            The last answer, and the token that it was sent with.
        """
        token = await self.tokens.token()
        response = await self._send_with(token, request, tally)
        if response.status == 401:
            # Graph may revoke a token before it expires, and say which claims a new one must have.
            from graphdaemon.graph.claims_challenge import read_challenge

            token = await self.tokens.renew(token, read_challenge(response.headers))
            return await self._send_with(token, request, tally), token
        if response.status == 403 and time.time() - token.issued_at > _STALE_S:
            # A token contains only the permissions that had been granted when it was issued.
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
        # The token comes last, so that no header of the caller can replace it.
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
        send = self._transport.send(request.method, request.url, headers, request.body)
        if not is_traced():
            return await send
        place = {"http__request__method": request.method, "url__template": template_of(request.url)}
        with span("graph request", **place) as note:
            response = await send
            note("http.response.status_code", response.status)
            return response

    def _may_pass(self, request: GraphRequest, error: Error) -> bool:
        """Return whether the same request may succeed later, and may be repeated without harm."""
        # Graph has changed nothing for a request that it throttles, so even a write is repeated.
        if error.code == "throttled":
            return True
        if not request.repeatable:
            return False
        if isinstance(error, GraphError):
            return error.code in ("graph_unavailable", "page_malformed")
        unreachable = ("host_unknown", "connection_failed", "timed_out")
        if error.code in unreachable or error.case == "tls_broken":
            # If no request has reached Graph yet, there is probably no network: say so at once.
            return self._reached
        return error.code == "connection_lost"


def _wait_before(attempt: int, error: Error) -> float | None:
    """Return the seconds until the next attempt, or None if there should be none."""
    retry_after = _read_retry_after(error)
    if retry_after is not None:
        return retry_after if retry_after <= LONGEST_WAIT_S else None
    import random

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
    """Return the kind of a request, whose requests cost the same: the path, and if it selects."""
    parts = urlsplit(url)
    return re.sub(_GUID, "*", parts.path) + ("?$select" if "select=" in parts.query else "")
