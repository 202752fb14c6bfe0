"""Tokens shared by many: one request however many wait, and no failure while one is still good."""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import threading
from collections.abc import Callable, Hashable

import pytest

from graphdaemon.auth.token import Demand, Start, Token, TokenSource
from graphdaemon.client.client import Client
from graphdaemon.errors import IdentityError, NetworkError
from graphdaemon.http.threads import Threads
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import ScriptedServer, page


def at_once(work: Callable[[], None]) -> None:
    work()


def on_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """Issues t0, t1, …; fails with ``trouble`` if that is set; waits at ``gate`` if that is."""

    def __init__(self, clock: Clock, *, life: float = 3600, refresh: float | None = None) -> None:
        self.clock, self.life, self.refresh = clock, life, refresh
        self.demands: list[Demand] = []
        self.numbers = itertools.count()
        self.trouble: Exception | None = None
        self.gate: threading.Event | None = None

    def __call__(self, demand: Demand) -> Token:
        self.demands.append(demand)
        number = next(self.numbers)
        if self.gate is not None:
            assert self.gate.wait(30)
        if self.trouble is not None:
            raise self.trouble
        now = self.clock()
        due = now + self.refresh if self.refresh is not None else None
        return Token(f"t{number}", now + self.life, due, now)

    def source(self, start: Start = at_once, key: Hashable = None) -> TokenSource:
        return TokenSource(self, start, now=self.clock, key=key)


def unavailable() -> IdentityError:
    return IdentityError("out of order", code="identity_unavailable")


def take(source: TokenSource) -> str:
    return asyncio.run(source.token()).value


def test_a_token_is_replaced_before_it_ends_and_nobody_waits_for_that() -> None:
    """In its last five minutes the old one still serves, while the new one is fetched."""
    clock = Clock()
    issuer = Issuer(clock)
    source = issuer.source()
    taken = []
    for moment in (0, 3299, 3301, 3302):
        clock.now = moment
        taken.append(take(source))

    assert taken == ["t0", "t0", "t0", "t1"]


def test_the_services_own_time_for_a_refresh_is_kept() -> None:
    """A token of a day is renewed when the service asked for it, not just before its end."""
    clock = Clock()
    source = Issuer(clock, life=86_400, refresh=43_200).source()
    taken = []
    for moment in (0, 43_199, 43_201, 43_202):
        clock.now = moment
        taken.append(take(source))

    assert taken == ["t0", "t0", "t0", "t1"]


@pytest.mark.parametrize("kind", [unavailable, lambda: NetworkError("gone", code="timed_out")])
def test_a_failed_refresh_reaches_nobody_while_the_old_token_is_good(
    kind: Callable[[], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and tried again after a while; only the old one's end makes it an error."""
    clock = Clock()
    issuer = Issuer(clock)
    source = issuer.source()
    take(source)
    issuer.trouble = kind()
    taken = []
    for moment in (3301, 3302, 3310, 3332, 3585):
        clock.now = moment
        taken.append(take(source))

    assert set(taken) == {"t0"}
    assert len(issuer.demands) == 4  # the first, and one each half minute at most
    assert "the old one is good for 299 s more" in caplog.text
    clock.now = 3595
    with pytest.raises(type(issuer.trouble)):
        take(source)
    issuer.trouble = None
    assert take(source) == "t5"


def test_a_refresh_under_way_is_not_repeated() -> None:
    """Many who find the token ageing cause one request, and none of them waits."""
    clock = Clock()
    issuer = Issuer(clock)
    begun: list[Callable[[], None]] = []
    source = issuer.source(lambda work: begun.append(work) if issuer.demands else work())
    take(source)
    clock.now = 3301

    async def many() -> set[str]:
        return {(await source.token()).value for _ in range(200)}

    assert asyncio.run(many()) == {"t0"}
    (refresh,) = begun
    refresh()
    assert take(source) == "t1"


def test_a_thousand_tasks_and_threads_cause_one_request() -> None:
    """Five hundred tasks of one loop and five hundred threads with loops of their own."""
    clock = Clock()
    issuer = Issuer(clock)
    issuer.gate = threading.Event()
    source = issuer.source(on_a_thread)
    ready, taken = threading.Semaphore(0), []

    async def one() -> str:
        asking = asyncio.ensure_future(source.token())
        await asyncio.sleep(0)
        ready.release()
        return (await asking).value

    async def many() -> list[str]:
        return list(await asyncio.gather(*(one() for _ in range(500))))

    def crowd() -> None:
        taken.extend(asyncio.run(many()))

    threads = [
        threading.Thread(target=lambda: taken.append(asyncio.run(one()))) for _ in range(500)
    ]
    threads.append(threading.Thread(target=crowd))
    for thread in threads:
        thread.start()
    for _ in range(1000):
        assert ready.acquire(timeout=60)
    issuer.gate.set()
    for thread in threads:
        thread.join(60)

    assert taken == ["t0"] * 1000
    assert len(issuer.demands) == 1


def test_sources_of_the_same_identity_share_a_request_under_way() -> None:
    """Several clients in one process that start together ask once."""
    clock = Clock()
    issuer = Issuer(clock)
    issuer.gate = threading.Event()
    key = object()
    sources = [issuer.source(on_a_thread, key) for _ in range(20)]
    other = issuer.source(on_a_thread, object())

    async def all_of_them() -> set[str]:
        asking = [asyncio.ensure_future(source.token()) for source in (*sources, other)]
        await asyncio.sleep(0)
        assert issuer.gate is not None
        issuer.gate.set()
        return {token.value for token in await asyncio.gather(*asking)}

    assert asyncio.run(all_of_them()) == {"t0", "t1"}
    assert len(issuer.demands) == 2


def test_a_client_that_goes_away_takes_nobody_with_it() -> None:
    """Who waited for another's request, which was broken off, asks for itself, once."""
    clock = Clock()
    closed, alive = Issuer(clock), Issuer(clock)
    closed.gate, closed.trouble = threading.Event(), NetworkError("x", code="connection_lost")
    key = object()
    first, second = closed.source(on_a_thread, key), alive.source(on_a_thread, key)

    async def both() -> list[Token | BaseException]:
        asking = [asyncio.ensure_future(source.token()) for source in (first, second)]
        await asyncio.sleep(0)
        assert closed.gate is not None
        closed.gate.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    broken, token = asyncio.run(both())

    assert isinstance(broken, NetworkError)
    assert isinstance(token, Token)


def test_a_request_that_failed_is_joined_no_more() -> None:
    """Who asks again because of a failure gets a token, though others have not heard of it yet."""
    clock, heard, key = Clock(), threading.Event(), object()
    closed, alive = Issuer(clock), Issuer(clock)
    closed.gate, closed.trouble = threading.Event(), NetworkError("x", code="connection_lost")
    gate = closed.gate

    def late_clock() -> float:
        """Holds the news of the failure up, until the one who heard of it has asked again."""
        assert not gate.is_set() or heard.wait(30)
        return 0.0

    late = TokenSource(alive, at_once, now=late_clock, key=key)

    async def scenario() -> str:
        refused = await late.token()
        sources = (closed.source(on_a_thread, key), alive.source(on_a_thread, key), late)
        asking = [asyncio.ensure_future(source.renew(refused)) for source in sources]
        await asyncio.sleep(0)
        gate.set()
        try:
            return (await asking[1]).value
        finally:
            heard.set()
            await asyncio.gather(*asking, return_exceptions=True)

    assert asyncio.run(scenario()) == "t1"
    assert len(closed.demands) == 1


def test_a_request_that_cannot_begin_keeps_nobody_waiting() -> None:
    """Where no thread can be started, whoever asks later makes a request of its own."""

    def without_threads(_: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    issuer, key = Issuer(Clock()), object()
    with pytest.raises(RuntimeError, match="new thread"):
        take(issuer.source(without_threads, key))

    later = issuer.source(key=key)
    assert asyncio.run(asyncio.wait_for(later.token(), 10)).value == "t0"


def test_threads_that_have_ended_keep_nobody_waiting() -> None:
    """A request that is begun after that still comes to an end."""
    issuer, threads = Issuer(Clock()), Threads(idle_seconds=0.01)
    workers = queue.SimpleQueue[threading.Thread]()
    threads.start(lambda: workers.put(threading.current_thread()))
    workers.get(timeout=60).join(60)

    async def scenario() -> str:
        source = issuer.source(threads.start)
        return (await asyncio.wait_for(source.token(), 10)).value

    assert asyncio.run(scenario()) == "t0"


def test_who_gives_up_waiting_stops_nobody_else() -> None:
    """A cancelled task leaves the request to the others."""
    issuer = Issuer(Clock())
    issuer.gate = threading.Event()
    source = issuer.source(on_a_thread)

    async def scenario() -> str:
        impatient = asyncio.ensure_future(source.token())
        patient = asyncio.ensure_future(source.token())
        await asyncio.sleep(0)
        impatient.cancel()
        assert issuer.gate is not None
        issuer.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        return (await patient).value

    assert asyncio.run(scenario()) == "t0"
    assert len(issuer.demands) == 1


def test_a_refused_token_is_renewed_once_for_all_who_held_it() -> None:
    """Ten callers meet the same 401; the second to ask finds the new token."""
    issuer = Issuer(Clock())
    source = issuer.source()

    async def scenario() -> list[str]:
        refused = await source.token()
        return [(await source.renew(refused)).value for _ in range(10)]

    assert asyncio.run(scenario()) == ["t1"] * 10
    assert len(issuer.demands) == 2


def test_what_graph_demands_is_handed_on() -> None:
    """The claims of a challenge reach whoever asks for the token."""
    issuer = Issuer(Clock())
    source = issuer.source()

    async def scenario() -> None:
        await source.renew(await source.token(), '{"access_token":{}}')

    asyncio.run(scenario())

    assert issuer.demands[1].claims == '{"access_token":{}}'
    assert issuer.demands[1].instead_of is not None


def test_the_event_loop_is_never_blocked(scripted: ScriptedServer) -> None:
    """While the token service keeps a client waiting, everything else goes on."""
    scripted.script = [page()]
    going = threading.Event()
    scripted.before_token = lambda: going.wait(30)

    async def scenario() -> int:
        ticks = 0
        async with Client(read_settings(None, {}, scripted.settings())) as client:
            asking = asyncio.ensure_future(client.get("users/x"))
            while not asking.done():
                await asyncio.sleep(0)
                ticks += 1
                if ticks == 1000:
                    going.set()
        return ticks

    assert asyncio.run(scenario()) > 1000


def test_no_token_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the values nor what is logged about them holds the token itself."""
    caplog.set_level(logging.DEBUG)
    token = Token("a-very-secret-token", 1)

    assert "a-very-secret" not in f"{token!r} {Demand(token)!r}"
