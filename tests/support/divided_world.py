"""A pretend directory listed in parts: each value goes through pickle, as to another host."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec

from graphdaemon.errors import Error
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.query import Query
from graphdaemon.listing.divided import begin, finish, read_part
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.parts import ListingEnd, ListingPart, ListingStart, PartReading
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.listing_world import Outcome
from tests.support.pretend_graph import ROOT, PretendGraph

T = TypeVar("T")


def send(value: T) -> T:
    """What another process has of a value."""
    copy: T = pickle.loads(pickle.dumps(value))
    return copy


def target_of(
    world: PretendGraph,
    query: Query,
    page_size: int,
    *,
    defaults: tuple[str, ...] = (),
    **connection: Any,
) -> Target:
    """The collection over a connection of its own, as another process has one."""
    collection = find_collection(world.collection)
    graph = world.graph(**connection)
    return Target(graph, ROOT, collection, query, page_size=page_size, defaults=defaults)


async def read_one(world: PretendGraph, part: ListingPart) -> tuple[list[Any], PartReading]:
    """The records and the reading of one part."""
    readings: list[PartReading] = []
    records: list[msgspec.Raw] = []
    target = target_of(world, part.query, part.page_size)
    async with aclosing(read_part(target, part, readings.append)) as batches:
        async for some in batches:
            records += some
    (reading,) = readings
    return [msgspec.json.decode(one) for one in records], reading


def list_in_parts(
    world: PretendGraph,
    query: Query | None = None,
    options: ListingOptions | None = None,
    *,
    parts: int = 4,
    seed: int = 0,
    between: Callable[[ListingStart], None] = lambda _: None,
    defaults: tuple[str, ...] = (),
) -> Outcome:
    """
    List a pretend directory in parts, some of them twice as after a failure, in any order.

    ``between`` is called after the listing has begun.
    """
    outcome = Outcome()
    chosen, asked_for = options or ListingOptions(), query or Query()
    draws = random.Random(seed)

    async def work() -> ListingEnd:
        target = target_of(world, asked_for, chosen.page_size, defaults=defaults)
        start = send(await begin(target, chosen, parts))
        between(start)
        todo = draws.sample(start.parts, len(start.parts))
        for part in draws.sample(todo, len(todo) // 3):
            await read_one(world, send(part))
        brought = [await read_one(world, send(part)) for part in todo]
        by_part = {reading.number: records for records, reading in brought}
        readings = [send(reading) for _, reading in brought]
        end = await finish(
            target_of(world, asked_for, chosen.page_size, defaults=defaults),
            chosen,
            start,
            readings,
        )
        put_together(outcome, by_part, end)
        return end

    try:
        outcome.record = virtual_time.run(work()).record
    except Error as error:
        outcome.error = error
    return outcome


def put_together(
    outcome: Outcome, by_part: dict[int, list[dict[str, Any]]], end: ListingEnd
) -> None:
    for number, records in by_part.items():
        left_out = set(end.repeated.get(number, ()))
        kept = [record for record in records if record["id"] not in left_out]
        outcome.write([msgspec.Raw(msgspec.json.encode(record)) for record in kept])
    outcome.correct(end.corrections)
    outcome.write(end.appeared)


def readings_of(world: PretendGraph, start: ListingStart) -> Sequence[PartReading]:
    """The readings of every part, one after the other."""

    async def work() -> list[PartReading]:
        return [(await read_one(world, part))[1] for part in start.parts]

    return virtual_time.run(work())
