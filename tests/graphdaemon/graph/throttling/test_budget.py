"""The throttle budget: all of it is used, nobody comes back too early, and others find room."""

import asyncio
from itertools import pairwise

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.throttling.bucket import WINDOW_S, Bucket
from graphdaemon.graph.throttling.budget import Budget, Outcome
from graphdaemon.graph.throttling.ledger import MemoryLedger
from graphdaemon.graph.throttling.open import find_budget
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
    sent = sorted(one.at for one in world.requests)
    pauses = [right - left for left, right in pairwise(sent)]

    assert max(pauses) > 2.9
    # Pauses, and between them many at a time; nobody trickles in while the others wait.
    assert not [pause for pause in pauses if 0.4 < pause < 2.8]


def test_a_share_of_the_budget_is_not_exceeded() -> None:
    """Whoever is polite leaves the rest to others, from the first request on."""
    world = make_world(None)

    virtual_time.run(swarm([world.graph(share=0.3)], 60))

    # Until the number of users is known, the smallest tenant's budget counts.
    assert world.requests[0].headers["x-ms-throttle-priority"] == "low"
    assert len(world.requests) <= 0.3 * 3500 * (1 + 60 / 10) + 40
    assert len(world.requests) >= 0.9 * 0.3 * 350 * 60


def test_a_larger_tenant_has_a_larger_share() -> None:
    """The documented limits go by the number of users."""
    budget = Budget(share=0.5)

    rates = []
    for users in (10, 400, 100_000):
        budget.expect(users)
        rates.append(budget.unit_limit)

    assert rates == [175, 250, 400]


@pytest.mark.parametrize("units", [5_000.0, 1e6, 50.0, 1.0])
@pytest.mark.parametrize("load", [0.0, 1e-300, 1.2, 2.0])
def test_one_answer_stops_a_run_for_seconds_at_most(units: float, load: float) -> None:
    """Whatever it says of its cost and of the budget's load; the next ones put it right."""

    async def scenario() -> float:
        budget = Budget(now=virtual_time.now)
        budget.leave(await budget.enter("page"), Outcome(units, load))
        start = virtual_time.now()

        async def request() -> None:
            ticket = await budget.enter("page")
            await asyncio.sleep(0.1)
            budget.leave(ticket, Outcome(1))

        await asyncio.gather(*(request() for _ in range(32)))
        return virtual_time.now() - start

    assert virtual_time.run(scenario()) < 3 * WINDOW_S


def test_a_long_wait_is_told_of_once_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    """After a refusal, the refusal is told of, and not once more by those who wait."""

    async def wait(budget: Budget) -> str:
        waiting = [asyncio.create_task(budget.enter("x", 10)) for _ in range(4)]
        await asyncio.sleep(0.5)
        words = budget.waiting_for
        await asyncio.gather(*waiting)
        return words

    async def scenario(*, refused: bool) -> str:
        ledger = MemoryLedger(Bucket(rate=1.0, level=0.0 if refused else 1_000.0, stamp=1_000.0))
        budget = Budget(ledger=ledger, now=virtual_time.now)
        if refused:
            budget.pause(10)
        return await wait(budget)

    assert virtual_time.run(scenario(refused=True)) == "Graph (429, 10 s)"
    assert not caplog.messages
    assert virtual_time.run(scenario(refused=False)) == "Graph (its budget is used up, 10 s)"
    (message,) = caplog.messages
    assert message.startswith("waiting for 10 s: by Graph's answers")
    assert not Budget().waiting_for


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


def test_what_a_kind_of_request_cost_is_expected_the_next_time() -> None:
    """Each kind has a cost of its own; a batch costs as much for each of its parts."""
    ledger = MemoryLedger()
    budget = Budget(ledger=ledger, now=virtual_time.now)

    async def scenario() -> list[float]:
        tickets = [await budget.enter("page")]
        budget.leave(tickets[0], Outcome(units=6))
        tickets += [await budget.enter("page", 3), await budget.enter("user")]
        budget.leave(tickets[1], Outcome(units=9))
        budget.leave(tickets[2], Outcome())
        tickets.append(await budget.enter("page"))
        budget.leave(tickets[3], Outcome(units=0, refused_for=1))
        tickets.append(await budget.enter("page"))
        return [ticket.units for ticket in tickets]

    assert virtual_time.run(scenario()) == [1, 18, 1, 3, 3]
    with ledger.open() as bucket:
        assert bucket.used == 6 + 9 + 1


def test_what_is_under_way_counts_besides_the_load_that_is_told() -> None:
    """Graph cannot know of it yet; what has come back, it knows."""
    ledger = MemoryLedger(Bucket(rate=100.0))
    budget = Budget(ledger=ledger, now=virtual_time.now)

    async def scenario() -> None:
        tickets = [await budget.enter("x", weight) for weight in (1, 20, 300)]
        budget.leave(tickets[1], Outcome(load=0.5))

    virtual_time.run(scenario())
    with ledger.open() as bucket:
        assert bucket.level == 500 + 301


def test_a_refusal_makes_everybody_wait_for_as_long_as_it_says() -> None:
    """And after a second one a little longer, at random, so that not all come back at once."""
    ledger = MemoryLedger()
    budget = Budget(ledger=ledger, now=virtual_time.now)

    async def refuse() -> float:
        budget.leave(await budget.enter("x"), Outcome(refused_for=5))
        with ledger.open() as bucket:
            return bucket.paused_until - virtual_time.now()

    async def scenario() -> list[float]:
        return [await refuse() for _ in range(12)]

    first, second, third, *_, last = virtual_time.run(scenario())
    assert first == 5
    assert 5.025 <= second <= 5.05
    assert 5.075 <= third <= 5.15
    assert 5 + 127 * 0.025 <= last <= 5 + 127 * 0.05


def test_who_waits_and_leaves_gives_its_units_back() -> None:
    """And its place: another may have both."""
    ledger = MemoryLedger(Bucket(rate=1.0))
    budget = Budget(chains=2, share=0.5, ledger=ledger, now=virtual_time.now)

    async def scenario() -> None:
        await budget.enter("x", 9)
        waiting = asyncio.create_task(budget.enter("x", 5))
        await asyncio.sleep(1)
        assert (budget.in_flight, budget.room) == (2, 0)
        assert 0 < budget.waiting < 5
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (budget.in_flight, budget.room, budget.waiting) == (1, 1, 0)
        with ledger.open() as bucket:
            assert bucket.take(0, virtual_time.now()) == virtual_time.now()
            assert bucket.level == 8

    virtual_time.run(scenario())


def test_who_waits_when_others_are_refused_takes_a_new_place() -> None:
    """Units that were free before the refusal are not after it."""
    ledger = MemoryLedger(Bucket(rate=10.0, level=97.0, stamp=1_000.0))
    budget = Budget(ledger=ledger, now=virtual_time.now)

    async def scenario() -> float:
        waiting = asyncio.create_task(budget.enter("x", 10))
        await asyncio.sleep(0.5)
        with ledger.open() as bucket:
            bucket.refuse(0.5, virtual_time.now(), None)
        return (await waiting).sent - 1_000

    # At 0.5 the bucket holds 50 units and is full; at 1.0, with these 10, there are 9 too many.
    assert virtual_time.run(scenario()) == pytest.approx(1 + 9 / 5)


def test_a_pause_that_others_asked_for_holds_who_waits_already() -> None:
    """Also whoever has its units."""
    budget = Budget(now=virtual_time.now)

    async def scenario() -> list[float]:
        budget.pause(2)
        waiting = [asyncio.create_task(budget.enter("x")) for _ in range(2)]
        await asyncio.sleep(1)
        budget.pause(10)
        return [(await ticket).sent - 1_000 for ticket in waiting]

    assert virtual_time.run(scenario()) == pytest.approx([11, 11.05])


def test_what_is_much_smaller_than_a_page_does_not_teach_how_far_the_service_is() -> None:
    """Nor does a refusal: both are quick for another reason."""

    async def scenario(outcome: Outcome) -> int:
        budget = Budget(now=virtual_time.now)
        ticket = await budget.enter("x")
        budget.leave(ticket, Outcome(size=1_000))
        ticket = await budget.enter("x")
        await asyncio.sleep(0.2)
        budget.leave(ticket, outcome)
        return budget.room

    assert virtual_time.run(scenario(Outcome(size=500))) == 16
    assert virtual_time.run(scenario(Outcome(size=499))) == 4
    assert virtual_time.run(scenario(Outcome(size=1_000, refused_for=0))) == 4


def test_what_is_used_and_allowed_is_told() -> None:
    """Units a second of late, and the smaller of the two limits."""
    budget = Budget(share=0.5, ledger=MemoryLedger(Bucket(rate=100.0)), now=virtual_time.now)

    async def scenario() -> tuple[float, float | None]:
        for _ in range(4):
            budget.leave(await budget.enter("x"), Outcome(units=10))
            await asyncio.sleep(1)
        return budget.unit_rate, budget.unit_limit

    assert virtual_time.run(scenario()) == (10, 100)
    assert Budget().unit_limit is None
    assert (Budget().unit_rate, Budget().waiting) == (0, 0)


@pytest.mark.parametrize(("users", "limit"), [(50, 350), (51, 500), (500, 500), (501, 800)])
def test_the_limit_depends_on_the_size_of_the_tenant(users: int, limit: float) -> None:
    """As Microsoft documents it: units in ten seconds. A smaller number later changes nothing."""
    budget = Budget(share=0.5)
    budget.expect(users)
    budget.expect(1)

    assert budget.unit_limit == limit / 2


def test_the_longest_waiting_is_served_first() -> None:
    """One place becomes free at a time, and whoever comes later does not get it."""

    async def scenario() -> list[int]:
        budget, served = Budget(chains=1, now=virtual_time.now), list[int]()

        async def request(number: int) -> None:
            ticket = await budget.enter("x")
            served.append(number)
            await asyncio.sleep(1)
            budget.leave(ticket, Outcome())

        await asyncio.gather(*(request(number) for number in range(5)))
        assert (budget.in_flight, budget.room) == (0, 1)
        return served

    assert virtual_time.run(scenario()) == [0, 1, 2, 3, 4]


def test_each_key_and_share_has_one_budget() -> None:
    """All shares of a key have one ledger, made once."""
    ledgers = list[MemoryLedger]()

    def make() -> MemoryLedger:
        ledgers.append(MemoryLedger())
        return ledgers[-1]

    whole, part = find_budget("key", 1.0, make), find_budget("key", 0.5, make)

    assert find_budget("key", 1.0, make) is whole
    assert part is not whole
    assert find_budget("another key", 1.0) is not whole
    assert len(ledgers) == 1
    assert (whole.share, part.share) == (1.0, 0.5)


def test_who_waits_already_has_what_becomes_free() -> None:
    """So there is no room while anybody waits."""

    async def scenario() -> None:
        budget = Budget(chains=2, now=virtual_time.now)
        waiting = [asyncio.create_task(budget.enter("x")) for _ in range(5)]
        await asyncio.sleep(1)
        assert (budget.in_flight, budget.room) == (2, 0)
        budget.widen(1)
        assert budget.room == 0
        for task in waiting:
            task.cancel()

    virtual_time.run(scenario())


def make_supposing(used: float) -> Budget:
    """A budget that was told of four units a second, on another day, and used some since."""
    budget = Budget(now=lambda: 100.0)
    budget.suppose(4.0)
    ticket = virtual_time.run(budget.enter("page"))
    budget.leave(ticket, Outcome(units=used, size=1000))
    return budget


def test_a_supposed_rate_says_how_many_requests_at_a_time_use_it_up() -> None:
    """Answers come at once here: one chain is as fast as the budget."""
    assert make_supposing(10).width(200, 2) == 1


def test_a_supposed_rate_does_not_matter_where_all_may_be_sent_at_once() -> None:
    """A bucket of this rate takes forty units."""
    assert make_supposing(10).width(30, 2) is None


def test_a_supposed_rate_is_given_up_where_more_was_let_through() -> None:
    """Twice as much as a full bucket of this rate would take."""
    assert make_supposing(81).width(200, 2) is None


def test_twice_a_supposed_rate_is_what_was_learnt_where_no_answer_tells() -> None:
    """Twice as much is supposed the next day, for nothing confirmed it."""
    assert make_supposing(10).learn_rate(5.0) == 8.0
    assert make_supposing(10).cost("page") == 10


def test_what_a_listing_was_given_is_learnt_though_the_picture_of_the_bucket_shows_less() -> None:
    """The picture steps back at each refusal, and where others use the bucket up."""
    budget = make_supposing(10)
    ticket = virtual_time.run(budget.enter("page"))
    budget.leave(ticket, Outcome(refused_for=0.0))

    assert budget.unit_limit is not None
    assert budget.unit_limit < 45.0
    assert budget.learn_rate(45.0) == 45.0


def test_nothing_is_learnt_where_nobody_knows_of_a_limit() -> None:
    assert Budget().learn_rate(5.0) is None
    assert not Budget().is_limited
