"""The way out: a file is whole or not there, and what was written can be put right."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
import random
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdaemon.errors import OutputClosedError, OutputError, UsageError
from graphdaemon.output.formats import FORMATS, read_name
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import ndjson, records, texts, written

COLUMNS = ("displayName", "id")
ROWS = [{"id": str(number), "displayName": f"Ana {number}"} for number in range(50)]


def write_file(spec: OutputSpec, *rows: object, corrections: Any = None) -> None:
    with Sink(spec, None) as sink:
        for start in range(0, len(rows), 7):
            sink.write(records(*rows[start : start + 7]))
        if corrections:
            sink.correct(corrections)
        sink.finish()


@pytest.mark.parametrize("name", ["json", "ndjson", "csv", "table"])
def test_a_file_holds_what_the_stream_would(tmp_path: Path, name: str) -> None:
    """--output changes where to, not what."""
    path = tmp_path / "users"

    write_file(OutputSpec(name, COLUMNS, file=path), *ROWS)

    assert path.read_bytes() == written(OutputSpec(name, COLUMNS), *ROWS)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    """Until then what was there stays, and afterwards nothing else is left."""
    path = tmp_path / "users.ndjson"
    path.write_text("yesterday's")

    with Sink(OutputSpec("ndjson", file=path), None) as sink:
        sink.write(records(*ROWS))
        assert path.read_text() == "yesterday's"
        sink.finish()
        assert path.read_bytes() == ndjson(ROWS)

    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "spec", [OutputSpec("ndjson"), OutputSpec("csv"), OutputSpec("csv", sort="id")], ids=str
)
def test_a_listing_that_fails_leaves_nothing(tmp_path: Path, spec: OutputSpec) -> None:
    """Neither a file nor a part of one, also where it was kept in between."""
    path = tmp_path / "users"

    def fail() -> None:
        with Sink(at(spec, path), None) as sink:
            sink.write(records(*ROWS))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert list(tmp_path.iterdir()) == []


def at(spec: OutputSpec, path: Path, **changes: Any) -> OutputSpec:
    return spec._replace(file=path, **changes)


def test_a_new_file_has_the_umasks_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    """As a shell's redirection would have it."""
    path = tmp_path / "users"
    before = os.umask(0o027)
    try:
        write_file(OutputSpec("ndjson", file=path), *ROWS)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_file(OutputSpec("ndjson", file=path), *ROWS)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The link stays a link; what it points to is replaced."""
    (tmp_path / "real").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("real")

    write_file(OutputSpec("ndjson", file=link), *ROWS)

    assert link.is_symlink()
    assert (tmp_path / "real").read_bytes() == ndjson(ROWS)


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """`--output /dev/null` must not replace the device by a file."""
    with Sink(OutputSpec("ndjson", file=Path("/dev/null")), None) as sink:
        sink.write(records(*ROWS))
        assert not sink.can_correct
        sink.finish()

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_standard_output_may_be_named_as_a_file(tmp_path: Path) -> None:
    """`--output /dev/stdout` into a pipe, which has no name of its own."""
    code = (
        "from tests.support.output_records import records; from pathlib import Path\n"
        "from graphdaemon.output.sink import Sink\n"
        "from graphdaemon.output.spec import OutputSpec\n"
        "with Sink(OutputSpec('ndjson', file=Path('/dev/stdout')), None) as sink:\n"
        "    sink.write(records({'id': '1'}))\n"
        "    sink.finish()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=Path.cwd()
    )

    assert done.stdout == b'{"id": "1"}\n'


@pytest.mark.parametrize(
    ("path", "message"), [("", "is a folder"), ("no/users", "there is no folder")]
)
def test_a_place_that_cannot_be_is_refused_at_once(tmp_path: Path, path: str, message: str) -> None:
    """A folder is not overwritten, and a missing one not made up."""
    with pytest.raises(OutputError, match=message):
        Sink(OutputSpec("ndjson", file=tmp_path / path), None)


def test_a_folder_that_vanishes_meanwhile_is_an_error(tmp_path: Path) -> None:
    """What cannot be put in its place is said, and nothing is left open."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with Sink(OutputSpec("ndjson", file=folder / "users"), None) as sink:
        sink.write(records(*ROWS))
        folder.rmdir()
        with pytest.raises(OutputError, match="could not be written"):
            sink.finish()

    assert list(tmp_path.iterdir()) == []


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """A disk that is full after so many bytes, by the operating system's own means."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


PLANS = [
    OutputSpec("json", COLUMNS),
    OutputSpec("ndjson", COLUMNS),
    OutputSpec("csv", COLUMNS),
    OutputSpec("table", COLUMNS),
    OutputSpec("ndjson", COLUMNS, compress="gzip"),
    OutputSpec("ndjson", COLUMNS, sort="displayName"),
    OutputSpec("csv", COLUMNS, hold=True, query="[?id != '1']"),
    OutputSpec("parquet", COLUMNS),
]


@pytest.mark.parametrize("spec", PLANS, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_a_file_is_whole_or_absent_wherever_writing_fails(
    tmp_path: Path, spec: OutputSpec, seed: int
) -> None:
    """The room ends at a random byte: the file is as it should be, or there is none."""
    if spec.format == "parquet":
        pytest.importorskip("pyarrow")
    path, good = tmp_path / "users", tmp_path / "good"
    corrections = {"3": None, "4": records({"id": "4", "displayName": "Bo"})[0]}
    given_ = corrections if seed % 2 else None
    write_file(at(spec, good), *ROWS, corrections=given_)
    whole = good.read_bytes()
    good.unlink()
    room = random.Random(seed).randrange(int(len(whole) * 1.2))

    with no_file_larger_than(room):
        try:
            write_file(at(spec, path), *ROWS, corrections=given_)
        except OutputError as caught:
            code = caught.code
        else:
            code = ""

    if code:
        assert code == "output_failed"
        assert list(tmp_path.iterdir()) == []
    else:
        assert path.read_bytes() == whole


@given(
    st.dictionaries(texts, texts, max_size=20),
    st.data(),
    st.sampled_from(["plain", "json", "csv", "gzip", "sort", "hold", "query"]),
)
@settings(suppress_health_check=list(HealthCheck))
def test_corrections_are_in_the_file(
    tmp_path: Path, names: dict[str, str], data: st.DataObject, kind: str
) -> None:
    """What changed after it was written is written anew, what is gone is gone, in every form."""
    path = tmp_path / "users"
    spec = {
        "plain": OutputSpec("ndjson"),
        "json": OutputSpec("json"),
        "csv": OutputSpec("csv", COLUMNS, raw_cells=True),
        "gzip": OutputSpec("ndjson", compress="gzip"),
        "sort": OutputSpec("ndjson", sort="displayName"),
        "hold": OutputSpec("ndjson", hold=True),
        "query": OutputSpec("ndjson", query="[].{id: id, displayName: displayName}"),
    }[kind]
    late = data.draw(
        st.dictionaries(st.sampled_from(sorted(names)), st.none() | texts) if names else st.just({})
    )
    rows = [{"id": id_, "displayName": name} for id_, name in names.items()]
    corrections = {
        id_: None if name is None else records({"id": id_, "displayName": name})[0]
        for id_, name in late.items()
    }

    write_file(at(spec, path), *rows, corrections=corrections)

    content = gzip.decompress(path.read_bytes()) if kind == "gzip" else path.read_bytes()
    if kind == "csv":
        found = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    elif kind == "json":
        found = json.loads(content)["value"]
    else:
        found = [json.loads(line) for line in content.decode().split("\n")[:-1]]
    wanted = {id_: name for id_, name in (names | late).items() if name is not None}
    assert {row["id"]: row["displayName"] for row in found} == wanted
    assert len(found) == len(wanted)
    if kind != "sort":
        assert [row["id"] for row in found] == [id_ for id_ in names if id_ in wanted]


def test_a_stream_cannot_be_corrected_unless_it_is_held() -> None:
    """What has left has left; --hold and --sort wait."""
    for spec, can in [
        (OutputSpec("ndjson"), False),
        (OutputSpec("ndjson", hold=True), True),
        (OutputSpec("ndjson", sort="id"), True),
    ]:
        with Sink(spec, io.TextIOWrapper(io.BytesIO())) as sink:
            assert sink.can_correct is can


def test_a_held_stream_says_nothing_before_the_end() -> None:
    """A listing that fails prints nothing then, not a part."""
    stream = io.BytesIO()
    stdout = io.TextIOWrapper(stream)

    with Sink(OutputSpec("ndjson", hold=True), stdout) as sink:
        sink.write(records(*ROWS))
        assert stream.getvalue() == b""
        sink.finish()

    assert stream.getvalue() == ndjson(ROWS)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_output_is_the_output_compressed(compression: str) -> None:
    """And the same bytes each time, so that two dumps can be compared."""
    decompress = gzip.decompress
    if compression == "zstd":
        decompress = pytest.importorskip("backports.zstd").decompress
    spec = OutputSpec("csv", COLUMNS, compress=compression)

    assert decompress(written(spec, *ROWS)) == written(OutputSpec("csv", COLUMNS), *ROWS)
    assert written(spec, *ROWS) == written(spec, *ROWS)


def test_compressed_output_that_was_cut_short_cannot_be_read() -> None:
    """gzip says so itself."""
    stream = io.BytesIO()
    stdout = io.TextIOWrapper(stream)
    with Sink(OutputSpec("ndjson", compress="gzip"), stdout) as sink:
        rows = ({"id": random.Random(n).randbytes(40).hex()} for n in range(5000))
        sink.write(records(*rows))
    stdout.flush()

    assert stream.getvalue()
    with pytest.raises(EOFError):
        gzip.decompress(stream.getvalue())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("users.csv", ("csv", None)),
        ("users.ndjson.gz", ("ndjson", "gzip")),
        ("users.JSONL.zst", ("ndjson", "zstd")),
        ("users.parquet", ("parquet", None)),
        ("2024.12.users", (None, None)),
        ("users.gz", (None, "gzip")),
        ("users", (None, None)),
        (".csv", (None, None)),
    ],
)
def test_a_files_name_says_its_format(name: str, kind: tuple[str | None, str | None]) -> None:
    """users.csv is CSV, and with .gz behind it is compressed."""
    assert read_name(Path(name)) == kind


class _Broken(io.RawIOBase):
    """A stream that fails as a pipe or a disk does."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(self._number, os.strerror(self._number))


def output(number: int) -> TextIO:
    # A buffer of one byte: every write reaches the stream at once.
    return io.TextIOWrapper(io.BufferedWriter(_Broken(number), 1))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EPIPE, OutputClosedError), (errno.ENOSPC, OutputError)],
    ids=["closed", "full"],
)
def test_output_that_cannot_be_written_is_recognised(
    name: str, number: int, error: type[Exception]
) -> None:
    """A closed pipe and a full disk are two things, whatever the format."""
    if name == "parquet":
        pytest.importorskip("pyarrow")
    stream = output(number)

    def write() -> None:
        with Sink(OutputSpec(name, ("id",)), stream) as sink:
            sink.write(records({"id": "1"}))
            sink.finish()

    with pytest.raises(error):
        write()
    # What is left in the buffer would fail again when the stream is collected.
    stream.detach().raw.close()  # type: ignore[attr-defined]  # the wrapper's buffer has a raw stream


def test_no_output_at_all_is_an_error() -> None:
    """A shell that closed stdout leaves None in its place."""
    with pytest.raises(OutputError, match="no standard output"):
        Sink(OutputSpec(), None)


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "spec", [OutputSpec("parquet"), OutputSpec("json", compress="gzip")], ids=str
)
def test_a_terminal_is_spared_what_it_cannot_show(spec: OutputSpec) -> None:
    """Binary goes to a file or a pipe."""
    with pytest.raises(UsageError, match="a terminal cannot show"):
        Sink(spec, _Terminal(io.BytesIO()))


_WRITE_FOREVER = """
import sys
from pathlib import Path
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
import msgspec

with Sink(OutputSpec(sys.argv[1], ("id",), file=Path(sys.argv[2])), None) as sink:
    for number in range(300):
        sink.write([msgspec.Raw(b'{"id":"%d"}' % (number * 100 + n)) for n in range(100)])
        if not number:
            print(flush=True)
    sink.finish()
"""


@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_a_file_is_whole_or_absent_when_the_process_is_killed(tmp_path: Path, name: str) -> None:
    """kill -9 at a random moment: 30,000 lines, or no file; and no part of one on this system."""
    path = tmp_path / "users"
    lines = 30_000 + (name == "csv")
    for delay in [0, 0.02, 0.1]:
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITE_FOREVER, name, str(path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()

        if path.exists():
            assert len(path.read_bytes().splitlines()) == lines
            path.unlink()
        assert list(tmp_path.iterdir()) == []
