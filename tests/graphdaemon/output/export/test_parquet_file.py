"""A collection as one Parquet file."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.errors import OutputError
from graphdaemon.output.export.export import export_store
from graphdaemon.store.store import Store
from tests.support.exported_store import fill, read_rows
from tests.support.store_fixtures import row

pytest.importorskip("pyarrow")


def test_the_file_holds_every_record(store: Store, tmp_path: Path) -> None:
    """In as many groups of rows as it takes; the next export takes its place."""
    fill(store)
    with store.change(1, "users", "round") as change:
        change.put([row(f"x{number:05}", displayName=f"{number}") for number in range(5_000)])

    list(export_store(store, ["users"], "parquet", tmp_path))
    rows = read_rows(tmp_path / "users.parquet")
    assert len(rows) == 5_002
    assert rows[0]["assignedLicenses"] == [{"skuId": "s", "disabledPlans": ["p", "q"]}]

    with store.change(1, "users", "round") as change:
        change.end(["a"], "removed")
    list(export_store(store, ["users"], "parquet", tmp_path))
    assert len(read_rows(tmp_path / "users.parquet")) == 5_001


def test_what_stood_there_stays_when_a_value_does_not_fit(store: Store, tmp_path: Path) -> None:
    """Half a file is never seen."""
    fill(store)
    list(export_store(store, ["users"], "parquet", tmp_path))
    with store.change(1, "users", "round") as change:
        change.put([row("c", accountEnabled="yes")])

    with pytest.raises(OutputError, match="accountEnabled"):
        list(export_store(store, ["users"], "parquet", tmp_path))

    assert len(read_rows(tmp_path / "users.parquet")) == 2
    assert {path.name for path in tmp_path.iterdir()} <= {"users.parquet", "store.db"} | {
        f"store.db-{ending}" for ending in ("wal", "shm", "lock")
    }
