"""
How a collection is divided: whether the service honours ranges, where to cut, and when again.

The first page of everything is read in any case. If there is more, its records say where to cut,
and serve as witnesses: every one of them has to turn up in some range.
"""

import logging
import unicodedata
from collections.abc import Callable, Sequence

from graphdaemon.concurrency import gather
from graphdaemon.errors import Error, GraphError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.page import Page, follow, texts_of
from graphdaemon.listing.chain import Batch, Shard, of_interval, of_prefix
from graphdaemon.listing.chain_pool import Crew
from graphdaemon.listing.delta import Delta
from graphdaemon.listing.intervals import (
    Interval,
    choose_boundaries,
    condition_of,
    cover,
    divide,
    fold,
    is_ordered,
)
from graphdaemon.listing.record import Method
from graphdaemon.listing.target import Target

logger = logging.getLogger(__name__)

_MOST_PARTS = 2_000
_DEEPEST = 40
_LOOKS = 5
# Microsoft's own list of what a userPrincipalName may contain, and what else was seen there.
_SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789'.-_!#^~$@ ("


class Ranges:
    """
    Divides one listing among a crew.

    Args:
        target: What is listed.
        key: What it is divided by.
        crew: Who reads the parts.
        room: How many more requests could be in flight.
        wanted: `auto`, or the only way to try.
        proving: Prefixes that may miss something are no way.
        plan: Boundaries that divided it well before.

    Attributes:
        method: How it is read.
        expected: How many records there should be, or None.
        found: How many there are so far; kept up by whoever takes the pages.
        sample: Some keys, spread over the whole as evenly as can be had.
        witnesses: Packed IDs that some range has to bring; taken out by whoever takes the pages.
        delta: Where a sample can be had, if the collection has one.
        ended: Parts that an earlier run had read to their ends.
        whole_read: One chain of everything was read to its end.
    """

    def __init__(
        self,
        target: Target,
        key: Key,
        crew: Crew,
        *,
        room: Callable[[], int],
        wanted: str = "auto",
        proving: bool = True,
        plan: Sequence[str] = (),
    ) -> None:
        self._target = target
        self._key = key
        self._crew = crew
        self._room = room
        self._wanted = wanted
        self._proving = proving
        self.plan = list(plan)
        self.method: Method = "chain"
        self.expected: int | None = None
        self.found = 0
        self.splits = 0
        self.sample: list[str] = list(plan)
        self.ended = 0
        self.witnesses: set[bytes] = set()
        self.delta: Delta | None = None
        self.whole_read = False
        self._notes: list[str] = []
        self._open_for_parts = wanted != "chain"
        self._whole = Shard(enough=target.query.limit)
        self._has_parts = False
        # One page, with room for those who come meanwhile.
        self._fill = max(1, target.page_size * 9 // 10)
        self._visible = not target.query.select or key.name in target.query.select

    def begin(self) -> list[Shard]:
        """What to read first: everything, and, where that is known, its parts at the same time."""
        if not self.plan:
            return [self._whole]
        self.method = "ranges"
        self._has_parts = True
        return [self._whole, *(of_interval(part, self._key.name) for part in cover(self.plan))]

    def resume(self, shards: Sequence[Shard]) -> list[Shard]:
        """What of `shards`, which an earlier run had, is still to be read."""
        wholes = [shard for shard in shards if not shard.condition]
        parts = [shard for shard in shards if shard.condition]
        # Where prefixes were cut, ranges were found not to be honoured.
        parts = [shard for shard in parts if shard.interval is None] or parts
        whole = wholes[-1] if wholes else Shard()
        if not whole.read:
            # It was not known then whether parts can be had: what they brought is kept anyway.
            return self.begin()
        self._whole = whole
        if not whole.handed_over:
            self._open_for_parts = False
            self.whole_read = whole.ended
            return [] if whole.ended else [whole]
        self._has_parts = True
        self.method = "ranges" if any(shard.interval for shard in parts) else "prefixes"
        self.ended = sum(shard.ended and not shard.handed_over for shard in parts)
        return [shard for shard in parts if not shard.ended]

    async def divide(self, shard: Shard, page: Page) -> bool:
        """Say whether `shard`, of which `page` was just read, is left to others."""
        if not shard.condition:
            if shard.read == 1:
                handed_over = await self._open(page)
                # Meanwhile a part may have been refused.
                shard.handed_over = handed_over and self._open_for_parts
        elif shard.interval is not None and self._is_worth_dividing(shard):
            shard.handed_over = await self._split(shard, shard.interval, page)
        return shard.handed_over

    def give_up(self, reason: str = "") -> None:
        """Divide no more: everything is read in one chain."""
        if reason:
            self._notes.append(reason)
        self.method = "chain"
        self._open_for_parts = False
        self._crew.drop(lambda shard: bool(shard.condition))

    def make_whole(self) -> list[Shard]:
        """The chain of everything, once more if it was left to others."""
        if not self._whole.handed_over:
            return []
        self._whole = Shard()
        return [self._whole]

    def take_notes(self) -> list[str]:
        """What went otherwise than planned, once."""
        notes, self._notes = self._notes, []
        return notes

    def take(self, batch: Batch, packed: Sequence[bytes], fresh: Sequence[bytes]) -> set[bytes]:
        """
        Note what a page brought: the first one brings witnesses, the parts have to show them.

        Returns:
            The witnesses that it brought or showed.
        """
        if batch.shard.condition:
            shown = self.witnesses.intersection(packed)
            self.witnesses -= shown
            return shown
        if batch.shard.handed_over:
            self.witnesses.update(fresh)
            return set(fresh)
        if batch.last:
            self.whole_read = True
            self.method = "chain"
            self._crew.drop(lambda shard: bool(shard.condition))
        return set()

    async def _open(self, page: Page) -> bool:
        """After the first page of everything: find out whether parts can be had, and hand over."""
        if not self._open_for_parts:
            if self._proving:
                await self.count()
            return False
        keys = await self._keys(page, "")
        if not keys or len(keys) < len(page.records):
            name = self._key.name
            self.give_up(f"{name} is null in some records: one chain" if keys else "")
            return False
        honoured, *_ = await gather(self._probe(keys), self.count(), self._take_sample(keys))
        if not self._open_for_parts:
            return False
        if honoured and self._wanted != "prefixes":
            return self._cut(keys)
        self._crew.drop(lambda shard: bool(shard.condition))
        self.method = "chain"
        sure = bool(self._key.signs) or not self._proving
        return (self._wanted == "prefixes" or sure) and await self._cut_prefixes(keys)

    def _cut(self, keys: list[str]) -> bool:
        if not self._has_parts:
            known = [*self.sample] if is_ordered(keys) else [*keys, *self.sample]
            parts = min(_MOST_PARTS, self._estimate_parts(), max(2, len(known) // 2))
            boundaries = choose_boundaries(known, parts) or choose_boundaries(keys, 2)
            if not boundaries:
                self.give_up(f"{self._key.name} is the same everywhere: one chain")
                return False
            self._crew.add(of_interval(part, self._key.name) for part in cover(boundaries))
        self.method = "ranges"
        return True

    def _estimate_parts(self) -> int:
        """
        How many parts to begin with, where nothing was learnt yet.

        Each ends in a page that is not full, and boundaries that were guessed miss their mark:
        many small parts cost more pages, and more of the throttle budget, than a few large ones.
        """
        if self.expected is None:
            return 64
        pages = self.expected // self._fill + 1
        return min(pages, max(4 * self._crew.size, pages // 3))

    async def _split(self, shard: Shard, interval: Interval, page: Page) -> bool:
        keys = await self._keys(page, shard.condition)
        rest = None if self.expected is None else self.expected - self.found
        parts = 8 if rest is None else max(2, min(16, rest // self._fill))
        pieces = divide(interval, keys, self.sample, parts)
        if len(pieces) < 2:
            return False
        self.splits += 1
        self._crew.add(of_interval(one, self._key.name, shard.depth + 1) for one in pieces)
        return True

    async def _cut_prefixes(self, keys: list[str]) -> bool:
        name = self._key.name
        one, _ = _choose_two(keys)
        try:
            found, _ = await self._look(of_prefix(one, name).condition)
        except GraphError as error:
            if error.status != 400:
                raise
            self._notes.append(f"prefixes of {name} were refused ({error.graph_code}): one chain")
            return False
        if one not in found or not all(fold(text).startswith(fold(one)) for text in found):
            self._notes.append(f"prefixes of {name} are not honoured: one chain")
            return False
        starts = "".join(fold(key[:1]) for key in (*keys, *self.sample))
        signs = self._key.signs or "".join(dict.fromkeys(_SIGNS + starts))
        self._crew.add(of_prefix(sign, name) for sign in signs)
        self.method = "prefixes"
        return True

    async def _probe(self, keys: Sequence[str]) -> bool:
        """
        Say whether the service honours ranges, in either direction.

        A range of one key brings that record and none of another name. Of two ranges between two
        keys, one way round and the other, exactly one is empty.
        """
        one, other = _choose_two(keys)
        name = self._key.name
        pairs = ((one, one), (one, other), (other, one))
        try:
            exact, forth, back = await gather(
                *(self._look(condition_of(Interval(*pair), name)) for pair in pairs)
            )
        except GraphError as error:
            if error.status != 400:
                raise
            self._notes.append(f"ranges of {name} were refused ({error.graph_code}): no ranges")
            return False
        same = one in exact[0] and all(_plain(text) == _plain(one) for text in exact[0])
        if same and any(forth) != any(back):
            return True
        self._notes.append(f"ranges of {name} are not honoured: no ranges")
        return False

    async def count(self) -> None:
        """Ask once how many there should be."""
        if self.expected is None:
            try:
                self.expected = await self._target.count()
            except Error as error:
                logger.info("no count of %s: %s", self._target.collection.name, error.code)

    async def _take_sample(self, keys: list[str]) -> None:
        """Where the first page is sorted it says nothing of the rest: look elsewhere."""
        if self.plan or self.delta is None or not is_ordered(keys):
            return
        try:
            page = await self.delta.sample()
        except GraphError:
            return
        self.sample += texts_of(page.records, self._key.name)

    async def _keys(self, page: Page, condition: str) -> list[str]:
        """The keys of a page; where the query does not show them, they are asked for."""
        if self._visible:
            return texts_of(page.records, self._key.name)
        found, _ = await self._look(condition)
        return found

    async def _look(self, condition: str) -> tuple[list[str], bool]:
        """The keys of the first page of `condition` that has any, and whether more follow."""
        url = self._target.url(condition, select=("id", self._key.name))
        for _ in range(_LOOKS):
            page = await self._target.page(url)
            if page.records or page.next_link is None:
                break
            url = follow(page.next_link, url)
        return texts_of(page.records, self._key.name), page.next_link is not None

    def _is_worth_dividing(self, shard: Shard) -> bool:
        if shard.depth >= _DEEPEST:
            return False
        if shard.restarts:
            # A link of it was refused: the smaller a part is, the fewer links it needs.
            return True
        if self._room() <= self._crew.waiting:
            return False
        if self.expected is None:
            # Of unknown length: dividing after 1, 2, 4, 8 … pages wastes at most half.
            return shard.pages & (shard.pages - 1) == 0
        rest = (self.expected - self.found) / self._target.page_size / max(1, self._crew.busy)
        return rest > shard.pages + 1


def _choose_two(keys: Sequence[str]) -> tuple[str, str]:
    """Two keys that no order takes for the same; plain ones, if there are any."""
    plain = [key for key in keys if key.isascii() and key.isprintable() and len(key) < 100]
    usable = plain or list(keys)
    one = usable[len(usable) // 2]
    other = next((key for key in usable if _plain(key) != _plain(one)), one)
    return one, other


def _plain(text: str) -> str:
    """What is left of a text for the most forgiving order: letters and digits, no accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in decomposed if sign.isalnum()) or decomposed
