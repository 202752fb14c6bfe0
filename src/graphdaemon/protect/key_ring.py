"""The keys of one tenant, kept: fetched when one is missing, and now and then, by one at a time."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from graphdaemon.errors import Error
from graphdaemon.protect.published_keys import MetadataRefusedError, PublishedKeys

logger = logging.getLogger(__name__)

LOOK_UP_SECONDS = 30.0
"""How often keys are fetched at most because a token names one that is not known."""

_REFRESH_SECONDS = 3600.0
# After a failure, while there are keys, and while there are none.
_RETRY_SECONDS, _FIRST_RETRY_SECONDS = 60.0, 5.0
# Microsoft's documentation asks for keys to be fetched every day at least ("Access tokens").
_FORGET_SECONDS = 86_400.0
# A process that was forked meanwhile has the flight, and not the thread that would end it.
_LOST_SECONDS = 60.0
# How long a request waits for keys to be fetched: while there are others, most need not wait.
_PATIENCE_SECONDS, _FIRST_PATIENCE_SECONDS = 2.0, 10.0


class KeyRing:
    """
    The keys of one tenant for tokens of one version.

    They are fetched in the background once an hour, and at once when a token names a key that is
    not among them, but not more often than every 30 seconds for that. What is not published any
    more is forgotten. While the token service cannot be reached, the last keys count for a day.

    Args:
        fetch: Fetches the keys; blocks.
        start: Runs blocking work on a thread.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        fetch: Callable[[], PublishedKeys],
        start: Callable[[Callable[[], None]], None],
        clock: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._start = start
        self._clock = clock
        self._lock = threading.Lock()
        self._flight: Future[None] | None = None
        self._published: PublishedKeys | None = None
        self._is_failing = False
        self._first_kid: str | None = None
        self._look_up_at = self._fetched_at = float("-inf")
        self._tend_at = float("inf")
        self._began_at = float("-inf")

    @property
    def published(self) -> PublishedKeys | None:
        """What was fetched last; None if nothing was, or too long ago."""
        if self._clock() >= self._tend_at:
            self._tend()
        return self._published

    @property
    def is_failing(self) -> bool:
        """Whether there are no keys, or the last attempt to fetch them failed."""
        return self._published is None or self._is_failing

    @property
    def patience(self) -> float:
        """Seconds that a request may wait for keys."""
        return _FIRST_PATIENCE_SECONDS if self._published is None else _PATIENCE_SECONDS

    @property
    def retry_after(self) -> float:
        """Seconds until a missing key is looked up again; at least 1."""
        return max(1.0, self._look_up_at - self._clock())

    def find(self, kid: str) -> Any | None:
        """Return a key, or None; nothing is waited for."""
        published = self.published
        return published.keys.get(kid) if published is not None else None

    def look_up(self, kid: str | None = None) -> Future[None] | None:
        """
        Fetch the keys, since one is missing; return what ends when that ends, well or not.

        None if they were fetched for that reason a moment ago, so that there is nothing to wait
        for.
        """
        with self._lock:
            now = self._clock()
            if self._flight is not None and now < self._began_at + _LOST_SECONDS:
                return self._flight
            if now < self._look_up_at:
                return None
            self._first_kid = kid
            # The first keys are not fetched for a missing one: that may be missing right after.
            if self._published is not None:
                self._look_up_at = now + LOOK_UP_SECONDS
            return self._begin()

    def note_missing(self, kid: str) -> None:
        """Note that a key is missing from the first keys."""
        with self._lock:
            if self._published is not None and kid not in self._published.keys:
                self._look_up_at = max(self._look_up_at, self._fetched_at + LOOK_UP_SECONDS)

    def _tend(self) -> None:
        """Forget keys that are too old, or begin to fetch them again; nothing is waited for."""
        with self._lock:
            now = self._clock()
            if now >= self._fetched_at + _FORGET_SECONDS:
                self._published, self._tend_at = None, float("inf")
            elif now >= self._tend_at:
                self._tend_at = min(now + _RETRY_SECONDS, self._fetched_at + _FORGET_SECONDS)
                if self._flight is None or now >= self._began_at + _LOST_SECONDS:
                    self._begin()

    def _begin(self) -> Future[None]:
        """Start to fetch; the lock is held."""
        flight: Future[None] = Future()
        self._flight, self._began_at = flight, self._clock()
        try:
            self._start(partial(self._run, flight))
        except RuntimeError:
            # The machine has no thread left: the next request tries again.
            self._flight = None
            self._is_failing = True
            flight.set_result(None)
        return flight

    def _run(self, flight: Future[None]) -> None:
        published, failure = None, ""
        try:
            published = self._fetch()
        except (Error, MetadataRefusedError) as error:
            failure = str(error)
        except Exception:
            failure = "a bug in graphdaemon"
            logger.exception("the keys that tokens are checked with were not fetched")
        # Whatever happened, nobody waits for ever.
        self._end(flight, published, failure)

    def _end(self, flight: Future[None], published: PublishedKeys | None, failure: str) -> None:
        with self._lock:
            now = self._clock()
            if self._flight is flight:
                self._flight = None
            self._is_failing = published is None
            if published is not None:
                if self._first_kid is not None and self._first_kid not in published.keys:
                    self._look_up_at = max(self._look_up_at, now + LOOK_UP_SECONDS)
                self._published = _keep_objects(self._published, published)
                self._fetched_at, self._tend_at = now, now + _REFRESH_SECONDS
            elif self._published is None:
                self._look_up_at = now + _FIRST_RETRY_SECONDS
            self._first_kid = None
        if published is None:
            logger.warning("the keys that tokens are checked with were not fetched: %s", failure)
        flight.set_result(None)


def _keep_objects(old: PublishedKeys | None, new: PublishedKeys) -> PublishedKeys:
    """Return `new` with the objects of `old` where the keys are the same, which tells that fast."""
    if old is None or old.issuer != new.issuer:
        return new
    same = {kid: old.keys[kid] for kid, key in new.keys.items() if old.keys.get(kid) == key}
    return new._replace(keys={**new.keys, **same})
