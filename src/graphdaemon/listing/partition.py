"""
How one collection is divided among many chains: may it be, where is it cut, and when cut again.

The first page of the whole collection is read in any case. If more pages follow, its records say
where to cut, and become witnesses: each of them has to turn up in some part. Parts are ranges of
the key, or prefixes of it where the service does not honour ranges; where neither is safe, the
chain of the whole goes on alone.

More chains than the throttle budget can feed only wait, and each ends in a page that is not full
and costs as much. So where the budget is what holds the listing back, nothing is divided any more:
what nobody reads yet, and what is left of ranges whose pages come in order, is joined, and read in
as few chains as use the budget up.
"""

import logging
import unicodedata
from collections.abc import Callable, Sequence

from graphdaemon.errors import Error, GraphError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.links import follow
from graphdaemon.graph.page import Page, texts_of
from graphdaemon.listing.chain import Chain, ChainPage, of_interval, of_intervals, of_prefix
from graphdaemon.listing.chain_pool import ChainPool
from graphdaemon.listing.delta import Delta
from graphdaemon.listing.id_set import split_packed
from graphdaemon.listing.intervals import (
    Interval,
    choose_boundaries,
    condition_of,
    cover,
    cut_off,
    divide,
    fold,
    is_ordered,
    is_within,
    merge,
    rest_behind,
)
from graphdaemon.listing.record import Method
from graphdaemon.listing.target import Target

logger = logging.getLogger(__name__)

# Parts to begin with at most: each costs a request, however little is in it.
_MOST_PARTS = 2_000
# Pages in a part of a large collection: the last of them costs as much as a full one.
_PAGES_IN_PART = 16
# Parts to begin with where the service gives no count: two for each of the usual 32 chains.
_PARTS_OF_UNKNOWN = 64
# Pieces that a part is divided into: the most, and how many where nobody knows how much is left.
_MOST_PIECES, _PIECES_OF_UNKNOWN = 16, 8
# Ranges in one chain at most: Graph takes no more conditions with `or` ("Some limitations apply to
# query parameters").
_MOST_JOINED = 15
# Divisions one within the other at most: here the keys are alike, and dividing does not help.
_DEEPEST = 40
# Pages that are left where the service gives no count.
_PAGES_OF_UNKNOWN = 1_000.0
# The first range, of which a page is read before the others are cut: one of so many.
_FIRST_OF = 64
# Keys of each page to look at, of all that are on it.
_KEYS_TO_LOOK_AT = 100
# Pages to look at for one that is not empty, in a probe.
_MOST_LOOKS = 5
# Microsoft's own list of what a userPrincipalName may contain, and what else was seen there.
_FIRST_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789'.-_!#^~$@ ("


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
        was_bound: The throttle budget held it back.
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
        self.was_bound = False
        self._notes = notes
        self._may_divide = requested_method != "chain"
        self._page_url = target.url()
        self._may_join = not target.query.filter
        self._is_postponed = False
        self._is_probed = False
        self._first: Chain | None = None
        self._in_order = True
        self._whole = Chain(limit=target.query.limit)
        self._has_parts = False
        self._is_read_again = False
        # Nine tenths of a page: room for records that are created before the next listing.
        self._part_size = max(1, target.page_size * 9 // 10)
        self._key_is_shown = not target.query.select or key.name in target.query.select

    def begin(self) -> list[Chain]:
        """Return what to read first: the whole, and, where cuts are known, its parts as well."""
        if not self._cuts:
            return [self._whole]
        if self._is_one_enough():
            self._is_postponed = True
            return [self._whole]
        self.method = "ranges"
        self._has_parts = True
        return [self._whole, *self._make_ranges(self._cuts)]

    def width(self) -> int:
        """Return how many chains it is worth reading at a time, by what the budget gives."""
        each = self._target.graph.cost(self._page_url)
        width = self._target.graph.budget.width(self._pages_left() * each, each)
        return self._pool.size if width is None else min(width, self._pool.size)

    def _is_bound(self) -> bool:
        """Whether the budget holds the listing back: fewer chains use it up than may be read."""
        bound = self.width() < self._pool.size
        self.was_bound = self.was_bound or bound
        return bound

    def _is_one_enough(self) -> bool:
        """Whether one chain of everything uses the budget up, and any other may be read."""
        return self._requested_method == "auto" and self._is_bound() and self.width() == 1

    def join(self, chains: list[Chain]) -> list[Chain]:
        """Make of `chains`, which nobody reads yet, as few as are worth reading."""
        ranges = [chain for chain in chains if chain.interval is not None]
        width = self.width()
        if not self._may_join or len(ranges) <= width or not self._is_bound():
            return chains
        name = self._key.name
        intervals = merge(chain.interval for chain in ranges if chain.interval is not None)
        size = min(_MOST_JOINED, -(-len(intervals) // width))
        groups = [intervals[at : at + size] for at in range(0, len(intervals), size)]
        joined = [of_intervals(group, name) for group in groups]
        joined[0].replaces = tuple(chain.number for chain in ranges)
        return [*(chain for chain in chains if chain.interval is None), *joined]

    def separate(self, chain: Chain) -> list[Chain]:
        """Return the parts of a chain that was refused, each by itself; join no more."""
        self._may_join = False
        self._notes.append("ranges joined by `or` were refused: each was read by itself")
        return [of_interval(interval, self._key.name) for interval in chain.joined]

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
        prefixes = [part for part in parts if part.interval is None and not part.joined]
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
            elif self._is_bound() and self._pool.busy > self.width():
                chain.handed_over = self._hand_rest_over(chain.interval, page)
        elif chain.joined and (chain.restarts or self._is_worth_separating()):
            chain.handed_over = self._hand_joined_over(chain, page)
        return chain.handed_over

    def give_up(self, reason: str = "") -> None:
        """Divide no more: everything is read in one chain."""
        if reason:
            self._notes.append(reason)
        self.method = "chain"
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
        if self.expected is None:
            try:
                self.expected = await self._target.count()
            except Error as error:
                logger.info("no count of %s: %s", self._target.collection.name, error.code)

    def _hand_rest_over(self, interval: Interval, page: Page) -> bool:
        """Leave the rest of a range, whose pages come in order, to a chain with other rests."""
        if not self._may_join or not self._in_order or not self._key_is_shown:
            return False
        rest = rest_behind(interval, texts_of(page.records, self._key.name))
        if rest is not None:
            self._pool.add([of_interval(rest, self._key.name)])
        return rest is not None

    def _hand_joined_over(self, chain: Chain, page: Page) -> bool:
        """Leave joined ranges to a chain for each: what is left of them, or all after a restart."""
        intervals = list(chain.joined)
        if chain.restarts:
            self._may_join = False
        else:
            keys = texts_of(page.records, self._key.name) if self._key_is_shown else []
            rest = rest_behind(Interval(), keys) if self._in_order else None
            if rest is None:
                return False
            intervals = cut_off(intervals, rest)
        self._pool.add([of_interval(interval, self._key.name) for interval in intervals])
        return True

    async def _divide_whole(self, chain: Chain, page: Page) -> bool:
        """After a page of everything: find out which parts can be had, and add them."""
        if not self._may_divide:
            if self._proving and not self._is_read_again:
                await self.count()
            return False
        if self._is_postponed or self._is_one_enough():
            # One chain uses the budget up. That may change, as long as much is left to read.
            await self.count()
            self._is_postponed = self._is_bound() or self._pages_left() < 2 * chain.pages
            if self._is_postponed:
                return False
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
            parts = min(_MOST_PARTS, self._estimate_parts(), max(2, len(known) // 2))
            boundaries = choose_boundaries(known, parts) or choose_boundaries(keys, 2)
            if not boundaries:
                self.give_up(f"{self._key.name} is the same everywhere: one chain")
                return False
            self._pool.add(self._make_parts(boundaries))
        self.method = "ranges"
        return True

    def _make_parts(self, boundaries: list[str]) -> list[Chain]:
        """The parts that `boundaries` make, and the one whose first page was read already."""
        first = self._first
        if first is None or first.interval is None or first.interval.high is None:
            return self._make_ranges(boundaries)
        end = first.interval.high
        behind = [boundary for boundary in boundaries if fold(boundary) > fold(end)]
        return [first, *self._make_ranges([end, *behind])[1:]]

    def _make_ranges(self, boundaries: Sequence[str]) -> list[Chain]:
        return [of_interval(interval, self._key.name) for interval in cover(boundaries)]

    def _estimate_parts(self) -> int:
        """
        How many parts to begin with, where no cuts were learned yet.

        Each ends in a page that is not full, and boundaries that were guessed miss their mark:
        many small parts cost more pages, and more of the throttle budget, than a few large ones.
        """
        if self.expected is None:
            return _PARTS_OF_UNKNOWN
        pages = self.expected // self._part_size + 1
        # Enough to keep every chain busy, though some parts turn out small.
        return min(pages, max(self._pool.size * 3 // 2, pages // _PAGES_IN_PART))

    async def _cut_prefixes(self, keys: list[str]) -> bool:
        name = self._key.name
        key, _ = _choose_two(keys)
        try:
            matching, _ = await self._look(of_prefix(key, name).condition)
        except GraphError as error:
            if error.status != 400:
                raise
            self._notes.append(f"prefixes of {name} were refused ({error.graph_code}): one chain")
            return False
        if key not in matching or not all(fold(text).startswith(fold(key)) for text in matching):
            self._notes.append(f"prefixes of {name} are not honoured: one chain")
            return False
        starts = "".join(fold(text[:1]) for text in (*keys, *self.sample))
        signs = self._key.signs or "".join(dict.fromkeys(_FIRST_CHARACTERS + starts))
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
        if self._is_bound():
            return False
        if self._room() <= self._pool.waiting or (chain is self._first and chain.pages == 1):
            # The others that came with the first are about to be begun.
            return False
        if self.expected is None:
            # Of unknown length: dividing after 1, 2, 4, 8 … pages wastes at most half.
            return chain.pages & (chain.pages - 1) == 0
        return self._pages_left() / max(1, self._pool.busy) > chain.pages + 1

    def _is_worth_separating(self) -> bool:
        """Say whether the budget gives so much now that joined ranges are better read at a time."""
        return self._pages_left() > self._pool.size and not self._is_bound()

    def _pages_left(self) -> float:
        """How many pages are still to be read, as far as anybody knows."""
        if self.expected is None:
            return _PAGES_OF_UNKNOWN
        return max(1.0, (self.expected - self.met) / self._target.page_size)

    async def _try_ranges(self, keys: list[str]) -> bool:
        """
        Say whether the service honours ranges, by the first page of one that is read in any case.

        It does where that page holds names of the range and no others. A service that has another
        order than we shows others, too, and is put to the test.
        """
        if self._has_parts:
            return True
        if self._requested_method == "prefixes":
            return False
        boundary = next(iter(_choose_first(keys)), "")
        if not boundary or not self._key_is_shown:
            return await self._probe_ranges(keys)
        first = of_interval(Interval(None, boundary), self._key.name)
        try:
            page = await self._target.page(self._target.url(first.condition))
        except GraphError as error:
            return self._note_refusal(error)
        shown = texts_of(page.records, self._key.name)
        within = [fold(key) <= fold(boundary) for key in shown]
        if not (within and all(within)) and not await self._probe_ranges(keys):
            return False
        first.first_page, self._first = page, first
        return True

    async def _check_range(self, interval: Interval, page: Page) -> None:
        """Look whether some keys of a page are in order, and of this range at all."""
        if not self._key_is_shown:
            return
        step = max(1, len(page.records) // _KEYS_TO_LOOK_AT)
        keys = texts_of(page.records[::step], self._key.name)
        folded = [fold(key) for key in keys]
        self._in_order = self._in_order and folded == sorted(folded)
        if self._is_probed or is_within(keys, interval):
            return
        self._is_probed = True
        if not await self._probe_ranges(keys):
            self.give_up()
            self._pool.add(self.make_whole())

    async def _probe_ranges(self, keys: Sequence[str]) -> bool:
        """
        Say whether the service honours ranges, in either direction.

        A range of one key brings that record and none of another name. Of two ranges between two
        keys, one way round and the other, exactly one is empty.
        """
        self._is_probed = True
        key, other = _choose_two(keys)
        name = self._key.name
        intervals = (Interval(key, key), Interval(key, other), Interval(other, key))
        try:
            exact, forth, back = await gather(
                *(self._look(condition_of(interval, name)) for interval in intervals)
            )
        except GraphError as error:
            return self._note_refusal(error)
        same = key in exact[0] and all(_plain(text) == _plain(key) for text in exact[0])
        if same and any(forth) != any(back):
            return True
        self._notes.append(f"ranges of {name} are not honoured: no ranges")
        return False

    def _note_refusal(self, error: GraphError) -> bool:
        if error.status != 400:
            raise error
        self._notes.append(
            f"ranges of {self._key.name} were refused ({error.graph_code}): no ranges"
        )
        return False

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
        keys, _ = await self._look(condition)
        return keys

    async def _look(self, condition: str) -> tuple[list[str], bool]:
        """The keys on the first page of `condition` with any records, and whether more follow."""
        url = self._target.url(condition, select=("id", self._key.name))
        for _ in range(_MOST_LOOKS):
            page = await self._target.page(url)
            if page.records or page.next_link is None:
                break
            url = follow(page.next_link, url)
        return texts_of(page.records, self._key.name), page.next_link is not None


def _choose_two(keys: Sequence[str]) -> tuple[str, str]:
    """Two keys that no order takes for the same; plain ones, if there are any."""
    plain = [key for key in keys if key.isascii() and key.isprintable() and len(key) < 100]
    usable = plain or list(keys)
    one = usable[len(usable) // 2]
    other = next((key for key in usable if _plain(key) != _plain(one)), one)
    return one, other


def _choose_first(keys: Sequence[str]) -> list[str]:
    """Where the first range ends: a small part of the whole, or a page that came in order."""
    if is_ordered(keys):
        return choose_boundaries(keys[-len(keys) // 5 :], 2)
    return choose_boundaries(keys, _FIRST_OF)


def _plain(text: str) -> str:
    """What the most forgiving order compares: letters and digits, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in decomposed if sign.isalnum()) or decomposed
