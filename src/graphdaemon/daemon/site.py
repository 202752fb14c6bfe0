"""What is answered at which path: health, readiness, metrics, and the status page."""

import datetime as dt
import time
from collections.abc import Callable
from functools import partial

from graphdaemon.daemon.metrics import CONTENT_TYPE, Metrics
from graphdaemon.daemon.page import pages
from graphdaemon.daemon.page.render import answer_style
from graphdaemon.daemon.server import WatchAnswer, WatchRequest
from graphdaemon.daemon.status import StoreStatus, read_status
from graphdaemon.daemon.store_reader import StoreReader
from graphdaemon.daemon.vitals import Vitals, say_health, say_readiness
from graphdaemon.errors import Error, StoreError
from graphdaemon.log import redact
from graphdaemon.store.store import Store
from graphdaemon.store.times import now_utc

Show = Callable[[Store, WatchRequest], WatchAnswer]

_REPORTS = {"/": pages.show_overview, "/tenant": pages.show_tenant}
_OTHERS: dict[str, Show] = {"/search": pages.show_search, "/object": pages.show_object}

# Whoever asks several times within a moment gets the same answer.
_FRESH_S = 2.0


class Site:
    """
    Answers requests about a daemon.

    Args:
        vitals: How the daemon is.
        reader: Reads its store.
        metrics: Its metrics.
        remote_page: The status page is shown to other machines, too.
        now: Tells the time, in UTC.
    """

    def __init__(
        self,
        vitals: Vitals,
        reader: StoreReader,
        metrics: Metrics,
        *,
        remote_page: bool = False,
        now: Callable[[], dt.datetime] = now_utc,
    ) -> None:
        self._vitals = vitals
        self._reader = reader
        self._metrics = metrics
        self._remote_page = remote_page
        self._now = now
        self._status: tuple[float, StoreStatus] | None = None

    async def answer(self, request: WatchRequest) -> WatchAnswer:
        """Answer a request."""
        match request.path:
            case "/healthz":
                return _say(*say_health(self._vitals, time.monotonic()))
            case "/readyz":
                return _say(*say_readiness(self._vitals))
            case "/metrics":
                return await self._show_metrics()
            case "/status.css":
                return answer_style()
        return await self._show_page(request)

    async def _show_metrics(self) -> WatchAnswer:
        try:
            text = await self._reader.read(
                lambda store: self._metrics.write(self._vitals, self._read_status(store))
            )
        except StoreError:
            # The process's own metrics, of which one counts this, are worth more than an error.
            text = self._metrics.write(self._vitals, None)
        return WatchAnswer(200, text, CONTENT_TYPE)

    async def _show_page(self, request: WatchRequest) -> WatchAnswer:
        if not (request.is_local or self._remote_page):
            return pages.show_remote(request)
        report, other = _REPORTS.get(request.path), _OTHERS.get(request.path)
        try:
            if report is not None:
                return await self._reader.read(
                    lambda store: report(store, request, self._read_status(store))
                )
            if other is not None:
                return await self._reader.read(partial(_swap, other, request))
        except Error as error:
            return pages.show_failure(request, redact(str(error)), redact(error.hint or ""))
        return pages.show_absent(request)

    def _read_status(self, store: Store) -> StoreStatus:
        """Return how the tenants are; called in the threads that read."""
        now = time.monotonic()
        if self._status is None or now - self._status[0] > _FRESH_S:
            self._status = now, read_status(store, self._now())
        return self._status[1]


def _swap(show: Show, request: WatchRequest, store: Store) -> WatchAnswer:
    return show(store, request)


def _say(is_good: bool, words: str) -> WatchAnswer:
    headers = (("Cache-Control", "no-store"),)
    return WatchAnswer(200 if is_good else 503, f"{words}\n".encode(), headers=headers)
