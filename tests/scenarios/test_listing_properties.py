"""
A listing is never taken for complete when it is not, whatever the directory and the weather.

LISTING_CASES=20000 runs as many cases; a failure prints how to repeat it.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import Phase, example, given, note, settings
from hypothesis import strategies as st

from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.parts import ListingStart
from tests.support.divided_world import list_in_parts
from tests.support.killed_world import list_killed
from tests.support.lagging_graph import LaggingGraph, Route
from tests.support.listing_world import COLLATIONS, Outcome, list_world
from tests.support.pretend_graph import DEFAULT, Lies, PretendGraph, Record, Weather

CASES = int(os.environ.get("LISTING_CASES", "300"))
UNTROUBLED = settings(
    max_examples=CASES, phases=[phase for phase in Phase if phase is not Phase.explain]
)

chances = st.sampled_from([0.0, 0.0, 0.0, 0.02, 0.1])
# Any text that JSON carries; of userPrincipalName Graph allows less, of displayName as much.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
SCRIPTS = (
    "abcdefghij",
    "äéøßçabc",
    "陳王李張劉楊",
    "абвгдежз",
    "اب ت",
    "\U0001f600\U0001f468\u200d",
    "'# &%+~",
)


def draw_keys(draws: random.Random, count: int) -> list[str]:
    """Names as directories have them: of many scripts, or nearly all beginning alike."""
    shape = draws.choice(["scripts", "one script", "alike", "numbers"])
    script = draws.choice(SCRIPTS)
    keys = []
    for number in range(count):
        letters = draws.choice(SCRIPTS) if shape == "scripts" else script
        text = "".join(draws.choices(letters, k=draws.randint(1, 5)))
        if shape == "alike" and draws.random() < 0.9:
            text = f"svc-{text}"
        keys.append(f"{number:05d}" if shape == "numbers" else text)
    return keys


@st.composite
def weathers(draw: st.DrawFn) -> Weather:
    names = "throttled unavailable lost garbled expired short empty repeat".split()
    weather = Weather()
    for name in names:
        setattr(weather, name, draw(chances))
    weather.unauthorized = draw(st.sampled_from([0.0, 0.02]))
    weather.change = draw(st.sampled_from([0.0, 0.02, 0.1, 0.3]))
    return weather


def alter(draws: random.Random, record: Record) -> list[Record]:
    """What is shown, or what filters test, changes: to something else, nothing, or to and fro."""
    text = draws.choice([None, "Sales", "IT", f"d{draws.randrange(9)}"])
    moved: Record = draws.choice(
        [
            {draws.choice(["department", "jobTitle"]): text},
            {"accountEnabled": not record.get("accountEnabled")},
        ]
    )
    old = {name: record.get(name) for name in moved}
    return draws.choice([[moved], [moved], [moved, old]])


# The last is that of a replica that hears of nothing until the listing is over.
lags = st.sampled_from([0.0, 0.0, 0.0, 0.3, 4.0, 60.0, 3600.0])
ROUTES: tuple[Route, ...] = ("list", "filter", "id in", "id in filter")
# Of the questions for a count, which are not answered: the one before, the one after, some, all.
uncounted = st.sampled_from(
    [frozenset[int](), frozenset[int](), frozenset({0}), frozenset({1}), range(1, 99), range(99)]
)


@st.composite
def worlds(draw: st.DrawFn) -> LaggingGraph:
    collection = draw(st.sampled_from(["users", "users", "groups"]))
    key = "userPrincipalName" if collection == "users" else "displayName"
    draws = random.Random(draw(st.integers(0, 2**32)))
    keys = [*draw_keys(draws, draw(st.integers(0, 120))), *draw(st.lists(texts, max_size=20))]
    if collection == "users":
        keys = list(dict.fromkeys(keys))
    nulls = draw(st.booleans())

    def fill(draws: random.Random, number: int, text: str) -> Record:
        return {
            "displayName": None if nulls and draws.random() < 0.5 else f"N{number}",
            "userPrincipalName": f"u{number}",
            "department": draws.choice([None, "Sales", "IT"]),
            "accountEnabled": draws.random() < 0.7,
            key: text,
        }

    def make(draws: random.Random, number: int) -> Record:
        return fill(draws, number, f"{draws.choice([*keys, 'new'])}{draws.randrange(999)}")

    records = [fill(draws, number, text) for number, text in enumerate(keys)]
    if draw(st.integers(0, 4)) == 0:
        # Neighbours whose IDs differ by case alone: as GUIDs, and as any text.
        form = draw(st.sampled_from(["{:08x}-abcd-4000-8000-000000000000", "x{}"]))
        for number, record in enumerate(records):
            text = form.format(number // 2)
            record["id"] = text.upper() if number % 2 else text
    lies = Lies(no_count_at=draw(uncounted), lag=draw(st.integers(0, 3)))
    return LaggingGraph(
        records,
        seed=draw(st.integers(0, 2**32)),
        collection=collection,
        key=key,
        collation=draw(st.sampled_from(COLLATIONS)),
        by_id=draw(st.booleans()),
        delta_page=draw(st.sampled_from([3, 200])),
        weather=draw(weathers()),
        lies=lies,
        make=make,
        alter=alter,
        behind={route: draw(lags) for route in ROUTES},
    )


@st.composite
def questions(draw: st.DrawFn) -> Query:
    select = draw(st.sampled_from(["", "displayName", "userPrincipalName,department"]))
    conditions = (None, "accountEnabled eq true", "department ge 'M'")
    condition = draw(st.sampled_from(conditions))
    return Query(tuple(name for name in select.split(",") if name), condition)


@st.composite
def ways(draw: st.DrawFn) -> ListingOptions:
    method: Any = draw(st.sampled_from(["auto", "auto", "auto", "prefixes", "chain"]))
    size = draw(st.integers(1, 7))
    return ListingOptions(method, chains=draw(st.integers(1, 8)), page_size=size)


def assert_proved_truly(world: PretendGraph, query: Query, outcome: Outcome) -> None:
    """What is called complete is, record for record, what the directory was when it ended."""
    note(f"{outcome.record} {outcome.error}")
    assert outcome.twice == []
    record = outcome.record
    if record is None:
        return
    if record.verdict != "complete":
        assert record.missing
        return
    end = world.at_last_delta if record.replay else world.at_last_list
    assert outcome.written == world.shown(query.select, query.filter or "", end)
    assert record.records == len(outcome.written)


LIES = (
    *(Lies(no_delta=True), Lies(dead_delta=True), Lies(eager_delta=True), Lies(ignores=True)),
    *(Lies(refuses=(" ge ", " le ")), Lies(truncates=2)),
    *(Lies(count=lambda count: count // 2), Lies(count=lambda count: count + 9)),
)


def lie(world: LaggingGraph, lies: Lies) -> None:
    """Let the service lie, too; which of its counts are missing stays as it is."""
    if lies.no_count_at == ():
        lies = replace(lies, no_count_at=world.lies.no_count_at)
    world.lies = lies
    if lies.truncates:
        # What a chain keeps back shows in the count alone, which must be of the same moment.
        world.weather.change = 0


@UNTROUBLED
@given(worlds(), questions(), ways(), st.booleans(), st.sampled_from([(), DEFAULT]))
def test_a_complete_listing_is_the_directory_at_its_end(
    world: LaggingGraph,
    query: Query,
    options: ListingOptions,
    correcting: bool,
    defaults: tuple[str, ...],
) -> None:
    """Whatever the weather, however far replicas are behind, and whatever is not counted."""
    outcome = list_world(world, query, options, correcting=correcting, defaults=defaults)

    assert_proved_truly(world, query, outcome)


@settings(UNTROUBLED, max_examples=max(1, CASES // 3))
@given(
    worlds(),
    questions(),
    ways(),
    st.integers(1, 12),
    st.integers(0, 99),
    st.sampled_from([(), DEFAULT]),
    st.sampled_from([None, None, *LIES]),
)
def test_a_complete_listing_in_parts_is_the_directory_at_its_end(
    world: LaggingGraph,
    query: Query,
    options: ListingOptions,
    parts: int,
    seed: int,
    defaults: tuple[str, ...],
    lies: Lies | None,
) -> None:
    """Whoever reads the parts, in whatever order, and some twice, and lies come with them."""
    if lies is not None and lies.truncates:
        # As in `lie`: the count at the beginning, too, has to be of the same moment.
        world.lies.lag, world.weather.change = 0, 0

    def begin_to_lie(_: ListingStart) -> None:
        if lies is not None:
            lie(world, lies)

    outcome = list_in_parts(
        world, query, options, parts=parts, seed=seed, defaults=defaults, between=begin_to_lie
    )

    assert_proved_truly(world, query, outcome)


@settings(UNTROUBLED, max_examples=max(1, CASES // 3))
@given(
    worlds(),
    questions(),
    ways(),
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.sampled_from([None, None, *LIES]),
    st.sampled_from([(), DEFAULT]),
    st.randoms(use_true_random=False),
)
def test_a_complete_listing_that_was_killed_and_gone_on_with_is_the_directory_at_its_end(
    world: LaggingGraph,
    query: Query,
    options: ListingOptions,
    kills: list[int],
    lies: Lies | None,
    defaults: tuple[str, ...],
    draws: random.Random,
) -> None:
    """Whichever request the process is killed with, and whatever is left of its journal."""
    if lies is not None:
        lie(world, lies)

    def tear(left: bytes) -> bytes:
        end = left.rfind(b'#{"commit"')
        if end < 0 or draws.random() < 0.5:
            return left
        end = left.index(b"\n", end) + 1
        return left[: draws.randint(end, len(left))] + draws.randbytes(draws.randint(0, 50))

    with TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        outcome = list_killed(
            world, query, options, journal, kills=kills, tear=tear, defaults=defaults
        )

    assert_proved_truly(world, query, outcome)


@UNTROUBLED
@given(worlds(), ways(), st.sampled_from([(), (" ge ",), (" ge ", "starts")]))
def test_a_quiet_directory_is_listed_completely(
    world: LaggingGraph, options: ListingOptions, refuses: tuple[str, ...]
) -> None:
    """Where nothing changes and no answer fails, every way but guessing prefixes is complete."""
    world.weather = Weather(short=world.weather.short, empty=world.weather.empty)
    world.lies = Lies(refuses=refuses)
    outcome = list_world(world, options=options)

    note(str(outcome.record))
    if outcome.proved.method != "prefixes":
        assert outcome.proved.verdict == "complete"
        assert outcome.written == world.shown()
    assert outcome.twice == []


@UNTROUBLED
@given(worlds(), ways(), st.data(), st.booleans(), st.booleans())
def test_what_parts_do_not_bring_is_found_out(
    world: LaggingGraph,
    options: ListingOptions,
    data: st.DataObject,
    no_count: bool,
    nameless: bool,
) -> None:
    """Withheld, or without a name: it is missed, and read in one chain."""
    some = set(data.draw(st.lists(st.sampled_from(sorted(world.directory) or [""]))))
    if nameless:
        for one in some & world.directory.keys():
            world.put({"id": one, world.key: None})
    world.lies = Lies(withholds=lambda record: record["id"] in some, no_count=no_count)
    world.weather.change = 0
    outcome = list_world(world, options=options)

    assert_proved_truly(world, Query(), outcome)


# A listing without an end is given up after a thousand requests: few cases, but for a whole night.
ENDLESS = (Lies(endless=True),) if CASES > 1000 else ()


def world_counted_before() -> LaggingGraph:
    """Thirty-two people, of whom prefixes and chains of two pages bring some."""
    names = [*"abcdefghij", *(f"svc-{at}" for at in range(22))]
    return LaggingGraph([{"userPrincipalName": name} for name in names], seed=84735266)


@UNTROUBLED
@example(
    world_counted_before(),
    Query(),
    ListingOptions("prefixes", chains=3, page_size=2),
    Lies(truncates=2, no_count_at=range(1, 99)),
    False,
)
@example(
    world_counted_before(),
    Query(),
    ListingOptions("chain", chains=3, page_size=2),
    Lies(endless=True),
    False,
)
@example(
    world_counted_before(),
    Query(),
    ListingOptions(chains=3, page_size=2),
    Lies(endless=True),
    True,
)
@given(worlds(), questions(), ways(), st.sampled_from(LIES + ENDLESS), st.booleans())
def test_whoever_lies_proves_nothing_false(
    world: LaggingGraph, query: Query, options: ListingOptions, lies: Lies, correcting: bool
) -> None:
    """Whatever the service lies about besides, no part of a directory is called the whole."""
    lie(world, lies)
    outcome = list_world(world, query, options, correcting=correcting)

    assert_proved_truly(world, query, outcome)


@UNTROUBLED
@given(worlds(), questions(), ways(), st.sampled_from([0.02, 0.1, 0.5]), st.booleans())
def test_a_lost_next_link_is_never_the_end_of_a_complete_listing(
    world: LaggingGraph,
    query: Query,
    options: ListingOptions,
    unlinked: float,
    changing: bool,
) -> None:
    """An honest count shows it; where it is as high as what is gone explains, nothing does."""
    world.weather.unlinked = unlinked
    world.lies.lag = 0
    if not changing:
        world.weather.change = 0
    outcome = list_world(world, query, options)

    record = outcome.record
    if not changing or record is None or record.verdict != "complete":
        assert_proved_truly(world, query, outcome)
        return
    note(str(record))
    end = world.at_last_delta if record.replay else world.at_last_list
    expected = world.shown(query.select, query.filter or "", end)
    named = {change.id for change in world.changes_told()}
    assert outcome.written.items() <= expected.items()
    assert len(expected) - len(outcome.written) <= len(named)


@UNTROUBLED
@given(worlds(), ways(), st.sampled_from(["", None, 7]), st.integers(0, 200))
def test_a_record_without_an_id_is_never_part_of_a_complete_listing(
    world: LaggingGraph, options: ListingOptions, blank: Any, at: int
) -> None:
    """Nobody could tell it from another one: the listing fails, unless prefixes miss the record."""
    keys = sorted(world.directory)
    chosen = keys[at % len(keys)] if keys else ""
    world.shows = lambda record: {**record, "id": blank} if record["id"] == chosen else record
    world.weather.change = 0
    outcome = list_world(world, options=options)

    note(f"{outcome.record} {outcome.error}")
    if keys:
        assert outcome.error is not None or outcome.proved.missing == "prefixes"
    assert_proved_truly(world, Query(), outcome)
