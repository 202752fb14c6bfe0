"""$batch: twenty at a time, every part answered by itself."""

import json
from typing import Any

import pytest

from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.batch import Answer, Part, send_parts
from graphdaemon.graph.graph import Tally
from tests.support import virtual_time
from tests.support.pretend_graph import ROOT, PretendGraph, Weather


def make_world(count: int = 100, **weather: Any) -> PretendGraph:
    people = [{"id": f"u{at}", "userPrincipalName": f"u{at}"} for at in range(count)]
    return PretendGraph(people, weather=Weather(**weather))


def send(world: PretendGraph, parts: list[Part], **connection: Any) -> dict[str, Answer]:
    async def work() -> dict[str, Answer]:
        return await send_parts(world.graph(**connection), ROOT, parts, needs="User.Read.All")

    return virtual_time.run(work())


def parts_for(count: int) -> list[Part]:
    return [Part(str(at), f"/users/u{at}?$select=userPrincipalName") for at in range(count)]


def names(answers: dict[str, Answer]) -> dict[str, str]:
    return {
        key: json.loads(bytes(answer.body))["userPrincipalName"] for key, answer in answers.items()
    }


def test_answers_are_found_by_their_ids() -> None:
    """In whatever order they came."""
    world = make_world()

    answers = send(world, parts_for(50))

    assert names(answers) == {str(at): f"u{at}" for at in range(50)}
    assert [one.method for one in world.requests] == ["POST"] * 3


def test_a_throttled_part_is_sent_again_by_itself() -> None:
    """The outer answer is 200 all the same; nobody else is asked twice."""
    world = make_world(throttled=0.2, retry_after=("2",))

    answers = send(world, parts_for(50), attempts=12)

    assert names(answers) == {str(at): f"u{at}" for at in range(50)}
    assert len(world.requests) > 3


def test_a_refusal_inside_is_an_answer() -> None:
    """Nobody by that name is no failure of the others."""
    world = make_world(2)

    answers = send(world, [*parts_for(2), Part("none", "/users/nobody")])

    assert {key: answer.status for key, answer in answers.items()} == {
        "0": 200,
        "1": 200,
        "none": 404,
    }


def test_a_part_that_is_always_throttled_ends_it() -> None:
    """After every attempt, and with its own code."""
    world = make_world(throttled=1)

    with pytest.raises(GraphError) as caught:
        send(world, parts_for(3))

    assert caught.value.code == "throttled"


def test_what_depends_on_another_is_sent_with_it_and_after_it() -> None:
    """dependsOn is kept, also where groups fill a batch."""
    world = make_world(60)
    parts = []
    for at in range(0, 60, 3):
        parts += [
            Part(f"a{at}", f"/users/u{at}"),
            Part(f"b{at}", f"/users/u{at + 1}", after=(f"a{at}",)),
            Part(f"c{at}", f"/users/u{at + 2}", after=(f"b{at}",)),
        ]

    answers = send(world, parts)

    assert len(answers) == 60
    assert len(world.requests) == 4
    for body in world.bodies:
        sent = {part["id"]: part for part in json.loads(body)["requests"]}
        assert len(sent) <= 20
        for part in sent.values():
            assert set(part.get("dependsOn", ())) <= set(sent)
    depending = [
        part
        for body in world.bodies
        for part in json.loads(body)["requests"]
        if "dependsOn" in part
    ]
    assert len(depending) == 40


def test_what_failed_with_its_dependency_is_sent_again_with_it() -> None:
    """424 says that another part failed, not this one."""
    world = make_world(6, throttled=0.5)
    parts = [Part("0", "/users/u0")]
    parts += [Part(str(at), f"/users/u{at}", after=(str(at - 1),)) for at in range(1, 6)]

    answers = send(world, parts, attempts=30)

    assert {answer.status for answer in answers.values()} == {200}


def test_a_write_is_not_sent_again_after_a_failure() -> None:
    """Only a refusal to begin is sure to have done nothing."""
    world = make_world(1)
    world.lies.batch_status = 503
    tally = Tally()

    async def work() -> dict[str, Answer]:
        parts = [Part("w", "/users/u0", "PATCH", body={"department": "x"})]
        return await send_parts(world.graph(), ROOT, parts, needs="x", tally=tally)

    answers = virtual_time.run(work())

    assert answers["w"].status == 503
    assert tally.requests == 1
    (sent,) = json.loads(world.bodies[0])["requests"]
    assert sent["headers"] == {"Content-Type": "application/json"}


def test_units_inside_count() -> None:
    """A batch saves connections, not quota."""
    tally = Tally()
    world = make_world(40)

    async def work() -> None:
        await send_parts(world.graph(), ROOT, parts_for(40), needs="x", tally=tally)

    virtual_time.run(work())

    assert tally.units == 40
    assert tally.requests == 2


def test_more_that_depend_on_one_another_than_a_batch_takes_are_refused() -> None:
    """Torn apart, they would not wait for each other."""
    others = [Part(str(at), "/users/a", after=("0",)) for at in range(1, 21)]

    with pytest.raises(UsageError, match="21 requests depend on one another"):
        send(PretendGraph(), [Part("0", "/users/a"), *others])
