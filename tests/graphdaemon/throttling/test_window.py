"""How many requests in flight are worth it."""

import heapq
import random

import pytest

from graphdaemon.throttling.window import Window


def settle(knee: int, spread: float, answers: int = 3_000) -> float:
    """The mean window at a service that works on `knee` at once, 100 ms each, give or take."""
    window, draws = Window(32), random.Random(0)
    flying: list[tuple[float, float]] = []
    now, sizes = 0.0, list[float]()
    while len(sizes) < answers:
        while len(flying) < int(window.size):
            time = 0.1 * max(1, (len(flying) + 1) / knee) * draws.uniform(1 - spread, 1 + spread)
            heapq.heappush(flying, (now + time, now))
        now, sent = heapq.heappop(flying)
        window.note(now - sent)
        sizes.append(window.size)
    return sum(sizes[answers // 2 :]) / (answers // 2)


@pytest.mark.parametrize("spread", [0, 0.5])
def test_the_window_finds_the_knee(spread: float) -> None:
    """More in flight than the service works on only wait longer; where latency stays, all fly."""
    assert settle(2, spread) <= 7
    assert 6 <= settle(8, spread) <= 14
    assert settle(1_000, spread) >= 31


def test_a_long_way_is_soon_filled() -> None:
    """At 100 ms a page, everything that is allowed is under way after the second answers."""
    window, answers = Window(32), 0
    while window.size < 32:
        window.note(0.1)
        answers += 1

    assert answers <= 2 + 16


def test_the_window_can_be_widened() -> None:
    """Whoever asks for 64 chains gets 64."""
    window = Window(32)
    window.widen(64)
    for _ in range(1_000):
        window.note(0.1)

    assert window.size == 64


def test_a_service_far_away_is_met_with_more_at_once() -> None:
    """A hundred milliseconds are better not waited for one by one."""
    near, far = Window(32), Window(32)
    near.note(0.004)
    far.note(0.1)

    assert (near.size, far.size) == (4, 16)
