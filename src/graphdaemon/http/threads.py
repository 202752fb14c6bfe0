"""Daemon threads that run blocking work; all transports of a process share them."""

import os
import queue
import threading
from collections.abc import Callable
from functools import partial

Job = Callable[[], None]

# A thread without work ends after so many seconds.
_IDLE_SECONDS = 30.0


class Threads:
    """
    Threads that are started when there is work, and wait a while for more.

    They are daemon threads. The threads of an executor would prevent a program that is stopped
    from ending until the last host has answered.

    Args:
        idle_seconds: How long a thread waits for its next work before it ends.
    """

    def __init__(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self.forget()

    def forget(self) -> None:
        """Forget all threads: a process that was forked does not have those of its parent."""
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        # How many threads wait for whom no job is in the queue.
        self._idle = 0

    def start(self, job: Job) -> None:
        """
        Run `job`, which must not raise, without waiting for it.

        Raises:
            RuntimeError: The system cannot start another thread.
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
            # Free what the job refers to, such as answers, before the next job comes.
            del job
            with self._lock:
                self._idle += 1
            job = self._wait()

    def _wait(self) -> Job | None:
        """Return the next job; None if none comes within `idle_seconds`."""
        while True:
            try:
                return self._jobs.get(timeout=self._idle_seconds)
            except queue.Empty:
                with self._lock:
                    # If no thread is idle, each waiting thread gets a job, this one included.
                    if self._idle:
                        self._idle -= 1
                        return None


SHARED = Threads()
"""The threads of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.forget)
