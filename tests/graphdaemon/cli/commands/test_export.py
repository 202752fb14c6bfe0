"""`graphdaemon export`."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.store.store import Store
from tests.support.exported_store import fill, read_rows
from tests.support.run_command import Command

pytest.importorskip("pyarrow")


def test_a_store_is_written_to_files(
    command: Command, store: Store, store_url: str, tmp_path: Path
) -> None:
    """And what was written is said."""
    fill(store)
    store.close()

    outcome = command("export", "Users", "--store", store_url, "--to", tmp_path)

    assert (outcome.code, outcome.out) == (0, b"")
    assert outcome.err == f"users: 2 records, {tmp_path}/users.parquet\n"
    assert [one["id"] for one in read_rows(tmp_path / "users.parquet")] == ["a", "b"]
    assert command("export", "--store", store_url, "--to", tmp_path, "--quiet").err == ""


def test_a_delta_lake_that_is_in_step_is_not_written(
    command: Command, store: Store, store_url: str, tmp_path: Path
) -> None:
    pytest.importorskip("deltalake")
    fill(store)
    store.close()
    arguments = ("export", "--store", store_url, "--format", "delta", "--to", tmp_path)
    command(*arguments)

    outcome = command(*arguments)

    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        f"users: in step already, {tmp_path}/users",
        f"groups/members: in step already, {tmp_path}/group_members",
    ]


def test_an_absent_store_is_not_made(command: Command, tmp_path: Path) -> None:
    outcome = command("export", "--store", f"sqlite:{tmp_path}/none.db", "--to", tmp_path)

    assert outcome.code == 7
    assert "There is no store sqlite:" in outcome.err
    assert list(tmp_path.glob("none*")) == []
