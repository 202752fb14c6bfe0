"""Daemon threads that run blocking work: one set of them for every transport of the process."""

import os
import queue
import threading
from collections.abc import Callable
from functools import partial

Job = Callable[[], None]

# A thread that has had nothing to do for so long ends.
_IDLE_SECONDS = 30.0


class Threads:
    """
    Threads that are begun when there is work, and kept a while for the next.

    They are daemon threads: those of an executor would keep a program that was stopped alive until
    the last host has answered.

    Args:
        idle_seconds: How long a thread waits for its next work before it ends.
    """

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self.forget()

    def forget(self) -> None:
        """Begin without threads: a process that was forked has none of its parent's."""
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        # Threads that wait and have no job in the queue yet.
        self._idle = 0

    def start(self, job: Job) -> None:
        """
        Run `job`, which must not raise, without waiting for it.

        Raises:
            RuntimeError: The system gives no further thread.
        """
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._jobs.put(job)
                return
        threading.Thread(target=partial(self._work, job), daemon=True, name="graphdaemon").start()

    def _work(self, job: Job | None) -> None:
        while job is not None:
            job()
            # What the job holds, such as answers, must not live until the next one.
            del job
            with self._lock:
                self._idle += 1
            job = self._wait()

    def _wait(self) -> Job | None:
        """Return the next job; None once there was none for long enough."""
        while True:
            try:
                return self._jobs.get(timeout=self._idle_seconds)
            except queue.Empty:
                with self._lock:
                    # If all who wait have a job on its way to them, one of these is for this one.
                    if self._idle:
                        self._idle -= 1
                        return None


SHARED = Threads()
"""The threads of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.forget)
