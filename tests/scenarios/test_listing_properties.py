"""
A listing is never taken for complete when it is not, whatever the directory and the weather.

LISTING_CASES=20000 runs as many cases; a failure prints how to repeat it.
"""

from __future__ import annotations

import os
import random
from typing import Any

from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.verdict import tolerance
from tests.support.listing_world import COLLATIONS, list_world
from tests.support.pretend_graph import Lies, PretendGraph, Record, Weather

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
    weather.change = draw(st.sampled_from([0.0, 0.01, 0.05, 0.2]))
    return weather


@st.composite
def worlds(draw: st.DrawFn) -> PretendGraph:
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

    lies = Lies(no_count=draw(st.booleans()), lag=draw(st.integers(0, 3)))
    return PretendGraph(
        [fill(draws, number, text) for number, text in enumerate(keys)],
        seed=draw(st.integers(0, 2**32)),
        collection=collection,
        key=key,
        collation=draw(st.sampled_from(COLLATIONS)),
        by_id=draw(st.booleans()),
        delta_page=draw(st.sampled_from([3, 200])),
        weather=draw(weathers()),
        lies=lies,
        make=make,
    )


@st.composite
def questions(draw: st.DrawFn) -> Query:
    select = draw(st.sampled_from(["", "displayName", "userPrincipalName,department"]))
    condition = draw(st.sampled_from([None, None, None, "accountEnabled eq true"]))
    return Query(tuple(name for name in select.split(",") if name), condition)


@st.composite
def ways(draw: st.DrawFn) -> ListingOptions:
    method: Any = draw(st.sampled_from(["auto", "auto", "auto", "prefixes", "chain"]))
    size = draw(st.integers(1, 7))
    return ListingOptions(method, chains=draw(st.integers(1, 8)), page_size=size)


@UNTROUBLED
@given(worlds(), questions(), ways(), st.booleans())
def test_a_complete_listing_is_the_directory_at_its_end(
    world: PretendGraph, query: Query, options: ListingOptions, correcting: bool
) -> None:
    """What is called complete is, record for record, what the directory was when it ended."""
    outcome = list_world(world, query, options, correcting=correcting)

    note(f"{outcome.record} {outcome.error}")
    assert outcome.twice == []
    if outcome.record is None or outcome.record.verdict != "complete":
        return
    end = world.at_last_delta if outcome.record.replay else world.at_last_list
    assert outcome.written == world.shown(query.select, query.filter or "", end)
    assert outcome.record.records == len(outcome.written)


@UNTROUBLED
@given(worlds(), ways(), st.sampled_from([(), (" ge ",), (" ge ", "starts")]))
def test_a_quiet_directory_is_listed_completely(
    world: PretendGraph, options: ListingOptions, refuses: tuple[str, ...]
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
    world: PretendGraph,
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

    note(f"{outcome.record} {outcome.error}")
    assert outcome.twice == []
    if outcome.record is not None and outcome.record.verdict == "complete":
        assert outcome.written == world.shown()


LIES = (
    *(Lies(no_delta=True), Lies(dead_delta=True), Lies(eager_delta=True), Lies(ignores=True)),
    *(Lies(refuses=(" ge ",)), Lies(truncates=2), Lies(endless=True)),
    *(Lies(count=lambda count: count // 2), Lies(count=lambda count: count + 9)),
)


@UNTROUBLED
@given(worlds(), questions(), ways(), st.sampled_from(LIES), st.booleans())
def test_whoever_lies_proves_nothing_false(
    world: PretendGraph, query: Query, options: ListingOptions, lies: Lies, correcting: bool
) -> None:
    """Whatever the service lies about besides, no part of a directory is called the whole."""
    world.lies = lies
    if lies.truncates:
        # What a chain keeps back shows in the count alone, which must be of the same moment.
        world.weather.change = 0
    outcome = list_world(world, query, options, correcting=correcting)

    note(f"{outcome.record} {outcome.error}")
    assert outcome.twice == []
    if outcome.record is None or outcome.record.verdict != "complete":
        return
    end = world.at_last_delta if outcome.record.replay else world.at_last_list
    expected = world.shown(query.select, query.filter or "", end)
    if lies.truncates:
        # A few too few pass for a count that lags.
        assert len(expected) - len(outcome.written) <= tolerance(len(outcome.written))
    else:
        assert outcome.written == expected
