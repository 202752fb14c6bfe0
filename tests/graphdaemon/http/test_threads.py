import os
import threading

import pytest

from graphdaemon.http.threads import Threads


def run(threads: Threads) -> threading.Thread:
    """Do a piece of work; return the thread that did it, when it waits for the next."""
    ended = threading.Event()
    workers: list[threading.Thread] = []

    def work() -> None:
        workers.append(threading.current_thread())
        ended.set()

    threads.start(work)
    assert ended.wait(60)
    return workers[0]


def await_idle(threads: Threads, count: int) -> None:
    settled = threading.Event()
    while threads._idle != count:
        settled.wait(0.001)


def test_a_thread_that_waits_does_the_next_work() -> None:
    threads = Threads()
    first = run(threads)
    await_idle(threads, 1)

    assert run(threads) is first


def test_work_never_waits_for_other_work() -> None:
    """A request to a host that says nothing keeps nobody else from asking."""
    threads = Threads()
    release = threading.Event()
    threads.start(release.wait)  # type: ignore[arg-type]

    assert run(threads).is_alive()
    release.set()


def test_a_thread_without_work_ends() -> None:
    threads = Threads(idle_seconds=0)
    worker = run(threads)
    worker.join(60)

    assert not worker.is_alive()
    assert threads._idle == 0


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="this system has no fork")
def test_what_was_forked_begins_without_its_parents_threads() -> None:
    """They exist in the parent alone: work that is left to one of them would never be done."""
    threads = Threads()
    run(threads)
    await_idle(threads, 1)
    threads.forget()

    assert run(threads).is_alive()
