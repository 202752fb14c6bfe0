"""The throttle budget: all of it is used, nobody comes back too early, and others find room."""

import asyncio
from itertools import pairwise

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.graph import Graph
from graphdaemon.throttling.budget import Budget, Outcome, find_budget
from tests.support import virtual_time
from tests.support.budget_world import make_world, swarm
from tests.support.pretend_graph import ROOT, Weather


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


def test_who_is_not_served_for_being_polite_asks_as_others_do() -> None:
    """A low priority until the first refusal, then for a minute the usual one."""
    moment = 0.0
    budget = Budget(share=0.3, now=lambda: moment)

    async def ask(outcome: Outcome) -> None:
        budget.leave(await budget.enter("x"), outcome)

    assert budget.yields
    asyncio.run(ask(Outcome(refused_for=0)))
    assert not budget.yields
    moment = 61
    assert budget.yields
    assert not Budget(now=lambda: moment).yields
