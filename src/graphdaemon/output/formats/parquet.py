"""Parquet, and where pyarrow is loaded, which is an extra."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.fields import Record, make_picker, text_of
from graphdaemon.output.format import Format
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.stream import ByteStream, Stream, flush

# Source: the types of user, group, device, application, servicePrincipal, orgContact, organization,
# administrativeUnit, domain and subscribedSku in Graph v1.0's metadata, August 2026; no name has
# two types.
_BOOLEANS = frozenset(
    "accountEnabled allowExternalSenders appRoleAssignmentRequired autoSubscribeNewMembers "
    "hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients isAdminManaged "
    "isArchived isAssignableToRole isCompliant isDefault isDeviceOnlyAuthSupported isDisabled "
    "isFallbackPublicClient isFavorite isInitial isManaged isManagementRestricted "
    "isMemberManagementRestricted isResourceAccount isRoot isRooted isSubscribedByMail isVerified "
    "mailEnabled oauth2RequirePostResponse onPremisesSyncEnabled securityEnabled "
    "showInAddressList welcomeMessageEnabled".split()
)
_INTEGERS = frozenset(
    "consumedUnits deviceEnrollmentLimit deviceVersion passwordNotificationWindowInDays "
    "passwordValidityPeriodInDays unseenConversationsCount unseenCount unseenMessagesCount".split()
)
_TIMES = frozenset({"birthday", "hireDate"})

# A row group waits in memory until it is complete, so that its size bounds the memory.
_ROWS = 20_000
_BYTES = 16 << 20


class ParquetWriter:
    """
    One column for each property, typed by its name alone, so that every file has the same schema.

    The types are those that Graph publishes. What a query makes of records is text, and so is what
    an API of one's own has in columns that nobody named.

    Raises:
        UsageError: pyarrow is not installed.
    """

    def __init__(self, stream: Stream, spec: OutputSpec) -> None:
        self._arrow, self._parquet = load_pyarrow()
        self._stream = stream
        typed = spec.query is None and not spec.finds_columns
        self._columns = [(name, _kind_of(name) if typed else _TEXT) for name in spec.columns]
        self._schema = self._arrow.schema(
            [(name, kind.make_type(self._arrow)) for name, kind in self._columns]
        )
        self._pick = make_picker(spec.columns)
        self._rows: list[tuple[bytes, ...]] = []
        self._size = 0
        # The default of pyarrow, which every reader of Parquet knows.
        self._codec = spec.compress or "snappy"
        self._sink = ByteStream(stream)
        self._writer: Any = None

    def write(self, records: Sequence[Record]) -> None:
        """Take some; a row group is written when there are enough."""
        self._rows += map(self._pick, records)
        self._size += sum(map(len, map(bytes, records)))
        if len(self._rows) >= _ROWS or self._size >= _BYTES:
            self._write_group()

    def finish(self) -> None:
        """Write the last row group, and the foot without which nobody can read the file."""
        self._write_group()
        with self._sink.open():
            self._open_writer().close()
        flush(self._stream)

    def _write_group(self) -> None:
        if not self._rows:
            return
        arrays = [
            self._arrow.array(
                [_convert(name, kind, value) for value in values], self._schema.field(name).type
            )
            for (name, kind), values in zip(
                self._columns, zip(*self._rows, strict=True), strict=True
            )
        ]
        with self._sink.open():
            self._open_writer().write_table(
                self._arrow.Table.from_arrays(arrays, schema=self._schema)
            )
        self._rows, self._size = [], 0

    def _open_writer(self) -> Any:
        # Not before there is something to write, for it begins with the file's head.
        if self._writer is None:
            file = self._arrow.PythonFile(self._sink, mode="w")
            self._writer = self._parquet.ParquetWriter(file, self._schema, compression=self._codec)
        return self._writer


class _Kind(NamedTuple):
    """A kind of column: its type in Arrow, and how a value's text is read as one."""

    make_type: Callable[[Any], Any]
    read: Callable[[str], Any]


_TEXT = _Kind(lambda arrow: arrow.string(), str)
_BOOLEAN = _Kind(lambda arrow: arrow.bool_(), {"true": True, "false": False}.__getitem__)
_INTEGER = _Kind(lambda arrow: arrow.int64(), int)
# Python keeps microseconds: the seventh digit that Graph may send is dropped.
_TIME = _Kind(lambda arrow: arrow.timestamp("us", tz="UTC"), dt.datetime.fromisoformat)


def load_pyarrow() -> tuple[Any, Any]:
    """
    Import pyarrow and its Parquet half, which together take a third of a second.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[parquet]'.",
        ) from None
    return pa, pq


def load_json_reader() -> Any:
    """Import what pyarrow reads lines of JSON with."""
    import pyarrow.json as pj

    return pj


def _kind_of(name: str) -> _Kind:
    if name in _BOOLEANS:
        return _BOOLEAN
    if name in _INTEGERS:
        return _INTEGER
    return _TIME if name in _TIMES or name.endswith("DateTime") else _TEXT


def _convert(name: str, kind: _Kind, value: bytes) -> Any:
    text = text_of(value)
    if text is None:
        return None
    # A number in quotes is a text, and a number is no time.
    if kind is not _TEXT and (value[:1] == b'"') is not (kind is _TIME):
        raise _misfit(name, text)
    try:
        return kind.read(text)
    except (ValueError, KeyError):
        raise _misfit(name, text) from None


def _misfit(name: str, text: str) -> OutputError:
    return OutputError(
        f"{name} is {text[:40]}, which does not fit its column in Parquet",
        code="output_failed",
        hint="Leave it out with --select, or use ndjson, which takes every value.",
    )


FORMAT = Format(
    suffixes=(".parquet",),
    make=lambda stream, spec, _: ParquetWriter(stream, spec),
    has_columns=True,
    is_binary=True,
    compresses_itself=True,
)
