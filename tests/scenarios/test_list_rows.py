"""Rows, orders and queries of a listing are those of a plain evaluation, on bad days too."""

from __future__ import annotations

import csv
import io
import json
import operator
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jmespath
import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from tests.support.client_app import register
from tests.support.places import DOCS
from tests.support.run_command import Command

ROLES = ("User.Read.All", "GroupMember.Read.All", "Application.Read.All")


@pytest.fixture(scope="module")
def tenant(key_pair: tuple[str, bytes]) -> Iterator[tuple[Emulator, dict[str, Any]]]:
    with Emulator(users=1_100, groups=12, devices=0, seed=2) as running:
        app = register(running, key_pair, roles=ROLES)
        yield (
            running,
            {
                "authority": f"{running.url}/{running.tenant.id}",
                "client_id": app.client_id,
                "secret": app.secret,
                "endpoint": f"{running.url}/v1.0/users",
                "ca_file": str(running.ca_file),
            },
        )


@pytest.fixture
def settings(tenant: tuple[Emulator, dict[str, Any]], tmp_path: Path) -> Path:
    """The settings of an app whose first requests for every collection fail."""
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(tenant[1]))
    path.chmod(0o600)
    faults = tenant[0].faults
    faults.clear()
    faults.fail_next(1, Fault(kind="truncated", framing="length"), route="GET /users")
    faults.fail_next(1, Fault(kind="status", status=503, retry_after=0), route="GET /applications")
    return path


@pytest.fixture
def users(tenant: tuple[Emulator, dict[str, Any]]) -> list[dict[str, Any]]:
    """The users as the emulator's database has them."""
    return stored(tenant[0], "user")


def stored(running: Emulator, kind: str) -> list[dict[str, Any]]:
    return [json.loads(doc) for _, doc in running.directory.collections.scan(running.tenant, kind)]


def listed(command: Command, *arguments: object) -> list[Any]:
    done = command("list", *arguments, "-f", "ndjson")
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def order_of(value: Any, id_: str) -> tuple[Any, ...]:
    return (value is not None, value or "", id_)


def test_a_condition_on_what_graph_leaves_out_by_default_finds_who_fulfils_it(
    command: Command, settings: Path, users: list[dict[str, Any]]
) -> None:
    """Without that property, nobody would seem to fulfil it."""
    query = "[?accountEnabled==`false`].id"

    found = listed(command, "users", settings, "--query", query)

    assert sorted(found) == sorted(jmespath.search(query, users))
    assert 0 < len(found) < len(users)


def test_an_order_by_what_graph_leaves_out_by_default_is_that_order(
    command: Command, settings: Path, users: list[dict[str, Any]]
) -> None:
    """The rows have what everybody expects of a user, and what was named."""
    rows = listed(command, "users", settings, "--sort", "department")

    expected = sorted(users, key=lambda user: order_of(user.get("department"), user["id"]))
    assert [row["id"] for row in rows] == [user["id"] for user in expected]
    assert {"mail", "businessPhones", "department"} <= set(rows[0])


def test_the_first_rows_of_an_order_are_the_first_of_all(
    command: Command, settings: Path, users: list[dict[str, Any]]
) -> None:
    """A limit cuts after the order, and everything was read and proved."""
    done = command(
        *("users", settings, "--sort", "displayName", "--limit", "7", "-s", "displayName"),
        *("-f", "csv"),
    )

    expected = sorted(users, key=lambda user: order_of(user["displayName"], user["id"]))[:7]
    rows = list(csv.DictReader(io.StringIO(done.out.decode())))
    assert [row["displayName"] for row in rows] == [user["displayName"] for user in expected]
    assert "\n1,100 records, complete: " in f"\n{done.err}"
    assert done.err.endswith("; 7 rows written\n")


def test_each_secret_is_a_row_in_the_order_in_which_they_end(
    command: Command, settings: Path, tenant: tuple[Emulator, dict[str, Any]]
) -> None:
    """`list applications --explode passwordCredentials --select displayName,appId`, in an order."""
    done = command(
        *("list", "applications", settings, "--explode", "passwordCredentials", "-f", "csv"),
        *("--select", "displayName,appId", "--sort", "element.endDateTime"),
    )

    rows = list(csv.DictReader(io.StringIO(done.out.decode())))
    plain = [
        (secret["endDateTime"], app["id"], app["displayName"], app["appId"], secret["keyId"])
        for app in stored(tenant[0], "application")
        for secret in app.get("passwordCredentials") or []
    ]
    columns = ("element.endDateTime", "parent.id", "parent.displayName", "parent.appId")
    found = [tuple(row[name] for name in (*columns, "element.keyId")) for row in rows]
    assert [row[:2] for row in found] == [row[:2] for row in sorted(plain)]
    assert sorted(found) == sorted(plain)
    assert list(rows[0])[:3] == ["parent.id", "parent.displayName", "parent.appId"]
    assert f"; {len(plain)} rows written" in done.err


def test_members_of_groups_are_edges(
    command: Command, settings: Path, tenant: tuple[Emulator, dict[str, Any]]
) -> None:
    """`list groups --with members --explode members`: as many as all groups have members."""
    rows = listed(
        *(command, "groups", settings, "--with", "members", "--explode", "members"),
        *("--query", "[].[parent.id, element.id]"),
    )
    whole = listed(command, "groups", settings, "--with", "members")

    assert sorted(rows) == sorted(
        [group["id"], member["id"]] for group in whole for member in group["members"]
    )
    assert len(rows) > len(whole)


def test_rows_are_chosen_by_a_query_and_empty_lists_kept(
    command: Command, settings: Path, users: list[dict[str, Any]]
) -> None:
    """The query sees rows; a user without an address has one, whose element is null."""
    rows = listed(
        *(command, "users", settings, "--explode", "proxyAddresses", "--keep-empty"),
        *("--query", "[?parent.accountEnabled==`true`].[parent.id, element]"),
    )

    assert sorted(rows, key=str) == sorted(
        (
            [user["id"], address]
            for user in users
            if user["accountEnabled"]
            for address in user.get("proxyAddresses") or [None]
        ),
        key=str,
    )


def test_a_listing_that_was_stopped_goes_on_to_the_same_rows(
    command: Command, settings: Path, tenant: tuple[Emulator, dict[str, Any]], tmp_path: Path
) -> None:
    """The journal holds records; rows are made of them when they are written."""
    running, _ = tenant
    output, journal = tmp_path / "phones.ndjson", tmp_path / "journal"
    arguments = (
        *("list", "users", settings, "--explode", "businessPhones", "--sort", "element"),
        *("-o", output, "--resume", journal),
    )
    running.faults.fail_for(
        60, Fault(kind="status", status=503, retry_after=0), route="GET /users", chance=0.9, seed=3
    )
    assert command(*arguments).code == 5
    running.faults.clear()

    assert command(*arguments).code == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    plain = [
        (phone, user["id"])
        for user in stored(running, "user")
        for phone in user.get("businessPhones") or []
    ]
    assert [(row["element"], row["parent"]["id"]) for row in rows] == sorted(plain)


@pytest.mark.parametrize("collection", ["users", "applications"])
@pytest.mark.parametrize("format_", ["ndjson", "csv"])
def test_columns_alone_are_read_where_nothing_else_is_shown(
    collection: str, format_: str, command: Command, settings: Path, tmp_path: Path
) -> None:
    """That takes one resource unit a page in place of two; a page of users never takes more."""
    proof = tmp_path / "proof.json"
    words = ("list", collection, settings)

    assert command(*words, "-f", format_, "--proof", proof).code == 0

    account = json.loads(proof.read_text())
    assert ("select" in account["query"]) is (format_ == "csv")
    is_whole = (collection, format_) == ("applications", "ndjson")
    units = account["requests"] + (account["pages"] if is_whole else 0)
    assert account["units"] in {units - 1, units}, "a trial that is refused costs nothing"


@pytest.mark.parametrize("name", ["json", "ndjson", "csv", "table", "parquet"])
def test_every_format_has_the_rows(
    command: Command, settings: Path, users: list[dict[str, Any]], tmp_path: Path, name: str
) -> None:
    file = tmp_path / "rows"
    done = command(
        *("list", "users", settings, "--explode", "businessPhones", "-s", "mail", "-f", name),
        *("-o", file),
    )
    assert done.code == 0, done.err
    phones = sorted(phone for user in users for phone in user.get("businessPhones") or [])

    if name == "parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(file)
        assert table.column_names == ["parent.id", "parent.mail", "element"]
        found = table["element"].to_pylist()
    elif name == "csv":
        # A phone number begins like a formula, from which an apostrophe keeps spreadsheets.
        rows = csv.DictReader(io.StringIO(file.read_text()))
        found = [row["element"].removeprefix("'") for row in rows]
    elif name == "table":
        found = [line.split("  ")[-1].strip() for line in file.read_text().splitlines()[2:]]
    elif name == "json":
        found = list(map(operator.itemgetter("element"), json.loads(file.read_text())["value"]))
    else:
        found = [json.loads(line)["element"] for line in file.read_text().splitlines()]
    assert sorted(found) == phones


PAGE = (DOCS / "how-to" / "make-rows-of-lists.md").read_text("utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("graphdaemon ")]


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_page_about_rows_works(
    command: Command, settings: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """As it stands, and proved."""
    if ".parquet" in line:
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(settings.parent)

    done = command(*shlex.split(line)[1:])

    assert done.code == 0, done.err
    assert " complete: " in done.err
