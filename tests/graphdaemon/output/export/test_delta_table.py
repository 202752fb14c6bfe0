"""A collection as a Delta Lake table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.export.export import export_store
from graphdaemon.store.retention import prune
from graphdaemon.store.rows import Position
from graphdaemon.store.store import Store
from tests.support.exported_store import SELECTED, fill, read_rows
from tests.support.store_fixtures import row

pytest.importorskip("pyarrow")
deltalake = pytest.importorskip("deltalake")


def export(store: Store, folder: Path) -> int | None:
    (users,) = export_store(store, ["users"], "delta", folder)
    return users.records


def edit(store: Store) -> None:
    with store.change(1, "users", "round") as change:
        change.put([row("b", displayName="Bob"), row("c", displayName="Cy")])
        change.end(["a"], "removed")


def names(folder: Path) -> dict[str, str | None]:
    return {one["id"]: one["displayName"] for one in read_rows(folder / "users")}


def test_a_table_is_brought_into_step_by_what_has_changed(store: Store, tmp_path: Path) -> None:
    """In one commit, which notes the run that it came to; without changes there is none."""
    fill(store)
    assert export(store, tmp_path) == 2
    assert export(store, tmp_path) is None

    edit(store)
    assert export(store, tmp_path) == 3
    assert names(tmp_path) == {"b": "Bob", "c": "Cy"}
    table = deltalake.DeltaTable(str(tmp_path / "users"))
    position = store.position(1, "users")
    assert position is not None
    app = "graphdaemon/aaaaaaaa-0000-0000-0000-000000000001/users"
    assert table.transaction_version(app) == position.run
    assert table.history(limit=1)[0]["operation"] == "MERGE"
    assert table.version() == 1
    assert export(store, tmp_path) is None


def test_a_table_is_written_anew_where_changes_are_not_known(store: Store, tmp_path: Path) -> None:
    """They were forgotten, or it has other columns."""
    fill(store)
    export(store, tmp_path)
    edit(store)
    edit(store)
    prune(store, 1, "2030-01-01T00:00:00.000000Z")
    assert export(store, tmp_path) == 2
    assert names(tmp_path) == {"b": "Bob", "c": "Cy"}

    with store.change(1, "users", "comparison") as change:
        change.save(Position("link", (*SELECTED, "jobTitle")))
    assert export(store, tmp_path) == 2
    assert read_rows(tmp_path / "users")[0]["jobTitle"] is None


def test_the_changes_of_every_tenant_are_in_one_commit(store: Store, tmp_path: Path) -> None:
    """A tenant that is new in the store comes with all its records."""
    fill(store)
    export(store, tmp_path)
    other = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000002", "Fabrikam")
    with store.change(other, "users", "baseline") as change:
        change.load([row("a", displayName="other")])
        change.save(Position("link", SELECTED))
    assert export(store, tmp_path) == 3
    edit(store)
    with store.change(other, "users", "round") as change:
        change.put([row("a", displayName="changed")])

    assert export(store, tmp_path) == 4
    rows = read_rows(tmp_path / "users")
    assert {(one["tenant"][-1], one["id"]): one["displayName"] for one in rows} == {
        ("1", "b"): "Bob",
        ("1", "c"): "Cy",
        ("2", "a"): "changed",
    }


def test_what_somebody_else_has_written_is_left_as_it_is(store: Store, tmp_path: Path) -> None:
    """A folder with files, and a table of another program."""
    import pyarrow as pa

    fill(store)
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "precious").write_text("x")
    with pytest.raises(UsageError, match="has not exported"):
        export(store, tmp_path)

    (tmp_path / "users" / "precious").unlink()
    deltalake.write_deltalake(str(tmp_path / "users"), pa.table({"id": ["x"]}))
    with pytest.raises(UsageError, match="has not exported"):
        export(store, tmp_path)


def test_a_value_that_does_not_fit_leaves_the_table_as_it_was(store: Store, tmp_path: Path) -> None:
    """And is named as it is for a Parquet file."""
    fill(store)
    export(store, tmp_path)
    with store.change(1, "users", "round") as change:
        change.put([row("c", accountEnabled="yes")])

    with pytest.raises(OutputError, match="accountEnabled"):
        export(store, tmp_path)

    assert len(names(tmp_path)) == 2


def test_missing_packages_are_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(UsageError, match="deltalake") as caught:
        export(store, tmp_path)
    assert "graphdaemon[delta]" in (caught.value.hint or "")
