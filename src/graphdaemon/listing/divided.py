"""
One listing that several processes read, in three steps: begin it, read its parts, finish it.

    start = await begin(target, options, parts=8)
    async for records in read_part(target, part, readings.append): …   # anywhere, for each part
    end = await finish(target, options, start, readings)

The proof is the same as for a listing that one process reads: a delta link is taken before the
first page and followed after the last one, whichever process has read them.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import pairwise

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.page import Page, ids_of, page_ids
from graphdaemon.listing.chain import Chain, read_chain
from graphdaemon.listing.chain_pool import ChainPool
from graphdaemon.listing.empty_properties import EmptyProperties
from graphdaemon.listing.id_set import make_id_set, pack_ids, split_packed
from graphdaemon.listing.learned_cuts import find_cuts
from graphdaemon.listing.listing import Listing, make_partition
from graphdaemon.listing.options import ListingOptions, describe
from graphdaemon.listing.partition import Partition
from graphdaemon.listing.parts import (
    ListingEnd,
    ListingPart,
    ListingStart,
    PartChain,
    PartReading,
)
from graphdaemon.listing.proof import Proof
from graphdaemon.listing.record import ListingRecord, now
from graphdaemon.listing.run import accounting
from graphdaemon.listing.target import Target

MOST_PARTS = 10_000
"""The maximum number of parts of a listing."""


async def begin(target: Target, options: ListingOptions, parts: int) -> ListingStart:
    """
    Take a delta link, read the first page, and divide the listing into at most `parts`.

    A collection of a single page, or one that cannot be divided, is one part.

    Raises:
        UsageError: The number of parts is invalid, or the query has a limit or an order, which
            separate parts cannot observe.
        Error: The delta link or the first page could not be read.
    """
    _check(target, parts)
    record = ListingRecord(target.collection.name, describe(target.query, options), now())
    chains: list[Chain] = []

    async def read(chain: Chain) -> None:
        if not chain.condition:
            await read_chain(target, chain, pool.deliver, divide)

    async def divide(chain: Chain, page: Page) -> bool:
        await partition.divide(chain, page)
        # Only the first page is read here, whether the listing is divided or not.
        return True

    pool = ChainPool(read, parts, chains.append)
    partition = make_partition(target, options, pool, record.notes, find_cuts(target, options))
    proof = Proof(target, make_id_set(), record, partition)
    if options.proved and not target.advanced and target.collection.delta:
        reason = await proof.take_baseline()
        record.notes += [f"there is no delta: {reason}"] if reason else []
    async with aclosing(pool.pages(partition.begin())) as chain_pages:
        first = [chain_page async for chain_page in chain_pages]
    is_divided = first[0].chain.handed_over
    is_range = partition.method == "ranges"
    read_apart = [one for one in chains if one.condition and (one.interval is not None) == is_range]
    link = proof.delta.link if proof.delta is not None else None
    return ListingStart(
        target.collection.name,
        target.query,
        target.page_size,
        record.started,
        _share_out(target, record.started, read_apart if is_divided else [Chain()], parts),
        None if link is None else DeltaLink(link),
        partition.expected,
        partition.method if is_divided else "chain",
        frozenset(split_packed(pack_ids(page_ids(first[0].page))) if is_divided else ()),
        target.tally.requests,
        target.tally.units,
        tuple(record.notes),
        proof.delta.selected if proof.delta is not None else (),
    )


async def read_part(
    target: Target,
    part: ListingPart,
    on_reading: Callable[[PartReading], None],
    *,
    chains: int = 8,
) -> AsyncGenerator[Sequence[msgspec.Raw]]:
    """
    Yield every record of `part` once, some at a time.

    Args:
        target: What is listed, as it was when the listing began.
        part: What to read of it.
        on_reading: Is called at the end with the reading of the part.
        chains: Chains of pages to read at a time.

    Raises:
        Error: The part was not read to its end. Any process may read it again.
    """
    met, ids, blank = make_id_set(), list[str](), EmptyProperties(target.query.select)
    pages = ranges = duplicates = restarts = 0

    async def read(chain: Chain) -> None:
        nonlocal restarts
        try:
            divide = partition.divide if chain.condition else None
            await read_chain(target, chain, pool.deliver, divide)
        finally:
            restarts += chain.restarts

    budget = target.graph.budget
    pool = ChainPool(
        read,
        chains,
        width=lambda: partition.supply.width(),  # noqa: PLW0108  there is none yet
        join=lambda waiting: partition.join(waiting),  # noqa: PLW0108  the same
    )
    budget.widen(chains)
    key = target.collection.key or Key("")
    partition = Partition(target, key, pool, room=lambda: budget.room, notes=[])
    to_read = [Chain(condition, interval) for condition, interval in part.chains]
    async with aclosing(pool.pages(to_read)) as chain_pages:
        async for chain_page in chain_pages:
            records, its_ids = chain_page.page.records, page_ids(chain_page.page)
            places = met.add(pack_ids(its_ids))
            fresh = records if places is None else [records[at] for at in places]
            ids += its_ids if places is None else [its_ids[at] for at in places]
            pages += 1
            ranges += chain_page.last and not chain_page.chain.handed_over
            duplicates += len(records) - len(fresh)
            chain_page.chain.consume(len(records), len(met))
            partition.met += len(fresh)
            if fresh:
                blank.look(fresh)
                yield fresh
    tally = target.tally
    on_reading(
        PartReading(
            *(part.number, ids, ranges, pages, duplicates),
            *(tally.requests, tally.retries, tally.throttled, tally.units),
            *(restarts, partition.splits, blank.names() if ids else None),
            *(part.started, partition.given_up),
        )
    )


async def finish(
    target: Target, options: ListingOptions, start: ListingStart, readings: Sequence[PartReading]
) -> ListingEnd:
    """
    Follow what changed since `start`, and reach the verdict about all parts together.

    If it is doubtful whether this was everything, everything is read again in one chain. A listing
    that is not proved complete is not an error here: its record says so.

    Raises:
        UsageError: A part has no reading, or two; or one is of another listing.
        Error: What changed, or a record, could not be read.
    """
    _check_readings(start, readings)
    # Cuts are learned from records, and the records are in other processes.
    listing = Listing(target, options._replace(plan=None, learn=False, journal=None))
    listing.take_over(start, readings)
    appeared: list[msgspec.Raw] = []
    with accounting(listing):
        async with aclosing(listing.settle()) as batches:
            async for records in batches:
                appeared += records
    record = listing.finish()
    link = None if listing.link is None else DeltaLink(listing.link)
    by_id = dict(zip(ids_of(appeared), appeared, strict=True))
    # A record from the second reading is in no part; if it has changed, too, it is replaced here.
    news = {key: one for key, one in listing.corrections.items() if key in by_id}
    corrections = {key: one for key, one in listing.corrections.items() if key not in by_id}
    present = [one for one in (by_id | news).values() if one is not None]
    return ListingEnd(record, _find_repeated(readings), corrections, present, link)


def _check(target: Target, parts: int) -> None:
    query = target.query
    given = {"limit": query.limit is not None, "orderby": query.orderby is not None}
    for name, is_given in given.items():
        if is_given:
            raise UsageError(
                f"a listing in parts cannot have a {name}, because the parts are read at the same "
                "time",
                code="option_invalid",
                hint=f"Leave out {name}, and apply it to the result.",
            )
    if not 1 <= parts <= MOST_PARTS:
        raise UsageError(
            f"a listing has 1 to {MOST_PARTS:,} parts, not {parts:,}",
            code="option_invalid",
            hint="Choose a number of parts in this range.",
        )


def _check_readings(start: ListingStart, readings: Sequence[PartReading]) -> None:
    other = next((one for one in readings if one.started != start.started), None)
    if other is not None:
        raise UsageError(
            f"a reading of part {other.number} belongs to another listing, which began at "
            f"{other.started}; this one began at {start.started}",
            code="option_invalid",
            hint="Pass the readings of the parts of this listing.",
        )
    counts = Counter(reading.number for reading in readings)
    missing = {part.number for part in start.parts} - counts.keys()
    if missing:
        raise UsageError(
            f"{len(missing)} of {len(start.parts)} parts of {start.collection} were not read, the "
            f"first of them number {min(missing)}",
            code="option_invalid",
            hint="Pass the readings of all parts.",
        )
    number, count = counts.most_common(1)[0]
    if count > 1:
        raise UsageError(
            f"part {number} of {start.collection} has {count} readings",
            code="option_invalid",
            hint="Of a part that was read again, keep the records and the reading of one attempt.",
        )


def _share_out(
    target: Target, started: str, chains: Sequence[Chain], parts: int
) -> tuple[ListingPart, ...]:
    """Give each part neighbouring chains, so that few records are on the border of two parts."""
    count = min(parts, len(chains))
    ends = [len(chains) * number // count for number in range(count + 1)]
    return tuple(
        ListingPart(
            number,
            target.collection.name,
            target.query,
            target.page_size,
            tuple(PartChain(one.condition, one.interval) for one in chains[low:high]),
            started,
        )
        for number, (low, high) in enumerate(pairwise(ends))
    )


def _find_repeated(readings: Sequence[PartReading]) -> dict[int, list[str]]:
    met, repeated = make_id_set(), defaultdict[int, list[str]](list)
    for reading in readings:
        places = met.add(pack_ids(reading.ids))
        if places is not None:
            fresh = set(places)
            again = [one for at, one in enumerate(reading.ids) if at not in fresh]
            repeated[reading.number] += again
    return dict(repeated)
