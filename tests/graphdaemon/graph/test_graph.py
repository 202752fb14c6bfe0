"""Graph over real TLS against a scripted server: paging, trying again, and whom the token sees."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Token, TokenSource
from graphdaemon.client.client import Client
from graphdaemon.errors import Error, GraphError, NetworkError
from graphdaemon.graph.graph import ATTEMPTS, PATIENCE, Graph, GraphRequest, Tally
from graphdaemon.graph.headers import LONGEST_WAIT_S
from graphdaemon.graph.query import Query
from graphdaemon.graph.throttling.budget import Budget, Outcome
from graphdaemon.http.response import Headers, Response
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from tests.support.graph_answers import answer
from tests.support.scripted_listing import listing, settings_of
from tests.support.scripted_sender import Clock, World, make_graph
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page


def patient_listing(server: ScriptedServer) -> tuple[list[str], list[float]]:
    """List users with a clock of our own: ids, and the waits there would have been."""
    clock = Clock()
    return asyncio.run(_walk(settings_of(server), clock)), clock.waits


async def _walk(settings: Settings, clock: Clock) -> list[str]:
    transport = Transport(ca_file=settings.ca_file, timeout=60)
    tokens = TokenSource(AppIdentity(settings, transport).fetch, transport.start)
    budget = Budget(now=clock.now, sleep=clock.sleep)
    graph = Graph(transport, tokens, budget=budget, sleep=clock.sleep)
    try:
        return [
            bytes(record).decode()
            async for page in graph.pages(settings.endpoint, needs="User.Read.All")
            for record in page.records
        ]
    finally:
        transport.close()


def test_every_link_is_followed_and_an_empty_page_is_not_the_end(scripted: ScriptedServer) -> None:
    """An empty page with a next link goes on (msgraph-sdk-javascript #129)."""
    link = f"{scripted.url}/v1.0/users?$skiptoken="
    scripted.script = [
        page({"id": "1"}, next_link=link + "a%2B"),
        page(next_link=link + "b"),
        page({"id": "2"}),
    ]

    assert listing(scripted) == [{"id": "1"}, {"id": "2"}]
    first, *others = [request.target for request in scripted.requests]
    assert first.startswith("/v1.0/users?$top=999&$select=")
    assert others == [
        "/v1.0/users?$skiptoken=a%2B",
        "/v1.0/users?$skiptoken=b",
    ]


def test_limit_stops_in_the_middle_of_a_page(scripted: ScriptedServer) -> None:
    """No page is asked for that is not needed."""
    link = f"{scripted.url}/v1.0/users?$skiptoken=a"
    scripted.script = [
        page({"id": "1"}, {"id": "2"}, next_link=link),
        page({"id": "3"}, {"id": "4"}),
    ]

    assert len(listing(scripted, query=Query(limit=3))) == 3
    assert len(scripted.requests) == 2


def test_consistency_level_is_sent_with_every_page(scripted: ScriptedServer) -> None:
    """Next links do not carry the header, so it is sent again (Airflow #71866)."""
    link = f"{scripted.url}/v1.0/users?$count=true&$skiptoken=a"
    scripted.script = [page({"id": "1"}, next_link=link), page({"id": "2"})]

    listing(scripted, query=Query(search="displayName:ana"))

    assert [request.headers["consistencylevel"] for request in scripted.requests] == [
        "eventual"
    ] * 2


def test_plain_queries_do_not_ask_for_the_advanced_index(scripted: ScriptedServer) -> None:
    """The default index is the fresher one."""
    scripted.script = [page()]

    listing(scripted)

    assert "consistencylevel" not in scripted.requests[0].headers


@pytest.mark.parametrize(
    "link",
    [
        "https://localhost:{port}/v1.0/users?$skiptoken=a",
        "http://127.0.0.1:{port}/x",
        "https://evil.example/",
    ],
    ids=["other-name", "http", "other-host"],
)
def test_the_token_is_not_sent_to_another_origin(scripted: ScriptedServer, link: str) -> None:
    """A next link elsewhere ends the listing with an error; nothing is sent there."""
    scripted.script = [page({"id": "1"}, next_link=link.format(port=scripted.port))]

    with pytest.raises(GraphError) as caught:
        listing(scripted)

    assert caught.value.code == "link_foreign"
    assert len(scripted.requests) == 1


def test_redirects_are_not_followed(scripted: ScriptedServer) -> None:
    """A redirect would take the token along."""
    scripted.script = [Answer(302, b"", {"Location": "https://evil.example/"})]

    with pytest.raises(GraphError, match="302"):
        listing(scripted)


@pytest.mark.parametrize(
    "trouble",
    [
        json_answer({"error": {"code": "TooManyRequests"}}, 429),
        Answer(500),
        Answer(502, b"<html>Bad gateway</html>"),
        Answer(503),
        Answer(504),
        Answer(200, b'{"value":[{"id":"1"},{"id":"2"}]}', cut=20),
        Answer(200, b'{"value":[{"id":"1"}'),
        Answer(200, b"<html>sign in</html>"),
        Answer(200, b"", cut=0),
    ],
    ids=["429", "500", "502", "503", "504", "body-cut", "json-cut", "not-json", "empty"],
)
def test_passing_trouble_is_survived_without_loss_or_repetition(
    scripted: ScriptedServer, trouble: Answer
) -> None:
    """A page is asked for again until it is whole."""
    link = f"{scripted.url}/v1.0/users?$skiptoken=a"
    scripted.script = [page({"id": "1"}, next_link=link), trouble, trouble, page({"id": "2"})]

    records, waits = patient_listing(scripted)

    assert records == ['{"id": "1"}', '{"id": "2"}']
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("trouble", "code", "attempts"),
    [
        (json_answer({}, 429), "throttled", ATTEMPTS),
        (Answer(503), "graph_unavailable", ATTEMPTS),
        (Answer(200, b"<html>"), "page_malformed", ATTEMPTS),
    ],
    ids=["429", "503", "not-json"],
)
def test_lasting_trouble_ends_the_listing(
    scripted: ScriptedServer, trouble: Answer, code: str, attempts: int
) -> None:
    """After a bounded number of attempts the failure is raised, with its own code."""
    scripted.script = [trouble]

    with pytest.raises(Error) as caught:
        patient_listing(scripted)

    assert (caught.value.code, caught.value.exit_code) == (code, 5)
    assert len(scripted.requests) == attempts


class Crowded:
    """A Graph that refuses one request for a while, and serves the others; and its tokens."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    async def send(
        self,
        method: str,  # noqa: ARG002 - the three belong to what a transport is called with
        url: str,
        headers: Mapping[str, str],  # noqa: ARG002 - see above
        body: bytes | None = None,  # noqa: ARG002 - see above
    ) -> Response:
        await asyncio.sleep(0)
        if url.endswith("/me") and self.refusals:
            self.refusals -= 1
            return Response(429, Headers(), b"{}")
        return Response(200, Headers(), b"{}")

    async def token(self) -> Token:
        return Token("t", time.time() + 3600)

    async def renew(self, refused: Token, claims: str | None = None) -> Token:
        raise AssertionError((refused, claims))


@pytest.mark.parametrize("refusals", [ATTEMPTS * PATIENCE - 1, ATTEMPTS * PATIENCE])
def test_where_others_are_served_it_is_worth_waiting_longer(refusals: int) -> None:
    """A strange process may be using the budget up: it is asked again, but not for ever."""
    crowded, clock = Crowded(refusals), Clock()
    budget = Budget(now=clock.now, sleep=clock.sleep)
    graph = Graph(crowded, crowded, budget=budget, sleep=clock.sleep)

    async def ask_both() -> dict[str, Any]:
        mine = asyncio.create_task(graph.get("https://graph.example/v1.0/me", needs=""))
        while not mine.done():
            await graph.get("https://graph.example/v1.0/organization", needs="")
        return await mine

    if refusals < ATTEMPTS * PATIENCE:
        assert asyncio.run(ask_both()) == {}
    else:
        with pytest.raises(GraphError, match="429"):
            asyncio.run(ask_both())


def test_an_answer_that_always_breaks_off_ends_the_listing(scripted: ScriptedServer) -> None:
    """What came of a body that was cut is not taken for a page."""
    scripted.script = [Answer(200, b'{"value":[]}', cut=3)]

    with pytest.raises(NetworkError, match="broke off in the middle") as caught:
        patient_listing(scripted)

    assert caught.value.exit_code == 6
    assert len(scripted.requests) == ATTEMPTS


def test_retry_after_is_obeyed(scripted: ScriptedServer) -> None:
    """Graph says how long to wait, in fractions too."""
    scripted.script = [json_answer({}, 429, **{"Retry-After": "2.5"}), page()]

    assert patient_listing(scripted) == ([], [2.5])


def test_a_wait_beyond_reason_is_refused(scripted: ScriptedServer) -> None:
    """Nobody waits an hour in silence."""
    scripted.script = [json_answer({}, 429, **{"Retry-After": "3600"})]

    with pytest.raises(GraphError) as caught:
        patient_listing(scripted)

    assert caught.value.retry_after == 3600
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_will_not_pass_is_not_tried_again(scripted: ScriptedServer, status: int) -> None:
    """A refusal stays one."""
    scripted.script = [Answer(status)]

    with pytest.raises(GraphError):
        patient_listing(scripted)

    assert len(scripted.requests) == 1


def test_a_refused_token_is_renewed_once_and_the_listing_goes_on(scripted: ScriptedServer) -> None:
    """401 in the middle of a listing gets a new token, not an end."""
    link = f"{scripted.url}/v1.0/users?$skiptoken=a"

    def answer(request: Request) -> Answer:
        if "skiptoken" not in request.target:
            return page({"id": "1"}, next_link=link)
        fresh = request.headers["authorization"] == "Bearer token-2"
        return page({"id": "2"}) if fresh else Answer(401)

    scripted.script = answer

    assert listing(scripted) == [{"id": "1"}, {"id": "2"}]
    assert scripted.tokens_issued == 2


def test_a_new_token_that_is_refused_too_ends_it(scripted: ScriptedServer) -> None:
    """401 with a fresh token is an answer, not an accident."""
    scripted.script = [Answer(401)]

    with pytest.raises(GraphError) as caught:
        listing(scripted)

    assert caught.value.code == "token_refused"
    assert len(scripted.requests) == 2


def test_one_token_serves_many_tasks(scripted: ScriptedServer) -> None:
    """A hundred tasks at once cause one token request."""
    scripted.script = [page()]

    async def many() -> None:
        async with Client(settings_of(scripted)) as client:
            await asyncio.gather(*(client.get("users/x") for _ in range(100)))

    asyncio.run(many())

    assert scripted.tokens_issued == 1


# ---- what is tried again, when, and what it costs ------------------------------------------------

URL = "https://graph.example/v1.0/users"


def ask(world: World, *, tally: Tally | None = None, **about: Any) -> Response:
    request = GraphRequest(about.pop("url", URL), "User.Read.All", **about)
    return asyncio.run(world.graph.ask(request, lambda response, _: response, tally))


def refused(status: int, **headers: str) -> Response:
    return answer({"error": {"code": "x"}}, status, **headers)


@pytest.mark.parametrize(
    ("trouble", "attempts"),
    [
        (refused(429), 2),
        (refused(500), 1),
        (refused(503), 1),
        (NetworkError("x", code="connection_lost"), 1),
    ],
    ids=["429", "500", "503", "lost"],
)
def test_what_must_not_be_done_twice_is_repeated_only_where_it_was_not_begun(
    trouble: Response | Exception, attempts: int
) -> None:
    """Only a request that was throttled is sure to have done nothing."""
    world = make_graph(trouble, answer({}))

    if attempts == 1:
        with pytest.raises(Error):
            ask(world, method="POST", repeatable=False)
    else:
        ask(world, method="POST", repeatable=False)

    assert len(world.sender.sent) == attempts


def test_a_property_that_a_collection_does_not_serve_is_not_asked_for_again() -> None:
    """501 is no outage."""
    world = make_graph(refused(501))

    with pytest.raises(GraphError):
        ask(world)

    assert len(world.sender.sent) == 1


@pytest.mark.parametrize("code", ["host_unknown", "connection_failed", "timed_out"])
def test_a_network_that_was_there_is_waited_for(code: str) -> None:
    """One that never was is said at once; so is one that TLS breaks on."""
    trouble = NetworkError("x", code=code)
    broken = NetworkError("x", code="connection_lost", case="tls_broken")
    world = make_graph(answer({}), trouble, broken, answer({}))
    ask(world)
    ask(world)
    assert len(world.sender.sent) == 4

    for error in (trouble, broken):
        world = make_graph(error)
        with pytest.raises(NetworkError):
            ask(world)
        assert len(world.sender.sent) == 1


def test_certificates_that_are_not_trusted_are_said_at_once() -> None:
    """Also in the middle of a listing."""
    world = make_graph(answer({}), NetworkError("x", code="tls_untrusted"))
    ask(world)

    with pytest.raises(NetworkError):
        ask(world)

    assert len(world.sender.sent) == 2


def test_each_wait_is_twice_as_long_and_partly_random() -> None:
    """Half a second to a second, and so on, up to about half a minute."""
    world = make_graph(refused(503), attempts=9)

    with pytest.raises(GraphError):
        ask(world)

    waits = world.clock.waits
    assert len(waits) == 8
    for wait, longest in zip(waits, [1, 2, 4, 8, 16, 32, 32, 32], strict=True):
        assert longest / 2 <= wait <= longest
    assert world.budget.pauses == []


def test_a_wait_that_graph_asks_for_holds_everybody() -> None:
    """Whatever the status; and without Retry-After, a throttled request does too."""
    world = make_graph(refused(503, Retry_After="3"), refused(429), answer({}))

    ask(world)

    assert world.budget.pauses[0] == 3
    assert 1 <= world.budget.pauses[1] <= 2


@pytest.mark.parametrize(("wait", "attempts"), [(LONGEST_WAIT_S, 2), (LONGEST_WAIT_S + 0.5, 1)])
def test_up_to_five_minutes_are_waited(wait: float, attempts: int) -> None:
    """Longer waits are said instead."""
    world = make_graph(refused(503, Retry_After=str(wait)), answer({}))

    if attempts == 1:
        with pytest.raises(GraphError):
            ask(world)
    else:
        ask(world)

    assert len(world.sender.sent) == attempts


def test_an_outage_is_not_waited_for_longer_where_others_are_served() -> None:
    """Only a throttled request is: others may be using the budget up."""

    def serve(sent: Any) -> Response:
        return answer({}) if sent.url.endswith("/organization") else refused(503)

    world = make_graph(serve)

    async def work() -> None:
        mine = asyncio.create_task(world.graph.get(URL, needs=""))
        while not mine.done():
            await world.graph.get("https://graph.example/v1.0/organization", needs="")
            await asyncio.sleep(0)
        await mine

    with pytest.raises(GraphError):
        asyncio.run(work())

    assert sum(sent.url == URL for sent in world.sender.sent) == ATTEMPTS


def test_what_work_has_cost_is_counted() -> None:
    """Requests, repetitions, refusals; units as Graph tells them, otherwise as expected."""
    world = make_graph(
        refused(429, x_ms_resource_unit="50"),
        refused(503, x_ms_resource_unit="2"),
        answer({}, x_ms_resource_unit="4"),
        answer({}),
    )
    tally = Tally()

    ask(world, tally=tally)
    assert tally == Tally(requests=3, retries=2, throttled=1, units=6)
    ask(world, tally=tally)
    assert tally == Tally(requests=4, retries=2, throttled=1, units=10)


def test_the_budget_learns_from_every_answer() -> None:
    """Cost, load, refusal and size; of a request that was not answered, nothing."""
    world = make_graph(
        NetworkError("x", code="connection_lost"),
        refused(429, Retry_After="3600", x_ms_resource_unit="7"),
        answer({}, x_ms_resource_unit="2", x_ms_throttle_limit_percentage="0.85"),
    )
    with pytest.raises(GraphError):
        ask(world)
    ask(world)

    assert world.budget.outcomes == [
        Outcome(),
        Outcome(0.0, None, LONGEST_WAIT_S, len(refused(429).body)),
        Outcome(2.0, 0.85, None, 2),
    ]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/v1.0/users", "/v1.0/users"),
        ("/v1.0/users?$top=999&$select=id", "/v1.0/users?$select"),
        ("/v1.0/users/0c1ce6f9-6d4c-4e6c-9a0b-6d0cf6a4f1aB/manager", "/v1.0/users/*/manager"),
        (
            "/v1.0/users/0c1ce6f9-6d4c-4e6c-9a0b/manager",
            "/v1.0/users/0c1ce6f9-6d4c-4e6c-9a0b/manager",
        ),
    ],
    ids=["plain", "select", "id", "no id"],
)
def test_requests_cost_the_same_that_differ_in_ids_alone(url: str, kind: str) -> None:
    """A $select makes them cheaper (Microsoft's "Throttling limits")."""
    world = make_graph(answer({}))

    ask(world, url=f"https://graph.example{url}", weight=3)

    assert world.budget.entered == [(kind, 3)]


def test_each_request_has_its_headers() -> None:
    """Those of the caller beat those of the program, except for the token."""
    world = make_graph(answer({}))
    ask(world)
    ask(
        world,
        advanced=True,
        method="PATCH",
        body=b"{}",
        headers=(("Accept", "text/plain"), ("Prefer", "x"), ("Authorization", "stolen")),
    )

    first, second = world.sender.sent
    assert first.headers == {"Accept": "application/json", "Authorization": "Bearer token-0"}
    assert (second.method, second.body) == ("PATCH", b"{}")
    assert second.headers == {
        "Accept": "text/plain",
        "Authorization": "Bearer token-0",
        "ConsistencyLevel": "eventual",
        "Content-Type": "application/json",
        "Prefer": "x",
    }


def test_a_count_is_asked_for_as_text_of_the_advanced_index() -> None:
    """Graph refuses it otherwise."""
    world = make_graph(answer(b"7"))

    assert asyncio.run(world.graph.count(f"{URL}/$count", needs="")) == 7
    assert world.sender.sent[0].headers["Accept"] == "text/plain"
    assert world.sender.sent[0].headers["ConsistencyLevel"] == "eventual"


@pytest.mark.parametrize(("age", "renewed"), [(290, 0), (310, 1)])
def test_a_permission_may_be_newer_than_the_token(age: float, renewed: int) -> None:
    """After five minutes, 403 is a reason for a new token; after less, it is an answer."""
    world = make_graph(refused(403), issued_at=time.time() - age)

    with pytest.raises(GraphError) as caught:
        ask(world)

    assert caught.value.status == 403
    assert (world.sender.renewed, len(world.sender.sent)) == (renewed, 1 + renewed)


def test_redirects_and_refusals_are_no_answers() -> None:
    """From 300 on."""
    assert ask(make_graph(answer({}, 299))).status == 299
    with pytest.raises(GraphError):
        ask(make_graph(answer({}, 300)))


def test_a_refusal_without_a_wait_holds_nobody_by_itself() -> None:
    """How long to wait before the next attempt is decided with it."""
    world = make_graph(refused(429), answer({}))

    ask(world)

    assert world.budget.outcomes[0].refused_for == 0


def test_a_page_is_asked_for_as_it_is_said() -> None:
    """Of the advanced index only where somebody wants it."""
    world = make_graph(answer({"value": []}))
    asyncio.run(world.graph.page(URL, needs=""))
    asyncio.run(world.graph.page(URL, needs="", advanced=True))

    assert ["ConsistencyLevel" in sent.headers for sent in world.sender.sent] == [False, True]
