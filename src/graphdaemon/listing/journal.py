"""
What a listing has read so far, in a file, so that one that was stopped can go on.

Lines in the order in which things happened: records as Graph sent them, and between them, beginning
with `#`, what was read by which chain. A `commit` line holds the checksum of what stands
between it and the one before. When the file is opened again, everything behind the last sound
commit is cut off, so that it does not matter when the program, or the machine, was stopped.

The file holds names of people and a delta link: it is readable by its owner alone.
"""

import contextlib
import os
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.listing.chain import Batch, Shard
from graphdaemon.listing.intervals import Interval
from graphdaemon.sharing.private_files import open_private, try_lock

_COMMIT = re.compile(rb'#\{"commit":(\d+)\}\n')
_EVERY_S = 0.5
_EVERY_BYTES = 8_000_000
_CHUNK = 999


class _Line(msgspec.Struct, omit_defaults=True):
    """One line that is no record."""

    head: dict[str, str] | None = None
    delta: str | None = None
    shard: int | None = None
    condition: str = ""
    low: str | None = None
    high: str | None = None
    depth: int = 0
    page: int | None = None
    link: str | None = None
    read: int = 0
    end: bool = False
    handed_over: bool = False
    witnesses: list[str] = []


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class Journal:
    """
    The file, open for one listing; a context manager.

    Args:
        path: Where it is, or will be.
        head: What is listed: a journal of something else is refused.
        now: A steady clock.

    Attributes:
        delta: The link that changes are followed from, or None.
        shards: Every part there was, as far as it has got.
        witnesses: Packed IDs that were read with everything, and by no part since.
        resumed: There was something to go on with.

    Raises:
        UsageError: It is the journal of something else, or in use.
        OutputError: It cannot be read or written.
    """

    def __init__(
        self, path: Path, head: dict[str, str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._head = head
        self._now = now
        self.delta: str | None = None
        self.shards: list[Shard] = []
        self.witnesses: set[bytes] = set()
        self.resumed = False
        self._numbered = 0
        self._waiting = self._checksum = 0
        self._committed_at = now()
        with self._telling():
            self._file = _open(path)
            try:
                self._cut()
                self._read_lines()
            except BaseException:
                self._file.close()
                raise

    def begin(self, delta: str | None) -> None:
        """Start a listing from nothing."""
        with self._telling():
            self._file.seek(0)
            self._file.truncate()
        self.shards, self.resumed, self.delta = [], False, delta
        self.witnesses.clear()
        self._numbered = self._waiting = self._checksum = 0
        self._put(_Line(head=self._head, delta=delta))
        self.commit()

    def add(self, shard: Shard) -> None:
        """Note that a part is to be read, unless that is known."""
        if shard.number >= 0:
            return
        shard.number = self._numbered
        self._numbered += 1
        interval = shard.interval or Interval()
        self._put(
            _Line(
                shard=shard.number,
                condition=shard.condition,
                low=interval.low,
                high=interval.high,
                depth=shard.depth,
            )
        )

    def take(
        self, batch: Batch, records: Sequence[msgspec.Raw], witnesses: Iterable[bytes] = ()
    ) -> None:
        """Keep what a page brought that is new, how far its part has got, and whom it showed."""
        shard = batch.shard
        with self._telling():
            self._write(b"\n".join([*map(_one_line, records), b""]) if records else b"")
        self._put(
            _Line(
                page=shard.number,
                link=batch.link,
                read=batch.read,
                end=batch.last,
                handed_over=batch.last and shard.handed_over,
                witnesses=[one.hex() for one in witnesses],
            )
        )
        if self._waiting >= _EVERY_BYTES or self._now() - self._committed_at >= _EVERY_S:
            self.commit()

    def commit(self) -> None:
        """Have everything so far on the disk, whatever happens next."""
        with self._telling():
            self._file.write(b'#{"commit":%d}\n' % self._checksum)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._waiting = self._checksum = 0
        self._committed_at = self._now()

    def records(self) -> Iterator[list[msgspec.Raw]]:
        """Every record that was kept, some at a time."""
        chunk: list[msgspec.Raw] = []
        with self._telling(), self._path.open("rb") as file:
            for line in file:
                if not line.startswith(b"#"):
                    chunk.append(msgspec.Raw(line[:-1]))
                if len(chunk) == _CHUNK:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    def close(self) -> None:
        """Commit, and leave the file for another time."""
        if not self._file.closed:
            with contextlib.suppress(OutputError):
                self.commit()
            self._file.close()

    def _put(self, line: _Line) -> None:
        with self._telling():
            self._write(b"#" + _encode(line) + b"\n")

    def _write(self, text: bytes) -> None:
        self._file.write(text)
        self._waiting += len(text)
        self._checksum = zlib.crc32(text, self._checksum)

    def _cut(self) -> None:
        """Cut off what stands behind the last commit whose checksum is right."""
        end = position = checksum = 0
        for line in self._file:
            position += len(line)
            if match := _COMMIT.fullmatch(line):
                if int(match[1]) != checksum:
                    break
                end, checksum = position, 0
            else:
                checksum = zlib.crc32(line, checksum)
        self._file.truncate(end)
        self._file.seek(0)

    def _read_lines(self) -> None:
        found: dict[int, Shard] = {}
        for text in self._file:
            if not text.startswith(b"#") or _COMMIT.fullmatch(text):
                continue
            line = _decode(text[1:])
            if line.head is not None:
                self._check(line.head)
                self.delta, self.resumed = line.delta, True
            elif line.shard is not None:
                ranged = line.low is not None or line.high is not None
                interval = Interval(line.low, line.high) if ranged else None
                found[line.shard] = Shard(line.condition, interval, line.depth, number=line.shard)
            elif line.page is not None:
                shard = found[line.page]
                shard.link, shard.read, shard.ended = line.link, line.read, line.end
                shard.handed_over = line.handed_over
                witnesses = set(map(bytes.fromhex, line.witnesses))
                if shard.condition:
                    self.witnesses -= witnesses
                else:
                    self.witnesses |= witnesses
        self._numbered = len(found)
        self.shards = list(found.values())
        self._file.seek(0, os.SEEK_END)

    def _check(self, head: dict[str, str]) -> None:
        other = [name for name in self._head if self._head[name] != head.get(name)]
        if other or len(head) != len(self._head):
            raise UsageError(
                f"{self._path} is the journal of another listing"
                + (f": its {other[0]} is {head.get(other[0]) or 'none'}" if other else ""),
                code="journal_mismatch",
                hint="Ask for the same as then, or name another file.",
            )

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except BlockingIOError:
            raise UsageError(
                f"{self._path} is in use by another run",
                code="journal_busy",
                hint="Wait for its end, or name another file.",
            ) from None
        except (OSError, msgspec.DecodeError, KeyError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no journal"
            raise OutputError(
                f"the journal {self._path} cannot be used: {reason}",
                code="journal_unusable",
                hint="Check the folder and the room on the disk, or name another file.",
            ) from error


def forget(path: Path) -> None:
    """Delete a journal whose listing has been put to use."""
    path.unlink(missing_ok=True)


def _open(path: Path) -> BinaryIO:
    with contextlib.ExitStack() as closing:
        file = closing.enter_context(open(path, "r+b", buffering=1 << 20, opener=open_private))
        if not try_lock(file.fileno()):
            raise BlockingIOError
        closing.pop_all()
    return file


def _one_line(record: msgspec.Raw) -> bytes:
    text = bytes(record)
    return msgspec.json.format(text, indent=-1) if b"\n" in text else text
