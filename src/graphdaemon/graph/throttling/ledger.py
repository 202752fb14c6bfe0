"""
Where the bucket of a throttle budget is kept: in the process, or where others see it too.

Processes of one host share a small file, which each locks in turn. Those of many hosts share
totals in a remote store, which no request ever waits for: each process keeps a bucket of its own,
and soon after it has used it compares what it did with what all did.
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

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.graph.throttling.bucket import Bucket, Totals
from graphdaemon.sharing.draft import write_all
from graphdaemon.sharing.file_lock import locked
from graphdaemon.sharing.private_files import (
    ForeignFileError,
    is_own,
    make_private,
    make_private_folder,
    open_private,
)

logger = logging.getLogger(__name__)

# Bytes of the file: more than any bucket needs, so that a shorter one leaves nothing behind.
_SIZE = 4096
# The first bytes of the file: no other file is read as one, or changed.
_BEGINNING = b'{"rate":'
# A fiftieth of the time in which a full bucket empties: what others do meanwhile is little.
_COMPARE_S = 0.2
# Where a comparison has failed, the next begins so much later.
_TRY_AGAIN_S = 10.0
# How long the end of a process, or of a client, waits for the last comparison.
_CLOSING_S = 1.0


class Ledger(Protocol):
    """Where the bucket is kept."""

    def open(self) -> AbstractContextManager[Bucket]:
        """Lend the bucket, to nobody else meanwhile, and keep the changes made to it."""

    def settle(self) -> None:
        """Make sure that others know of the changes, if that is done soon."""


class MemoryLedger:
    """A bucket in the memory of this process."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self._bucket = bucket or Bucket()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """Lend the bucket, to nobody else in this process meanwhile."""
        with self._lock:
            yield self._bucket

    def settle(self) -> None:
        """Do nothing: there are no others."""


class FileLedger:
    """
    A bucket in a file, for all processes of this host.

    Moments in it are read from the machine's steady clock, which begins anew when the machine is
    started: a bucket from before that counts as empty.

    Args:
        path: The file; it is made if it does not exist. A symbolic link is followed.

    Raises:
        UsageError: It is another kind of file, which is left as it is.
        OutputError: The file cannot be made, opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # A lock on a file belongs to the process: it does not keep two of its threads apart.
        self._lock = threading.Lock()
        with self._explaining():
            real = Path(os.path.realpath(path))
            make_private_folder(real.parent)
            # A descriptor, not a file object: it stays open as long as the process lives.
            self._file = open_private(real)
            try:
                # Written at once: a disk that is full is told of before anything is asked of Graph.
                with locked(self._file):
                    self._write(self._read())
                make_private(self._file)
            except BaseException:
                os.close(self._file)
                raise

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """Lend the bucket, to nobody else on this host meanwhile."""
        with self._lock, locked(self._file):
            with self._explaining():
                bucket = self._read()
            yield bucket
            with self._explaining():
                self._write(bucket)

    def settle(self) -> None:
        """Do nothing: each change is in the file at once."""

    def _read(self) -> Bucket:
        os.lseek(self._file, 0, os.SEEK_SET)
        # One byte more than it ever has: a longer file is not ours.
        text = os.read(self._file, _SIZE + 1)
        if len(text) > _SIZE or not is_own(text, _BEGINNING):
            raise ForeignFileError(self._path)
        return _read(text)

    def _write(self, bucket: Bucket) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        write_all(self._file, msgspec.json.encode(bucket).ljust(_SIZE))

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn what goes wrong with the file into the error that says what to do."""
        try:
            yield
        except ForeignFileError as error:
            raise UsageError(
                f"{self._path} is not a budget file ({error.strerror}), and was left as it is",
                code="file_foreign",
                hint="Name another file in budget_file, which need not exist.",
            ) from None
        except OSError as error:
            raise OutputError(
                f"the budget file {self._path} cannot be used: {error.strerror}",
                code="budget_file_unusable",
                hint="Name a file in a folder that all of the processes may write to, with room.",
            ) from error


class RemoteLedger:
    """
    A bucket of this process, compared now and then with the totals of all in a remote store.

    Where the store cannot be used, a warning says so once, and this process goes by its own bucket.

    Args:
        exchange: Adds what this process did to the totals of all, and returns those; raises
            `OSError` where the store cannot be used.
        now: A steady clock, in seconds.
        pause: Waits so many seconds, or until the event is set.
    """

    def __init__(
        self,
        exchange: Callable[[Totals], Totals],
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._exchange = exchange
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()
        self._bucket = Bucket()
        self._common: Totals | None = None
        self._reported = Totals()
        self._next = 0.0
        # Compares when it is due, and ends once nothing was lent since.
        self._thread: threading.Thread | None = None
        self._lent = False
        self._hurry = threading.Event()
        self._failed = False
        self._warned = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """Lend the bucket, to nobody else in this process meanwhile; it is compared soon after."""
        with self._lock:
            yield self._bucket
            self._lent = True
            # In a process that was forked the thread of its parent is none.
            if self._thread is not None and self._thread.is_alive():
                return
            # Nobody waits for the store, however slow it is.
            self._thread = threading.Thread(target=self._compare_when_due, daemon=True)
            self._thread.start()

    def settle(self, seconds: float = _CLOSING_S) -> None:
        """
        Compare at once where anything was lent since the last time, and wait for that a little.

        A store that could not be used the last time is not waited for.
        """
        with self._lock:
            thread = None if self._failed else self._thread
        if thread is not None:
            self._hurry.set()
            thread.join(seconds)

    def compare(self) -> None:
        """Add to the store what was done here, and take in what was done elsewhere."""
        with self._lock:
            bucket, now = self._bucket, self._now()
            reported = self._reported
            self._lent = False
            self._next = now + _TRY_AGAIN_S
            mine = Totals(
                bucket.used - reported.used,
                bucket.refusals - reported.refusals,
                max(0.0, bucket.paused_until - now),
                None if bucket.rate == reported.rate else bucket.rate,
            )
        try:
            common = self._exchange(mine)
        except OSError as error:
            self._failed = True
            self._warn(error)
            return
        with self._lock:
            self._failed = False
            self._merge(mine, common)
            self._next = self._now() + _COMPARE_S

    def _compare_when_due(self) -> None:
        lent = True
        while lent:
            self._pause(self._hurry, max(0.0, self._next - self._now()))
            self._hurry.clear()
            self.compare()
            with self._lock:
                lent = self._lent
                if not lent:
                    self._thread = None

    def _merge(self, mine: Totals, common: Totals) -> None:
        """
        Take in what others did since the last comparison.

        Args:
            mine: What this process has just reported to the store.
            common: What the store answered: the totals of all, with `mine` in them.
        """
        bucket, reported, before = self._bucket, self._reported, self._common
        self._common = common
        if before is None:
            others = common._replace(used=0.0, refusals=0)
            bucket.level += max(0.0, common.level - mine.used)
        else:
            # Totals that are less than before are those of a store that was emptied.
            used = max(0.0, common.used - before.used - mine.used)
            refusals = max(0, common.refusals - before.refusals - mine.refusals)
            others = common._replace(used=used, refusals=refusals)
        # What was done here during the exchange is reported the next time.
        used, refusals = reported.used + mine.used, reported.refusals + mine.refusals
        rate = reported.rate if mine.rate is None else mine.rate
        # A rate that was learnt here meanwhile, or just reported, is newer than that of others.
        if bucket.rate != rate or common.rate is None or mine.rate is not None:
            others = others._replace(rate=None)
        bucket.join(others, self._now())
        self._reported = Totals(
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
        bucket = msgspec.json.decode(text.strip(), type=Bucket)
    except (msgspec.DecodeError, RecursionError):
        return Bucket()
    # All processes of this host write it: a rate of nothing would stop every one for ever.
    is_sensible = min(bucket.level, bucket.used, bucket.held, bucket.rate or 0) >= 0
    return bucket if is_sensible and bucket.rate != 0 else Bucket()
