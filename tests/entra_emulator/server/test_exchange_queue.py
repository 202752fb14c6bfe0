from __future__ import annotations

import threading

import pytest

from entra_emulator.server.exchange_queue import ExchangeQueue
from entra_emulator.web.exchange import Exchange
from tests.support.logged_calls import exchange


def test_order() -> None:
    """Every receiver gets every exchange, in their order, in another thread."""
    first: list[str] = []
    second: list[int] = []
    queue = ExchangeQueue(
        [lambda one: first.append(one.url), lambda _: second.append(threading.get_ident())]
    ).start()
    for number in range(50):
        queue.note(exchange(target=f"https://x/{number}"))
    queue.wait()

    assert first == [f"https://x/{number}" for number in range(50)]
    assert set(second) != {threading.get_ident()}
    queue.note(exchange(target="https://x/last"))
    queue.close()
    assert first[-1] == "https://x/last"


def test_a_receiver_that_fails() -> None:
    """It gets no more, the others do, and whoever waits learns of it once."""
    got: list[Exchange] = []
    failures: list[Exchange] = []

    def fail(one: Exchange) -> None:
        failures.append(one)
        raise OSError(28, "no room")

    queue = ExchangeQueue([fail, got.append]).start()
    for _ in range(3):
        queue.note(exchange())
    with pytest.raises(OSError, match="no room"):
        queue.wait()
    queue.close()

    assert (len(failures), len(got)) == (1, 3)
