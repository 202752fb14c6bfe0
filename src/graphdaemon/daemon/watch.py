"""What runs beside the daemon's loop for those who watch it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from typing import TYPE_CHECKING

from graphdaemon.daemon.credential_check import examine_credentials
from graphdaemon.daemon.events import make_event
from graphdaemon.daemon.run import Daemon
from graphdaemon.daemon.server import Listening, serve
from graphdaemon.daemon.service_manager import ServiceManager
from graphdaemon.daemon.store_reader import StoreReader
from graphdaemon.daemon.vitals import say_health
from graphdaemon.errors import Error, StoreError
from graphdaemon.graph.open import open_graph
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.store.credential_ends import CredentialEnd, note_credential_ends
from graphdaemon.store.store import Store

if TYPE_CHECKING:
    from graphdaemon.daemon.metrics import Metrics

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
_EXAMINE_EVERY_S = 86_400.0
# A store that somebody else writes to is tried again after so long.
_AGAIN_S = 60.0


@asynccontextmanager
async def answer_watchers(
    daemon: Daemon, listening: Listening, metrics: "Metrics", *, remote_page: bool
) -> AsyncGenerator[None]:
    """
    Answer over HTTP while the daemon runs.

    Raises:
        UsageError: Nothing can be answered at the address.
    """
    from graphdaemon.daemon.site import Site

    reader = StoreReader(daemon.options.store)
    site = Site(daemon.state, reader, metrics, remote_page=remote_page)
    async with serve(listening, site.answer) as address:
        daemon.tell(make_event("listening", address=address))
        yield


@asynccontextmanager
async def feed_watchdog(daemon: Daemon, manager: ServiceManager) -> AsyncGenerator[None]:
    """Give systemd signs of life for as long as the daemon's loop turns."""

    async def feed() -> None:
        while True:
            now = asyncio.get_running_loop().time()
            if say_health(daemon.state, daemon.options.clock.steady())[0]:
                manager.feed_watchdog(now)
            await asyncio.sleep(_LOOK_S)

    async with _beside(feed if manager.watchdog is not None else None):
        yield


@asynccontextmanager
async def examine_daily(daemon: Daemon) -> AsyncGenerator[None]:
    """Find out every day, and after settings were read again, when the credentials end."""

    async def examine() -> None:
        examined: Mapping[str, Settings] = {}
        last = float("-inf")
        while True:
            state, now = daemon.state, daemon.options.clock.steady()
            settings = {
                file.name: file.settings
                for file in state.files
                if isinstance(file.settings, Settings)
            }
            is_due = now - last >= _EXAMINE_EVERY_S
            if state.ready and not state.standby and (is_due or settings != examined):
                known = {} if is_due else examined
                changed = {name: one for name, one in settings.items() if known.get(name) != one}
                if await _examine(daemon, changed):
                    examined, last = settings, now if is_due else last
                else:
                    await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(_LOOK_S)

    async with _beside(examine):
        yield


async def _examine(daemon: Daemon, settings: Mapping[str, Settings]) -> bool:
    """Find it out for these tenants, and note it; say whether the store took it."""
    reader = StoreReader(daemon.options.store)
    for name, one in settings.items():
        with closing(Transport(ca_file=one.ca_file, timeout=one.timeout)) as transport:
            graph = open_graph(one, transport, attempts=1)
            try:
                ends = await examine_credentials(name, one, graph, daemon.options.clock.now())
            except Error as error:
                logger.debug("credentials of %s: %s", name, error)
                continue
        try:
            # Not in asyncio's own threads, which would hold up the end of the daemon.
            await reader.read(partial(_note, name, ends))
        except StoreError as error:
            logger.debug("credentials of %s were not noted: %s", name, error)
            return False
    return True


def _note(name: str, ends: list[CredentialEnd], store: Store) -> None:
    note_credential_ends(store, name, ends)


@asynccontextmanager
async def _beside(work: Callable[[], Coroutine[None, None, None]] | None) -> AsyncGenerator[None]:
    """Let something run until the block ends."""
    if work is None:
        yield
        return
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
