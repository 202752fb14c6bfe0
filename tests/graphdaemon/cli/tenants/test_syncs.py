"""`graphdaemon sync --tenants`: several directories, one store, and no tenant in another's way."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.postgres_server import PostgresServer
from tests.support.run_command import Command
from tests.support.tenant_folder import TenantFolder


def count_users(store: Path) -> dict[str, int]:
    """How many users the store has, by the tenant's ID."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(
            "SELECT t.id, count(*) FROM users_records AS r "
            "JOIN tenants AS t ON t.number = r.tenant GROUP BY t.id"
        ).fetchall()
    return dict(rows)


def test_one_sick_tenant_keeps_no_other_from_the_store(
    command: Command, fleet: TenantFolder, tmp_path: Path
) -> None:
    """The others are in step; each line and each failure has its tenant, the first one decides."""
    store, proof = tmp_path / "all.db", tmp_path / "proof.json"

    done = command(
        *("sync", "users", "--tenants", fleet.path, "--store", f"sqlite:{store}"),
        *("--json", "--proof", proof),
    )

    ids = {name: tenant.id for name, tenant in fleet.tenants.items()}
    assert count_users(store) == {ids["contoso"]: 3, ids["fabrikam"]: 2}
    assert done.code == 3
    assert "contoso: users: 3 rows, 3 created (baseline" in done.err
    assert "fabrikam: users: 2 rows, 2 created (baseline" in done.err
    assert "2 of 4 tenants failed: corrupt, denied" in done.err
    told = json.loads(done.out)
    assert told == json.loads(proof.read_text())
    assert told["exit_code"] == 3
    assert told["tenants"]["contoso"]["error"] is None
    assert told["tenants"]["contoso"]["report"]["collections"][0]["rows"] == 3
    assert told["tenants"]["denied"]["error"]["code"] == "secret_wrong"
    assert told["tenants"]["corrupt"]["report"] is None


def test_settings_may_name_a_store_for_each(
    command: Command, folder: TenantFolder, tmp_path: Path
) -> None:
    """Without --store every tenant goes where its file says."""
    stores = {name: tmp_path / f"{name}.db" for name in ("contoso", "fabrikam")}
    for name, path in stores.items():
        folder.add(name, users=1, store=f"sqlite:{path}")

    done = command("sync", "users", "--tenants", folder.path)

    assert done.code == 0, done.err
    for name, path in stores.items():
        assert count_users(path) == {folder.tenants[name].id: 1}


def test_postgres_takes_several_at_a_time(
    command: Command, folder: TenantFolder, postgres_server: PostgresServer
) -> None:
    """Each tenant has its connection, and none waits for another."""
    for number in range(8):
        folder.add(f"tenant{number}", users=2)
    url = postgres_server.make_schema()

    first = command("sync", "users", "--tenants", folder.path, "--store", url)
    second = command("sync", "users", "--tenants", folder.path, "--store", url)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert first.err.count("users: 2 rows, 2 created") == 8
    assert second.err.count("users: 2 rows, no change") == 8


def test_a_failed_collection_is_its_tenants_failure(
    command: Command, folder: TenantFolder, tmp_path: Path
) -> None:
    """The other collections of the tenant, and all of the others, are in step."""
    folder.add("contoso", users=1)
    folder.add("fabrikam", users=1, roles=("User.Read.All", "Group.Read.All"))

    done = command(
        *("sync", "groups", "users", "--tenants", folder.path),
        *("--store", f"sqlite:{tmp_path}/all.db"),
    )

    assert done.code == 5
    assert "contoso: users: 1 row" in done.err
    assert "fabrikam: groups: 0 rows" in done.err
    assert "1 of 2 tenants failed: contoso" in done.err


def test_a_settings_file_besides_the_folder_is_refused(
    command: Command, fleet: TenantFolder
) -> None:
    """One of them would be left out in silence."""
    done = command("sync", fleet.path / "contoso.json", "--tenants", fleet.path)

    assert done.code == 2
    assert "Give only one of them" in done.err
