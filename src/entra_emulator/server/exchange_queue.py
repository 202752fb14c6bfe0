"""Exchanges on their way to whoever analyses or records them, beside the event loop."""

import queue
import threading
from collections.abc import Sequence
from typing import Self

from entra_emulator.web.exchange import Exchange, Note

# So many may wait; then requests wait for them, so that no memory fills.
MOST_WAITING = 256


class ExchangeQueue:
    """
    Hands exchanges to each of the receivers, in their order, in a thread of its own.

    What a receiver raises ends the handing over to it, and is raised again by `wait` and `close`.
    """

    def __init__(self, receivers: Sequence[Note]) -> None:
        self._receivers = list(receivers)
        self._failure: Exception | None = None
        self._waiting: queue.Queue[Exchange | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._hand_over, name="exchanges", daemon=True)

    def start(self) -> Self:
        """Begin to hand over."""
        self._thread.start()
        return self

    def note(self, exchange: Exchange) -> None:
        """Hand an exchange over, soon."""
        self._waiting.put(exchange)

    def wait(self) -> None:
        """
        Wait until everything that came so far is handed over.

        Raises:
            Exception: a receiver's, once.
        """
        self._waiting.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Hand the rest over, and end the thread; the same exceptions as of `wait`."""
        self._waiting.put(None)
        self._thread.join()
        self.wait()

    def _hand_over(self) -> None:
        while True:
            exchange = self._waiting.get()
            try:
                if exchange is None:
                    return
                for receiver in tuple(self._receivers):
                    self._call(receiver, exchange)
            finally:
                self._waiting.task_done()

    def _call(self, receiver: Note, exchange: Exchange) -> None:
        # One that fails, for want of room on the disk, must not take the others along.
        try:
            receiver(exchange)
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits
            self._receivers.remove(receiver)
            self._failure = self._failure or error
