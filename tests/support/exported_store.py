"""A store with something of every kind to export, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphdaemon.store.rows import Position
from graphdaemon.store.store import Store
from tests.support.store_fixtures import row

SELECTED = (
    *("id", "displayName", "accountEnabled", "createdDateTime", "assignedLicenses"),
    *("businessPhones", "onPremisesExtensionAttributes", "extension_x"),
)
ANA = row(
    "a",
    displayName='Ana "ü名🎈"',
    accountEnabled=True,
    createdDateTime="2026-03-01T09:10:11.1234567Z",
    assignedLicenses=[{"skuId": "s", "disabledPlans": ["p", "q"]}],
    businessPhones=["1", "2"],
    onPremisesExtensionAttributes={"extensionAttribute1": "x"},
    extension_x={"any": [1, None]},
)
BO = row("b", displayName=None, accountEnabled=False, createdDateTime=None, assignedLicenses=[])


def fill(store: Store) -> None:
    """Two users, and a member of a group."""
    with store.change(1, "users", "baseline") as change:
        change.load([ANA, BO])
        change.save(Position("link", SELECTED))
    with store.change(1, "groups/members", "baseline") as change:
        change.load([row("g/a", parent="g", child="a", kind="user")])
        change.save(Position("link", ("id",)))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file, or of a Delta Lake table, by ID."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_dir():
        from deltalake import DeltaTable

        table = pa.table(DeltaTable(str(path)).to_pyarrow_table())
    else:
        table = pq.read_table(path)
    rows: list[dict[str, Any]] = table.to_pylist()
    return sorted(rows, key=lambda one: str(one["id"]))
