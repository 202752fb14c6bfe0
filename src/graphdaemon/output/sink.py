"""Write the records of one listing, after keeping or sorting them if that is needed."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, TextIO

from graphdaemon.errors import UsageError
from graphdaemon.listing.record import Corrections
from graphdaemon.output.atomic_file import AtomicFile, find_scratch_folder, open_scratch
from graphdaemon.output.explode import ELEMENT, PARENT, Explosion, has_elements
from graphdaemon.output.fields import NULL, Record, make_picker, name_properties
from graphdaemon.output.format import Writer
from graphdaemon.output.formats import load_format
from graphdaemon.output.required_properties import RequiredProperties
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.stream import Stream, bytes_of, flush, put, terminal_width

if TYPE_CHECKING:
    from graphdaemon.output.sort import Sorter
    from graphdaemon.output.spool import Spool


class Sink:
    """
    Writes the records of one listing; a context manager that never leaves an incomplete file.

    Args:
        spec: How the records are written, and where to.
        stdout: Standard output, which is used if `spec` names no file; None if it is closed.

    Attributes:
        unshown: The names of properties without a column, because the first records, from which
            the columns were taken, do not have them.
        rows: How many rows were written.

    Raises:
        OutputError: The file cannot be written, or standard output is closed.
        UsageError: `spec` is contradictory, or needs a package that is missing.
    """

    def __init__(self, spec: OutputSpec, stdout: TextIO | None) -> None:
        self._spec = spec
        self._format = load_format(spec.format)
        self._stdout = stdout
        self._projection = None
        if spec.query is not None:
            from graphdaemon.output.jmespath_query import Projection

            # JSON can show a list as one value; the other formats show each of its items in a row.
            unroll = spec.single and spec.format != "json"
            self._projection = Projection(spec.query, single=spec.single, unroll=unroll)
        self._explosion = None
        if spec.explode is not None:
            self._explosion = Explosion(spec.explode, keep_empty=spec.keep_empty)
        self._required = RequiredProperties(spec.required)
        self._cleanup = ExitStack()
        self._file: AtomicFile | None = None
        self._writer: Writer | None = None
        self._keeper: Sorter | Spool | None = None
        self._waiting: Spool | None = None
        self._columns: frozenset[str] = frozenset()
        self.unshown: dict[str, None] = {}
        self.rows = 0
        try:
            self._open_target()
            self._choose_keeper()
        # After an exception here nobody calls `__exit__`, so clean up now.
        except BaseException:
            self._cleanup.close()
            raise
        self._corrections: Corrections = {}
        self._is_copy = False

    @property
    def can_correct(self) -> bool:
        """Whether records that were written can still be corrected."""
        return self._keeper is not None

    def write(self, records: Sequence[Record]) -> None:
        """
        Write some records, or keep them until `finish`.

        Raises:
            OutputError: Writing failed.
            UsageError: The query fails for a record, or what is to be exploded is not a list.
        """
        self._required.look(records)
        if self._keeper is not None:
            self._keeper.write(records)
        if self._streams:
            self._put(records)
        elif self._is_written:
            # The keeper writes to the output file itself, in which each record is a line.
            self.rows += len(records)

    def correct(self, corrections: Corrections) -> None:
        """
        Give the corrections of records that were kept, to be applied by `finish`.

        Args:
            corrections: By the ID of each record that has changed, the record as it is now; None if
                it was deleted.
        """
        assert self.can_correct, "what was printed cannot be taken back"
        self._corrections = corrections

    def copy(self, data: bytes) -> None:
        """Write an answer that is not JSON, unchanged; nothing else is written to this output."""
        self._is_copy = True
        put(self._stream, data)

    def finish(self) -> None:
        """
        Write the records that were kept and the end of the format, and move the file to its path.

        Raises:
            OutputError: Writing failed; no file is left.
            UsageError: No record has a property that an option names; no file is left.
        """
        if self._file is not None or not self._streams:
            self._required.refuse()
        if self._keeper is not None and (not self._is_written or self._corrections):
            # The unfinished file contains records that have changed since: begin a new one.
            if self._is_written:
                self._open_target()
                self._waiting = None
            self.rows = 0
            for batch in self._keeper.read(self._corrections):
                self._put(batch)
        if self._waiting is not None:
            # No row has an element, so the columns come from the parents alone.
            self._name_columns(next(self._waiting.read({})))
            self._write(())
        if self._writer is None and self._format.is_binary:
            self._writer = self._make_writer(())
        if self._writer is not None and not self._is_copy:
            self._writer.finish()
        if self._compressed is not None:
            self._compressed.end()
        flush(self._target)
        if self._file is not None:
            self._file.commit()
        # Printed output gets its proper end before the error is raised.
        self._required.refuse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _put(self, records: Sequence[Record]) -> None:
        # The sorter has made rows of the records already.
        if self._explosion is not None and self._spec.sort is None:
            records = self._explosion.apply(records)
        if self._projection is not None:
            records = self._projection.apply(records)
        if self._spec.limit is not None:
            records = records[: self._spec.limit - self.rows]
        self.rows += len(records)
        if self._explosion is not None and self._is_flat:
            records = self._explosion.flatten(records)
            if self._writer is None and self._spec.keep_empty and not has_elements(records):
                self._keep_waiting(records)
                return
        self._write(records)

    def _write(self, records: Sequence[Record]) -> None:
        if self._writer is None or self._columns:
            self._name_columns(records)
        if self._writer is None:
            return
        waiting, self._waiting = self._waiting, None
        for batch in () if waiting is None else waiting.read({}):
            self._name_columns(batch)
            self._writer.write(batch)
        self._writer.write(records)

    def _keep_waiting(self, records: Sequence[Record]) -> None:
        """Keep rows without an element until a row with one shows the columns of elements."""
        if self._waiting is None:
            from graphdaemon.output.spool import Spool

            self._waiting = Spool(self._open_scratch())
        self._waiting.write(records)

    def _name_columns(self, records: Sequence[Record]) -> None:
        """Take the columns from the first records, and note the other properties of later ones."""
        names = name_properties(records)
        if self._explosion is not None and ELEMENT in names and self._has_objects(names):
            pick = make_picker((ELEMENT,))
            if all(pick(record) == (NULL,) for record in records):
                # Where elements are objects, `element` is a column only for rows without one.
                names = tuple(name for name in names if name != ELEMENT)
        if self._writer is None and names:
            self._columns = frozenset(names)
            self._writer = self._make_writer(names)
        self.unshown |= dict.fromkeys(name for name in names if name not in self._columns)

    def _has_objects(self, names: Sequence[str]) -> bool:
        return any(name.startswith(f"{ELEMENT}.") for name in (*self._columns, *names))

    def _open_target(self) -> None:
        """Open the file or standard output, and make the compression and the writer for it."""
        spec = self._spec
        width = None
        if spec.file is not None:
            self._file = AtomicFile(spec.file)
            self._cleanup.callback(self._file.discard)
            self._target: Stream = self._file
        else:
            self._target, width = _open_stdout(spec, self._stdout)
        self._stream, self._compressed = self._target, None
        if spec.compress is not None and not self._format.compresses_itself:
            from graphdaemon.output.compress import CompressedStream

            self._stream = self._compressed = CompressedStream(self._target, spec.compress)
        self._width = width
        made = self._projection and self._projection.columns
        self._is_flat = self._format.has_columns and made is None
        columns = made or spec.columns
        if self._format.has_columns and not columns and spec.finds_columns:
            self._writer = None
            return
        if self._format.has_columns and not columns:
            raise UsageError(
                f"{spec.format} shows columns, and none are named",
                code="option_invalid",
                hint="Name them: with $select, or with --query '[].{name: property}'.",
            )
        self._writer = self._make_writer(columns)

    def _make_writer(self, columns: Sequence[str]) -> Writer:
        # A property is decoded into one field, so it cannot have two columns.
        spec = self._spec._replace(columns=tuple(dict.fromkeys(columns)))
        return self._format.make(self._stream, spec, self._width)

    def _choose_keeper(self) -> None:
        """
        Decide where records are kept until it is known which of them have changed meanwhile.

        An output file in which each record is a line can be read back, so it keeps the records
        itself. For other output files, records are both written and kept in a temporary file, so
        that the output is written again only if a record has changed.
        """
        spec = self._spec
        has_place = self._file is not None and not self._file.is_direct
        is_late = spec.sort is not None or spec.hold
        is_plain = self._format.is_verbatim and not (spec.compress or spec.query or spec.explode)
        is_spool = has_place and is_plain and not is_late
        self._streams = not is_late and not is_spool
        self._is_written = not is_late
        if spec.sort is not None:
            from graphdaemon.output.sort import Sorter

            explosion = self._explosion
            self._keeper = Sorter(
                self._open_scratch(),
                spec.sort,
                make_rows=None if explosion is None else explosion.apply,
                id_path="id" if explosion is None else f"{PARENT}.id",
            )
        elif is_late or has_place:
            from graphdaemon.output.spool import Spool

            assert self._file is not None or not is_spool, "lines in a file need one"
            space = self._file if is_spool and self._file is not None else self._open_scratch()
            self._keeper = Spool(space)

    def _open_scratch(self) -> AtomicFile:
        if self._file is not None and not self._file.is_direct:
            # The folder of the output has room for its records, but the folder for temporary files
            # may be small.
            folder = self._file.path.parent
        else:
            folder = find_scratch_folder()
        scratch = open_scratch(folder)
        self._cleanup.callback(scratch.discard)
        return scratch


def _open_stdout(spec: OutputSpec, stdout: TextIO | None) -> tuple[Stream, int | None]:
    stream = bytes_of(stdout)
    if stdout is None or not stdout.isatty():
        return stream, None
    if spec.compress is not None or load_format(spec.format).is_binary:
        raise UsageError(
            "a terminal cannot show " + (spec.compress or spec.format),
            code="option_invalid",
            hint="Name a file with --output, or send it through a pipe.",
        )
    return stream, terminal_width()
