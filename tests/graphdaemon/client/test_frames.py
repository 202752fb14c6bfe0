"""Listings as tables: what Graph told, on good days and bad ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import pytest

import graphdaemon
from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError, OutputError, UnprovedError
from graphdaemon.graph.property_types import find_types_at
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings
from tests.graphdaemon.client.test_client import CHAIN, make_client, serve_users
from tests.support.arrow_meaning import mean
from tests.support.emulator_probe import Probe, register
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

pa = pytest.importorskip("pyarrow")

FAULTS = [
    Fault(kind="status", status=503, retry_after=0),
    Fault(kind="status", status=429, retry_after=0),
    Fault(kind="truncated", framing="length"),
    Fault(kind="reset", when="during"),
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(users=2_500, groups=12, devices=60, seed=3) as running:
        yield running


@pytest.fixture(scope="module")
def settings(emulator: Emulator) -> graphdaemon.Settings:
    probe = Probe(emulator)
    app = register(probe, "Directory.Read.All", tenant=emulator.tenant)
    probe.close()
    given = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "secret": app.secret,
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
    }
    return read_settings(None, {}, given)


def read_plainly(client: graphdaemon.BlockingClient, path: str, **options: Any) -> dict[str, Any]:
    """The records by their IDs, decoded by Python's own json."""
    pages = client.pages(path, **options)
    records = [json.loads(bytes(one)) for each in pages for one in each.records]
    return {record["id"]: record for record in records}


@pytest.mark.parametrize(
    ("path", "select"),
    [
        ("users", ""),
        ("users", "displayName,accountEnabled,createdDateTime,assignedLicenses,identities"),
        ("groups", ""),
        ("devices", ""),
        ("applications", ""),
        ("servicePrincipals", ""),
        ("groups/{group}/members", ""),
        ("directoryRoles", ""),
    ],
)
def test_a_table_is_what_graph_told(
    emulator: Emulator, settings: graphdaemon.Settings, path: str, select: str
) -> None:
    """Each record once, each value in its column, while requests fail in passing."""
    with Client(settings) as client:
        if "{group}" in path:
            path = path.format(group=next(client.list("groups", options=ListingOptions()))["id"])
        proved = None if "/" not in path and path != "directoryRoles" else False
        told = read_plainly(client, path, select=select, proved=proved)
        # Each takes a second or two to get over, whatever is listed.
        for fault in FAULTS if select else ():
            emulator.faults.fail_next(1, fault)
        table = client.table(path, select=select, proved=proved)
        emulator.faults.clear()
        reader = client.record_batches(path, select=select, proved=proved)

    types = find_types_at(path, [name for name in table.column_names if name != "other"])
    rows = {row.pop("id"): row for row in table.to_pylist()}
    others = {id_: json.loads(row.pop("other", None) or "{}") for id_, row in rows.items()}
    assert table.num_rows == len(rows) == len(told) > 3
    for id_, record in told.items():
        unknown = [name for name, kind in types.items() if kind == "any" and name in record]
        row = rows[id_] | {name: record[name] for name in unknown}
        expected = {name: mean(record.get(name), kind) for name, kind in types.items()}
        assert row == {name: value for name, value in expected.items() if name != "id"}
        assert others[id_] == {
            name: value for name, value in record.items() if name not in types and "@" not in name
        }
    assert reader.schema.equals(table.schema)
    account = json.loads(table.schema.metadata[b"graphdaemon"])
    assert (account["verdict"], account["records"]) == (
        "complete" if proved is None else account["verdict"],
        len(told),
    )


def test_selected_columns_stand_in_their_order_whatever_the_case(
    settings: graphdaemon.Settings,
) -> None:
    """The ID first; Graph takes any case, and answers with its own."""
    with Client(settings) as client:
        table = client.table("users", select="displayname, MAIL", filter="accountEnabled eq true")

    assert table.column_names == ["id", "displayName", "mail"]
    assert None not in table.column("displayName").to_pylist()


def test_what_changed_meanwhile_is_put_right(scripted: ScriptedServer) -> None:
    """In a table; batches are out already, and their reader says so."""
    scripted.script = serve_users(scripted, 15, told=[{"id": "u0", "displayName": "new"}])
    with make_client(scripted) as client:
        table = client.table("users", options=CHAIN)
    assert table.num_rows == 15
    assert table.slice(14).select(["id", "displayName"]).to_pylist() == [
        {"id": "u0", "displayName": "new"}
    ]

    scripted.script = serve_users(scripted, 15, told=[{"id": "u0", "displayName": "new"}])
    with make_client(scripted) as client, pytest.raises(UnprovedError, match="changed meanwhile"):
        client.record_batches("users", options=CHAIN).read_all()


def test_what_is_gone_is_not_in_the_table(scripted: ScriptedServer) -> None:
    removed = {"id": "u3", "@removed": {"reason": "changed"}}
    users = serve_users(scripted, 15, told=[removed])

    def answer(request: Request) -> Answer:
        if "/$count" in request.target:
            return Answer(200, b"14", {"Content-Type": "text/plain"})
        return page() if " in (" in unquote_plus(request.target) else users(request)

    scripted.script = answer
    with make_client(scripted) as client:
        ids = client.table("users", options=CHAIN).column("id").to_pylist()

    assert sorted(ids) == sorted(f"u{number}" for number in range(15) if number != 3)


@pytest.mark.parametrize("read", ["table", "record_batches"])
def test_nothing_listed_is_a_table_without_rows(scripted: ScriptedServer, read: str) -> None:
    """Its schema is the one that rows would have."""
    scripted.script = serve_users(scripted, 0)
    with make_client(scripted) as client:
        empty = getattr(client, read)("users", options=CHAIN)
        scripted.script = serve_users(scripted, 3)
        full = client.table("users", options=CHAIN)
        assert empty.schema.equals(full.schema)
        if read == "record_batches":
            assert [batch.num_rows for batch in empty] == [0]


def test_memory_stays_flat(scripted: ScriptedServer) -> None:
    """A batch is there long before everything was fetched."""
    scripted.script = serve_users(scripted, 100_000, size=999)
    with make_client(scripted) as client:
        reader = client.record_batches("users", select="displayName", options=CHAIN)
        # Twenty-one pages make a batch; 32 wait, and one more was asked for.
        assert len(scripted.requests) <= 21 + 33 + 5
        sizes = [batch.num_rows for batch in reader]

    assert sizes == [20_979] * 4 + [100_000 - 4 * 20_979]


@pytest.mark.parametrize("read", ["table", "record_batches"])
def test_a_failure_in_the_middle_is_the_librarys_own(scripted: ScriptedServer, read: str) -> None:
    """Also through pyarrow's reader: nobody takes a part for the whole."""
    users = serve_users(scripted, 100)

    def answer(request: Request) -> Answer:
        return Answer(403, b"{}") if "skiptoken=50" in request.target else users(request)

    scripted.script = answer
    with make_client(scripted) as client, pytest.raises(GraphError) as caught:
        read_all(getattr(client, read)("users", options=CHAIN))

    assert caught.value.listing is not None


def test_a_value_that_contradicts_its_type_is_named(scripted: ScriptedServer) -> None:
    scripted.script = [page({"id": "1", "accountEnabled": "maybe"})]
    with make_client(scripted) as client, pytest.raises(OutputError, match="accountEnabled"):
        client.table("users", select="accountEnabled", proved=False)


def test_of_an_unknown_collection_the_first_page_names_the_columns(
    scripted: ScriptedServer,
) -> None:
    """What later ones have besides is kept."""
    link = f"{scripted.url}/v1.0/auditLogs/signIns?$skiptoken=2"
    first = page({"id": "1", "createdDateTime": "2024-01-01T00:00:00.1234567Z"}, next_link=link)
    second = page({"id": "2", "risk": {"level": "none"}})
    scripted.script = [first, second]
    with make_client(scripted) as client:
        table = client.table("auditLogs/signIns", proved=False)

    assert table.column_names == ["id", "createdDateTime", "other"]
    assert table.column("createdDateTime").to_pylist()[0].microsecond == 123456
    assert table.column("other").to_pylist() == [None, '{"risk":{"level": "none"}}']


def test_an_api_of_ones_own_has_texts(scripted: ScriptedServer) -> None:
    """Nothing is published of it, so that a table can say only what was sent."""
    settings = scripted.settings(endpoint=f"{scripted.url}/orders")
    settings |= {"scope": ["api://orders/.default"]}
    scripted.script = [json_answer([{"n": 1, "accountEnabled": True}, {"n": "x", "m": [1]}])]
    with Client(read_settings(None, {}, settings)) as client:
        table = client.table("orders")

    assert table.to_pylist() == [
        {"n": "1", "accountEnabled": "true", "m": None, "other": None},
        {"n": "x", "accountEnabled": None, "m": "[1]", "other": None},
    ]


def test_batches_come_one_by_one_where_they_are_awaited(scripted: ScriptedServer) -> None:
    scripted.script = serve_users(scripted, 25)

    async def read() -> list[int]:
        async with make_client(scripted) as client:
            batches = client.record_batches("users", options=CHAIN)
            return [batch.num_rows async for batch in batches]

    assert asyncio.run(read()) == [25]


def read_all(thing: Any) -> Any:
    return thing.read_all() if hasattr(thing, "read_all") else thing
