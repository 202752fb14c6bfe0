"""Parquet: the same schema for every file, whatever is in it."""

from __future__ import annotations

import datetime as dt
import gc
import io
from pathlib import Path

import pytest

from graphdaemon.errors import OutputError
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import records, written

pq = pytest.importorskip("pyarrow.parquet")

COLUMNS = ("id", "accountEnabled", "createdDateTime", "alternativeSecurityIds", "extension_a_b")
SPEC = OutputSpec("parquet", COLUMNS, path="devices")


def read(data: bytes) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


def test_columns_have_the_types_graph_publishes() -> None:
    """Truth values, times, texts, lists of objects; anything unknown is a text."""
    data = written(
        SPEC,
        {
            "id": "1",
            "accountEnabled": True,
            "createdDateTime": "2024-02-29T23:59:59.1234567Z",
            "alternativeSecurityIds": [{"type": 2, "key": "aa", "identityProvider": None}],
            "extension_a_b": 7,
            "other": "not selected",
        },
        {"id": "2", "createdDateTime": "0001-01-01T00:00:00Z", "extension_a_b": {"c": 1}},
        {"id": "3", "alternativeSecurityIds": [{"type": 1, "brandNew": True}]},
    )

    empty = dict.fromkeys((*COLUMNS, "other"))
    ids = {"type": 2, "key": "aa", "identityProvider": None}
    assert read(data) == [
        {
            "id": "1",
            "accountEnabled": True,
            "createdDateTime": dt.datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=dt.UTC),
            "alternativeSecurityIds": [ids],
            "extension_a_b": "7",
            "other": None,
        },
        empty
        | {
            "id": "2",
            "createdDateTime": dt.datetime(1, 1, 1, tzinfo=dt.UTC),
            "extension_a_b": '{"c":1}',
        },
        empty
        | {
            "id": "3",
            "alternativeSecurityIds": [dict.fromkeys(ids) | {"type": 1}],
            "other": '{"alternativeSecurityIds":[{"type": 1, "brandNew": true}]}',
        },
    ]


def test_the_schema_depends_on_the_names_alone() -> None:
    """An empty listing's file can be read together with a full one's."""
    empty, full = (
        pq.read_schema(io.BytesIO(written(SPEC, *rows)))
        for rows in ([], [{"id": "1", "accountEnabled": False}])
    )

    assert empty == full


def test_of_an_unknown_collection_everything_is_text() -> None:
    """An API of one's own may call anything as Graph calls a truth value."""
    spec = OutputSpec("parquet", ("accountEnabled",))

    assert read(written(spec, {"accountEnabled": True})) == [{"accountEnabled": "true"}]


def test_a_query_makes_texts() -> None:
    """Its columns are the query's own, of no type that Graph publishes."""
    spec = SPEC._replace(query="[].{accountEnabled: length(id), name: id}")

    assert read(written(spec, {"id": "abc"})) == [{"accountEnabled": "3", "name": "abc"}]


def test_a_value_that_does_not_fit_is_an_error() -> None:
    """Nothing is turned into null on the way."""
    with pytest.raises(OutputError, match="accountEnabled is true, which does not fit"):
        written(SPEC, {"id": "1", "accountEnabled": "true"})


def test_many_records_make_several_row_groups(tmp_path: Path) -> None:
    """So that memory stays flat."""
    path = tmp_path / "users.parquet"
    with Sink(OutputSpec("parquet", ("id",), file=path), None) as sink:
        for start in range(0, 45_000, 999):
            sink.write(records(*({"id": str(n)} for n in range(start, start + 999))))
        sink.finish()

    file = pq.ParquetFile(path)
    assert file.num_row_groups == 3
    assert file.metadata.num_rows == 46 * 999


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_compression_is_parquets_own(codec: str) -> None:
    """Compressed inside, so that every reader takes it."""
    data = written(OutputSpec("parquet", ("id",), compress=codec), {"id": "1"})

    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    assert column.compression == codec.upper()


def test_what_was_cut_short_has_no_foot() -> None:
    """pyarrow closes a writer that is thrown away: a part must not become a file by that."""
    stream = io.BytesIO()
    stdout = io.TextIOWrapper(stream)
    sink = Sink(OutputSpec("parquet", ("id",)), stdout)
    sink.write(records(*({"id": str(n)} for n in range(25_000))))
    with sink:
        pass
    del sink
    gc.collect()

    assert not stdout.closed
    assert stream.getvalue()[:4] == b"PAR1"
    with pytest.raises(Exception, match=r"not a parquet file|magic bytes"):
        read(stream.getvalue())
