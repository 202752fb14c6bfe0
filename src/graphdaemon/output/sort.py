"""
Sort any number of records: parts of them are sorted in memory, and then merged.

By the property to sort by, the order is: `null` (or absent), false, true, numbers by value, strings
by code point, and objects and lists by their JSON. Records with equal values are ordered by ID, and
those with equal IDs stay in the order in which they came. So two listings of the same directory
give the same bytes.
"""

import itertools
import operator
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from graphdaemon.listing.record import Corrections
from graphdaemon.output.fields import NULL, Record, make_picker, text_of
from graphdaemon.output.formats.ndjson import join_lines
from graphdaemon.output.spool import Space
from graphdaemon.output.stream import explaining_failure

_Row = tuple[str, bytes]
_key_of = operator.itemgetter(0)

KeyReader = Callable[[bytes], tuple[list[str], list[str]]]
"""Returns the sort keys and the IDs of records, which are given as lines of JSON."""

# Bytes that are sorted in memory at once; twice as many would halve the parts to be merged.
_PART = 8 << 20
_SMALLEST_PIECE = 1 << 12
_BATCH = 1000

# A key is a string, because strings are compared fastest. It begins with a digit for the kind of
# the value. A string value ends with two NULs, which occur in no other place: a NUL in the value is
# written as NUL and \1.
_END = "\0\0"
_NUL = "\0\1"
_ESCAPED_NUL = b"\\u0000"
_WORDS: dict[bool | None, str] = {None: "0", False: "10", True: "11"}
_NUMBER, _TEXT, _NESTED = "2", "3", "4"

_DIGITS = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
# Exponents that are further from zero are treated as equal.
_FARTHEST = 10**9
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


class Sorter:
    """
    Keeps records, and returns them in order; memory does not grow with their number.

    Args:
        space: Where they are kept; the caller closes it.
        path: The property to sort by; a dot leads into an object.
        make_rows: Makes the rows that are sorted from some records, such as one for each secret;
            by default the records themselves are sorted.
        id_path: The path of the record's ID in a row.
        part: How many bytes are sorted in memory at once.
    """

    def __init__(
        self,
        space: Space,
        path: str,
        *,
        make_rows: Callable[[Sequence[Record]], Sequence[Record]] | None = None,
        id_path: str = "id",
        part: int = _PART,
    ) -> None:
        self._space = space
        self._read_keys = make_key_reader(path, id_path)
        self._make_rows = make_rows or (lambda records: records)
        self._part = part
        self._rows: list[_Row] = []
        self._size = 0
        self._end = 0
        self._parts: list[tuple[int, int]] = []

    def write(self, records: Sequence[Record]) -> None:
        """Keep some records."""
        data = join_lines(self._make_rows(records))
        lines = data.split(b"\n")[:-1]
        self._rows += zip(self._read_keys(data)[0], lines, strict=True)
        self._size += len(data)
        if self._size >= self._part:
            self._spill()

    def read(self, corrections: Corrections) -> Iterator[list[Record]]:
        """Yield all rows in order, with `corrections` (by ID) applied; it can be called once."""
        old = len(self._parts) + bool(self._rows)
        self._spill()
        self.write([record for record in corrections.values() if record is not None])
        self._spill()
        # All parts are read at the same time, so the pieces are smaller if there are more parts.
        piece = max(_SMALLEST_PIECE, self._part // (len(self._parts) + 1))
        runs = [
            _Run(
                self._read_part(*part, piece),
                self._read_keys,
                frozenset(corrections) if number < old else frozenset(),
            )
            for number, part in enumerate(self._parts)
        ]
        for batch in _merge(runs):
            for start in range(0, len(batch), _BATCH):
                yield list(map(msgspec.Raw, batch[start : start + _BATCH]))

    def _spill(self) -> None:
        if not self._rows:
            return
        self._rows.sort(key=_key_of)
        part = b"\n".join([*(line for _, line in self._rows), b""])
        with explaining_failure():
            self._space.write(part)
        self._parts.append((self._end, self._end + len(part)))
        self._end += len(part)
        self._rows, self._size = [], 0

    def _read_part(self, start: int, end: int, piece: int) -> Iterator[bytes]:
        """Yield whole lines of one sorted part, piece by piece."""
        tail = b""
        while start < end:
            with explaining_failure():
                data = self._space.read(min(piece, end - start), start)
            assert data, "what was written can be read"
            start += len(data)
            whole, line_break, tail = (tail + data).rpartition(b"\n")
            if line_break:
                yield whole + line_break
        assert not tail, "every record has a line break behind it"


class _Run:
    """
    The rows of one sorted part, of which a piece is in memory.

    Attributes:
        keys: The keys of the rows in memory.
        start: How many of these rows were taken.
        is_last: Whether all rows of the part have been read.
    """

    def __init__(
        self, pieces: Iterator[bytes], read_keys: KeyReader, corrected: frozenset[str]
    ) -> None:
        self._pieces = pieces
        self._read_keys = read_keys
        self._corrected = corrected
        self._lines: list[bytes] = []
        self.keys: list[str] = []
        self.start = 0
        self.is_last = False

    def fill(self) -> bool:
        """Read the next piece if all rows in memory were taken; return whether there are any."""
        while self.start == len(self.keys) and not self.is_last:
            self._read_piece()
        return self.start < len(self.keys)

    def take(self, stop: int) -> Iterator[_Row]:
        """Take and return the rows in memory from `start` up to, but not including, `stop`."""
        taken = slice(self.start, stop)
        self.start = stop
        return zip(self.keys[taken], self._lines[taken], strict=True)

    def _read_piece(self) -> None:
        piece = next(self._pieces, b"")
        self.is_last = not piece
        self.keys, ids = self._read_keys(piece)
        self._lines = piece.split(b"\n")[:-1]
        self.start = 0
        if self._corrected:
            kept = [id_ not in self._corrected for id_ in ids]
            self.keys = list(itertools.compress(self.keys, kept))
            self._lines = list(itertools.compress(self._lines, kept))


def _merge(runs: Sequence[_Run]) -> Iterator[list[bytes]]:
    """Yield the rows of all runs in order; rows with equal keys in the order of the runs."""
    while runs := [run for run in runs if run.fill()]:
        # No row that is still to be read comes before the lowest of the last keys in memory.
        limit = min([run.keys[-1] for run in runs])
        bisect: Callable[..., int] = bisect_right
        rows: list[_Row] = []
        for run in runs:
            rows += run.take(bisect(run.keys, limit, run.start))
            # The next piece of this run may have more rows with this key; in later runs, such rows
            # have to wait for them.
            bisect = bisect_left if run.keys[-1] == limit else bisect
        # Python's sort recognises sequences that are in order, and merges them.
        rows.sort(key=_key_of)
        yield [line for _, line in rows]


def make_key_reader(path: str, id_path: str = "id") -> KeyReader:
    """Return the function that reads the sort keys, from the property at `path`, and the IDs."""
    names, id_names = path.split("."), id_path.split(".")

    find, find_id = _make_finder(names), _make_finder(id_names)

    def read_slowly(data: bytes) -> tuple[list[str], list[str]]:
        lines = data.split(b"\n")[:-1]
        ids = [text_of(find_id(line)) or "" for line in lines]
        values = map(find, lines)
        return [_write_key(value) + id_ for value, id_ in zip(values, ids, strict=True)], ids

    try:
        read_quickly = _make_quick_reader(names, id_names)
    except ValueError:
        # Quotation marks, backslashes and control characters are in no field's name.
        return read_slowly

    def read(data: bytes) -> tuple[list[str], list[str]]:
        try:
            return read_slowly(data) if _ESCAPED_NUL in data else read_quickly(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return read_slowly(data)

    return read


def _make_quick_reader(names: list[str], id_names: list[str]) -> KeyReader:
    """
    Return a fast reader, for keys that are strings, booleans or null, and IDs that are strings.

    Raises:
        ValueError: msgspec cannot decode a field with one of these names.
    """
    tree: dict[str, Any] = {}
    for path in (names, id_names):
        inner = tree
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner.setdefault(path[-1], {})
    decode = msgspec.json.Decoder(_make_struct(tree)).decode_lines
    pick_key, pick_id = _make_column(tree, names), _make_column(tree, id_names)

    def read(data: bytes) -> tuple[list[str], list[str]]:
        records = decode(data)
        ids = pick_id(records)
        kinds = set(map(type, ids))
        if bool in kinds:
            raise msgspec.ValidationError
        if kinds != {str}:
            ids = ["" if id_ is None else id_ for id_ in ids]
        return [
            f"{_TEXT}{value}{_END}{id_}" if value.__class__ is str else _WORDS[value] + id_
            for value, id_ in zip(pick_key(records), ids, strict=True)
        ], ids

    return read


def _make_struct(tree: dict[str, Any]) -> Any:
    fields = [
        (f"field{number}", _make_struct(inner) | None if inner else str | bool | None, None)
        for number, inner in enumerate(tree.values())
    ]
    rename = {field: name for (field, *_), name in zip(fields, tree, strict=True)}
    return msgspec.defstruct("Keyed", fields, rename=rename)


def _make_column(tree: dict[str, Any], names: list[str]) -> Callable[[list[Any]], list[Any]]:
    """Return a function that returns the values at the path `names` in a list of structs."""
    fields = []
    for name in names:
        fields.append(f"field{list(tree).index(name)}")
        tree = tree[name]

    def pick(values: list[Any]) -> list[Any]:
        for field in fields:
            get = operator.attrgetter(field)
            try:
                values = list(map(get, values))
            except AttributeError:
                values = [None if value is None else get(value) for value in values]
        return values

    return pick


def _make_finder(names: list[str]) -> Callable[[bytes], bytes]:
    """Return a function that returns the value at the path `names` in a record, as JSON."""
    pickers = [make_picker((name,)) for name in names]

    def find(value: bytes) -> bytes:
        for pick in pickers:
            (value,) = pick(msgspec.Raw(value))
        return value

    return find


def _write_key(value: bytes) -> str:
    first = value[:1]
    if first in (b'"', b"[", b"{"):
        text = (text_of(value) or "").replace("\0", _NUL)
        return (_TEXT if value.startswith(b'"') else _NESTED) + text + _END
    if value == NULL or first in b"tf":
        return _WORDS[None if value == NULL else first == b"t"]
    return _NUMBER + _write_number(value.decode())


def _write_number(text: str) -> str:
    """Write a number such that the results are, as strings, in the order of the numbers."""
    match = _DIGITS.fullmatch(text)
    assert match, "what is not a string, word, list or object is a number"
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "1"
    # The number is 0.DIGITS times ten to the power of `power`.
    power = len(whole) - (len(whole + fraction) - len(digits)) + _read_exponent(exponent)
    power = min(max(power, -_FARTHEST), _FARTHEST) + _FARTHEST
    written = f"{power:010}{digits.rstrip('0')}"
    # A blank comes before every digit, so a shorter number is lower. Of negative numbers, those
    # with larger digits are lower: their digits are complemented, and "~" comes after every digit.
    return f"0{written.translate(_COMPLEMENT)}~" if sign else f"2{written} "


def _read_exponent(text: str) -> int:
    is_readable = len(text) <= len(str(_FARTHEST))
    return int(text or 0) if is_readable else _FARTHEST * (-1 if text[0] == "-" else 1)
