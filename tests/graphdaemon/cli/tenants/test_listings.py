"""`graphdaemon list --tenants`: several tenants in one output, and none of them in part."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from graphdaemon.output.formats import FORMATS
from tests.support.run_command import Command
from tests.support.scripted_server import Answer, ScriptedServer, json_answer
from tests.support.tenant_folder import TenantFolder

NAMES = ["contoso 0", "contoso 1", "contoso 2", "fabrikam 0", "fabrikam 1"]


def read_lines(out: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_one_sick_tenant_hides_no_other(command: Command, fleet: TenantFolder) -> None:
    """The others are listed whole; each failure is told by name, and the first decides."""
    done = command("list", "users", "--tenants", fleet.path, "-f", "ndjson", "--sort", "tenant")

    records = read_lines(done.out)
    assert sorted(one["displayName"] for one in records) == NAMES
    assert all(next(iter(one)) == "tenant" for one in records)
    assert all(one["displayName"].startswith(one["tenant"]) for one in records)
    # The folder's order is corrupt's: contoso, corrupt, denied, fabrikam.
    assert done.code == 3
    assert "contoso: 3 records, complete" in done.err
    assert "corrupt:\n  Error: " in done.err
    assert "denied:\n  Error: " in done.err
    assert "AADSTS7000215" in done.err
    assert "2 of 4 tenants failed: corrupt, denied" in done.err


def test_quiet_tells_only_who_failed(command: Command, fleet: TenantFolder) -> None:
    """A tenant that is well has nothing to say."""
    done = command("list", "users", "--tenants", fleet.path, "--quiet")

    assert done.code == 3
    assert "contoso" not in done.err
    assert "denied:\n  Error: " in done.err


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_says_whose_a_record_is(
    command: Command, folder: TenantFolder, tmp_path: Path, format_: str
) -> None:
    """As the first member, or in the first column."""
    folder.add("contoso", users=1)
    output = tmp_path / "out"

    done = command(
        *("list", "users", "--tenants", folder.path, "--output", output, "--format", format_)
    )

    assert done.code == 0, done.err
    data = output.read_bytes()
    if format_ == "parquet":
        rows = pq.read_table(output).to_pylist()
    elif format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode())))
    elif format_ == "table":
        head, _, row = data.decode().splitlines()
        rows = [dict(zip(head.split(), row.split(maxsplit=1), strict=False))]
    else:
        value = json.loads(data)
        rows = value["value"] if format_ == "json" else [value]
    assert next(iter(rows[0].items())) == ("tenant", "contoso")


def test_of_an_unproved_tenant_nothing_is_written(
    command: Command, folder: TenantFolder, tmp_path: Path
) -> None:
    """Its records wait for the verdict: half a directory is not taken for the whole."""
    folder.add("contoso", users=2)
    with ScriptedServer() as lying:
        lying.script = _lie
        folder.write("liar.json", lying.settings(client_id="liar"))
        proof, output = tmp_path / "proof.json", tmp_path / "users.ndjson"

        done = command(
            *("list", "users", "--tenants", folder.path, "--output", output, "--proof", proof),
            *("--method", "chain"),
        )

    assert done.code == 8
    assert {one["tenant"] for one in read_lines(output.read_bytes())} == {"contoso"}
    told = json.loads(proof.read_text())
    assert told["exit_code"] == 8
    assert told["tenants"]["contoso"]["listing"]["verdict"] == "complete"
    assert told["tenants"]["liar"]["error"]["code"] == "listing_unproved"


def _lie(request: Any) -> Answer:
    """A Graph that counts one more user than it shows."""
    if "$count" in request.target and "/$count" in request.target:
        return Answer(200, b"3")
    if "/delta" in request.target:
        return json_answer({"error": {"code": "x", "message": "no delta"}}, 400)
    return json_answer({"@odata.count": 3, "value": [{"id": "1"}, {"id": "2"}]})


def test_held_output_is_that_of_all_or_none(
    command: Command, fleet: TenantFolder, tmp_path: Path
) -> None:
    """With --hold there is no file where a single tenant failed."""
    output = tmp_path / "users.json"

    done = command("list", "users", "--tenants", fleet.path, "--hold", "--output", output)

    assert done.code == 3
    assert not output.exists()


def test_where_all_fail_there_is_no_output(command: Command, folder: TenantFolder) -> None:
    """An empty list would be taken for empty directories."""
    folder.write("corrupt.json", "{")

    done = command("list", "users", "--tenants", folder.path)

    assert (done.code, done.out) == (3, b"")


@pytest.mark.parametrize(
    "options",
    [("--resume", "journal"), ("--store", "sqlite:x.db"), ("parameters.json",)],
)
def test_what_is_of_one_tenant_is_refused(
    command: Command, fleet: TenantFolder, options: tuple[str, ...]
) -> None:
    """Before anything is sent."""
    done = command("list", "users", *options, "--tenants", fleet.path)

    assert (done.code, done.out) == (2, b"")
    assert "--tenants" in done.err


def test_a_mistyped_collection_is_said_once(command: Command, fleet: TenantFolder) -> None:
    """Not once a tenant."""
    done = command("list", "userss", "--tenants", fleet.path)

    assert done.code == 2
    assert done.err.count("there is no collection userss") == 1
