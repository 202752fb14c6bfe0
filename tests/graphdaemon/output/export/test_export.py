"""What a store holds, exported: which collections, to where, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.export.export import Exported, export_store
from graphdaemon.store.store import Store
from tests.support.exported_store import fill, read_rows

pytest.importorskip("pyarrow")


def test_every_collection_of_the_store_is_exported(store: Store, tmp_path: Path) -> None:
    """Each under the name of its view, with the tenant, the ID and the time it is valid from."""
    fill(store)

    exported = list(export_store(store, (), "parquet", tmp_path))

    assert exported == [
        Exported("users", tmp_path / "users.parquet", 2),
        Exported("groups/members", tmp_path / "group_members.parquet", 1),
    ]
    (edge,) = read_rows(tmp_path / "group_members.parquet")
    assert edge["id"] == "g/a"
    assert (edge["parent"], edge["child"], edge["kind"]) == ("g", "a", "user")
    assert edge["tenant"] == "aaaaaaaa-0000-0000-0000-000000000001"
    assert edge["valid_from"].isoformat() == "2026-11-01T09:00:00+00:00"


def test_what_cannot_be_exported_is_named(store: Store, tmp_path: Path) -> None:
    """An unknown collection, one that is not in the store, an empty store, a file for a folder."""
    with pytest.raises(UsageError, match="no records yet"):
        list(export_store(store, (), "parquet", tmp_path))
    fill(store)
    for names, reason in ((("user",), "not a collection"), (("groups",), "has no groups")):
        with pytest.raises(UsageError, match=reason):
            list(export_store(store, names, "parquet", tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file cannot be made"):
        list(export_store(store, (), "parquet", tmp_path / "file"))


def test_a_folder_is_made_once_there_is_something_for_it(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with pytest.raises(UsageError):
        list(export_store(store, (), "parquet", folder))
    assert not folder.exists()
    fill(store)

    list(export_store(store, ("users",), "parquet", folder))

    assert [path.name for path in folder.iterdir()] == ["users.parquet"]
