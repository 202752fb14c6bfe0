"""
The journal: a file of what a listing has read, so that it can be resumed after a stop.

Its lines are in the order of events. Each record is a line, as Graph sent it. Lines that begin with
`#` say which chain read which page. A `commit` line contains the checksum of the lines since the
previous commit. When the file is opened again, everything after the last valid commit is cut off,
so the program or the machine may stop at any moment.

The file contains names of people and a delta link, so only its owner may read it.
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

from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputError, UsageError
from graphdaemon.listing.chain import Chain, ChainPage
from graphdaemon.listing.intervals import Interval
from graphdaemon.sharing.file_lock import try_lock
from graphdaemon.sharing.private_files import (
    ForeignFileError,
    is_own,
    make_private,
    open_private,
    refuse_foreign,
)

# The first bytes of every journal. A file with other content is not read, changed or removed.
_BEGINNING = b'#{"head":{'
_COMMIT = rb'#\{"commit":(\d+)\}\n'
# The time and the bytes between two commits. Each commit waits for the disk. What was read since
# the last one is read again if the program is killed.
_COMMIT_EVERY_S = 0.5
_COMMIT_EVERY_BYTES = 8_000_000
# How many records are yielded at a time when a listing is resumed: as many as in a page.
_RECORDS_AT_ONCE = 999


class _Line(msgspec.Struct, omit_defaults=True):
    """A line that is not a record; it has a `head`, a `chain` or a `page`."""

    # The first line: what is listed, the delta link, and the properties that this link selects.
    head: dict[str, str] | None = None
    delta: str | None = None
    selected: tuple[str, ...] | None = None
    # A chain that is to be read: its number, and the part of the collection that it reads.
    # The name in the file is `shard`, so that journals of earlier versions can be resumed.
    chain: int | None = msgspec.field(name="shard", default=None)
    condition: str = ""
    low: str | None = None
    high: str | None = None
    depth: int = 0
    # The numbers of the chains that are joined in this one, and are not read themselves.
    replaces: list[int] = []
    # A page that was read: the number of its chain, and how far the chain has been read.
    page: int | None = None
    link: str | None = None
    read: int = 0
    end: bool = False
    handed_over: bool = False
    # Packed IDs in hexadecimal.
    witnesses: list[str] = []


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class Journal:
    """
    The file, open for one listing.

    Args:
        path: Where it is, or will be; a symbolic link is followed, and stays.
        head: What is listed. The journal of anything else is refused.
        now: A steady clock, in seconds.

    Attributes:
        delta: The delta link that changes are followed from; None where there is no delta.
        selected: The properties that it was asked for as what is shown; None where an earlier
            version has not kept them.
        chains: Every chain there was, as far as it had got.
        witnesses: Packed IDs that the first page had, and no part has brought since.
        resumed: An earlier run left something to go on with.

    Raises:
        UsageError: It is not a journal, belongs to another listing, or is in use by another run.
        OutputError: It cannot be read or written.
    """

    def __init__(
        self, path: Path, head: dict[str, str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = Path(os.path.realpath(path))
        self._head = head
        self._now = now
        self.delta: str | None = None
        self.selected: tuple[str, ...] | None = None
        self.chains: list[Chain] = []
        self.witnesses: set[bytes] = set()
        self.resumed = False
        self._numbered = 0
        self._uncommitted = self._checksum = 0
        self._committed_at = now()
        with self._explaining():
            self._file = _open(self._path)
            try:
                end = self._find_sound_end()
                self._read_lines(end)
                # Last, so that the journal of another listing is left as it is.
                make_private(self._file.fileno())
                self._file.truncate(end)
                self._file.seek(0, os.SEEK_END)
            except BaseException:
                self._file.close()
                raise

    def begin(self, delta: str | None, selected: tuple[str, ...] | None = None) -> None:
        """Start a listing from nothing."""
        with self._explaining():
            self._file.seek(0)
            self._file.truncate()
        self.chains, self.resumed = [], False
        self.delta, self.selected = delta, selected
        self.witnesses.clear()
        self._numbered = self._uncommitted = self._checksum = 0
        self._put(_Line(head=self._head, delta=delta, selected=selected))
        self.commit()

    def follows(self, shown: Iterable[str]) -> bool:
        """Return whether the delta selects all of `shown`, as far as its selection is known."""
        return self.selected is None or {*self.selected} >= {*shown}

    def add(self, chain: Chain) -> None:
        """Note that a chain is to be read, unless it is in the journal already."""
        if chain.number >= 0:
            return
        chain.number = self._numbered
        self._numbered += 1
        interval = chain.interval or Interval()
        self._put(
            _Line(
                chain=chain.number,
                condition=chain.condition,
                low=interval.low,
                high=interval.high,
                depth=chain.depth,
                replaces=[number for number in chain.replaces if number >= 0],
            )
        )

    def take(
        self, chain_page: ChainPage, records: Sequence[msgspec.Raw], witnesses: Iterable[bytes] = ()
    ) -> None:
        """
        Keep the records of a page, and how far its chain has been read.

        Args:
            chain_page: The page, and its place in its chain.
            records: Those of its records that are new.
            witnesses: The packed IDs of the witnesses that the page made, or showed again.
        """
        chain = chain_page.chain
        with self._explaining():
            self._write(b"\n".join([*map(_one_line, records), b""]) if records else b"")
        self._put(
            _Line(
                page=chain.number,
                link=chain_page.link,
                read=chain_page.place,
                end=chain_page.last,
                handed_over=chain_page.last and chain.handed_over,
                witnesses=[one.hex() for one in witnesses],
            )
        )
        age = self._now() - self._committed_at
        if self._uncommitted >= _COMMIT_EVERY_BYTES or age >= _COMMIT_EVERY_S:
            self.commit()

    def commit(self) -> None:
        """Wait until everything so far is on the disk."""
        with self._explaining():
            self._file.write(b'#{"commit":%d}\n' % self._checksum)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._uncommitted = self._checksum = 0
        self._committed_at = self._now()

    def records(self) -> Iterator[list[msgspec.Raw]]:
        """Yield every record that was kept, some at a time."""
        with self._explaining():
            end = self._file.seek(0, os.SEEK_END)
        position = 0
        while position < end:
            chunk: list[msgspec.Raw] = []
            with self._explaining():
                # Read through the open file, because on Windows a locked file cannot be read
                # otherwise.
                self._file.seek(position)
                while position < end and len(chunk) < _RECORDS_AT_ONCE:
                    line = self._file.readline()
                    position += len(line)
                    if not line.startswith(b"#"):
                        chunk.append(msgspec.Raw(line[:-1]))
                self._file.seek(0, os.SEEK_END)
            if chunk:
                yield chunk

    def close(self) -> None:
        """Commit, and close the file, which stays; a journal that was not begun is not changed."""
        if not self._file.closed:
            # The disk may be full: this error must not hide the one that ended the listing. What
            # could not be written is read again by the next run.
            with contextlib.suppress(OutputError):
                if self._uncommitted:
                    self.commit()
            with contextlib.suppress(OSError):
                self._file.close()

    def _put(self, line: _Line) -> None:
        with self._explaining():
            self._write(b"#" + _encode(line) + b"\n")

    def _write(self, text: bytes) -> None:
        self._file.write(text)
        self._uncommitted += len(text)
        self._checksum = zlib.crc32(text, self._checksum)

    def _find_sound_end(self) -> int:
        """Return the offset after the last commit with a valid checksum; the rest is ignored."""
        end = position = checksum = 0
        for line in self._file:
            position += len(line)
            if match := re.fullmatch(_COMMIT, line):
                if int(match[1]) != checksum:
                    break
                end, checksum = position, 0
            else:
                checksum = zlib.crc32(line, checksum)
        return end

    def _read_lines(self, end: int) -> None:
        """Read the lines of an earlier run up to the offset `end`."""
        chains: dict[int, Chain] = {}
        self._file.seek(0)
        while self._file.tell() < end:
            text = self._file.readline()
            if not text.startswith(b"#") or re.fullmatch(_COMMIT, text):
                continue
            line = _decode(text[1:])
            if line.head is not None:
                self._check_head(line.head)
                self.delta, self.selected, self.resumed = line.delta, line.selected, True
            elif line.chain is not None:
                chains[line.chain] = _make_chain(line, line.chain)
                for number in line.replaces:
                    chains[number].ended = chains[number].handed_over = True
            elif line.page is not None:
                self._read_page_line(line, chains[line.page])
        self._numbered = len(chains)
        self.chains = list(chains.values())

    def _read_page_line(self, line: _Line, chain: Chain) -> None:
        chain.link, chain.pages_in_all, chain.ended = line.link, line.read, line.end
        chain.handed_over = line.handed_over
        witnesses = set(map(bytes.fromhex, line.witnesses))
        # The chain of everything makes witnesses; the parts show them.
        if chain.condition:
            self.witnesses -= witnesses
        else:
            self.witnesses |= witnesses

    def _check_head(self, head: dict[str, str]) -> None:
        different = [name for name in self._head if self._head[name] != head.get(name)]
        if different or len(head) != len(self._head):
            name = different[0] if different else ""
            raise UsageError(
                f"{self._path} belongs to another listing"
                + (f": its {name} is {head.get(name) or 'none'}" if name else ""),
                code="journal_mismatch",
                hint="Repeat the listing with the same options, or name another file.",
            )

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn what goes wrong with the file into the error that says what to do."""
        try:
            yield
        except _BusyError:
            raise UsageError(
                f"{self._path} is in use by another run",
                code="journal_busy",
                hint="Wait until that run has ended, or name another file.",
            ) from None
        except ForeignFileError as error:
            raise _foreign(self._path, error) from None
        except (OSError, msgspec.DecodeError, KeyError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a journal"
            raise OutputError(
                f"the journal {self._path} cannot be used: {reason}",
                code="journal_unusable",
                hint=advise(error.errno) if isinstance(error, OSError) else "Name another file.",
            ) from error


class _BusyError(Exception):
    """Another run uses the file."""


def check_journal(path: Path) -> None:
    """
    Check that the file at `path` is a journal, or that there is no file.

    Raises:
        UsageError: The file is not a journal; it is not changed.
    """
    real = Path(os.path.realpath(path))
    try:
        refuse_foreign(real, _BEGINNING)
    except ForeignFileError as error:
        raise _foreign(path, error) from None
    except OSError:
        return  # opening it says what is wrong


def remove_journal(path: Path) -> None:
    """
    Remove the journal of a listing that has ended; a symbolic link to it is kept.

    Raises:
        UsageError: The file is not a journal; it is not removed.
        OutputError: The journal cannot be removed.
    """
    check_journal(path)
    real = Path(os.path.realpath(path))
    try:
        real.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"the journal {path} cannot be removed: {error.strerror}",
            code="journal_unusable",
            hint="Remove it yourself. The output contains everything that is in it.",
        ) from error


def _foreign(path: Path, error: ForeignFileError) -> UsageError:
    return UsageError(
        f"{path} is not a journal of graphdaemon ({error.strerror}), and was not changed",
        code="file_foreign",
        hint="Name another file. It need not exist.",
    )


def _open(path: Path) -> BinaryIO:
    """Open and lock the file, and check by its first bytes that it is a journal, or empty."""
    descriptor = open_private(path)
    with contextlib.ExitStack() as closing:
        file = closing.enter_context(os.fdopen(descriptor, "r+b", buffering=1 << 20))
        if not try_lock(descriptor):
            raise _BusyError
        if not is_own(file.read(len(_BEGINNING)), _BEGINNING):
            raise ForeignFileError(path)
        file.seek(0)
        closing.pop_all()
    return file


def _make_chain(line: _Line, number: int) -> Chain:
    is_range = line.low is not None or line.high is not None
    interval = Interval(line.low, line.high) if is_range else None
    return Chain(line.condition, interval, line.depth, number=number)


def _one_line(record: msgspec.Raw) -> bytes:
    text = bytes(record)
    return msgspec.json.format(text, indent=-1) if b"\n" in text else text
