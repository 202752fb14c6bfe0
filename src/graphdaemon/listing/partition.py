"""
Divide a collection among many chains: decide whether to divide it, where, and when to divide again.

The first page of the whole collection is always read. If more pages follow, its records show where
to divide, and they become witnesses: each of them must occur in one of the parts. Parts are ranges
of the key, or prefixes of it if the service does not support ranges. If neither is safe, the whole
collection is read in one chain.

If the throttle budget slows the listing down, nothing is divided, and ranges are joined.
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

# The most parts at first. Each costs a request, even if it has few records.
_MOST_PARTS = 2_000
# The number of pieces into which a part is divided: the most, and that for a part of unknown size.
_MOST_PIECES, _PIECES_OF_UNKNOWN = 16, 8
# The attempts for the count. They are few, because dividing waits for it; the proof asks again.
_COUNT_ATTEMPTS = 2
# The most divisions in succession. After so many the keys are alike, and dividing does not help.
_DEEPEST = 40


class Partition:
    """
    Divides a listing into chains, which a pool reads.

    Args:
        target: What is listed.
        key: The property by whose values the listing is divided.
        pool: Reads the chains.
        room: Returns how many more requests could be in flight.
        requested_method: `auto`, or the only method to try.
        proving: Whether the listing has to be proved complete. Prefixes that may miss records are
            used only if it has not.
        cuts: Boundaries that divided the collection well in an earlier listing.
        notes: Receives a sentence for each deviation from the plan.

    Attributes:
        method: How the collection is read.
        expected: The number of records by the service's count; None if it is not known.
        met: How many different records were read so far; the consumer of the pages updates it.
        splits: How many parts were divided further.
        resumed_parts: How many parts an earlier run had read to their ends.
        sample: Some keys, which are spread over the whole collection as evenly as possible.
        witnesses: The packed IDs of records that must still occur in one of the parts.
        delta: The delta of the collection, from which a sample can be read; None without one.
        whole_read: Whether one chain of the whole collection was read to its end.
        given_up: Whether dividing was given up, and parts that had not been begun were dropped.
        supply: Tells how many chains the throttle budget allows.
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
        """Return the first chains: the whole collection, and its parts if cuts are known."""
        # The cost of a page, and the time that it takes, are known only after the first page.
        self._is_postponed = self._requested_method == "auto" and self.supply.is_limited
        if not self._cuts or self._is_postponed:
            return [self._whole]
        return [self._whole, *self._make_learned_ranges()]

    def _make_learned_ranges(self) -> list[Chain]:
        self.method = "ranges"
        self._has_parts = True
        return self._make_ranges(self._cuts)

    def read_along(self, target: Target, first_page: Page) -> None:
        """Read with `target`, which returns related objects, too, and whose first page was read."""
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
        """Return the chains to read in place of `chains`, which have not been begun."""
        if not self.supply.is_short_of(chains):
            return chains
        return join_ranges(chains, self._key.name, self.supply.width())

    def resume(self, chains: Sequence[Chain]) -> list[Chain]:
        """Continue the chains of an earlier run; return those that are still to be read."""
        wholes = [chain for chain in chains if not chain.condition]
        if not wholes or not wholes[-1].pages_in_all:
            # Without its first page, the earlier run could not find out whether to divide: begin.
            return self.begin()
        self._whole = wholes[-1]
        if self._whole.handed_over:
            return self._resume_parts([chain for chain in chains if chain.condition])
        self._may_divide = False
        self.whole_read = self._whole.ended
        return [] if self._whole.ended else [self._whole]

    def _resume_parts(self, parts: list[Chain]) -> list[Chain]:
        # Prefixes are used only if the service does not support ranges, so the ranges do not count.
        prefixes = [part for part in parts if part.interval is None]
        parts = prefixes or parts
        self._has_parts = True
        self.method = "prefixes" if prefixes else "ranges"
        self.resumed_parts = sum(part.ended and not part.handed_over for part in parts)
        return [part for part in parts if not part.ended]

    async def divide(self, chain: Chain, page: Page) -> bool:
        """Divide `chain`, whose `page` was just read, if useful; return whether it was divided."""
        if not chain.condition:
            if chain.pages_in_all == 1 or self._is_postponed:
                divided = await self._divide_whole(chain, page)
                # Dividing may have been given up meanwhile, because a part was refused.
                chain.handed_over = divided and self._may_divide
        elif chain.interval is not None:
            await self._check_range(chain.interval, page)
            if self._is_worth_dividing(chain):
                chain.handed_over = await self._divide_part(chain, chain.interval, page)
        return chain.handed_over

    def give_up(self, reason: str = "") -> None:
        """Stop dividing, for a `reason` that is noted: everything is read in one chain."""
        if reason:
            self._notes.append(reason)
        self.method = "chain"
        self.given_up = True
        self._may_divide = False
        self._pool.drop_parts()

    def make_whole(self) -> list[Chain]:
        """Return a new chain of the whole collection, if the first one was divided."""
        if not self._whole.handed_over:
            return []
        self._whole = Chain()
        return [self._whole]

    def read_again(self) -> list[Chain]:
        """Return a new chain of the whole collection, for a second reading."""
        self._is_read_again = True
        self._whole = Chain()
        return [self._whole]

    def take_page(self, chain_page: ChainPage, packed: bytes, fresh: bytes) -> set[bytes]:
        """
        Update the witnesses: the first page makes them, and the parts must contain them.

        Args:
            chain_page: A page that the consumer took.
            packed: The packed IDs on it.
            fresh: Those of them that no earlier page contained.

        Returns:
            The witnesses that the page made, or contained.
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
        """Ask the service for its count, unless it is known already; a failure is only logged."""
        if self.expected is None and self._target.collection.counted:
            try:
                self.expected = await self._target.count(_COUNT_ATTEMPTS)
            except Error as error:
                logger.info("no count of %s: %s", self._target.collection.name, error.code)

    async def _divide_whole(self, chain: Chain, page: Page) -> bool:
        """After a page of the whole collection, find out how to divide it, and add the parts."""
        if not self._may_divide:
            if self._proving and not self._is_read_again:
                await self.count()
            return False
        if self._is_postponed or (not self._has_parts and self._is_one_enough):
            # One chain uses up the budget. This may change while much is left to read.
            await self.count()
            self._is_postponed = self._is_one_enough or self._pages_left() < 2 * chain.pages
            if self._is_postponed:
                return False
            if self._cuts:
                self._pool.add(self._make_learned_ranges())
        keys = await self._keys_of(page, "")
        if not keys or len(keys) < len(page.records):
            # A record whose key is null is in no range.
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
            # A page that is sorted by the key says nothing about the keys after it.
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
            # A link was refused. Smaller parts need fewer links.
            return True
        if self.supply.is_bound():
            return False
        if self._room() <= self._pool.waiting or (chain is self._first and chain.pages == 1):
            # The other parts, which were added together with the first one, will be begun now.
            return False
        if self.expected is None:
            # Its length is not known: dividing after 1, 2, 4, 8 … pages wastes at most half.
            return chain.pages & (chain.pages - 1) == 0
        return self._pages_left() / max(1, self._pool.busy) > chain.pages + 1

    def _pages_left(self) -> float:
        """Return how many pages are still to be read, or a guess if there is no count."""
        if self.expected is None:
            return 1_000.0  # a guess
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
        """Check that the keys of a page lie in `interval`; if not, test ranges, or give them up."""
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
        """If the first page is sorted by the key, read a sample of other keys from the delta."""
        if self._cuts or self.delta is None or not is_ordered(keys):
            return
        try:
            page = await self.delta.sample()
        except GraphError:
            return
        self.sample += texts_of(page.records, self._key.name)

    async def _keys_of(self, page: Page, condition: str) -> list[str]:
        """Return the keys of the first page of `condition`; request them if `page` lacks them."""
        if self._key_is_shown:
            return texts_of(page.records, self._key.name)
        keys, _ = await range_trial.look(self._target, self._key.name, condition)
        return keys
