"""
Trials that were made to provoke a false `complete`.

In each the directory has more, or other, records than what the listing can bring. None may be
called complete; where a listing can still be made good, it has to be exact.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from graphdaemon.client.client import Client
from graphdaemon.errors import UnprovedError
from graphdaemon.graph.query import Query
from graphdaemon.http.response import Response
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import ListingRecord
from graphdaemon.settings.read import read_settings
from tests.support.lagging_graph import LaggingGraph
from tests.support.listing_world import (
    Outcome,
    accents_aside,
    by_digest,
    letters_alone,
    list_world,
    people,
    scattered,
)
from tests.support.pretend_graph import Collation, Lies, PretendGraph, Record, Weather
from tests.support.pretend_graph_server import serving

NUMBER = 300
CHAIN = ListingOptions("chain", page_size=20, learn=False)
AUTO = ListingOptions(page_size=20, learn=False)
PREFIXES = ListingOptions("prefixes", page_size=20, learn=False)
ENABLED = Query(("department",), "accountEnabled eq true")
UNDECIDABLE = Query(("department",), "department ge 'A'")
QUERIES = {
    "all": Query(),
    "filter": ENABLED,
    "order": UNDECIDABLE,
    # What the filter tests is not among what the list shows.
    "filter, unseen": ENABLED._replace(select=("displayName",)),
    "order, unseen": UNDECIDABLE._replace(select=("displayName",)),
}


def staff(number: int = NUMBER) -> list[Record]:
    return [{**one, "accountEnabled": True, "department": "IT"} for one in scattered(number)]


def assert_no_false_proof(world: PretendGraph, query: Query, outcome: Outcome) -> ListingRecord:
    """The account of a listing that did not fail, and that does not say more than is so."""
    record = outcome.proved
    if record.verdict == "complete":
        assert outcome.written == world.shown(query.select, query.filter or "")
    else:
        assert record.missing
        assert record.next_step
    return record


# A next link is lost, and the count says this or that of it.


class Reading(NamedTuple):
    """How a listing is read, so that the page whose link is lost is one of a chain."""

    options: ListingOptions
    query: Query = Query()
    refuses: tuple[str, ...] = ()
    nulls: bool = False


READINGS = {
    "one chain": Reading(CHAIN),
    "ranges refused": Reading(AUTO, refuses=(" ge ", " le ")),
    "ranges and prefixes refused": Reading(AUTO, refuses=(" ge ", " le ", "startswith")),
    "a key that is null": Reading(AUTO, nulls=True),
    "a filter, one chain": Reading(CHAIN, ENABLED),
    "a filter, ranges refused": Reading(AUTO, ENABLED, refuses=(" ge ", " le ")),
    "an order": Reading(AUTO, Query(orderby="userPrincipalName")),
    "prefixes": Reading(PREFIXES),
}

ANSWERS: dict[str, Callable[[Lies], Lies]] = {
    "honest": lambda lies: lies,
    "refused": lambda lies: replace(lies, no_count=True),
    "before alone": lambda lies: replace(lies, no_count_at=range(1, 99)),
    "afterwards alone": lambda lies: replace(lies, no_count_at={0}),
    "negative": lambda lies: replace(lies, count_text="-1"),
    "a text": lambda lies: replace(lies, count_text="many"),
    "empty": lambda lies: replace(lies, count_text=""),
    "digits of another script": lambda lies: replace(lies, count_text="٣٠"),
    "absurd": lambda lies: replace(lies, count_text="999999999999"),
    "one too high": lambda lies: replace(lies, count=lambda count: count + 1),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("pages", [1, 3])
def test_a_lost_next_link_is_no_end(reading: str, answer: str, pages: int) -> None:
    """After the first page, or the third: what was brought is never called everything."""
    options, query, refuses, nulls = READINGS[reading]
    lies = ANSWERS[answer](Lies(truncates=pages, refuses=refuses))
    world = PretendGraph(staff(), lies=lies)
    if nulls:
        world.put({"userPrincipalName": None})

    outcome = list_world(world, query, options)

    record = assert_no_false_proof(world, query, outcome)
    assert record.verdict == "unproved"
    assert record.missing in ("count", "prefixes", "second_reading")


@pytest.mark.parametrize("kept_back", [1, 2, 5, 17, 33, 70])
@pytest.mark.parametrize("options", [CHAIN, AUTO], ids=["chain", "ranges"])
def test_a_count_says_how_many_every_reading_keeps_back(
    kept_back: int, options: ListingOptions
) -> None:
    """Of three thousand; the second reading that brings no more does not make it the truth."""
    world = PretendGraph(people(3000))
    hidden = set(sorted(world.directory)[:kept_back])
    world.hides = lambda record: record["id"] in hidden

    outcome = list_world(world, options=options._replace(page_size=200))

    record = assert_no_false_proof(world, Query(), outcome)
    assert record.why == f"Graph counts 3,000, and {3000 - kept_back:,} were found"
    assert "read a second time" in " ".join(record.notes)


@pytest.mark.parametrize(
    ("before", "after"),
    [(300, 297), (303, 300), (300, None), (None, 300), (297, 300), (10**9, 297), (0, 300)],
)
def test_one_count_that_agrees_does_not_outweigh_one_that_does_not(
    before: int | None, after: int | None
) -> None:
    """Both have to be explained, from whatever moment they are: here 297 come."""
    world = PretendGraph(staff())
    hidden = set(sorted(world.directory)[:3])
    world.hides = lambda record: record["id"] in hidden
    unanswered: list[int] = [0] if before is None else []
    asked = [] if before is None else [before]
    world.lies.count = lambda _: asked.pop() if asked else after or 0
    world.lies.no_count_at = range(1, 99) if after is None else unanswered

    record = assert_no_false_proof(world, Query(), list_world(world, options=CHAIN))

    assert record.missing == "count"


# The directory changes, and replicas have not heard of it.


def list_with_change(
    world: PretendGraph, query: Query, options: ListingOptions, change: Callable[[], object]
) -> Outcome:
    """List it, and let something happen once the first page was written."""
    waiting = [change]

    def watch() -> None:
        if waiting:
            waiting.pop()()

    return list_world(world, query, options, watch=watch)


def hire(world: PretendGraph) -> None:
    world.put({"userPrincipalName": "0-new", "accountEnabled": True, "department": "IT"})


def move(world: PretendGraph) -> None:
    """Somebody moves from the end to the beginning, which was read already."""
    last = max(world.directory.values(), key=lambda one: str(one["userPrincipalName"]))
    world.put({"id": last["id"], "userPrincipalName": "0-moved"})


def leave(world: PretendGraph) -> None:
    world.remove(min(world.directory, key=lambda key: world.directory[key]["userPrincipalName"]))


def block(world: PretendGraph) -> None:
    first = min(world.directory, key=lambda key: world.directory[key]["userPrincipalName"])
    gone = {"accountEnabled": False, "department": None, "jobTitle": "Former"}
    world.put({"id": first, **gone})


CHANGES = {"hired": hire, "moved": move, "dismissed": leave, "blocked": block}
BEHIND: dict[str, dict[Any, float]] = {
    "all routes 4 s": {"list": 4, "filter": 4, "id in": 4},
    "look-ups 4 s": {"id in": 4},
    "lists 60 s": {"list": 60, "filter": 60},
    "all routes for ever": {"list": 1e6, "filter": 1e6, "id in": 1e6},
}
COUNTED: dict[str, Container[int]] = {"counted": (), "not counted": range(99)}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("options", [CHAIN, AUTO], ids=["chain", "ranges"])
@pytest.mark.parametrize("counted", COUNTED)
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("change", CHANGES)
def test_what_replicas_have_not_heard_of_is_not_missed(
    change: str, behind: str, counted: str, options: ListingOptions, query: Query
) -> None:
    """What the delta names and nothing shows is a doubt until it is shown, or named as gone."""
    world = LaggingGraph(staff(60), behind=BEHIND[behind])
    world.lies.no_count_at = COUNTED[counted]

    outcome = list_with_change(world, query, options, lambda: CHANGES[change](world))

    record = assert_no_false_proof(world, query, outcome)
    assert outcome.twice == []
    if counted == "not counted":
        assert record.verdict == "unproved"
    elif behind == "look-ups 4 s" and query.filter != UNDECIDABLE.filter:
        assert record.verdict == "complete", record.why
    if behind == "all routes for ever" and not query.filter:
        assert record.missing == "shown"


@pytest.mark.parametrize("correcting", [True, False])
def test_who_comes_back_in_a_second_reading_is_still_gone(correcting: bool) -> None:
    """A list that lags shows again who was taken out, and a count that is too high asks for it."""
    counts = [62, 62, 62]
    world = LaggingGraph(staff(60), behind={"list": 1e6, "filter": 0, "id in": 0})
    world.lies.count = lambda count: counts.pop() if counts else count

    waiting = [leave, leave]

    def watch() -> None:
        if waiting:
            waiting.pop()(world)

    outcome = list_world(world, options=CHAIN, watch=watch, correcting=correcting)

    assert_no_false_proof(world, Query(), outcome)
    assert outcome.twice == []


# The delta fails, lies or does not exist.


@pytest.mark.parametrize(
    "lies",
    [
        *(Lies(dead_delta=True), Lies(no_delta=True), Lies(eager_delta=True)),
        *(Lies(dead_delta=True, no_count=True), Lies(no_delta=True, truncates=2)),
        *(Lies(eager_delta=True, truncates=1), Lies(no_delta=True, no_count=True)),
    ],
    ids=["410", "none", "all", "410, no count", "none, cut short", "all, cut short", "neither"],
)
@pytest.mark.parametrize("options", [CHAIN, AUTO], ids=["chain", "ranges"])
def test_without_the_delta_several_pages_prove_nothing(lies: Lies, options: ListingOptions) -> None:
    """Whether it is dead, absent, or tells of everybody."""
    world = PretendGraph(staff(), delta_page=20, lies=lies)

    outcome = list_with_change(world, Query(), options, lambda: move(world))

    assert assert_no_false_proof(world, Query(), outcome).verdict == "unproved"


class Silent(PretendGraph):
    """A delta that never tells of anything."""

    def _tell(self, since: int, select: list[str]) -> list[Record]:  # noqa: ARG002 - as it is asked
        return []


@pytest.mark.parametrize("change", ["hired", "moved"])
def test_a_delta_that_keeps_silent_shows_in_the_count(change: str) -> None:
    """Who came, or moved to where everything was read, is missing: Graph counts one more."""
    world = Silent(staff(), by_id=change == "hired")
    if change == "hired":
        made = {"id": "00000000-0000-4000-8000-000000000000"}
        outcome = list_with_change(
            world, Query(), CHAIN, lambda: world.put({**made, "userPrincipalName": "new"})
        )
    else:
        outcome = list_with_change(world, Query(), CHAIN, lambda: move(world))

    assert_no_false_proof(world, Query(), outcome)


# Records come twice, or without an ID of their own.


class Twins(PretendGraph):
    """Two people are shown with one ID."""

    def _find(self, position: Any) -> Any:
        rows, after, more = super()._find(position)
        twins = sorted(self.directory)[:2]
        return [{**one, "id": twins[0]} if one["id"] in twins else one for one in rows], after, more


class Repeating(PretendGraph):
    """Every chain begins with its first page again, in place of its third."""

    def _find(self, position: Any) -> Any:
        rows, after, more = super()._find(position)
        if position.page == 2:
            rows = super()._find(replace(position, after=None, page=0))[0]
        return rows, after, more


@pytest.mark.parametrize("kind", [Twins, Repeating])
@pytest.mark.parametrize("options", [CHAIN, AUTO], ids=["chain", "ranges"])
@pytest.mark.parametrize("counted", COUNTED)
def test_what_comes_twice_hides_nobody(
    kind: type[PretendGraph], options: ListingOptions, counted: str
) -> None:
    """The second of one ID is dropped, and whose place it took is missed."""
    world = kind(staff(200), by_id=True)
    world.lies.no_count_at = COUNTED[counted]

    record = assert_no_false_proof(world, Query(), list_world(world, options=options))

    assert record.verdict == "unproved"


@pytest.mark.parametrize("blank", ["", None, 7, False, [], {}])
@pytest.mark.parametrize("options", [CHAIN, AUTO], ids=["chain", "ranges"])
def test_a_record_without_an_id_ends_the_listing(blank: Any, options: ListingOptions) -> None:
    """Three of them would be one: the page is malformed."""
    world = PretendGraph(people(60))
    nameless = set(sorted(world.directory)[:3])
    world.shows = lambda one: {**one, "id": blank} if one["id"] in nameless else one

    outcome = list_world(world, options=options)

    assert outcome.record is None
    assert outcome.error is not None
    assert outcome.error.code == "page_malformed"


@pytest.mark.parametrize("form", ["{:08x}-abcd-4000-8000-000000000000", "x{}"])
def test_ids_that_differ_by_case_alone_are_two(form: str) -> None:
    """None of the two is dropped as a repetition of the other."""
    world = PretendGraph(
        [
            {**one, "id": form.format(at // 2).upper() if at % 2 else form.format(at // 2)}
            for at, one in enumerate(people(60))
        ]
    )

    outcome = list_world(world, options=CHAIN)

    assert outcome.written == world.shown()
    assert outcome.proved.verdict == "complete"


# Other ways to a listing.


@pytest.mark.parametrize("counted", COUNTED)
@pytest.mark.parametrize("pages", [1, 2])
@pytest.mark.parametrize("number", [15, 300])
def test_members_that_are_cut_short_are_not_all(number: int, pages: int, counted: str) -> None:
    """A path that nothing is known of: no key, no delta."""
    world = PretendGraph(people(number), collection="members", page_size=10)
    world.lies = Lies(truncates=pages, no_count_at=COUNTED[counted])

    outcome = list_world(world, options=CHAIN)

    record = assert_no_false_proof(world, Query(), outcome)
    assert record.verdict == ("unproved" if counted == "not counted" else record.verdict)


@pytest.mark.parametrize("counted", COUNTED)
@pytest.mark.parametrize("stopped_after", [2, 9])
@pytest.mark.parametrize("options", [CHAIN, AUTO], ids=["chain", "ranges"])
def test_what_an_earlier_run_brought_makes_nothing_whole(
    tmp_path: Path, options: ListingOptions, stopped_after: int, counted: str
) -> None:
    """The first run is stopped; in the second a link is lost, or a part is kept back."""
    world = PretendGraph(staff())
    journal = options._replace(journal=tmp_path / "journal")
    seen = [0]

    def stop() -> None:
        seen[0] += 1
        if seen[0] == stopped_after:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        list_world(world, options=journal, watch=stop)
    hidden = set(sorted(world.directory)[::7])
    world.hides = lambda record: record["id"] in hidden
    world.lies = Lies(truncates=5, no_count_at=COUNTED[counted])

    record = assert_no_false_proof(world, Query(), list_world(world, options=journal))

    assert record.verdict == "unproved"


@pytest.mark.parametrize("counted", COUNTED)
def test_throttling_in_the_middle_changes_nothing(counted: str) -> None:
    """Whoever waits for half of the pages still misses the lost ones."""
    world = PretendGraph(
        staff(),
        weather=Weather(throttled=0.3, lost=0.05, unavailable=0.05),
        lies=Lies(truncates=4, no_count_at=COUNTED[counted]),
    )

    record = assert_no_false_proof(world, Query(), list_world(world, options=CHAIN, attempts=12))

    assert record.missing == "count"


def test_related_objects_make_no_listing_whole() -> None:
    """Whoever has members beside is missed like everybody."""
    groups = [{"displayName": f"G{at}", "members": [{"id": "m"}]} for at in range(90)]
    world = PretendGraph(groups, collection="groups", key="displayName")
    world.lies = Lies(truncates=2)

    outcome = list_world(world, options=CHAIN._replace(expand=("members",)))

    assert outcome.proved.missing == "count"


@pytest.mark.parametrize(
    "query", [Query(limit=60), Query(orderby="createdDateTime")], ids=["limit", "advanced index"]
)
def test_what_cannot_be_proved_is_not(query: Query) -> None:
    """And another run is not advised."""
    world = PretendGraph(staff())

    record = list_world(world, query, CHAIN).proved

    assert record.verdict != "complete"
    assert "Run it again" not in record.next_step


# The whole client, over TLS.


@pytest.mark.parametrize(
    "lies",
    [
        *(Lies(truncates=2), Lies(truncates=2, no_count=True), Lies(no_count=True)),
        *(Lies(dead_delta=True), Lies(count=lambda count: count + 1), Lies(no_delta=True)),
    ],
    ids=["cut short", "cut short, no count", "no count", "410", "one more counted", "no delta"],
)
def test_the_library_raises_what_is_not_proved(lies: Lies) -> None:
    """`list` after the last record; `collect` says it in the account, and names the check."""
    world = PretendGraph(staff(100), page_size=20, lies=lies)
    records: list[Any] = []

    async def use(client: Client) -> tuple[UnprovedError, ListingRecord]:
        with pytest.raises(UnprovedError) as caught:
            records.extend([one async for one in client.list("users", options=CHAIN)])
        return caught.value, await client.collect(
            "users", Query(), write=records.extend, options=CHAIN
        )

    async def run() -> tuple[UnprovedError, ListingRecord]:
        async with Client(read_settings(None, {}, server.settings())) as client:
            return await use(client)

    with serving(world) as server:
        error, record = asyncio.run(run())

    assert record.verdict == "unproved"
    assert record.missing in ("count", "replay", "delta")
    assert record.why in str(error)
    assert error.hint is not None
    assert error.hint.startswith(record.next_step)
    assert json.loads(record.to_json())["missing"] == record.missing


class Foreign(PretendGraph):
    """Its lists show a hundred of somebody else's people besides."""

    def _serve_list(self, options: dict[str, str]) -> Response:
        answer = super()._serve_list(options)
        page = json.loads(answer.body)
        if "@odata.nextLink" not in page:
            page["value"] += [{"id": f"foreign-{at}"} for at in range(100)]
        return answer._replace(body=json.dumps(page).encode())


def test_records_of_another_directory_are_too_many() -> None:
    """Only the count tells."""
    world = Foreign(staff(100))

    record = list_world(world, options=CHAIN).proved

    assert record.why == "Graph counts 100, and 200 were found"


# Pages come in another order than ranges have, where the budget binds and ranges are joined.

ORDERS: dict[str, tuple[Collation, Collation]] = {
    "a culture compares, code points page": (letters_alone, str.casefold),
    "code points compare, a culture pages": (str.casefold, letters_alone),
    "case tells apart in pages alone": (str.casefold, str),
    "accents tell apart in pages alone": (accents_aside, str.casefold),
    "nobody can guess the order of ranges": (by_digest, str.casefold),
}
# A count that lags by as many as are missing would not show that they are.
LAGGING = Lies(count=lambda count: count - 9)


def odd_names(number: int) -> list[Record]:
    """Names that cultures and code points put in different places."""
    draws = random.Random(number)
    signs = [*"abdeghjklmnprstABDEG", "é", "ß", "Ö", "ss", "-", "'", "_"]
    return people(number, lambda at: "".join(draws.choices(signs, k=5)) + f"-{at}")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "weather", [Weather(), Weather(change=0.1, expired=0.03)], ids=["calm", "rough"]
)
def test_no_range_is_left_by_the_order_of_its_pages(order: str, weather: Weather) -> None:
    """What stands behind a page only Graph knows: nothing is missing, even before any check."""
    collation, paging = ORDERS[order]
    world = PretendGraph(
        odd_names(800),
        page_size=20,
        collation=collation,
        paging=paging,
        lies=LAGGING,
        weather=weather,
        make=lambda _, at: {"displayName": f"M{at}"},
        latency=0.02,
        limit=44,
        tells_load=True,
        whole_by_id=True,
        page_cost=2.0,
    )

    outcome = list_world(world, options=AUTO._replace(confirm=False))

    assert outcome.proved.method == "ranges"
    assert outcome.written == world.shown(directory=world.at_last_delta)
