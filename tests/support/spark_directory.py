"""What the tests of Spark read: the users of a tenant, as we list them and as frames have them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphdaemon
from entra_emulator.server.emulator import Emulator
from tests.support.client_app import App

SELECT = ["displayName", "userPrincipalName", "assignedLicenses", "createdDateTime"]
# The columns of a stream by which `replay` goes.
CHANGES = ("graphdaemon_run", "graphdaemon_state", "id", "displayName")


def write_settings(emulator: Emulator, app: App, folder: Path, **more: str) -> str:
    """The settings file of ``app`` in ``folder``."""
    path = folder / "parameters.json"
    values = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "secret": app.secret,
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
        **more,
    }
    path.write_text(json.dumps(values))
    path.chmod(0o600)
    return str(path)


def list_names(parameters: str, select: list[str] = SELECT) -> dict[str, str | None]:
    """The name of each user, as the library lists them."""

    async def work() -> dict[str, str | None]:
        async with graphdaemon.load(parameters) as client:
            users = client.list("users", select=select)
            return {user["id"]: user["displayName"] async for user in users}

    return asyncio.run(work())


def names_of(frame: Any) -> dict[str, str | None]:
    """The name of each user of a data frame."""
    rows = frame.select("id", "displayName").collect()
    assert len(rows) == len({row.id for row in rows}), "nobody is there twice"
    return {row.id: row.displayName for row in rows}


def replay(rows: Iterable[Any]) -> dict[str, str | None]:
    """The name of each user who is there after rows of ``CHANGES``, in their order."""
    users: dict[str, str | None] = {}
    for _, state, id_, name in rows:
        users.pop(id_, None)
        if state == "present":
            users[id_] = name
    return users


def replay_frame(log: Any) -> dict[str, str | None]:
    """The same of a data frame, whose rows have no order but their run's."""
    return replay(sorted(map(tuple, log.select(*CHANGES).collect()), key=lambda row: row[0]))


def read_delta_names(folder: Path) -> dict[str, str | None]:
    """The name of each user of the table that `users_delta.py` keeps."""
    from deltalake import DeltaTable

    table = DeltaTable(folder / "users-delta").to_pyarrow_table(columns=["id", "displayName"])
    rows = table.to_pylist()
    assert len(rows) == len({row["id"] for row in rows}), "nobody is there twice"
    return {row["id"]: row["displayName"] for row in rows}


def change(emulator: Emulator, parameters: str, name: str) -> None:
    """One user is renamed, one deleted, one comes; nobody has come as ``name`` before."""
    tenant, objects = emulator.tenant, emulator.directory.objects
    first, second = sorted(list_names(parameters))[:2]
    objects.update(tenant, "user", first, {"displayName": name})
    user = objects.find(tenant, second, kind="user")
    assert user is not None
    emulator.directory.recycle_bin.delete(tenant, user)
    emulator.add_user(f"{name}@contoso.example", displayName=f"new {name}")
