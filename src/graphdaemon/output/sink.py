"""The way of one listing's records: kept where they must be, put in order, written."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TextIO

from graphdaemon.errors import UsageError
from graphdaemon.listing.record import Corrections
from graphdaemon.output.atomic_file import PartialFile, open_scratch
from graphdaemon.output.fields import Record
from graphdaemon.output.formats import make_writer
from graphdaemon.output.spec import Plan
from graphdaemon.output.stream import Stream, bytes_of, flush, put


class Keeper(Protocol):
    """Keeps records until it is known which of them hold."""

    def write(self, records: Sequence[Record]) -> None:
        """Take some."""

    def read(self, corrections: Corrections) -> Iterable[list[Record]]:
        """Give them back, as they are after `corrections`."""


class Outlet:
    """
    Where the records of one listing go; a context manager that leaves no file half written.

    Args:
        plan: What shall become of them.
        stdout: Where they go if the plan names no file; None where a shell closed it.

    Attributes:
        can_correct: Whether records that were written can still be put right.

    Raises:
        OutputError: There is no place to write to.
        UsageError: The plan cannot be carried out.
    """

    def __init__(self, plan: Plan, stdout: TextIO | None) -> None:
        self._plan = plan
        self._stdout = stdout
        self._projection = None
        if plan.query is not None:
            from graphdaemon.output.jmespath_query import Projection

            unroll = plan.single and plan.format != "json"
            self._projection = Projection(plan.query, single=plan.single, unroll=unroll)
        self._cleanup = ExitStack()
        self._file: PartialFile | None = None
        try:
            self._open_target()
            self._choose_keeper()
        except BaseException:
            self._cleanup.close()
            raise
        self._corrections: Corrections = {}
        self._is_copy = False

    @property
    def can_correct(self) -> bool:
        """Whether records that were written can still be put right."""
        return self._keeper is not None

    def write(self, records: Sequence[Record]) -> None:
        """Take some records."""
        if self._keeper is not None:
            self._keeper.write(records)
        if self._streams:
            self._put(records)

    def correct(self, corrections: Corrections) -> None:
        """Put right what was written already: the record as it is now, or None if it is gone."""
        assert self.can_correct, "what has left cannot be put right"
        self._corrections = corrections

    def copy(self, data: bytes) -> None:
        """Write bytes that are no records, as they are; nothing else is written then."""
        self._is_copy = True
        put(self._stream, data)

    def finish(self) -> None:
        """
        Write what is left, and put the file in its place: what was written is the whole.

        Raises:
            OutputError: It could not be; there is no file then.
        """
        if self._keeper is not None and (not self._is_written or self._corrections):
            if self._is_written:
                self._open_target()
            for batch in self._keeper.read(self._corrections):
                self._put(batch)
        if not self._is_copy:
            self._writer.finish()
        if self._compressed is not None:
            self._compressed.end()
        flush(self._target)
        if self._file is not None:
            self._file.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def _put(self, records: Sequence[Record]) -> None:
        if self._projection is not None:
            records = self._projection.apply(records)
        self._writer.write(records)

    def _open_target(self) -> None:
        """Open the place, and what stands between it and the records."""
        plan = self._plan
        width = None
        if plan.file is not None:
            self._file = PartialFile(plan.file)
            self._cleanup.callback(self._file.discard)
            self._target: Stream = self._file
        else:
            self._target, width = _open_stdout(plan, self._stdout)
        self._stream, self._compressed = self._target, None
        if plan.compress is not None and plan.format != "parquet":
            from graphdaemon.output.compress import CompressedStream

            self._stream = self._compressed = CompressedStream(self._target, plan.compress)
        columns = (self._projection and self._projection.columns) or plan.columns
        if plan.has_columns and not columns:
            raise UsageError(
                f"{plan.format} has columns, and nothing says which",
                code="option_invalid",
                hint="Name them: with $select, or with --query '[].{name: property}'.",
            )
        self._writer = make_writer(plan, self._stream, tuple(dict.fromkeys(columns)), width)

    def _choose_keeper(self) -> None:
        """
        Decide where records wait, and whether they are written at once.

        Lines in a file are their own spool; what else goes to a file is written and kept, so that
        it need not be written again where nothing has changed.
        """
        plan = self._plan
        has_place = self._file is not None and not self._file.is_direct
        is_late = plan.sort is not None or plan.hold
        is_spool = has_place and plan.is_plain and not is_late
        self._streams = not is_late and not is_spool
        self._is_written = not is_late
        self._keeper: Keeper | None = None
        if plan.sort is not None:
            from graphdaemon.output.sort import Sorter

            self._keeper = Sorter(self._open_scratch(), plan.sort)
        elif is_late or has_place:
            from graphdaemon.output.spool import Spool

            assert self._file is not None or not is_spool, "lines in a file need one"
            space = self._file if is_spool and self._file is not None else self._open_scratch()
            self._keeper = Spool(space)

    def _open_scratch(self) -> PartialFile:
        if self._plan.file is not None and self._file is not None and not self._file.is_direct:
            folder = self._file.path.parent
        else:
            import tempfile

            folder = Path(tempfile.gettempdir())
        scratch = open_scratch(folder)
        self._cleanup.callback(scratch.discard)
        return scratch


def _open_stdout(plan: Plan, stdout: TextIO | None) -> tuple[Stream, int | None]:
    stream = bytes_of(stdout)
    if stdout is None or not stdout.isatty():
        return stream, None
    if plan.is_binary:
        raise UsageError(
            "a terminal cannot show " + (plan.compress or plan.format),
            code="option_invalid",
            hint="Name a file with --output, or send it through a pipe.",
        )
    # Brings bz2 and lzma along; only a terminal pays for them.
    import shutil

    return stream, shutil.get_terminal_size().columns
