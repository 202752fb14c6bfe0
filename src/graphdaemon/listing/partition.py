"""
How one collection is divided among many chains: may it be, where is it cut, and when cut again.

The first page of the whole collection is read in any case. If more pages follow, its records say
where to cut, and become witnesses: each of them has to turn up in some part. Parts are ranges of
the key, or prefixes of it where the service does not honour ranges; where neither is safe, the
chain of the whole goes on alone.

Where the throttle budget holds the listing back, nothing is divided, and ranges are joined.
"""

import logging
from collections.abc import Callable, Sequence

from graphdaemon.errors import Error, GraphError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.page import Page, texts_of
from graphdaemon.listing import range_trial
from graphdaemon.listing.chain import Chain, ChainPage, of_interval, of_prefix
from graphdaemon.listing.chain_pool import ChainPool
from graphdaemon.listing.delta import Delta
from graphdaemon.listing.id_set import split_packed
from graphdaemon.listing.intervals import (
    Interval,
    choose_boundaries,
    cover,
    divide,
    is_ordered,
    is_within,
)
from graphdaemon.listing.joining import Supply, begin_at, estimate_parts, join_ranges
from graphdaemon.listing.record import Method
from graphdaemon.listing.target import Target

logger = logging.getLogger(__name__)

# Parts to begin with at most: each costs a request, however little is in it.
_MOST_PARTS = 2_000
# Pieces that a part is divided into: the most, and how many where nobody knows how much is left.
_MOST_PIECES, _PIECES_OF_UNKNOWN = 16, 8
# The count is waited for before anything is divided, and the proof asks for one of its own.
_COUNT_ATTEMPTS = 2
# Divisions one within the other at most: here the keys are alike, and dividing does not help.
_DEEPEST = 40


class Partition:
    """
    Divides one listing into chains for a pool.

    Args:
        target: What is listed.
        key: The property that it is divided by.
        pool: Reads the chains.
        room: Says how many more requests could be in flight.
        requested_method: `auto`, or the only method to try.
        proving: Whether the listing has to be proved complete; prefixes that may miss something
            are used only where it has not.
        cuts: Boundaries that divided it well in an earlier listing.
        notes: Takes a sentence for each thing that is done otherwise than planned.

    Attributes:
        method: How it is read.
        expected: How many records there should be, as the service counts; None if not known.
        met: How many different ones there are so far; the consumer of the pages
            keeps it up to date.
        splits: How many parts were divided further.
        resumed_parts: Parts that an earlier run had read to their ends.
        sample: Some keys, spread over the whole as evenly as can be had.
        witnesses: Packed IDs of records that some part still has to bring.
        delta: Where a sample can be had, if the collection has a delta.
        whole_read: One chain of everything was read to its end.
        given_up: Parts that nobody had begun to read were dropped.
        supply: How much the throttle budget gives.
    """

    def __init__(
        self,
        target: Target,
        key: Key,
        pool: ChainPool,
        *,
        room: Callable[[], int],
        requested_method: str = "auto",
        proving: bool = True,
        cuts: Sequence[str] = (),
        notes: list[str],
    ) -> None:
        self._target = target
        self._key = key
        self._pool = pool
        self._room = room
        self._requested_method = requested_method
        self._proving = proving
        self._cuts = list(cuts)
        self.method: Method = "chain"
        self.expected: int | None = None
        self.met = 0
        self.splits = 0
        self.resumed_parts = 0
        self.sample: list[str] = list(cuts)
        self.witnesses: set[bytes] = set()
        self.delta: Delta | None = None
        self.whole_read = False
        self.given_up = False
        self._notes = notes
        self._may_divide = requested_method != "chain"
        self.supply = Supply(target, pool.size, self._pages_left)
        self._is_postponed = False
        self._is_probed = False
        self._first: Chain | None = None
        self._whole = Chain(limit=target.query.limit)
        self._has_parts = False
        self._is_read_again = False
        # Nine tenths of a page: room for records that are created before the next listing.
        self._part_size = max(1, target.page_size * 9 // 10)
        self._key_is_shown = not target.query.select or key.name in target.query.select

    def begin(self) -> list[Chain]:
        """Return what to read first: the whole, and, where cuts are known, its parts as well."""
        # What a page costs, and how long it takes, is known after the first one.
        self._is_postponed = self._requested_method == "auto" and self.supply.is_limited
        if not self._cuts or self._is_postponed:
            return [self._whole]
        return [self._whole, *self._make_learned_ranges()]

    def _make_learned_ranges(self) -> list[Chain]:
        self.method = "ranges"
        self._has_parts = True
        return self._make_ranges(self._cuts)

    def read_along(self, target: Target, first_page: Page) -> None:
        """Read by `target`, which shows more of the same; the first page of it is there already."""
        self._target = target
        self._part_size = max(1, target.page_size * 9 // 10)
        self.supply = Supply(target, self._pool.size, self._pages_left)
        self._whole.first_page = first_page

    @property
    def _is_one_enough(self) -> bool:
        return (
            self._requested_method == "auto" and self.supply.is_bound() and self.supply.width() == 1
        )

    def join(self, chains: list[Chain]) -> list[Chain]:
        """Return what to read in place of `chains`, which nobody reads yet."""
        if not self.supply.is_short_of(chains):
            return chains
        return join_ranges(chains, self._key.name, self.supply.width())

    def resume(self, chains: Sequence[Chain]) -> list[Chain]:
        """Take up the chains of an earlier run; return those that are still to be read."""
        wholes = [chain for chain in chains if not chain.condition]
        if not wholes or not wholes[-1].pages_in_all:
            # Without its first page nobody knew whether parts can be had: begin, and find out.
            return self.begin()
        self._whole = wholes[-1]
        if self._whole.handed_over:
            return self._resume_parts([chain for chain in chains if chain.condition])
        self._may_divide = False
        self.whole_read = self._whole.ended
        return [] if self._whole.ended else [self._whole]

    def _resume_parts(self, parts: list[Chain]) -> list[Chain]:
        # Prefixes are there only because ranges were found not to be honoured: these do not count.
        prefixes = [part for part in parts if part.interval is None]
        parts = prefixes or parts
        self._has_parts = True
        self.method = "prefixes" if prefixes else "ranges"
        self.resumed_parts = sum(part.ended and not part.handed_over for part in parts)
        return [part for part in parts if not part.ended]

    async def divide(self, chain: Chain, page: Page) -> bool:
        """Say whether other chains read the rest of `chain`, of which `page` was just read."""
        if not chain.condition:
            if chain.pages_in_all == 1 or self._is_postponed:
                divided = await self._divide_whole(chain, page)
                # A part may have been refused meanwhile, and dividing been given up.
                chain.handed_over = divided and self._may_divide
        elif chain.interval is not None:
            await self._check_range(chain.interval, page)
            if self._is_worth_dividing(chain):
                chain.handed_over = await self._divide_part(chain, chain.interval, page)
        return chain.handed_over

    def give_up(self, reason: str = "") -> None:
        """Divide no more: everything is read in one chain."""
        if reason:
            self._notes.append(reason)
        self.method = "chain"
        self.given_up = True
        self._may_divide = False
        self._pool.drop_parts()

    def make_whole(self) -> list[Chain]:
        """Return a new chain of everything, if the first one was divided."""
        if not self._whole.handed_over:
            return []
        self._whole = Chain()
        return [self._whole]

    def read_again(self) -> list[Chain]:
        """Return a new chain of everything, to be read after all that was to be read."""
        self._is_read_again = True
        self._whole = Chain()
        return [self._whole]

    def take_page(self, chain_page: ChainPage, packed: bytes, fresh: bytes) -> set[bytes]:
        """
        Keep the witnesses up to date: the first page makes them, the parts have to show them.

        Args:
            chain_page: A page that the consumer took.
            packed: The IDs on it, packed.
            fresh: Those of them that no page before had.

        Returns:
            The witnesses that the page made, or showed.
        """
        if chain_page.chain.condition:
            shown = self.witnesses and self.witnesses.intersection(split_packed(packed))
            self.witnesses -= shown
            return shown
        if chain_page.chain.handed_over:
            made = set(split_packed(fresh))
            self.witnesses |= made
            return made
        if chain_page.last:
            self.whole_read = True
            self.method = "chain"
            self._pool.drop_parts()
        return set()

    async def count(self) -> None:
        """Ask the service, once, how many records there should be."""
        if self.expected is None and self._target.collection.counted:
            try:
                self.expected = await self._target.count(_COUNT_ATTEMPTS)
            except Error as error:
                logger.info("no count of %s: %s", self._target.collection.name, error.code)

    async def _divide_whole(self, chain: Chain, page: Page) -> bool:
        """After a page of everything: find out which parts can be had, and add them."""
        if not self._may_divide:
            if self._proving and not self._is_read_again:
                await self.count()
            return False
        if self._is_postponed or (not self._has_parts and self._is_one_enough):
            # One chain uses the budget up. That may change, as long as much is left to read.
            await self.count()
            self._is_postponed = self._is_one_enough or self._pages_left() < 2 * chain.pages
            if self._is_postponed:
                return False
            if self._cuts:
                self._pool.add(self._make_learned_ranges())
        keys = await self._keys_of(page, "")
        if not keys or len(keys) < len(page.records):
            # No range brings a record whose key is null.
            name = self._key.name
            self.give_up(f"{name} is null in some records: one chain" if keys else "")
            return False
        honoured, *_ = await gather(self._try_ranges(keys), self.count(), self._take_sample(keys))
        if not self._may_divide:
            return False
        if honoured and self._requested_method != "prefixes":
            return self._cut_ranges(keys)
        self._pool.drop_parts()
        self.method = "chain"
        certain = bool(self._key.signs) or not self._proving
        if self._requested_method != "prefixes" and not certain:
            return False
        return await self._cut_prefixes(keys)

    def _cut_ranges(self, keys: list[str]) -> bool:
        if not self._has_parts:
            # A page in order of the key says nothing of what comes after it.
            known = [*self.sample] if is_ordered(keys) else [*keys, *self.sample]
            parts = min(
                _MOST_PARTS,
                estimate_parts(self.expected, self._part_size, self._pool.size),
                max(2, len(known) // 2),
            )
            boundaries = choose_boundaries(known, parts) or choose_boundaries(keys, 2)
            if not boundaries:
                self.give_up(f"{self._key.name} is the same everywhere: one chain")
                return False
            end = self._first.interval.high if self._first and self._first.interval else None
            parts_behind = self._make_ranges(begin_at(end, boundaries))
            self._pool.add([self._first, *parts_behind[1:]] if self._first else parts_behind)
        self.method = "ranges"
        return True

    def _make_ranges(self, boundaries: Sequence[str]) -> list[Chain]:
        return [of_interval(interval, self._key.name) for interval in cover(boundaries)]

    async def _cut_prefixes(self, keys: list[str]) -> bool:
        name = self._key.name
        if refusal := await range_trial.try_prefixes(self._target, name, keys):
            self._notes.append(refusal)
            return False
        signs = self._key.signs or range_trial.choose_signs((*keys, *self.sample))
        self._pool.add(of_prefix(sign, name) for sign in signs)
        self.method = "prefixes"
        return True

    async def _divide_part(self, chain: Chain, interval: Interval, page: Page) -> bool:
        keys = await self._keys_of(page, chain.condition)
        count = _PIECES_OF_UNKNOWN
        if self.expected is not None:
            left = self.expected - self.met
            count = max(2, min(_MOST_PIECES, left // self._part_size))
        pieces = divide(interval, keys, self.sample, count)
        if len(pieces) < 2:
            return False
        self.splits += 1
        self._pool.add(of_interval(piece, self._key.name, chain.depth + 1) for piece in pieces)
        return True

    def _is_worth_dividing(self, chain: Chain) -> bool:
        if chain.depth >= _DEEPEST:
            return False
        if chain.restarts:
            # A link of it was refused: the smaller a part is, the fewer links it needs.
            return True
        if self.supply.is_bound():
            return False
        if self._room() <= self._pool.waiting or (chain is self._first and chain.pages == 1):
            # The others that came with the first are about to be begun.
            return False
        if self.expected is None:
            # Of unknown length: dividing after 1, 2, 4, 8 … pages wastes at most half.
            return chain.pages & (chain.pages - 1) == 0
        return self._pages_left() / max(1, self._pool.busy) > chain.pages + 1

    def _pages_left(self) -> float:
        """How many pages are still to be read, as far as anybody knows."""
        if self.expected is None:
            return 1_000.0  # nobody knows
        return max(1.0, (self.expected - self.met) / self._target.page_size)

    async def _try_ranges(self, keys: list[str]) -> bool:
        if self._has_parts:
            return True
        if self._requested_method == "prefixes":
            return False
        if not self._key_is_shown:
            return await self._probe_ranges(keys)
        self._first, refusal = await range_trial.read_first_range(
            self._target, self._key.name, keys
        )
        self._notes += [refusal] if refusal else []
        return not refusal

    async def _check_range(self, interval: Interval, page: Page) -> None:
        """Look whether some keys of a page are in order, and of this range at all."""
        if not self._key_is_shown:
            return
        keys = range_trial.some_keys(page, self._key.name)
        if self._is_probed or is_within(keys, interval):
            return
        self._is_probed = True
        if not await self._probe_ranges(keys):
            self.give_up()
            self._pool.add(self.make_whole())

    async def _probe_ranges(self, keys: Sequence[str]) -> bool:
        self._is_probed = True
        refusal = await range_trial.try_ranges(self._target, self._key.name, keys)
        self._notes += [refusal] if refusal else []
        return not refusal

    async def _take_sample(self, keys: list[str]) -> None:
        """Where the first page is in order of the key, look elsewhere for keys of the rest."""
        if self._cuts or self.delta is None or not is_ordered(keys):
            return
        try:
            page = await self.delta.sample()
        except GraphError:
            return
        self.sample += texts_of(page.records, self._key.name)

    async def _keys_of(self, page: Page, condition: str) -> list[str]:
        """The keys of the first page of `condition`; asked for if the query does not show them."""
        if self._key_is_shown:
            return texts_of(page.records, self._key.name)
        keys, _ = await range_trial.look(self._target, self._key.name, condition)
        return keys
