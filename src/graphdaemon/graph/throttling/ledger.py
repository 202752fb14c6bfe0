"""
Keep the bucket of a throttle budget in the process, in a file, or with totals in a remote store.

Processes on one host can share a small file, which each locks while it uses it. Processes on
several hosts can share totals in a remote store (Redis). No request ever waits for that store: each
process has a bucket of its own, and soon after using it compares its own numbers with the totals.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

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

# The length of the file in bytes. It is more than any bucket needs, and always written in full, so
# that nothing of a longer bucket remains behind a shorter one.
_SIZE = 4096
# The first bytes of a budget file. A file with other content is neither read nor changed.
_BEGINNING = b'{"rate":'
# Seconds between two comparisons: a fiftieth of the time in which a full bucket empties, so that
# other processes can use little of it meanwhile.
_COMPARE_S = 0.2
# Seconds until the next comparison after one that failed.
_TRY_AGAIN_S = 10.0
# Seconds for which the end of a process, or of a client, waits for the last comparison.
_CLOSING_S = 1.0


class Ledger(Protocol):
    """Where the bucket of a throttle budget is kept."""

    def open(self) -> AbstractContextManager[Bucket]:
        """Lock the bucket, let the block read and change it, and keep its changes."""

    def settle(self) -> None:
        """Make the changes known to the other processes, if that takes a second at most."""


class MemoryLedger:
    """A bucket in the memory of this process."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self._bucket = bucket or Bucket()
        self._lock = threading.Lock()

    def open(self) -> Self:
        """Let the block use the bucket; no other thread can use it meanwhile."""
        # Not a generator, which takes several times as long: each page opens it a dozen times.
        return self

    def __enter__(self) -> Bucket:
        self._lock.acquire()
        return self._bucket

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def settle(self) -> None:
        """Do nothing, because no other process uses this bucket."""


class FileLedger:
    """
    A bucket in a file, which all processes on this host can share.

    Its moments are those of the machine's monotonic clock, which begins anew when the machine is
    restarted; a bucket from before a restart counts as empty.

    Args:
        path: The file, which is created if it does not exist. A symbolic link is followed.

    Raises:
        UsageError: The file has other content (`file_foreign`); it is not changed.
        OutputError: The file cannot be created, opened or written (`budget_file_unusable`).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # A lock on a file belongs to the whole process, so it does not separate two threads.
        self._lock = threading.Lock()
        with self._explaining():
            real = Path(os.path.realpath(path))
            make_private_folder(real.parent)
            # A descriptor instead of a file object, because it stays open until the process ends.
            self._file = open_private(real)
            try:
                # Written at once, so that a full disk is noticed before any request is sent.
                with locked(self._file):
                    self._write(self._read())
                make_private(self._file)
            except BaseException:
                os.close(self._file)
                raise

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """
        Let the block use the bucket; no other process on this host can use it meanwhile.

        Raises:
            UsageError, OutputError: As in the class.
        """
        with self._lock, locked(self._file):
            with self._explaining():
                bucket = self._read()
            yield bucket
            with self._explaining():
                self._write(bucket)

    def settle(self) -> None:
        """Do nothing, because each change is written to the file at once."""

    def _read(self) -> Bucket:
        os.lseek(self._file, 0, os.SEEK_SET)
        # Read one byte more than a budget file has, to recognise a longer file as foreign.
        text = os.read(self._file, _SIZE + 1)
        if len(text) > _SIZE or not is_own(text, _BEGINNING):
            raise ForeignFileError(self._path)
        return _read(text)

    def _write(self, bucket: Bucket) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        write_all(self._file, msgspec.json.encode(bucket).ljust(_SIZE))

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn the failures of the file into errors that say what to do."""
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
    A bucket of this process, which is compared with the totals of all processes in a remote store.

    If the store cannot be used, one warning is logged, and this process uses its own bucket alone.

    Args:
        exchange: Adds the numbers of this process to the totals of all, and returns these totals;
            raises `OSError` if the store cannot be used.
        now: A clock that never goes back, in seconds.
        pause: Waits the given number of seconds, or until the event is set.
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
        # Compares when it is due, and ends when the bucket was not used since the last comparison.
        self._thread: threading.Thread | None = None
        self._lent = False
        self._hurry = threading.Event()
        self._failed = False
        self._warned = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """Let the block use the bucket, and compare it soon after with the totals of all."""
        with self._lock:
            yield self._bucket
            self._lent = True
            # After a fork, the thread of the parent process does not run in the child.
            if self._thread is not None and self._thread.is_alive():
                return
            # A thread of its own, so that no request waits for the store, however slow it is.
            self._thread = threading.Thread(target=self._compare_when_due, daemon=True)
            self._thread.start()

    def settle(self, seconds: float = _CLOSING_S) -> None:
        """
        Compare at once if the bucket was used since the last comparison, and wait for the result.

        Args:
            seconds: How long to wait at most. If the last comparison failed, nothing is waited for.
        """
        with self._lock:
            thread = None if self._failed else self._thread
        if thread is not None:
            self._hurry.set()
            thread.join(seconds)

    def compare(self) -> None:
        """Add the numbers of this process to the store, and those of the others to the bucket."""
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
        Add to the bucket what other processes have done since the last comparison.

        Args:
            mine: The numbers that this process has just reported to the store.
            common: The totals of all processes that the store returned, which include `mine`.
        """
        bucket, reported, before = self._bucket, self._reported, self._common
        self._common = common
        if before is None:
            others = common._replace(used=0.0, refusals=0)
            bucket.level += max(0.0, common.level - mine.used)
        else:
            # If the totals are lower than before, somebody has emptied the store.
            used = max(0.0, common.used - before.used - mine.used)
            refusals = max(0, common.refusals - before.refusals - mine.refusals)
            others = common._replace(used=used, refusals=refusals)
        # What this process did during the exchange is reported the next time.
        used, refusals = reported.used + mine.used, reported.refusals + mine.refusals
        rate = reported.rate if mine.rate is None else mine.rate
        # A rate that this process has just learnt or reported is newer than that of the others.
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
    # The file may be damaged, and a rate of 0 would stop all processes of this host for ever.
    is_sensible = min(bucket.level, bucket.used, bucket.held, bucket.rate or 0) >= 0
    return bucket if is_sensible and bucket.rate != 0 else Bucket()
