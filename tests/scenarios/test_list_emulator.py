"""`graphdaemon list` and its like against the pretend tenant, on good days and bad ones."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from tests.support.client_app import register
from tests.support.run_command import Command

ROLES = (
    *("User.ReadWrite.All", "Group.Read.All", "GroupMember.Read.All"),
    *("Application.Read.All", "Device.Read.All", "Directory.Read.All"),
)
USERS = 2_100


@pytest.fixture(scope="module")
def tenant(key_pair: tuple[str, bytes]) -> Iterator[tuple[Emulator, dict[str, Any]]]:
    """A tenant of several pages, and the settings of an app that may read all of it."""
    with Emulator(users=USERS, groups=30, devices=1_200, seed=1) as running:
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
def emulator(tenant: tuple[Emulator, dict[str, Any]]) -> Iterator[Emulator]:
    """The same, with nobody's faults left, and full of units."""
    running, _ = tenant
    yield running
    running.faults.clear()
    running.throttle.clear()


@pytest.fixture
def settings(tenant: tuple[Emulator, dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(tenant[1]))
    path.chmod(0o600)
    return path


def ids(out: bytes) -> list[str]:
    return [json.loads(line)["id"] for line in out.splitlines()]


def count(emulator: Emulator, kind: str) -> int:
    return emulator.directory.collections.count(emulator.tenant, kind)


@pytest.mark.parametrize(
    ("collection", "kind"),
    [
        ("users", "user"),
        ("groups", "group"),
        ("devices", "device"),
        ("applications", "application"),
        ("servicePrincipals", "servicePrincipal"),
    ],
)
def test_every_collection_is_listed_and_proved(
    command: Command, emulator: Emulator, settings: Path, collection: str, kind: str
) -> None:
    """Each object once, and exit code 0."""
    outcome = command("list", collection, settings, "-f", "ndjson")

    assert (outcome.code, ", complete: " in outcome.err) == (0, True), outcome.err
    found = ids(outcome.out)
    assert len(found) == len(set(found)) == count(emulator, kind)


@pytest.mark.parametrize("name", ["directoryRoles", "directoryRoleTemplates", "subscribedSkus"])
def test_what_graph_answers_in_one_page_is_listed_without_a_size(
    command: Command, settings: Path, name: str
) -> None:
    """A request with $top is refused there, and what is no delta is not proved."""
    outcome = command("list", name, settings, "-f", "ndjson", "--allow-unproved")

    assert (outcome.code, len(outcome.out.splitlines()) > 3) == (0, True), outcome.err


def test_members_are_listed_by_path_and_by_name(
    command: Command, emulator: Emulator, settings: Path
) -> None:
    """A group's members have no delta: that nothing proves them whole is said, and may be so."""
    groups = json.loads(command("list", "groups", settings, "-s", "displayName").out)["value"]
    path = f"groups/{groups[0]['id']}/members"

    unproved = command("list", path, settings, "-f", "ndjson")
    allowed = command("list", path, settings, "-f", "ndjson", "--allow-unproved")
    named = command("count", "members", settings, "--of", groups[0]["id"])

    assert unproved.code in (0, 8)
    assert allowed.code == 0
    assert allowed.out == unproved.out
    assert len(allowed.out.splitlines()) == int(named.out)


def test_a_filter_a_search_and_a_selection(
    command: Command, emulator: Emulator, settings: Path
) -> None:
    """They narrow what comes; a search is answered from an index that proves nothing."""
    whole = command("users", settings, "-f", "ndjson", "-s", "displayName,accountEnabled")
    disabled = [line for line in whole.out.splitlines() if b'"accountEnabled":false' in line]

    filtered = command(
        "users", settings, "-f", "ndjson", "--filter", "accountEnabled eq false", "-s", "id"
    )
    searched = command("users", settings, "-f", "ndjson", "--search", "displayName:ana")

    assert set(ids(filtered.out)) == {json.loads(line)["id"] for line in disabled}
    assert set(json.loads(whole.out.splitlines()[0])) == {"id", "displayName", "accountEnabled"}
    assert 0 < len(searched.out.splitlines()) < USERS
    assert searched.code == 8
    assert "index" in searched.err


def test_managers_and_memberships_come_along(
    command: Command, emulator: Emulator, settings: Path, tmp_path: Path
) -> None:
    """Read in batches of twenty, of which one is throttled inside."""
    emulator.faults.fail_next(
        3, Fault(kind="status", status=429, retry_after=0), route="GET /users/{id}/manager"
    )
    proof = tmp_path / "proof.json"
    outcome = command(
        *("users", settings, "-f", "ndjson", "--with", "manager,memberOf", "--proof", proof),
        *("--filter", "startswith(displayName,'A')", "-s", "displayName"),
    )

    records = [json.loads(line) for line in outcome.out.splitlines()]
    assert len(records) > 20
    assert all(set(record) == {"id", "displayName", "manager", "memberOf"} for record in records)
    account = json.loads(proof.read_text())
    managers = [record["manager"] for record in records if record["manager"]]
    assert 0 < len(managers) == account["expanded"]["manager"]
    assert account["requests"] < len(records)


def test_every_format_holds_the_same(
    command: Command, emulator: Emulator, settings: Path, tmp_path: Path
) -> None:
    """JSON, lines, CSV, a table and Parquet; compressed where the name says so."""
    parquet = pytest.importorskip("pyarrow.parquet")
    names = ("lines.ndjson.gz", "all.json", "rows.csv", "rows.parquet")
    for name in names:
        outcome = command("list", "groups", settings, "-o", tmp_path / name, "--sort", "id")
        assert (outcome.code, outcome.out) == (0, b""), outcome.err
    table = command("list", "groups", settings, "-f", "table", "--sort", "id")

    lines = gzip.decompress((tmp_path / names[0]).read_bytes()).splitlines()
    wanted = [json.loads(line)["id"] for line in lines]
    rows = list(csv.DictReader(io.StringIO((tmp_path / names[2]).read_text(), newline="")))
    assert wanted == sorted(wanted)
    assert len(wanted) == count(emulator, "group")
    assert [one["id"] for one in json.loads((tmp_path / names[1]).read_bytes())["value"]] == wanted
    assert [row["id"] for row in rows] == wanted
    assert parquet.read_table(tmp_path / names[3])["id"].to_pylist() == wanted
    assert [line for line in wanted if line in table.out.decode()] == wanted


FAULTS = {
    "throttled": Fault(kind="status", status=429, retry_after=1),
    "throttled, and no word of how long": Fault(kind="status", status=429),
    "down": Fault(kind="status", status=503, retry_after=1),
    "gateway": Fault(kind="status", status=504, html=True),
    "reset before": Fault(kind="reset"),
    "reset in the middle": Fault(kind="reset", when="during"),
    "half a body": Fault(kind="truncated", framing="length"),
    "half a JSON": Fault(kind="truncated"),
    "no JSON": Fault(kind="malformed"),
    "dead links": Fault(kind="page_token"),
    "empty pages": Fault(kind="empty_page"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_bad_days_are_survived(
    command: Command, emulator: Emulator, settings: Path, name: str
) -> None:
    """Every record once, and proved, whatever went wrong on the way."""
    emulator.faults.fail_next(2, FAULTS[name], route="GET /users")
    # Ranges of two pages each need no link.
    method = "chain" if name == "dead links" else "ranges"

    outcome = command("users", settings, "-f", "ndjson", "--method", method)

    assert (outcome.code, ", complete: " in outcome.err) == (0, True), outcome.err
    found = ids(outcome.out)
    assert len(found) == len(set(found)) == USERS
    assert emulator.faults.plans() == [], "it was met"


def test_a_storm_of_refusals_slows_and_does_not_stop(
    command: Command, emulator: Emulator, settings: Path, tmp_path: Path
) -> None:
    """A budget of 80 units in ten seconds: used up, refused, waited for, and done."""
    emulator.throttle.change(scale=0.01)
    proof = tmp_path / "proof.json"
    try:
        outcome = command(
            *("users", settings, "-f", "ndjson", "-s", "id", "--with", "directReports"),
            *("--filter", "startswith(displayName,'Al')", "--proof", proof),
        )
    finally:
        emulator.throttle.change(scale=1)

    account = json.loads(proof.read_text())
    assert outcome.code == 0, outcome.err
    assert account["expanded"].keys() == {"directReports"}
    assert account["units"] > 30


def test_a_service_that_refuses_ranges_is_read_in_one_chain(
    command: Command, key_pair: tuple[str, bytes], tmp_path: Path
) -> None:
    """The documentation's own table has no ge and le on strings; it is said, and proved anyway."""
    with Emulator(users=1_100, groups=0, devices=0, strict_filter=True) as strict:
        app = register(strict, key_pair)
        path = tmp_path / "parameters.json"
        values = {
            "authority": f"{strict.url}/{strict.tenant.id}",
            "client_id": app.client_id,
            "secret": app.secret,
            "endpoint": f"{strict.url}/v1.0/users",
            "ca_file": str(strict.ca_file),
        }
        path.write_text(json.dumps(values))
        path.chmod(0o600)
        proof = tmp_path / "proof.json"
        outcome = command("users", path, "-f", "ndjson", "--proof", proof)

    account = json.loads(proof.read_text())
    assert (outcome.code, len(outcome.out.splitlines())) == (0, 1_100)
    assert account["method"] == "chain"
    assert any("refused" in note for note in account["notes"])


def test_a_listing_that_fails_goes_on_where_it_stopped(
    command: Command, emulator: Emulator, settings: Path, tmp_path: Path
) -> None:
    """No file is made of a part; the journal makes the rest cheaper, and the whole exact."""
    journal, output = tmp_path / "users.journal", tmp_path / "users.ndjson"
    arguments = ("users", settings, "-o", output, "--resume", journal)
    emulator.faults.fail_for(
        60, Fault(kind="status", status=503, retry_after=0), route="GET /users", chance=0.9, seed=3
    )
    failed = command(*arguments)
    emulator.faults.clear()

    assert failed.code == 5
    assert not output.exists()
    assert command(*arguments).code == 0
    found = ids(output.read_bytes())
    assert len(found) == len(set(found)) == USERS
    assert not journal.exists()


def test_one_object_is_made_changed_and_deleted(
    command: Command, emulator: Emulator, settings: Path, tmp_path: Path
) -> None:
    """With nothing but `request` and `get`."""
    body = tmp_path / "user.json"
    known = json.loads(command("get", "organization", settings).out)["value"][0]
    domain = next(one["name"] for one in known["verifiedDomains"] if one["isDefault"])
    user = {
        "accountEnabled": True,
        "displayName": "New Hire",
        "mailNickname": "hire",
        "userPrincipalName": f"hire@{domain}",
        "passwordProfile": {"password": "a-Long-enough-1"},
    }
    body.write_text(json.dumps(user))

    made = command("request", "POST", "users", settings, "--body", body)
    assert made.code == 0, made.err
    path = f"users/{json.loads(made.out)['id']}"
    body.write_text('{"jobTitle": "Clerk"}')
    assert command("request", "PATCH", path, settings, "--body", body).code == 0
    got = command("get", path, settings, "-s", "jobTitle", "--query", "jobTitle")
    assert got.out == b'"Clerk"\n'
    assert command("request", "DELETE", path, settings).code == 0
    assert command("get", path, settings).code == 5


def test_pages_of_a_request_are_followed(
    command: Command, emulator: Emulator, settings: Path
) -> None:
    """`--all`, over links that die and a service that is down for a moment."""
    emulator.faults.fail_next(1, Fault(kind="status", status=503, retry_after=0))
    outcome = command(
        *("request", "GET", "users?$top=500&$select=id", settings, "--all", "-f", "ndjson")
    )

    assert (outcome.code, len(set(ids(outcome.out)))) == (0, USERS)


def test_counting_is_one_number(command: Command, emulator: Emulator, settings: Path) -> None:
    """Of everything, and of what a condition leaves."""
    assert int(command("count", "users", settings).out) == USERS
    assert int(command("count", "devices", settings).out) == count(emulator, "device")


def test_a_listing_that_runs_out_of_time_is_not_the_whole(
    command: Command, emulator: Emulator, settings: Path, tmp_path: Path
) -> None:
    """Exit code 8 and no file: the same as for whatever else is not proved."""
    emulator.faults.fail_for(9, Fault(kind="latency", delay=3), route="GET /users")

    outcome = command("users", settings, "-o", tmp_path / "users.csv", "--within", "0.4")

    assert (outcome.code, (tmp_path / "users.csv").exists()) == (8, False)
    assert "not finished after 0.4 s" in outcome.err
