"""$batch: twenty at a time, every part answered by itself."""

import asyncio
import json
from typing import Any

import pytest

from graphdaemon.errors import GraphError, NetworkError, UsageError
from graphdaemon.graph.batch import Part, PartAnswer, send_parts
from graphdaemon.graph.graph import ATTEMPTS, Tally
from graphdaemon.graph.headers import LONGEST_WAIT_S
from graphdaemon.http.response import Response
from tests.support import virtual_time
from tests.support.graph_answers import answer
from tests.support.pretend_graph import ROOT, PretendGraph, Weather
from tests.support.scripted_sender import World, make_graph


def make_world(count: int = 100, **weather: Any) -> PretendGraph:
    people = [{"id": f"u{at}", "userPrincipalName": f"u{at}"} for at in range(count)]
    return PretendGraph(people, weather=Weather(**weather))


def send(world: PretendGraph, parts: list[Part], **connection: Any) -> dict[str, PartAnswer]:
    async def work() -> dict[str, PartAnswer]:
        return await send_parts(world.graph(**connection), ROOT, parts, needs="User.Read.All")

    return virtual_time.run(work())


def parts_for(count: int) -> list[Part]:
    return [Part(str(at), f"/users/u{at}?$select=userPrincipalName") for at in range(count)]


def names(answers: dict[str, PartAnswer]) -> dict[str, str]:
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

    async def work() -> dict[str, PartAnswer]:
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


# ---- what each answer means ----------------------------------------------------------------------


def batch(*answers: tuple[str, int, dict[str, str]]) -> Response:
    """An answer to a batch: of each part its ID, status and headers."""
    return answer(
        {
            "responses": [
                {"id": id_, "status": status, "headers": headers, "body": {}}
                for id_, status, headers in answers
            ]
        }
    )


def send_scripted(world: World, *parts: Part, tally: Tally | None = None) -> dict[str, PartAnswer]:
    return asyncio.run(send_parts(world.graph, ROOT, parts, needs="x", tally=tally))


def sent_ids(world: World) -> list[list[str]]:
    """Of each batch that was sent, the IDs of its parts."""
    return [
        [part["id"] for part in json.loads(sent.body or b"")["requests"]]
        for sent in world.sender.sent
    ]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("status", [200, 404, 429, 500, 501, 502, 503, 504])
def test_a_part_that_failed_in_passing_is_sent_again(method: str, status: int) -> None:
    """A part that writes only where it was surely not begun; 501 and 404 will not pass."""
    world = make_graph(batch(("a", status, {}), ("b", 200, {})), batch(("a", 204, {})))
    again = status == 429 or (method == "GET" and status in (500, 502, 503, 504))
    tally = Tally()

    answers = send_scripted(world, Part("a", "/x", method), Part("b", "/y"), tally=tally)

    assert sent_ids(world) == ([["a", "b"], ["a"]] if again else [["a", "b"]])
    assert answers["a"].status == (204 if again else status)
    assert tally.retries == again


def test_a_part_that_was_not_answered_is_sent_again() -> None:
    """Never answered at all, it is said to have failed."""
    world = make_graph(batch(("a", 200, {})))

    with pytest.raises(GraphError, match=r"^/y in a batch: never answered$") as caught:
        send_scripted(world, Part("a", "/x"), Part("b", "/y?$select=id"))

    assert (caught.value.code, caught.value.status) == ("graph_unavailable", 200)
    assert sent_ids(world) == [["a", "b"], *[["b"]] * (ATTEMPTS - 1)]


@pytest.mark.parametrize(("status", "code"), [(429, "throttled"), (503, "graph_unavailable")])
def test_what_never_passes_has_its_own_code(status: int, code: str) -> None:
    """And the status that it was answered with to the last, after which nobody waits."""
    world, tally = make_graph(batch(("a", status, {}))), Tally()

    with pytest.raises(GraphError, match=f"still {status} after every attempt") as caught:
        send_scripted(world, Part("a", "/x"), tally=tally)

    assert (caught.value.code, caught.value.status) == (code, status)
    assert len(world.budget.pauses) == tally.retries == ATTEMPTS - 1


def test_a_part_that_was_answered_is_done() -> None:
    """Though what it depends on, as the service says, was not."""
    world = make_graph(batch(("a", 429, {}), ("b", 200, {})), batch(("a", 200, {})))

    send_scripted(world, Part("a", "/x"), Part("b", "/y", after=("a",)))

    assert sent_ids(world) == [["a", "b"], ["a"]]


@pytest.mark.parametrize(
    ("waits", "seconds"),
    [(("2", "7.5"), 7.5), (("", ""), 1), (("", "2"), 2), (("300", "2"), LONGEST_WAIT_S)],
)
def test_the_longest_wait_of_all_parts_counts(waits: tuple[str, str], seconds: float) -> None:
    """Up to five minutes; a second where none is told. It holds everybody."""
    headers = [{"retry-after": wait} if wait else {} for wait in waits]
    world = make_graph(
        batch(("a", 429, headers[0]), ("b", 429, headers[1]), ("c", 200, {"Retry-After": "60"})),
        batch(("a", 200, {}), ("b", 200, {})),
    )

    send_scripted(world, *(Part(key, "/x") for key in "abc"))

    assert world.budget.pauses == [seconds]
    assert world.budget.outcomes[0].refused_for == seconds


def test_a_part_that_asks_for_too_long_a_wait_ends_it() -> None:
    """At once, and it says how long, as for a request that is sent alone."""
    world = make_graph(batch(("a", 429, {"Retry-After": "2"}), ("b", 429, {"Retry-After": "3600"})))

    with pytest.raises(GraphError, match=r"asks to wait for 3,600 s") as caught:
        send_scripted(world, Part("a", "/x"), Part("b", "/y"))

    assert (caught.value.code, world.budget.pauses) == ("throttled", [])
    assert world.budget.outcomes[0].refused_for == LONGEST_WAIT_S


def test_the_budget_learns_what_the_parts_cost_together() -> None:
    """Of those that were not refused; and the highest load that any of them tells."""
    unit, load = "X-MS-Resource-Unit", "x-ms-throttle-limit-percentage"
    world = make_graph(
        batch(
            ("a", 200, {unit: "2", load: "0.8"}),
            ("b", 404, {unit: "3", load: "0.9"}),
            ("c", 429, {unit: "50", load: "0.85"}),
            ("d", 200, {unit: "nan", load: "-1"}),
            ("e", 200, {}),
        ),
        batch(("c", 200, {})),
    )
    tally = Tally()

    send_scripted(world, *(Part(key, "/x") for key in "abcde"), tally=tally)

    first, second = world.budget.outcomes
    assert (first.units, first.load, first.refused_for) == (5, 0.9, 1)
    assert (second.units, second.load, second.refused_for) == (None, None, None)
    assert first.size > second.size > 0
    assert [weight for _, weight in world.budget.entered] == [5, 1]
    assert (tally.requests, tally.throttled, tally.retries) == (2, 1, 1)


@pytest.mark.parametrize("number", ["-5", "nan", "inf", "1e999", "5000", "much"])
def test_a_number_without_sense_in_a_part_teaches_nothing(number: str) -> None:
    """It would spoil the picture of the throttle budget for good."""
    headers = {"x-ms-resource-unit": number, "x-ms-throttle-limit-percentage": number}
    world = make_graph(batch(("a", 200, headers)))

    send_scripted(world, Part("a", "/x"))

    assert world.budget.outcomes[0][:2] == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>", b"{}", b'{"responses":[{"id":"\xff","status":200}]}', b"[" * 1_000),
        b'{"responses":[{"id":"a","status":200,"body":' + b"[" * 101 + b"]" * 101 + b"}]}",
        *(b'{"responses":[{"id":"a","status":%s}]}' % number for number in (b"0", b"-200", b"1e3")),
        b'{"responses":[{"id":"a","status":' + b"9" * 5_000 + b"}]}",
    ],
    ids="html object utf8 deep body zero negative fraction huge".split(),
)
def test_what_is_no_answer_to_a_batch_is_refused(body: bytes) -> None:
    """After every attempt, for it may be a proxy's."""
    world = make_graph(answer(body))

    with pytest.raises(GraphError, match="not that to a batch") as caught:
        send_scripted(world, Part("a", "/x"))

    assert (caught.value.code, caught.value.status) == ("page_malformed", 200)
    assert len(world.sender.sent) == ATTEMPTS
    assert world.budget.outcomes[0].size == len(body)


def test_a_batch_that_writes_is_not_sent_again_where_it_may_have_been_begun() -> None:
    """One that only reads is."""
    lost = NetworkError("x", code="connection_lost")
    world = make_graph(lost, batch(("a", 200, {}), ("b", 200, {})))
    send_scripted(world, Part("a", "/x"), Part("b", "/y"))
    assert len(world.sender.sent) == 2

    world = make_graph(lost)
    with pytest.raises(NetworkError):
        send_scripted(world, Part("a", "/x"), Part("b", "/y", "DELETE"))
    assert len(world.sender.sent) == 1


@pytest.mark.parametrize(("count", "sizes"), [(20, [20]), (21, [20, 1]), (40, [20, 20]), (0, [])])
def test_a_batch_holds_twenty(count: int, sizes: list[int]) -> None:
    """Graph takes no more."""
    world = make_world()

    assert len(send(world, parts_for(count))) == count
    assert [len(json.loads(body)["requests"]) for body in world.bodies] == sizes


def test_parts_that_depend_on_one_another_are_not_torn_apart() -> None:
    """Though a batch has room for some of them; twenty of them fill one."""
    world = make_world()
    chain = [Part(f"c{at}", "/users/u1", after=(f"c{at - 1}",) if at else ()) for at in range(20)]

    send(world, [*parts_for(5), *chain])

    assert [len(json.loads(body)["requests"]) for body in world.bodies] == [5, 20]


def test_what_was_done_before_is_not_depended_on_again() -> None:
    """Graph does not know the ID any more; and what failed for another's sake comes with it."""
    world = make_graph(
        batch(("a", 200, {}), ("b", 429, {}), ("c", 424, {}), ("d", 424, {})),
        batch(("b", 200, {}), ("c", 200, {}), ("d", 200, {})),
    )

    send_scripted(
        world,
        Part("a", "/x"),
        Part("b", "/x", after=("a",)),
        Part("c", "/x", after=("b",)),
        Part("d", "/x", after=("a", "c")),
    )

    first, second = (json.loads(sent.body or b"")["requests"] for sent in world.sender.sent)
    assert [part.get("dependsOn") for part in first] == [None, ["a"], ["b"], ["a", "c"]]
    assert [part.get("dependsOn") for part in second] == [None, ["b"], ["c"]]


def test_each_part_is_sent_as_it_is_described() -> None:
    """Its own Content-Type counts; without a body, it has none."""
    world = make_graph(batch(("a", 200, {}), ("b", 200, {})))

    send_scripted(
        world,
        Part("a", "/x", "PATCH", {"Content-Type": "text/json", "If-Match": "*"}, {"n": 1}),
        Part("b", "/y"),
    )

    assert world.sender.sent[0].url == f"{ROOT}/$batch"
    assert world.sender.sent[0].method == "POST"
    first, second = json.loads(world.sender.sent[0].body or b"")["requests"]
    assert first["headers"] == {"Content-Type": "text/json", "If-Match": "*"}
    assert first["body"] == {"n": 1}
    assert second == {"id": "b", "method": "GET", "url": "/y"}


def test_a_header_is_found_in_any_case() -> None:
    """HTTP does not tell them apart; a number is a text there."""
    part = PartAnswer("a", 200, {"Retry-AFTER": 7})

    assert part.header("retry-after") == "7"
    assert part.header("Retry-Later") is None
