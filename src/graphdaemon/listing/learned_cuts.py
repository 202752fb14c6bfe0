"""
Where to divide a collection so that each range is one page, as learned from earlier listings.

The cuts are kept in a small file for each tenant and collection, which is rewritten after each
listing. It contains beginnings of names, so only its owner may read it. Without the file, or with a
wrong one, a listing is slower but just as complete.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from graphdaemon.graph.catalog import Key
from graphdaemon.graph.page import texts_of
from graphdaemon.listing.intervals import choose_boundaries
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.target import Target
from graphdaemon.sharing.private_files import cache_folder, make_private_folder, replace_private

logger = logging.getLogger(__name__)

# Keys to learn from at most. Ten from each page cover two million records.
_MOST_KEYS = 20_000
# The first bytes of every such file: no other is replaced.
_BEGINNING = b'{"key":'


class _StoredCuts(msgspec.Struct):
    """
    The content of the file.

    Attributes:
        key: The property by which the collection is divided.
        records: How many records the listing had.
        boundaries: Where to cut.
        rate: The rate of the throttle budget, in resource units a second, if it slowed the listing
            down.
    """

    key: str
    records: int
    boundaries: list[str]
    rate: float | None = None


def cuts_path(root: str, tenant: str, collection: str) -> Path:
    """Return the file for a collection of a tenant. Its name reveals neither of them."""
    name = hashlib.sha256(f"{root}\n{tenant}\n{collection}".encode()).hexdigest()[:32]
    return cache_folder() / "plans" / f"{name}.json"


class LearnedCuts:
    """
    The cuts that one listing begins with, and the better ones that it learns.

    Args:
        path: The file; None neither reads nor learns.
        key: The property of the ranges.
        page_size: The records in a page; a range should fit into one page.

    Attributes:
        rate: The rate of the throttle budget in the last listing, in resource units a second; None
            before `load`, or if the budget did not slow that listing down.
    """

    def __init__(self, path: Path | None, key: str, page_size: int) -> None:
        # Nine tenths of a page: room for records that are created before the next listing.
        self._range_size = max(1, page_size * 9 // 10)
        self._step = page_size // 10 or 1
        self._path = path
        self._key = key
        self._keys: list[str] = []
        self.rate: float | None = None

    def load(self) -> list[str]:
        """Return the boundaries; empty if none were learned."""
        if self._path is None:
            return []
        try:
            stored = msgspec.json.decode(self._path.read_bytes(), type=_StoredCuts)
        except (OSError, msgspec.DecodeError):
            return []
        if stored.key != self._key:
            return []
        self.rate = stored.rate
        return stored.boundaries

    def note(self, records: Sequence[msgspec.Raw]) -> None:
        """Remember about ten keys of a page."""
        if self._path is not None and len(self._keys) < _MOST_KEYS:
            self._keys += texts_of(records[self._step // 2 :: self._step], self._key)

    def save(self, records: int, rate: float | None = None) -> None:
        """
        Write the cuts that were learned from a listing; a failure is only logged.

        Args:
            records: How many records the listing had.
            rate: The rate of the throttle budget, in resource units a second, if it slowed the
                listing down.
        """
        if self._path is None or not self._keys:
            return
        parts = records // self._range_size + 1
        stored = _StoredCuts(self._key, records, choose_boundaries(self._keys, parts), rate)
        try:
            make_private_folder(self._path.parent)
            replace_private(self._path, msgspec.json.encode(stored), beginning=_BEGINNING)
        except OSError as error:
            logger.info("where to cut could not be kept: %s", error.strerror)


def find_cuts(target: Target, options: ListingOptions) -> LearnedCuts:
    """Return the learned cuts of the whole collection; none if a filter or an order is used."""
    query, key = target.query, target.collection.key or Key("")
    # The keys of a filtered listing are not spread like those of the whole collection.
    filtered = query.filter or query.search or query.orderby
    return LearnedCuts(None if filtered else options.plan, key.name, target.page_size)
