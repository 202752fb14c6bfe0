"""One listing: how it is divided, what it survives, which lies it finds out, when it is proved."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import Error
from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from tests.support import virtual_time
from tests.support.listing_world import Outcome, list_world
from tests.support.pretend_graph import ROOT, Lies, PretendGraph, Record, Weather

SMALL = ListingOptions(page_size=20)


def people(number: int, name: Callable[[int], str] = "u{:06d}".format) -> list[Record]:
    return [{"userPrincipalName": name(at), "displayName": f"N{at}"} for at in range(number)]


def scattered(number: int) -> list[Record]:
    """Names in no order, as a tenant gathers them."""
    draws = random.Random(number)
    return people(number, lambda at: f"{draws.choice('abdeghjklmnprst')}{draws.random()}-{at}")


def assert_complete(outcome: Outcome, world: PretendGraph) -> None:
    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown()
    assert outcome.twice == []


# How it is read.


def test_a_small_directory_is_one_page_between_two_deltas() -> None:
    """Three questions and the count; nothing is probed that is not needed."""
    world = PretendGraph(people(5))

    outcome = list_world(world)

    assert_complete(outcome, world)
    assert [one.url.removeprefix(f"{ROOT}/users") for one in world.asked[:2]] == [
        "/delta?$deltatoken=latest",
        "?$top=999",
    ]
    assert len(world.asked) == 4
    assert outcome.proved.method == "chain"


@pytest.mark.parametrize("by_id", [False, True], ids=["sorted by key", "sorted by ID"])
def test_a_large_directory_is_read_in_parallel(by_id: bool) -> None:
    """Ranges are read many at a time, whatever order the pages come in."""
    world = PretendGraph(scattered(4000), by_id=by_id)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    assert world.most_in_flight > 10
    # In one chain: 200 pages after one another, 0.1 s each.
    assert outcome.seconds < 6


@pytest.mark.parametrize(
    "name",
    [
        lambda at: f"svc-{at:06d}" if at % 10 else f"{'abcz'[at % 4]}{at}",
        lambda at: f"aaaaaaaaaaaaaaaaaaaa{at:06d}",
        lambda at: chr(0x4E00 + at * 7 % 8000) + str(at),
        lambda at: f"é{at}" if at % 2 else f"Ω{at}",
    ],
    ids=["one prefix", "all alike", "chinese", "accents"],
)
@pytest.mark.parametrize("has_sample", [True, False], ids=["sample", "no sample"])
def test_skew_does_not_matter_for_long(
    name: Callable[[int], str], has_sample: bool, tmp_path: Path
) -> None:
    """The first listing finds out how names are spread; the second one is as fast as can be."""
    plan = tmp_path / "plan.json"
    options = ListingOptions(page_size=20, plan=plan)
    world = PretendGraph(people(3000, name), delta_page=200 if has_sample else 1)

    first = list_world(world, options=options)
    second = list_world(world, options=options)

    for outcome in (first, second):
        assert_complete(outcome, world)
        assert outcome.proved.method == "ranges"
    # In one chain: 150 pages, 15 s.
    assert first.seconds < 10
    assert second.seconds < 2.2
    assert second.proved.pages < 200
    assert second.proved.splits == 0


def test_a_plan_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """It holds beginnings of names."""
    plan = tmp_path / "deeper" / "plan.json"

    list_world(PretendGraph(scattered(200)), options=ListingOptions(page_size=20, plan=plan))

    assert plan.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"key":"x","records":1,"boundaries":["a"]}', b'{"boundaries":[1]}']
)
def test_a_wrong_plan_costs_only_time(tmp_path: Path, content: bytes) -> None:
    """What is no plan, or one for another property, is none."""
    plan = tmp_path / "plan.json"
    plan.write_bytes(content)
    world = PretendGraph(scattered(200))

    assert_complete(list_world(world, options=ListingOptions(page_size=20, plan=plan)), world)


def test_a_plan_for_another_directory_costs_only_time(tmp_path: Path) -> None:
    """Everything in one range is divided again."""
    plan = tmp_path / "plan.json"
    options = ListingOptions(page_size=20, plan=plan)
    list_world(PretendGraph(people(1000, "a{:05d}".format)), options=options)
    world = PretendGraph(people(2000, "z{:05d}".format))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert outcome.proved.splits > 0
    assert outcome.seconds < 8


def test_the_key_need_not_be_selected() -> None:
    """What ranges are made of is asked for beside, and not added to the output."""
    world = PretendGraph(scattered(500))

    outcome = list_world(world, Query(("displayName",)), SMALL)

    assert outcome.proved.method == "ranges"
    assert outcome.written == world.shown(("displayName",))


def test_a_rename_is_followed_where_the_name_is_not_shown() -> None:
    """Whoever moves to a range that was read already is missed there, and told by the delta."""
    world = PretendGraph(people(200), weather=Weather(change=0.3))
    world.make = lambda draws, _: {"userPrincipalName": f"u{draws.randrange(10**6):06d}"}
    complete = 0
    for seed in range(20):
        world.draws.seed(seed)
        outcome = list_world(world, Query(("department",)), ListingOptions(page_size=7, chains=3))
        if outcome.proved.verdict == "complete":
            complete += 1
            assert outcome.written == world.shown(("department",), directory=world.at_last_delta)
    assert complete


def test_all_of_one_name_are_read_in_one_chain() -> None:
    """What cannot be divided is not."""
    groups = [{"displayName": "All", "userPrincipalName": str(at)} for at in range(100)]
    world = PretendGraph(groups, collection="groups", key="displayName")

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"


def test_a_key_that_can_be_null_divides_nothing() -> None:
    """A range would never bring who has no name."""
    groups = [{"displayName": f"G{at}" if at else None} for at in range(100)]
    world = PretendGraph(groups, collection="groups", key="displayName")

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "null" in outcome.proved.notes[0]


def test_service_principals_are_divided_by_the_digits_of_their_app_id() -> None:
    """Sixteen prefixes are certain to cover every GUID, so they need no chain besides."""
    draws = random.Random(1)
    apps = [
        {"appId": f"{draws.getrandbits(128):032x}", "displayName": None if at % 3 else "x"}
        for at in range(400)
    ]
    world = PretendGraph(apps, collection="servicePrincipals", key="appId")
    world.lies = Lies(refuses=(" ge ",))

    outcome = list_world(world, Query(("appId",)), SMALL)

    assert outcome.proved.verdict == "complete"
    assert outcome.proved.method == "prefixes"
    assert outcome.proved.ranges == 16
    assert outcome.written == world.shown(("appId",))


def test_where_ranges_are_refused_it_is_said_and_one_chain_is_read() -> None:
    """400 to the probe is no failure."""
    world = PretendGraph(scattered(300), lies=Lies(refuses=(" ge ",)))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "refused (Request_UnsupportedQuery)" in outcome.proved.notes[0]


def test_prefixes_on_request_are_not_taken_for_proof() -> None:
    """A name may begin with something else; as many as Graph counts is no proof either."""
    world = PretendGraph(scattered(300))

    outcome = list_world(world, options=ListingOptions("prefixes", page_size=20))

    assert outcome.written == world.shown()
    assert outcome.proved.method == "prefixes"
    assert outcome.proved.verdict == "unproved"
    assert outcome.proved.exit_code == 8


def test_prefixes_that_miss_somebody_are_made_good_in_one_chain() -> None:
    """The count tells, where it does."""
    strange = people(30, "\N{SNOWMAN}{}".format)
    world = PretendGraph([*scattered(200), *strange], by_id=True, seed=3)
    world.page_size = 5

    outcome = list_world(world, options=ListingOptions("prefixes", page_size=5))

    assert outcome.written == world.shown()


def test_ranges_refused_in_the_middle_end_in_one_chain(tmp_path: Path) -> None:
    """A plan from better days does no harm."""
    plan = tmp_path / "plan.json"
    options = ListingOptions(page_size=20, plan=plan)
    world = PretendGraph(scattered(500))
    list_world(world, options=options)
    world.lies = Lies(refuses=(" ge ",))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"


# What it survives.


@pytest.mark.parametrize(
    "trouble",
    [
        {"throttled": 0.2},
        {"unavailable": 0.2},
        {"lost": 0.2},
        {"garbled": 0.2},
        {"unauthorized": 0.05},
        {"expired": 0.2},
        {"short": 0.5, "empty": 0.3},
        {"change": 0.5, "repeat": 0.5},
    ],
    ids="+".join,
)
def test_bad_weather_is_survived(trouble: dict[str, float]) -> None:
    """Every kind of passing trouble costs time, and nothing else."""
    world = PretendGraph(scattered(600), weather=Weather(**trouble), seed=4)  # type: ignore[arg-type]  # rates
    world.make = lambda _, number: {"displayName": f"M{number}"}

    outcome = list_world(world, options=SMALL, attempts=12)

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown(directory=world.at_last_delta)


def test_an_expired_page_link_begins_its_own_range_anew() -> None:
    """The others go on; what came twice is written once."""
    world = PretendGraph(scattered(600), weather=Weather(expired=0.1))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.restarts > 0
    assert outcome.proved.duplicates > 0


@pytest.mark.parametrize("by_id", [False, True], ids=["sorted by key", "sorted by ID"])
def test_ranges_need_no_link_in_the_end(by_id: bool) -> None:
    """Where every page link is refused, parts are divided until each is a page."""
    world = PretendGraph(scattered(400), weather=Weather(expired=1), by_id=by_id, delta_page=999)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    assert len(world.asked) < 400


def test_a_link_that_never_works_ends_the_listing() -> None:
    """Always refused is no accident."""
    world = PretendGraph(people(50), weather=Weather(expired=1))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "request_refused"
    assert len(world.asked) < 30


def test_what_changed_meanwhile_is_corrected() -> None:
    """Hired, dismissed, renamed: the output is the directory at the end."""
    world = PretendGraph(scattered(400), weather=Weather(change=0.4), seed=2)

    outcome = list_world(world, options=SMALL)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown(directory=world.at_last_delta)
    replay = outcome.proved.replay
    assert replay is not None
    assert replay.applied
    assert replay.changed + replay.removed > 0
    assert replay.appeared > 0


def test_what_left_and_then_changed_is_not_called_proved() -> None:
    """Records that went down a pipe cannot be put right."""
    world = PretendGraph(scattered(400), weather=Weather(change=0.4), seed=2)

    outcome = list_world(world, options=SMALL, correcting=False)

    assert outcome.proved.verdict == "unproved"
    assert "changed meanwhile" in outcome.proved.why
    assert outcome.proved.replay is not None
    assert outcome.proved.replay.late > 0


def test_a_deadline_ends_it_with_an_account() -> None:
    """Nobody waits for ever, and what was read until then is told."""
    world = PretendGraph(scattered(2000), latency=1)

    outcome = list_world(world, options=ListingOptions("chain", page_size=20, seconds=10))

    assert outcome.error is not None
    assert outcome.error.code == "listing_overdue"
    account: Any = outcome.error.listing
    assert account.verdict == "incomplete"
    assert 0 < account.records < 2000


def test_a_failure_has_the_account_so_far() -> None:
    """A proof file can be written for what failed, too."""
    world = PretendGraph(people(100), weather=Weather(unavailable=0.9), seed=1)

    outcome = list_world(world, options=ListingOptions("chain", page_size=5))

    assert outcome.error is not None
    account: Any = outcome.error.listing
    assert account.verdict == "incomplete"
    assert account.retries > 0


# Which lies it finds out.


def test_an_ignored_filter_is_found_out() -> None:
    """Every range would be everything: it is read once, in one chain."""
    world = PretendGraph(scattered(200), lies=Lies(ignores=True))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "not honoured" in outcome.proved.notes[0]
    assert outcome.proved.pages < 20


def test_withheld_records_of_the_first_page_are_missed() -> None:
    """Each of them has to turn up in some range, though no count is to be had."""
    world = PretendGraph(scattered(300), by_id=True)
    first = min(world.directory)
    world.lies = Lies(withholds=lambda record: record["id"] == first, no_count=True)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "in none of the parts" in outcome.proved.notes[-1]


def test_withheld_records_are_missed_at_the_count() -> None:
    """One too few is enough to read all once more."""
    world = PretendGraph(scattered(300), by_id=True)
    last = max(world.directory)
    world.lies = Lies(withholds=lambda record: record["id"] == last)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert "Graph counts 300, and 299 were found" in outcome.proved.notes[-1]


@pytest.mark.parametrize("counted", [0, 5, 10**6])
def test_a_wrong_count_is_said(counted: int) -> None:
    """Two readings agree with each other and not with it: who is right is not ours to say."""
    world = PretendGraph(scattered(300), lies=Lies(count=lambda _: counted))

    outcome = list_world(world, options=SMALL)

    assert outcome.written == world.shown()
    assert outcome.proved.verdict == "unproved"
    assert "were found" in outcome.proved.why


def test_a_count_that_lags_a_little_is_no_lie() -> None:
    """It comes from an index that is behind by minutes."""
    world = PretendGraph(scattered(300), lies=Lies(count=lambda count: count - 2))

    assert_complete(list_world(world, options=SMALL), world)


def test_a_chain_that_ends_early_is_found_out() -> None:
    """A last page that is not the last looks complete to everybody but the count."""
    world = PretendGraph(people(300), lies=Lies(truncates=3))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.proved.verdict == "unproved"
    assert outcome.proved.why == "Graph counts 300, and 60 were found"


LINKS: dict[str, Callable[[str], str]] = {
    "another host": lambda link: link.replace("graph.test", "evil.test"),
    "http": lambda link: link.replace("https:", "http:"),
    "another port": lambda link: link.replace("graph.test", "graph.test:8443"),
    "a user name": lambda link: link.replace("https://", "https://graph.test@evil.test/"),
    "another tenant": lambda link: link.replace("/v1.0/users", "/v1.0/contoso.example/users"),
    "another collection": lambda link: link.replace("/users", "/groups"),
}


@pytest.mark.parametrize("method", ["auto", "chain"])
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_link_elsewhere_is_not_followed(link: Callable[[str], str], method: Any) -> None:
    """It ends the listing, and nothing, least of all the token, goes there."""
    world = PretendGraph(scattered(300), lies=Lies(link=link))

    outcome = list_world(world, options=ListingOptions(method, page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "link_foreign"
    assert {one.url.partition("?")[0] for one in world.asked} <= {
        f"{ROOT}/users",
        f"{ROOT}/users/delta",
        f"{ROOT}/users/$count",
    }


def make_circle(length: int) -> Callable[[str], str]:
    numbers = count()
    return lambda _: f"{ROOT}/users?$skiptoken={next(numbers) % length}"


@pytest.mark.parametrize(
    "lies",
    [
        Lies(link=lambda _: f"{ROOT}/users?$top=20"),
        Lies(link=lambda _: f"{ROOT}/users?$skiptoken=0", endless=True),
        Lies(link=make_circle(7), endless=True),
        Lies(endless=True),
    ],
    ids=["itself", "always the same", "a circle", "ever new and empty"],
)
def test_a_chain_without_end_is_ended(lies: Lies) -> None:
    """Next links that lead nowhere are noticed after a bounded number of pages."""
    world = PretendGraph(people(60), lies=lies)

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "page_malformed"
    assert len(world.asked) < 150


def test_the_same_page_under_ever_new_links_is_noticed() -> None:
    """A chain that brings more than there is repeats itself."""
    tokens = count(1)

    class Repeating(PretendGraph):
        def _find(self, position: Any) -> Any:
            page, _, _ = super()._find(position)
            return page, None, True

    world = Repeating(people(60), lies=Lies(link=lambda link: f"{link}&again={next(tokens)}"))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "page_malformed"
    assert "repeats" in str(outcome.error)
    assert len(world.asked) < 100


# When it is proved.


def test_without_a_delta_only_a_single_page_is_proved() -> None:
    """One answer is one moment; of several nobody knows what happened in between."""
    small = PretendGraph(people(10), lies=Lies(no_delta=True))
    large = PretendGraph(people(100), lies=Lies(no_delta=True))

    assert list_world(small).proved.verdict == "complete"
    outcome = list_world(large, options=SMALL)
    assert outcome.proved.verdict == "unproved"
    assert outcome.written == large.shown()


def test_a_delta_that_dies_leaves_it_unproved() -> None:
    """410 at the end: everything was read, and nothing says what changed."""
    world = PretendGraph(people(100), lies=Lies(dead_delta=True))

    outcome = list_world(world, options=SMALL)

    assert outcome.proved.verdict == "unproved"
    assert "410" in outcome.proved.why


def test_a_limit_is_obeyed_and_is_no_failure() -> None:
    """Whoever asks for ten gets ten, and exit code 0."""
    world = PretendGraph(people(100))

    outcome = list_world(world, Query(limit=10), SMALL)

    assert len(outcome.written) == 10
    assert outcome.proved.verdict == "incomplete"
    assert outcome.proved.exit_code == 0
    assert len(world.asked) == 1


def test_what_the_advanced_index_answers_is_not_proved() -> None:
    """It lags behind the directory by an unknown time."""
    world = PretendGraph(people(100))

    outcome = list_world(world, Query(orderby="createdDateTime"), SMALL)

    assert outcome.proved.verdict == "unproved"
    assert "advanced index" in outcome.proved.why
    assert {one.headers.get("ConsistencyLevel") for one in world.asked} == {"eventual"}


def test_an_order_is_kept() -> None:
    """Sorted pages come from one chain, in their order."""
    world = PretendGraph(scattered(200))

    outcome = list_world(world, Query(orderby="userPrincipalName"), SMALL)

    names = [record["userPrincipalName"] for record in outcome.written.values()]
    assert names == sorted(names)
    assert outcome.proved.verdict == "complete"


def test_without_proof_nothing_is_asked_besides() -> None:
    """One pass over the pages, no delta."""
    world = PretendGraph(people(100))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20, proved=False))

    assert outcome.written == world.shown()
    assert len(world.asked) == 5
    assert outcome.proved.verdict == "unproved"


def test_properties_without_any_value_are_named() -> None:
    """Not set, or not readable with this token: either way somebody should look."""
    world = PretendGraph(people(50))

    outcome = list_world(world, Query(("displayName", "department")), SMALL)

    assert outcome.proved.blank == ["department"]


def test_the_record_is_json_and_a_sentence() -> None:
    """For programs, and for people."""
    world = PretendGraph(people(50))

    record = list_world(world, Query(("displayName",)), SMALL).proved

    told = json.loads(record.to_json())
    assert told["collection"] == "users"
    assert told["query"] == {"select": "displayName"}
    assert told["verdict"] == "complete"
    assert told["count_after"] == 50
    assert told["replay"]["applied"] is True
    assert record.summary().startswith("50 records, complete: ")


def test_progress_is_told_while_it_goes_on() -> None:
    """Records, pages, what is being done, in an order that only grows."""
    world = PretendGraph(scattered(500), weather=Weather(throttled=0.1, retry_after=("5",)))

    outcome = list_world(world, options=SMALL)

    told = outcome.progress
    assert [one.records for one in told] == sorted(one.records for one in told)
    assert {one.stage for one in told} >= {"baseline", "listing", "replay"}
    assert any(one.waiting.startswith("Graph, ") for one in told)
    assert told[-1].records == 500


def test_what_is_read_besides_is_added_to_each_record() -> None:
    """Managers and memberships come in batches, followed to their last page."""
    staff = people(50)
    for at, person in enumerate(staff):
        person["manager"] = {"id": f"boss{at}", "displayName": "Boss"} if at % 2 else None
        person["memberOf"] = [{"id": f"g{number}"} for number in range(at)]
    world = PretendGraph(staff, weather=Weather(throttled=0.05))

    options = ListingOptions(page_size=20, expand=("manager", "memberOf"))
    outcome = list_world(world, options=options, attempts=10)

    assert outcome.proved.verdict == "complete"
    for key, record in outcome.written.items():
        assert record["manager"] == world.directory[key]["manager"]
        assert record["memberOf"] == world.directory[key]["memberOf"]
    assert outcome.proved.expanded == {"manager": 25, "memberOf": 50 * 49 // 2}


def test_long_memberships_are_begun_anew_where_a_link_expires() -> None:
    """Each is whole and without repetition, however often one of its pages was refused."""
    staff = people(30)
    for at, person in enumerate(staff):
        person["memberOf"] = [{"id": f"g{number}", "displayName": "G"} for number in range(at * 3)]
    world = PretendGraph(staff, weather=Weather(expired=0.07, throttled=0.05), page_size=10, seed=5)

    options = ListingOptions("chain", page_size=10, expand=("memberOf",))
    outcome = list_world(world, options=options, attempts=10)

    assert outcome.proved.verdict == "complete"
    for key, record in outcome.written.items():
        assert record["memberOf"] == world.directory[key]["memberOf"]


def test_members_that_may_not_be_read_are_counted() -> None:
    """Graph lists them by ID alone: that is said, not passed over."""
    staff = people(3)
    staff[0]["memberOf"] = [{"id": "g1", "displayName": "G"}, {"id": "g2", "displayName": None}]
    staff[1]["memberOf"] = [{"id": "g2"}]
    world = PretendGraph(staff)

    record = list_world(world, options=ListingOptions(expand=("memberOf",))).proved

    assert record.verdict == "complete"
    assert record.notes == ["2 of 3 memberOf have no displayName (unset or not readable)"]


def test_what_cannot_be_read_besides_is_refused() -> None:
    """A name that the collection does not know is a mistake, said before anything is asked."""
    world = PretendGraph(people(5))

    outcome = list_world(world, options=ListingOptions(expand=("mangaer",)))

    assert isinstance(outcome.error, Error)
    assert outcome.error.exit_code == 2
    assert world.asked == []


def test_many_listings_share_one_connection() -> None:
    """Nothing of one is left in another."""
    world = PretendGraph(scattered(100))

    outcomes = [list_world(world, options=SMALL) for _ in range(3)]

    for outcome in outcomes:
        assert_complete(outcome, world)


def test_a_listing_that_is_left_stops_asking() -> None:
    """Whoever stops listening ends every chain at once."""
    from graphdaemon.graph.catalog import CATALOG
    from graphdaemon.listing.listing import Listing
    from graphdaemon.listing.target import Target

    world = PretendGraph(scattered(2000))

    async def leave() -> int:
        import asyncio

        target = Target(world.graph(), ROOT, CATALOG["users"], Query(), page_size=20)
        batches = Listing(target, SMALL).batches()
        async for _ in batches:
            break
        await batches.aclose()
        asked = len(world.asked)
        await asyncio.sleep(60)
        assert len(asyncio.all_tasks()) == 1
        return len(world.asked) - asked

    assert virtual_time.run(leave()) == 0


def test_a_slow_consumer_slows_the_fetching_down() -> None:
    """Pages that nobody takes are not asked for: memory stays flat."""
    from graphdaemon.graph.catalog import CATALOG
    from graphdaemon.listing.listing import Listing
    from graphdaemon.listing.target import Target

    world = PretendGraph(scattered(4000))

    async def read_slowly() -> list[int]:
        import asyncio

        target = Target(world.graph(), ROOT, CATALOG["users"], Query(), page_size=20)
        ahead, taken = [], 0
        async for records in Listing(target, SMALL).batches():
            taken += len(records)
            await asyncio.sleep(5)
            ahead.append(len(world.asked) - taken // 20)
            if taken > 2000:
                break
        return ahead

    assert max(virtual_time.run(read_slowly())) < 32 + 32 + 40
