"""The way out: a file is whole or not there, and what was written can be put right."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import (
    COLUMNS,
    ROWS,
    at,
    ndjson,
    records,
    texts,
    write_file,
    written,
)


@pytest.mark.parametrize("name", ["json", "ndjson", "csv", "table"])
def test_a_file_holds_what_the_stream_would(tmp_path: Path, name: str) -> None:
    """--output changes where to, not what."""
    path = tmp_path / "users"

    write_file(OutputSpec(name, COLUMNS, file=path), *ROWS)

    assert path.read_bytes() == written(OutputSpec(name, COLUMNS), *ROWS)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["json", "ndjson", "csv"])
def test_rows_of_a_file_are_counted(tmp_path: Path, name: str) -> None:
    """Those that are written once more with their corrections are not counted twice."""
    with Sink(OutputSpec(name, COLUMNS, file=tmp_path / "users"), None) as sink:
        sink.write(records({"id": "1"}, {"id": "2"}))
        assert sink.rows == 2
        sink.correct({"1": None})
        sink.finish()

    assert sink.rows == 1


@pytest.mark.parametrize("name", ["csv", "table"])
def test_columns_that_nobody_named_are_those_of_the_first_records(name: str) -> None:
    """In the order in which they come; what later records have besides is remembered."""
    spec = OutputSpec(name, (), finds_columns=True)
    stream = io.TextIOWrapper(io.BytesIO())

    with Sink(spec, stream) as sink:
        sink.write([])
        sink.write(records({"b": 1, "@odata.etag": "x"}, {"a": "y", "b": 2}))
        sink.write(records({"c": 3}))
        sink.finish()
        rows = stream.buffer.getvalue().decode().split()

    assert "".join(rows).replace(",", "").replace("─", "") == "ba12y"
    assert list(sink.unshown) == ["c"]


def test_parquet_has_columns_that_nobody_named_as_text(tmp_path: Path) -> None:
    """Of an API of one's own nobody knows the types, whatever the names; no record, no column."""
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "orders.parquet"
    spec = OutputSpec("parquet", (), path, finds_columns=True)

    write_file(spec, {"createdDateTime": 7, "isDefault": "no"})
    assert pq.read_table(path).to_pylist() == [{"createdDateTime": "7", "isDefault": "no"}]
    write_file(spec)
    assert pq.read_table(path).to_pylist() == []


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


EMPTY = [{"id": "1", "tags": []}, {"id": "2"}]
FULL = {"id": "3", "tags": [{"name": "a", "level": 2}]}


@pytest.mark.parametrize("sort", [None, "parent.id"])
@pytest.mark.parametrize(
    ("pages", "lines"),
    [
        (
            [EMPTY, [FULL], EMPTY[:1]],
            ["parent.id,element.name,element.level", "1,,", "2,,", "3,a,2", "1,,"],
        ),
        ([EMPTY, [{"id": "3", "tags": ["a"]}]], ["parent.id,element", "1,", "2,", "3,a"]),
        ([[*EMPTY, FULL]], ["parent.id,element.name,element.level", "1,,", "2,,", "3,a,2"]),
        ([EMPTY, EMPTY], ["parent.id,element", "1,", "2,", "1,", "2,"]),
    ],
    ids=["objects", "texts", "one page", "none at all"],
)
def test_rows_of_empty_lists_wait_for_one_that_shows_the_columns(
    tmp_path: Path, pages: list[list[dict[str, object]]], lines: list[str], sort: str | None
) -> None:
    """What elements have is in the file, though the first page has none."""
    path = tmp_path / "rows.csv"
    spec = OutputSpec(
        "csv", (), path, explode="tags", keep_empty=True, sort=sort, finds_columns=True
    )

    with Sink(spec, None) as sink:
        for page in pages:
            sink.write(records(*page))
        sink.correct({})
        sink.finish()

    first, *rest = lines
    head, *rows = path.read_text().splitlines()
    assert head == first
    assert rows == (rest if sort is None else sorted(rest))
    assert (sink.rows, list(sink.unshown)) == (len(rest), [])
    assert list(tmp_path.iterdir()) == [path]


def test_rows_that_wait_are_corrected_too(tmp_path: Path) -> None:
    """The file is written anew where a record has changed since."""
    path = tmp_path / "rows.csv"
    spec = OutputSpec("csv", (), path, explode="tags", keep_empty=True, finds_columns=True)

    with Sink(spec, None) as sink:
        sink.write(records(*EMPTY))
        sink.correct({"1": None, "2": records({"id": "2", "tags": [{"name": "new"}]})[0]})
        sink.finish()

    assert path.read_text().splitlines() == ["parent.id,element.name", "2,new"]
    assert sink.rows == 1


@pytest.mark.parametrize("sort", [None, "id"])
def test_no_file_appears_where_what_is_required_was_never_seen(
    tmp_path: Path, sort: str | None
) -> None:
    """What an option names, and no record has, is refused before anybody takes the file."""
    path = tmp_path / "rows.csv"
    spec = OutputSpec("csv", ("id",), path, sort=sort, required=(("total", "--sort"),))

    with Sink(spec, None) as sink:
        sink.write(records({"id": "1", "totals": 2}))
        with pytest.raises(UsageError, match="no record has a property total") as caught:
            sink.finish()

    assert caught.value.hint == "Did you mean totals?"
    assert list(tmp_path.iterdir()) == []
