"""The keys of a tenant, kept: when they are fetched, and by how many at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graphdaemon.errors import NetworkError
from graphdaemon.protect.key_ring import KeyRing
from graphdaemon.protect.published_keys import MetadataRefusedError, PublishedKeys


class Publisher:
    """Publishes what the test says, counts fetches, and runs them when it is told to."""

    def __init__(self) -> None:
        self.keys: dict[str, object] = {"one": "key 1"}
        self.failure: Exception | None = None
        self.fetches = 0
        self.now = 1000.0
        self.waiting: list[Callable[[], None]] = []
        self.ring = KeyRing(self._fetch, self.waiting.append, lambda: self.now)

    def _fetch(self) -> PublishedKeys:
        self.fetches += 1
        if self.failure is not None:
            raise self.failure
        return PublishedKeys("tenant", "issuer", dict(self.keys))

    def run(self) -> None:
        """Run the fetches that were started."""
        while self.waiting:
            self.waiting.pop(0)()

    def look_up(self, kid: str) -> object | None:
        """What a request with such a token does."""
        key = self.ring.find(kid)
        if key is None and self.ring.look_up(kid) is not None:
            self.run()
            key = self.ring.find(kid)
            if key is None:
                self.ring.note_missing(kid)
        return key


def test_a_million_different_keys_cause_one_fetch_and_are_not_kept() -> None:
    """Only what the tenant publishes is."""
    publisher = Publisher()
    publisher.look_up("one")

    for number in range(1_000_000):
        assert publisher.look_up(f"kid {number}") is None

    assert publisher.fetches == 2
    assert publisher.ring.published is not None
    assert publisher.ring.published.keys == {"one": "key 1"}
    kept = [
        value for value in vars(publisher.ring).values() if isinstance(value, list | dict | set)
    ]
    assert kept == []


def test_the_first_keys_leave_room_for_a_rotation_right_after() -> None:
    """A program that has just started takes tokens of a key that is published a second later."""
    publisher = Publisher()
    assert publisher.look_up("one") == "key 1"
    publisher.now += 1
    publisher.keys = {"two": "key 2"}

    assert publisher.look_up("two") == "key 2"
    assert publisher.look_up("one") is None


@pytest.mark.parametrize("order", [("nine", "one"), ("one", "nine")])
def test_a_missing_key_that_comes_with_the_first_counts_as_looked_up(
    order: tuple[str, str],
) -> None:
    """Whichever of two requests comes first, the keys are fetched once for both."""
    publisher = Publisher()
    flights = [publisher.ring.look_up(kid) for kid in order]
    assert flights[0] is flights[1]
    publisher.run()
    for kid in order:
        if publisher.ring.find(kid) is None:
            publisher.ring.note_missing(kid)

    assert publisher.look_up("eight") is None
    assert publisher.fetches == 1


def test_keys_are_fetched_again_after_an_hour_while_the_old_ones_serve() -> None:
    """Nobody waits for it, and one request alone causes it."""
    publisher = Publisher()
    publisher.look_up("one")
    publisher.now += 3599
    assert publisher.ring.find("one") == "key 1"
    assert publisher.waiting == []
    publisher.now += 1

    for _ in range(5):
        assert publisher.ring.find("one") == "key 1"
    assert len(publisher.waiting) == 1
    publisher.keys = {"two": "key 2"}
    publisher.run()
    assert publisher.ring.find("one") is None
    assert publisher.ring.find("two") == "key 2"


@pytest.mark.parametrize(
    "failure",
    [MetadataRefusedError("another issuer"), NetworkError("no way there", code="timed_out")],
)
def test_a_refresh_that_fails_is_tried_again_every_minute(failure: Exception) -> None:
    """The old keys serve for a day, and not a second longer."""
    publisher = Publisher()
    publisher.look_up("one")
    publisher.failure = failure
    started = publisher.now
    publisher.now += 3600
    while publisher.now < started + 86_400:
        assert publisher.ring.find("one") == "key 1"
        publisher.run()
        publisher.now += 60

    assert publisher.fetches == 1 + (86_400 - 3600) // 60
    assert publisher.ring.find("one") is None
    assert publisher.ring.is_failing


def test_a_refresh_waits_for_the_fetch_that_is_under_way() -> None:
    """Two at a time would ask for the same."""
    publisher = Publisher()
    publisher.look_up("one")
    publisher.now += 3590
    assert publisher.ring.look_up("two") is not None
    publisher.now += 10

    assert publisher.ring.find("one") == "key 1"
    assert len(publisher.waiting) == 1


def test_a_missing_key_is_looked_up_no_more_often_while_that_fails() -> None:
    """Twice a minute, whoever asks, and however it ends."""
    publisher = Publisher()
    publisher.look_up("one")
    publisher.failure = NetworkError("no way there", code="timed_out")
    for seconds in range(120):
        publisher.look_up(f"kid {seconds}")
        publisher.now += 1

    assert publisher.fetches == 1 + 120 // 30


def test_a_failure_that_is_no_ours_ends_the_wait_too(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits is told, and the next request tries again."""
    publisher = Publisher()
    publisher.failure = ZeroDivisionError("a mistake of ours")
    flight = publisher.ring.look_up("one")
    assert flight is not None

    publisher.run()

    assert flight.done()
    assert "ZeroDivisionError" in caplog.text
    publisher.failure = None
    publisher.now += 5
    assert publisher.look_up("one") == "key 1"


def test_a_machine_without_threads_is_asked_again() -> None:
    """The request is refused for now, and the next one tries to start one again."""
    publisher = Publisher()

    def refuse(_: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    publisher.ring._start = refuse
    flight = publisher.ring.look_up("one")
    assert flight is not None
    assert flight.done()
    assert publisher.ring.is_failing

    publisher.ring._start = publisher.waiting.append
    assert publisher.look_up("one") == "key 1"

    # With keys at hand: a key that cannot be looked up is not said to be unknown.
    publisher.now += 40
    publisher.ring._start = refuse
    assert publisher.ring.look_up("two") is not None
    assert publisher.ring.is_failing


def test_a_fetch_that_nobody_ends_is_given_up() -> None:
    """A process that was forked in the middle of it has no thread that would end it."""
    publisher = Publisher()
    lost = publisher.ring.look_up("one")
    publisher.now += 59
    assert publisher.ring.look_up("one") is lost
    publisher.now += 1
    assert publisher.ring.look_up("one") is not lost
    publisher.run()

    assert publisher.ring.find("one") == "key 1"
    assert lost is not None
    assert lost.done()


def test_an_unchanged_key_stays_the_same_object() -> None:
    """By it a remembered token is known to be of a key that is still published."""
    publisher = Publisher()
    key = publisher.keys["one"] = ("n", "e")
    publisher.look_up("one")
    publisher.keys = {"one": ("n", "".join("e")), "two": "key 2"}
    assert publisher.keys["one"] is not key
    publisher.look_up("two")
    assert publisher.ring.find("one") is key

    publisher.now += 30
    publisher.keys["one"] = ("n", "f")
    publisher.look_up("three")
    assert publisher.ring.find("one") == ("n", "f")
