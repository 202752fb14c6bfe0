"""Run a daemon until a signal ends it."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdaemon.daemon.events import Tell
    from graphdaemon.daemon.options import DaemonOptions
    from graphdaemon.daemon.run import Daemon

# What is under way when a signal comes has so many seconds; the store rolls back what is left.
_LIMIT_S = 4.5


def run_daemon(options: "DaemonOptions", tell: "Tell", note_reload: Callable[[], object]) -> int:
    """
    Run a daemon, and return the exit code: 0 if it was told to end, 130 after Ctrl-C.

    SIGTERM and SIGINT end it within 5 s, a second one at once. SIGHUP reads the settings again;
    `note_reload` is called before.

    Raises:
        Error: It could not begin.
    """
    from graphdaemon.daemon.run import Daemon

    ending = _Ending()
    asyncio.run(_serve(Daemon(options, tell), ending, note_reload))
    return ending.code


class _Ending:
    """How the process is to end."""

    code = 0
    begun = False


async def _serve(daemon: "Daemon", ending: _Ending, note_reload: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if ending.begun:
            # Nothing is lost: the store takes back what was not committed.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        ending.begun = True
        ending.code = 130 if number == signal.SIGINT else 0
        _end_at_last(ending)
        daemon.stop()

    def reload() -> None:
        note_reload()
        daemon.reload()

    _listen(loop, stop, reload)
    await daemon.run()


def _listen(
    loop: asyncio.AbstractEventLoop, stop: Callable[[int], None], reload: Callable[[], None]
) -> None:
    if sys.platform == "win32":

        def pass_on(number: int, _: object) -> None:
            loop.call_soon_threadsafe(stop, number)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, pass_on)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reload)


def _end_at_last(ending: _Ending) -> None:
    """End the process even if a thread hangs in the database, or in a name that is looked up."""

    def end() -> None:
        os._exit(ending.code)

    timer = threading.Timer(_LIMIT_S, end)
    timer.daemon = True
    timer.start()
