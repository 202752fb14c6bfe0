"""A token, and its source, by which any number of callers share one token and one request."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from graphdaemon.errors import Error, NetworkError

logger = logging.getLogger(__name__)

# The identity platform's own libraries count a token with less than five minutes left as expired.
MARGIN_S = 300.0
# With less than this left, a token may end before the request that carries it arrives.
LEAST_S = 10.0
# How long after a failed refresh the next is tried, while the old token still serves.
_PAUSE_S = 30.0

Start = Callable[[Callable[[], None]], None]
"""Begins work on a thread."""


@dataclass(frozen=True, slots=True)
class Token:
    """
    An access token.

    Attributes:
        value: What goes behind `Bearer`; never shown.
        expires_at: Epoch seconds.
        refresh_at: When a new one should be asked for, though this one still serves; epoch seconds.
        issued_at: Epoch seconds; a permission that was granted later does not show in the token.
    """

    value: str = field(repr=False)
    expires_at: float
    refresh_at: float | None = None
    issued_at: float = 0.0


class Demand(NamedTuple):
    """
    What the next token must be.

    It comes `instead_of` a token that was refused or is about to end, and with the claims that
    Graph demands of it, JSON text.
    """

    instead_of: Token | None = None
    claims: str | None = None


class _Flight(Future[Token]):
    """A request under way, and the source that made it."""

    def __init__(self, owner: "TokenSource") -> None:
        super().__init__()
        self.owner = owner


_flights: dict[Hashable, _Flight] = {}
_flights_lock = threading.Lock()


class TokenSource:
    """
    Gives every caller the current token, and requests a new one once, however many wait for it.

    Any number of threads and event loops may use it at once. While the old token is good nobody
    waits for a new one, and nobody is told that none could be had.

    `fetch` requests a token and blocks, so it is begun by `start`. Sources with equal keys share a
    request under way: the key says whose token it is. `now` tells the epoch seconds.
    """

    def __init__(
        self,
        fetch: Callable[[Demand], Token],
        start: Start,
        *,
        key: Hashable = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._start = start
        self._key = id(self) if key is None else key
        self._now = now
        self._token: Token | None = None
        self._due_at = 0.0
        self._watched: _Flight | None = None

    async def token(self) -> Token:
        """
        Return a token that is good for now.

        Raises:
            Error: There is none, and none could be had.
        """
        token, now = self._token, self._now()
        if token is not None:
            if now < self._due_at:
                return token
            if now < token.expires_at - LEAST_S:
                self._join(Demand(token))
                return token
        return await self._wait(Demand(token))

    async def renew(self, refused: Token, claims: str | None = None) -> Token:
        """
        Return a token other than `refused`, which Graph did not accept; `claims` is its demand.

        Raises:
            Error: None could be had.
        """
        token = self._token
        if token is not None and token.value != refused.value:
            return token
        return await self._wait(Demand(refused, claims))

    async def _wait(self, demand: Demand) -> Token:
        flight = self._join(demand)
        await _wait_for(flight)
        if flight.owner is not self and isinstance(flight.exception(), NetworkError):
            # Its owner may have been closed; that is no trouble of ours.
            flight = self._join(demand)
            await _wait_for(flight)
        return flight.result()

    def _join(self, demand: Demand) -> _Flight:
        """Return the request under way for this demand, begun now if there is none."""
        old = demand.instead_of
        key = (self._key, old.value if old else None, demand.claims)
        with _flights_lock:
            flight = _flights.get(key)
            begun = flight is None
            if flight is None:
                flight = _flights[key] = _Flight(self)
        if flight is not self._watched:
            self._watched = flight
            flight.add_done_callback(self._keep)
        if begun:
            try:
                self._start(lambda: _fly(key, flight, demand))
            except RuntimeError as error:
                # No thread could be started, so nothing else would ever end this request.
                _fail(key, flight, error)
        return flight

    def _keep(self, flight: Future[Token]) -> None:
        """Keep the new token; where there is none, use the old one for a while before the next."""
        error, old = flight.exception(), self._token
        if error is None:
            token = self._token = flight.result()
            end = token.expires_at - MARGIN_S
            self._due_at = end if token.refresh_at is None else min(end, token.refresh_at)
        elif isinstance(error, Error) and old is not None:
            left = old.expires_at - self._now()
            if left > LEAST_S:
                logger.warning(
                    "no new token: %s; the old one is good for %.0f s more", error.code, left
                )
                self._due_at = min(self._now() + _PAUSE_S, old.expires_at - LEAST_S)


def _fly(key: Hashable, flight: _Flight, demand: Demand) -> None:
    try:
        token = flight.owner._fetch(demand)  # noqa: SLF001  the source's other half
    except BaseException as error:  # noqa: BLE001  whatever it is belongs to those who wait
        _fail(key, flight, error)
    else:
        # Removed last: whoever joins meanwhile gets this token and needs no request.
        flight.set_result(token)
        _remove(key)


def _fail(key: Hashable, flight: _Flight, error: BaseException) -> None:
    # Removed first: whoever asks again because of the failure must not join it once more.
    _remove(key)
    flight.set_exception(error)


def _remove(key: Hashable) -> None:
    with _flights_lock:
        _flights.pop(key, None)


async def _wait_for(flight: _Flight) -> None:
    """Wait, on the running loop, until a request has ended, well or not."""
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()

    def settle() -> None:
        if not arrived.done():
            arrived.set_result(None)

    def tell(_: Future[Token]) -> None:
        # The loop may have ended meanwhile, and then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle)

    flight.add_done_callback(tell)
    await arrived
