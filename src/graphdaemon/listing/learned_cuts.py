"""
The learned plan: where to cut a collection so that each range is one page.

A small file for each tenant and collection, rewritten after each listing. It holds beginnings of
names, and so is readable by its owner alone. Without it, or with a wrong one, a listing is slower
and as complete.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from graphdaemon.graph.page import texts_of
from graphdaemon.listing.intervals import choose_boundaries
from graphdaemon.sharing.private_files import cache_folder, make_private_folder, replace_private

logger = logging.getLogger(__name__)

_MOST = 20_000


class Plan(msgspec.Struct):
    """What is kept: for which property, learnt from how many records, and where to cut."""

    key: str
    records: int
    boundaries: list[str]


def plan_path(root: str, tenant: str, collection: str) -> Path:
    """Where the plan for a collection of a tenant is kept."""
    name = hashlib.sha256(f"{root}\n{tenant}\n{collection}".encode()).hexdigest()[:32]
    return cache_folder() / "plans" / f"{name}.json"


class Planner:
    """
    Reads a plan before a listing, and learns a better one from it.

    Args:
        path: The file; None neither reads nor learns.
        key: The property that ranges are made of.
        page_size: Records in a page: a range should hold as many, and room for who comes later.
    """

    def __init__(self, path: Path | None, key: str, page_size: int) -> None:
        self._fill = max(1, page_size * 9 // 10)
        self._every = page_size // 10 or 1
        self._path = path
        self._key = key
        self._keys: list[str] = []

    def load(self) -> list[str]:
        """The boundaries; none where nothing was learnt."""
        if self._path is None:
            return []
        try:
            plan = msgspec.json.decode(self._path.read_bytes(), type=Plan)
        except (OSError, msgspec.DecodeError):
            return []
        return plan.boundaries if plan.key == self._key else []

    def note(self, records: Sequence[msgspec.Raw]) -> None:
        """Remember a few keys of a page."""
        if self._path is not None and len(self._keys) < _MOST:
            self._keys += texts_of(records[self._every // 2 :: self._every], self._key)

    def save(self, records: int) -> None:
        """Write what was learnt; a plan that cannot be kept is no failure."""
        if self._path is None or not self._keys:
            return
        parts = records // self._fill + 1
        plan = Plan(self._key, records, choose_boundaries(self._keys, parts))
        try:
            make_private_folder(self._path.parent)
            replace_private(self._path, msgspec.json.encode(plan))
        except OSError as error:
            logger.info("the plan could not be kept: %s", error.strerror)
