"""
Where a throttle budget is kept: in the process, or where other processes see it too.

On one host that is a small file that each locks in turn. Between hosts it is a store far away,
which nobody ever waits for: each process keeps its own books, and compares them now and then.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from graphdaemon.errors import OutputError
from graphdaemon.sharing.private_files import locked, open_private
from graphdaemon.throttling.bucket import Bucket, Totals

logger = logging.getLogger(__name__)

_SIZE = 4096
# A fiftieth of the time in which a full bucket empties: what others do meanwhile is little.
_COMPARE_S = 0.2
_TRY_AGAIN_S = 10.0


class Ledger(Protocol):
    """Where the bucket is kept."""

    def open(self) -> AbstractContextManager[Bucket]:
        """The bucket, for as long as nobody else has it; changes to it are kept."""


class Memory:
    """A bucket for this process alone."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self._bucket = bucket or Bucket()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """The bucket, locked."""
        with self._lock:
            yield self._bucket


class SharedLedger:
    """
    A bucket in a file.

    The clock in it is the machine's own, which begins anew when the machine does: a bucket from
    before that is an empty one.

    Args:
        path: The file; made if it is not there.

    Raises:
        OutputError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Locks on files are a process's, not a thread's.
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A number, not a file object: it stays open as long as the process lives.
            self._file = open_private(path, os.O_RDWR)
        except OSError as error:
            raise OutputError(
                f"the budget file {path} cannot be used: {error.strerror}",
                code="budget_file_unusable",
                hint="Name a file in a folder that all of the processes may write to.",
            ) from error

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """The bucket, for as long as nobody else on this host has it."""
        with self._lock, locked(self._file):
            os.lseek(self._file, 0, os.SEEK_SET)
            bucket = _read(os.read(self._file, _SIZE))
            yield bucket
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, msgspec.json.encode(bucket).ljust(_SIZE))


class DistantLedger:
    """
    A bucket of this process, compared with those of others in a store far away.

    Trouble with the store is told once and does no harm: each process then goes by its own.

    Args:
        exchange: Adds to the common totals what this process did, and returns them; raises
            `OSError` where it cannot.
        now: A steady clock.
    """

    def __init__(
        self, exchange: Callable[[Totals], Totals], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._exchange = exchange
        self._now = now
        self._lock = threading.Lock()
        self._bucket = Bucket()
        self._common: Totals | None = None
        self._told = Totals()
        self._next = 0.0
        self._warned = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """The bucket, for as long as nobody else in this process has it."""
        with self._lock:
            yield self._bucket
            if self._now() < self._next:
                return
            self._next = self._now() + _TRY_AGAIN_S
        threading.Thread(target=self.compare, daemon=True).start()

    def compare(self) -> None:
        """Tell the store what was done here, and learn what was done elsewhere."""
        with self._lock:
            bucket, now = self._bucket, self._now()
            told = self._told
            mine = Totals(
                bucket.used - told.used,
                bucket.refusals - told.refusals,
                max(0.0, bucket.paused_until - now),
                None if bucket.rate == told.rate else bucket.rate,
            )
        try:
            common = self._exchange(mine)
        except OSError as error:
            self._warn(error)
            return
        with self._lock:
            self._merge(mine, common)
            self._next = self._now() + _COMPARE_S

    def _merge(self, mine: Totals, common: Totals) -> None:
        bucket, told, before = self._bucket, self._told, self._common
        self._common = common
        if before is None:
            others = common._replace(used=0.0, refusals=0)
            bucket.level += max(0.0, common.level - mine.used)
        else:
            # A store that was emptied begins at nothing again.
            used = max(0.0, common.used - before.used - mine.used)
            refusals = max(0, common.refusals - before.refusals - mine.refusals)
            others = common._replace(used=used, refusals=refusals)
        # What was done here meanwhile is told the next time.
        used, refusals = told.used + mine.used, told.refusals + mine.refusals
        rate = bucket.rate if mine.rate is None else mine.rate
        if bucket.rate != rate or common.rate is None or mine.rate is not None:
            others = others._replace(rate=None)
        bucket.join(others, self._now())
        self._told = Totals(
            used + others.used,
            refusals + others.refusals,
            rate=rate if others.rate is None else others.rate,
        )

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            reason = error.strerror or str(error)
            logger.warning(
                "the shared throttle budget cannot be used, so this process keeps its own: %s",
                reason,
            )


def _read(text: bytes) -> Bucket:
    try:
        return msgspec.json.decode(text.strip(), type=Bucket)
    except msgspec.DecodeError:
        return Bucket()
