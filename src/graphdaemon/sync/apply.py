"""
What a run has read is compared with the store, and the rows that differ are written.

Blocking: all of it runs in the thread of the store, a thousand rows at a time.
"""

from collections.abc import Callable, Sequence

from graphdaemon.store.change import StoreChange
from graphdaemon.store.rows import Ending, Pair, Row
from graphdaemon.store.tenant_history import name_of
from graphdaemon.sync.document import is_same
from graphdaemon.sync.guard import DeleteGuard, Gone
from graphdaemon.sync.record import Drift

Compose = Callable[[Pair], bytes]
"""Makes the document to store from what was staged and from what the store has."""


class DriftCount:
    """
    Tells drift apart from ordinary changes.

    Args:
        told: The IDs that the delta has reported since the store was in step. `PARENT/` stands for
            all edges of that parent.
    """

    def __init__(self, told: set[str]) -> None:
        self._told = told
        self.drift = Drift()

    def note_written(self, pair: Pair) -> None:
        """Count a row that is written."""
        if self._is_told(pair.id):
            return
        self.drift.name(pair.id)
        if pair.stored is None:
            self.drift.missing += 1
        else:
            self.drift.different += 1

    def note_gone(self, key: str) -> None:
        """Count a row that is deleted."""
        if not self._is_told(key):
            self.drift.name(key)
            self.drift.surplus += 1

    def _is_told(self, key: str) -> bool:
        parent, slash, _ = key.partition("/")
        return key in self._told or bool(slash and f"{parent}/" in self._told)


def write_differing(
    change: StoreChange,
    compose: Compose,
    guard: DeleteGuard,
    count: DriftCount | None = None,
) -> None:
    """
    Write what was staged, as far as it differs from the store.

    Raises:
        GraphError: `page_malformed`: something that was staged is not a JSON object.
        StoreError: The store cannot be written.
    """
    for pairs in change.differing():
        rows: list[Row] = []
        gone: dict[Ending, list[Pair]] = {}
        for pair in pairs:
            if pair.staged is None:
                if pair.stored is not None and pair.ending:
                    gone.setdefault(pair.ending, []).append(pair)
                continue
            document = compose(pair)
            if pair.stored is None or not is_same(document, pair.stored):
                rows.append(Row(pair.id, document))
                if count is not None:
                    count.note_written(pair)
        change.put(rows)
        for ending, ended in gone.items():
            change.end([pair.id for pair in ended], ending)
            _note_gone(ended, guard, count)


def end_absent(change: StoreChange, guard: DeleteGuard, count: DriftCount | None = None) -> None:
    """
    End the rows that are not in a complete reading.

    Raises:
        StoreError: The store cannot be written.
    """
    for ids in change.absent():
        # Only as many are named as are shown.
        documents = change.documents(ids[: guard.room]) if guard.room else {}
        change.end(ids, "absent")
        _note_gone([Pair(key, None, "absent", documents.get(key)) for key in ids], guard, count)


def _note_gone(pairs: Sequence[Pair], guard: DeleteGuard, count: DriftCount | None) -> None:
    # Only as many are named as are shown.
    named = [Gone(pair.id, name_of(pair.stored or b"{}")) for pair in pairs[: guard.room]]
    guard.note(named, len(pairs) - len(named))
    if count is not None:
        for pair in pairs:
            count.note_gone(pair.id)
