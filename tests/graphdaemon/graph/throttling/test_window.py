"""How many requests in flight are worth it."""

import heapq
import random

import pytest

from graphdaemon.graph.throttling.window import Window


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


def answer(window: Window, count: int, seconds: float) -> list[float]:
    """Note so many answers that took so long; return the sizes there were, without repetitions."""
    sizes = [window.size]
    for _ in range(count):
        window.note(seconds)
        if window.size != sizes[-1]:
            sizes.append(window.size)
    return sizes


@pytest.mark.parametrize(
    ("first", "second", "size"),
    [(0.079, 0.029, 4), (0.08, 0.029, 16), (0.079, 0.03, 16)],
)
def test_the_first_two_answers_say_whether_it_is_far(
    first: float, second: float, size: int
) -> None:
    """The third does not: a near service may be slow now and then."""
    window = Window(32)
    for seconds in (first, second, 5.0):
        window.note(seconds)

    assert window.size == size


@pytest.mark.parametrize("ceiling", [1, 3])
def test_no_more_are_in_flight_than_are_allowed(ceiling: int) -> None:
    """However far away the service is, and however long it takes."""
    window = Window(ceiling)

    assert answer(window, 200, 0.1) == [ceiling]
    assert answer(window, 200, 3.0) == [ceiling]


def test_a_wider_window_that_brings_more_is_kept() -> None:
    """Answers as fast as before mean that twice as many came: doubled until all is allowed."""
    assert answer(Window(64), 300, 0.01) == [4, 8, 16, 32, 64]


def test_a_trial_begins_after_eight_answers() -> None:
    """Of which the first is not one; then those under way do not count."""
    window = Window(64)

    assert answer(window, 8, 0.01) == [4]
    assert answer(window, 1, 0.01) == [4, 8]
    assert answer(window, 4 + 7, 0.01) == [8]
    assert answer(window, 1, 0.01) == [8, 16]
    assert answer(window, 8 + 15, 0.01) == [16]
    assert answer(window, 1, 0.01) == [16, 32]


@pytest.mark.parametrize(("seconds", "sizes"), [(0.0142, [8, 16]), (0.0144, [8, 4])])
def test_a_wider_window_has_to_bring_two_fifths_of_what_it_is_wider_by(
    seconds: float, sizes: list[float]
) -> None:
    """Twice as wide, 40 % more answers; what brings less is undone."""
    window = Window(64)
    answer(window, 9, 0.01)

    assert answer(window, 4 + 8, seconds) == sizes


def test_after_a_failed_trial_eight_means_pass_before_the_next() -> None:
    """Which tries fewer; at the least that there may be, it tries more again after as many."""
    window = Window(64)
    answer(window, 9, 0.01)
    assert answer(window, 4 + 8, 0.02) == [8, 4]
    assert answer(window, 8 + 9 * 8, 0.01) == [4]
    assert answer(window, 8 * 8, 0.01) == [4]
    assert answer(window, 8, 0.01) == [4, 6]


@pytest.mark.parametrize(("seconds", "sizes"), [(0.110, [8, 4]), (0.112, [8, 16])])
def test_a_narrower_window_is_kept_if_it_brings_nine_tenths(
    seconds: float, sizes: list[float]
) -> None:
    """Answers that take much longer than the fastest are tried with half as many in flight."""
    window = Window(16)
    window.note(0.1)
    answer(window, 16 + 8 * 16, 0.05)
    assert answer(window, 16, 0.2) == [16, 8]

    assert answer(window, 16 + 8, seconds) == sizes


@pytest.mark.parametrize(("seconds", "sizes"), [(0.076, [16, 32]), (0.078, [16, 8])])
def test_half_as_long_again_as_the_fastest_is_slow(seconds: float, sizes: list[float]) -> None:
    """Then fewer are tried, not more."""
    window = Window(16)
    window.note(0.1)
    answer(window, 16, 0.05)
    window.widen(32)

    assert answer(window, 16, seconds) == sizes


def test_widening_ends_the_rest() -> None:
    """Whoever allows more wants to see them used; allowing fewer changes nothing."""
    window = Window(4)
    answer(window, 9, 0.01)
    window.widen(2)
    assert answer(window, 8, 0.01) == [4]
    window.widen(8)

    assert answer(window, 8, 0.01) == [4, 8]
