"""The throttle budget: all of it is used, nobody comes back too early, and others find room."""

from __future__ import annotations

import asyncio
import email.utils
import heapq
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from graphdaemon.errors import GraphError, OutputError
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.headers import read_wait
from graphdaemon.throttling.bucket import Bucket, Usage
from graphdaemon.throttling.budget import Budget, Outcome, find_budget
from graphdaemon.throttling.ledger import FileLedger
from graphdaemon.throttling.window import Window
from tests.support import virtual_time
from tests.support.pretend_graph import ROOT, PretendGraph, Weather


def make_world(limit: float | None, **about: object) -> PretendGraph:
    return PretendGraph(
        [{"id": "x", "userPrincipalName": "x"}],
        latency=0.02,
        limit=limit,
        **about,  # type: ignore[arg-type]  # what a test says about it
    )


async def swarm(graphs: list[Graph], seconds: float, workers: int = 40) -> int:
    """Ask as fast as each graph's budget allows; return how many answers came."""
    end = virtual_time.now() + seconds
    answered = 0

    async def work(graph: Graph, name: str) -> None:
        nonlocal answered
        while virtual_time.now() < end:
            await graph.get(f"{ROOT}/users/x?by={name}", needs="User.Read.All")
            answered += 1

    names = [(graph, f"{id(graph)}-{number}") for graph in graphs for number in range(workers)]
    await asyncio.gather(*(work(*one) for one in names))
    return answered


@pytest.mark.parametrize("limit", [400, 800, 8000])
@pytest.mark.parametrize("tells_load", [True, False], ids=["told", "not told"])
def test_the_whole_budget_is_used_and_nobody_is_refused_twice(
    limit: float, tells_load: bool
) -> None:
    """95 % of what the service allows, whether it tells how full it is or not."""
    world = make_world(limit, tells_load=tells_load)
    # As many requests as tell something, in about the same time to run.
    seconds = 60 if limit < 8000 else 20

    virtual_time.run(swarm([world.graph()], seconds))

    allowed = limit + limit / 10 * seconds
    # 40 workers at 50 answers a second could use 1,600: less than the largest budget.
    demanded = min(allowed, 32 / world.latency * seconds)
    assert world.units >= 0.95 * min(allowed, demanded)
    assert world.refused_in_a_row <= 1


def test_where_it_is_told_how_full_it_is_hardly_anybody_is_refused() -> None:
    """The answers before the limit say that it is near."""
    world = make_world(800, tells_load=True)

    virtual_time.run(swarm([world.graph()], 120))

    assert world.refusals < 20


def test_everybody_waits_when_one_is_asked_to() -> None:
    """Between a refusal and its Retry-After nothing is sent at all."""
    world = make_world(None, weather=Weather(throttled=0.02, retry_after=("3",)))

    async def scenario() -> None:
        await swarm([world.graph(attempts=20)], 30, workers=8)

    virtual_time.run(scenario())
    sent = sorted(one.at for one in world.asked)
    pauses = [right - left for left, right in pairwise(sent)]

    assert max(pauses) > 2.9
    # Pauses, and between them many at a time; nobody trickles in while the others wait.
    assert not [pause for pause in pauses if 0.4 < pause < 2.8]


def test_a_share_of_the_budget_is_not_exceeded() -> None:
    """Whoever is polite leaves the rest to others, from the first request on."""
    world = make_world(None)

    virtual_time.run(swarm([world.graph(share=0.3)], 60))

    # Until the number of users is known, the smallest tenant's budget counts.
    assert world.asked[0].headers["x-ms-throttle-priority"] == "low"
    assert len(world.asked) <= 0.3 * 3500 * (1 + 60 / 10) + 40
    assert len(world.asked) >= 0.9 * 0.3 * 350 * 60


def test_a_larger_tenant_has_a_larger_share() -> None:
    """The documented limits go by the number of users."""
    budget = Budget(share=0.5)

    rates = []
    for users in (10, 400, 100_000):
        budget.expect(users)
        rates.append(budget.unit_limit)

    assert rates == [175, 250, 400]


def test_two_of_the_same_app_share_one_budget() -> None:
    """One process, two clients: what one uses up, the other does not ask for."""
    world = make_world(800)
    budget = Budget(now=virtual_time.now)
    graphs = [Graph(world, world, budget=budget) for _ in range(2)]

    virtual_time.run(swarm(graphs, 60, workers=20))

    assert world.refused_in_a_row <= 1
    assert find_budget("a") is find_budget("a")


def test_two_processes_share_a_budget_by_a_file(tmp_path: Path) -> None:
    """Each sees what the other used."""
    path = tmp_path / "deep" / "budget"
    world = make_world(800)
    budgets = [Budget(ledger=FileLedger(path), now=virtual_time.now) for _ in range(2)]
    graphs = [Graph(world, world, budget=budget) for budget in budgets]

    virtual_time.run(swarm(graphs, 60, workers=20))

    assert world.units >= 0.95 * (800 + 80 * 60)
    assert world.refused_in_a_row <= 1
    assert budgets[0].unit_limit == budgets[1].unit_limit


CHILD = """
import sys
import time
from itertools import pairwise
from pathlib import Path
from graphdaemon.throttling.ledger import FileLedger
ledger = FileLedger(Path(sys.argv[1]))
for _ in range(300):
    with ledger.open() as bucket:
        bucket.used += 1
"""


def test_processes_do_not_lose_each_others_units(tmp_path: Path) -> None:
    """Three at once, 300 units each, are 900."""
    path = tmp_path / "budget"
    children = [subprocess.Popen([sys.executable, "-c", CHILD, str(path)]) for _ in range(3)]

    assert [child.wait(60) for child in children] == [0, 0, 0]
    with FileLedger(path).open() as bucket:
        assert bucket.used == 900


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(OutputError) as caught:
        FileLedger(tmp_path)

    assert caught.value.code == "budget_file_unusable"


def test_a_damaged_file_is_an_empty_bucket(tmp_path: Path) -> None:
    """Whatever stood there."""
    path = tmp_path / "budget"
    path.write_text("{not json")

    with FileLedger(path).open() as bucket:
        assert bucket == Bucket()


def test_a_clock_that_begins_anew_empties_the_bucket() -> None:
    """After a restart of the machine nothing of before counts."""
    bucket = Bucket(rate=10, level=100, stamp=1e6, paused_until=1e6 + 300)

    assert bucket.take(1, 5.0) == 5.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("2.128", 2.128), ("-3", 0), ("nan", 0), ("soon", None), ("", None), (None, None)],
)
def test_how_long_to_wait_is_read(text: str | None, seconds: float | None) -> None:
    """Whole seconds, fractions as in Graph's own documentation; nothing else is guessed."""
    assert read_wait(text) == seconds


def test_a_date_to_wait_for_is_read() -> None:
    """The other form that HTTP has."""
    date = email.utils.formatdate(time.time() + 30, usegmt=True)

    assert 28 <= (read_wait(date) or 0) <= 30
    assert read_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_a_wait_beyond_reason_is_said() -> None:
    """An hour is not waited for in silence, by nobody."""
    world = make_world(None, weather=Weather(throttled=1, retry_after=("3600",)))

    async def scenario() -> None:
        await world.graph().get(f"{ROOT}/users/x", needs="User.Read.All")

    with pytest.raises(GraphError) as caught:
        virtual_time.run(scenario())

    assert caught.value.code == "throttled"
    assert caught.value.retry_after == 3600


def test_who_waits_can_be_cancelled() -> None:
    """A place in the queue is given back, and no place is lost."""

    async def scenario() -> int:
        budget = Budget(chains=2, now=virtual_time.now)
        tickets = [await budget.enter("x") for _ in range(2)]
        waiting = [asyncio.create_task(budget.enter("x")) for _ in range(3)]
        await asyncio.sleep(1)
        waiting[0].cancel()
        await asyncio.sleep(1)
        for ticket in tickets:
            budget.leave(ticket, Outcome())
        await asyncio.gather(*waiting, return_exceptions=True)
        return budget.in_flight

    assert virtual_time.run(scenario()) == 2


def settle(knee: int, spread: float, answers: int = 3_000) -> float:
    """The mean window at a service that works on ``knee`` at once, 100 ms each, give or take."""
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


def test_little_use_shows_no_rate() -> None:
    """If somebody else used it up, we do not learn what the whole is."""
    usage = Usage()
    for at in range(20):
        usage.add(float(at), float(at))

    assert usage.rate(20, 20) is None
