"""The table of stored collections: what Graph takes of it, and what the answers hold."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.client.client import Client
from graphdaemon.client.load import load
from graphdaemon.diagnosis.permissions import find_need
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import takes_top
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, StoredCollection
from tests.support.client_app import register
from tests.support.places import PUBLISHED, ROOT
from tests.support.run_command import WriteParameters

ROWS = [pytest.param(row, id=name) for name, row in STORED_COLLECTIONS.items()]
OBJECTS = [pytest.param(row, id=name) for name, row in STORED_COLLECTIONS.items() if not row.parent]
DATA = ROOT / "src/graphdaemon/graph/data/properties.json"


def load_generator() -> ModuleType:
    place = ROOT / "tools" / "generate_properties.py"
    spec = importlib.util.spec_from_file_location("generate_properties", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_are_what_the_generator_makes_of_microsofts_metadata() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")

    assert load_generator().generate(PUBLISHED) == DATA.read_text("utf-8")


def test_the_types_say_where_they_come_from() -> None:
    source = json.loads(DATA.read_text("utf-8"))["source"]

    assert source["repository"].startswith("https://github.com/microsoftgraph/")
    assert source["licence"] == "MIT, Copyright (c) Microsoft"
    assert source["written_by"] == "tools/generate_properties.py"


def test_tables_are_named_as_people_write_them() -> None:
    """No name needs quotation marks in SQL, and none belongs to two collections."""
    tables = [row.table for row in STORED_COLLECTIONS.values()]

    assert tables == [
        *("users", "groups", "devices", "applications", "service_principals"),
        *("group_members", "group_owners", "user_managers", "app_role_assignments"),
        *("administrative_units", "administrative_unit_members", "directory_roles"),
        *("directory_role_members", "oauth2_permission_grants"),
    ]


@pytest.mark.parametrize("row", ROWS)
def test_the_permission_is_the_least_that_microsoft_publishes(row: StoredCollection) -> None:
    path = f"/{row.parent}/{{id}}/{row.relation}" if row.parent else f"/{row.name}"
    need = find_need("GET", path)

    assert need is not None
    assert row.role == need.least


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_an_id_and_columns_of_published_types(row: StoredCollection) -> None:
    assert row.select[0] == "id"
    assert len(set(row.select)) == len(row.select)
    assert row.parent in ("", *CATALOG)
    if row.is_edge:
        assert row.select == ("id",)
        assert [column.name for column in row.columns] == ["parent", "child", "kind"]
        assert row.lists == frozenset()
    else:
        assert [column.name for column in row.columns] == list(row.select[1:])
        lists = {column.name for column in row.columns if column.name in row.lists}
        assert {column.kind for column in row.columns if column.name in lists} <= {"json"}


def test_columns_have_the_types_of_their_values() -> None:
    kinds = {column.name: column.kind for column in STORED_COLLECTIONS["users"].columns}
    devices = {column.name: column.kind for column in STORED_COLLECTIONS["devices"].columns}

    assert kinds["displayName"] == kinds["createdDateTime"] == "text"
    assert kinds["accountEnabled"] == "boolean"
    assert kinds["businessPhones"] == kinds["onPremisesExtensionAttributes"] == "json"
    assert devices["deviceVersion"] == "integer"
    # What is not selected by default has a type all the same.
    assert {"imAddresses", "proxyAddresses"} <= STORED_COLLECTIONS["users"].lists
    assert "mailboxSettings" not in STORED_COLLECTIONS["users"].lists


def test_names_are_known_in_any_case() -> None:
    """Properties have Graph's own spelling; what leads to other objects is no property."""
    users = STORED_COLLECTIONS["users"]

    assert users.spell("DISPLAYNAME") == "displayName"
    assert users.spell("extension_1_Team") == "extension_1_Team"
    assert users.is_relation("Manager")
    assert not users.is_relation("mail")
    assert STORED_COLLECTIONS["groups"].is_relation("members")


async def read_both(parameters: Path, row: StoredCollection) -> tuple[list[Any], list[Any]]:
    select = ",".join(row.select)
    async with load(parameters) as client:
        listed = await read_pages(
            client, f"{row.name}?$select={select}{'&$top=999' if takes_top(row.name) else ''}"
        )
        changed = await read_pages(client, f"{row.name}/delta?$select={select}")
    return listed, changed


async def read_pages(client: Client, path: str) -> list[Any]:
    records: list[Any] = []
    url: str | None = f"{client.settings.graph_root}/{path}"
    while url is not None:
        page = await client.graph.get(url, needs="")
        records += page["value"]
        url = page.get("@odata.nextLink")
    return records


@pytest.mark.parametrize("row", OBJECTS)
def test_a_list_and_a_delta_agree_once_the_unset_properties_are_filled_in(
    row: StoredCollection,
    emulator: Emulator,
    key_pair: tuple[str, bytes],
    parameters: WriteParameters,
) -> None:
    """A delta leaves out what was never set: null, or of a collection-valued property `[]`."""
    app = register(emulator, key_pair, roles=(row.role,))
    listed, changed = asyncio.run(
        read_both(parameters(client_id=app.client_id, secret=app.secret), row)
    )
    blank: dict[str, Any] = {name: [] if name in row.lists else None for name in row.select}

    assert listed
    assert {one["id"]: one for one in listed} == {one["id"]: blank | one for one in changed}
