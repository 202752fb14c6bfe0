"""`graphdaemon report`: formats, findings that end with 10, options that contradict each other."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.client.reports.options import REPORTS
from tests.support.client_app import App, register
from tests.support.run_command import Command, Outcome, WriteParameters

ROLES = (
    *("Application.Read.All", "AuditLog.Read.All", "Device.Read.All", "Directory.Read.All"),
    *("Policy.Read.All", "User.Read.All"),
)


@pytest.fixture(scope="session")
def reader(emulator: Emulator, key_pair: tuple[str, bytes]) -> App:
    """An app that may read what every report reads."""
    return register(emulator, key_pair, roles=ROLES)


@pytest.fixture
def settings(parameters: WriteParameters, reader: App) -> Path:
    return parameters(client_id=reader.client_id, secret=reader.secret)


def rows(outcome: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_within_writes_what_ends_and_ends_with_10(command: Command, settings: Path) -> None:
    outcome = command("report", "credentials", settings, "--within", "30d", "-f", "ndjson")

    found = rows(outcome)
    assert outcome.code == 10
    assert {finding for row in found for finding in row["findings"]} >= {"expired", "ends_soon"}
    assert all({"expired", "ends_soon"} & set(row["findings"]) for row in found)
    assert "the report has findings that the command line forbids: " in outcome.err
    assert "complete, from " in outcome.err

    later = command("report", "credentials", settings, "-f", "ndjson")
    assert (later.code, len(rows(later)) > len(found)) == (0, True)


def test_nothing_that_ends_is_exit_code_0(command: Command, settings: Path) -> None:
    outcome = command(
        *("report", "credentials", settings, "--within", "1s", "--skip-expired", "0d"),
        *("-f", "ndjson"),
    )

    assert (outcome.code, outcome.out) == (0, b""), outcome.err
    assert "0 rows of credentials: no findings" in outcome.err


def test_quiet_says_nothing_where_all_is_well(command: Command, settings: Path) -> None:
    """So that cron mails findings alone."""
    silent = ("report", "credentials", settings, "--quiet", "-o", "all.csv")
    assert command(*silent) == Outcome(0, b"", "")

    outcome = command(*silent, "--fail-on", "expired")
    assert (outcome.code, outcome.out) == (10, b"")
    assert outcome.err.startswith("Error: the report has findings")


def test_every_format_has_the_same_rows(command: Command, settings: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    names = ("rows.csv", "rows.json", "rows.ndjson", "rows.parquet", "page.html", "rows.txt")
    for name in names:
        outcome = command("report", "stale", settings, "--since", "90d", "-o", tmp_path / name)
        assert (outcome.code, outcome.out) == (0, b""), outcome.err

    lines = [json.loads(line) for line in (tmp_path / "rows.ndjson").read_bytes().splitlines()]
    ids = [line["id"] for line in lines]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text(), newline="")))
    page = (tmp_path / "page.html").read_text()
    assert [row["id"] for row in rows] == ids
    assert json.loads((tmp_path / "rows.json").read_bytes())["value"] == lines
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert table["id"].to_pylist() == ids
    assert {str(table.schema.field(name).type) for name in ("days", "findings")} == {
        "int64",
        "list<element: string>",
    }
    assert table["licences"].to_pylist() == [line["licences"] for line in lines]
    assert page.count("<tr>") == len(ids) + 2 + page.count("<code>")
    assert (tmp_path / "rows.txt").read_text().count("\n") == len(ids) + 2
    assert set(lines[0]) == set(rows[0])
    shown = command("report", "stale", settings, "-f", "html")
    assert shown.out.decode().startswith("<!doctype html>")


def test_findings_are_chosen_and_forbidden(command: Command, settings: Path) -> None:
    outcome = command(
        *("report", "permissions", settings, "--only", "high_privilege", "-f", "ndjson"),
        *("--fail-on", "high_privilege"),
    )

    found = rows(outcome)
    assert (outcome.code, {row["level"] for row in found}) == (10, {4})
    assert all("high_privilege" in row["findings"] for row in found)
    assert command("report", "permissions", settings, "--fail-on", "unresolved").code == 0


def test_a_recorded_run_says_what_its_app_does_not_need(
    command: Command, settings: Path, reader: App, tmp_path: Path
) -> None:
    run = tmp_path / "run.json"
    application = {"app_id": "emulated", "kind": "application", "least": ["User.Read.All"]}
    route = {"service": "graph", "method": "GET", "route": "/users"}
    document = {"version": 1, "applications": [application], "routes": [route]}
    run.write_text(json.dumps(document))

    outcome = command(
        *("report", "permissions", settings, "--run", run, "--no-activity", "-f", "ndjson")
    )

    own = [row for row in rows(outcome) if row["appId"] == reader.client_id]
    assert {row["permission"] for row in own if "not_needed" in row["findings"]} == {*ROLES} - {
        "User.Read.All"
    }
    absent = command("report", "permissions", settings, "--run", run, "--app", "nobody")
    assert (absent.code, "no service principal with this client ID" in absent.err) == (2, True)
    run.write_text("{}")
    assert command("report", "permissions", settings, "--run", run).code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("credentials", "--within", "soon"), "--within soon is not a length of time"),
        (("credentials", "--within", "never"), "--within never is not a length of time"),
        (("credentials", "--longest", "180"), "--longest 180 is not a length of time"),
        (
            ("credentials", "--only", "stale"),
            "--only stale: there is no such finding in this report",
        ),
        (
            ("stale", "--fail-on", "expired"),
            "--fail-on expired: there is no such finding in this report",
        ),
        (("stale", "--of", "users,printers"), "there are no printers"),
        (("stale", "--of", ","), "there are no kinds"),
        (("stale", "-f", "html", "--query", "[]"), "--query works with records"),
        (("stale", "-f", "html", "--bom"), "--bom works with CSV"),
        (("stale", "-f", "json", "--bom"), "--bom works with CSV"),
        (("stale", "-o", "page.html", "--compress", "gzip"), "--compress works with records"),
        (("stale", "--tenant", "contoso"), "--tenant works only together with --store"),
        (("stale", "--store", "sqlite:x.db", "--polite", "30%"), "--polite does not go with"),
        (("costs",), "No such command 'costs'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_asked(
    command: Command, arguments: tuple[str, ...], words: str
) -> None:
    outcome = command("report", *arguments)

    assert (outcome.code, outcome.out) == (2, b"")
    assert words in " ".join(outcome.err.split())


def test_a_store_that_is_not_there_is_named(command: Command) -> None:
    outcome = command("report", "stale", "--of", "devices", "--store", "sqlite:none.db")

    assert outcome.code == 7
    assert "none.db" in outcome.err


def test_the_help_of_a_report_names_its_findings(command: Command) -> None:
    for name, row in REPORTS.items():
        text = " ".join(command("report", name, "--help").out.decode().split())
        assert [rule for rule in row.rules if rule not in text] == []
