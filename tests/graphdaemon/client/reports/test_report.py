"""Reports on a pretend tenant, compared with what its database says to plain SQL, on bad days."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.model.products import SKUS
from entra_emulator.server.emulator import Emulator
from graphdaemon.client.client import Client
from graphdaemon.client.reports.options import REPORTS, ReportOptions
from graphdaemon.client.reports.report import Report, make_report
from graphdaemon.errors import GraphError, UsageError
from graphdaemon.settings.read import read_settings
from tests.support.client_app import register

ROLES = (
    *("Application.Read.All", "AuditLog.Read.All", "Device.Read.All", "Directory.Read.All"),
    *("Policy.Read.All", "User.Read.All"),
)
HOSTILE = '<script>alert("1")</script> & "Ünïcode" \u202e'
MANY = 1_050
SINCE = dt.timedelta(days=90)
WITHIN = dt.timedelta(days=30)


@pytest.fixture(scope="module")
def tenant(key_pair: tuple[str, bytes]) -> Iterator[tuple[Emulator, dict[str, Any]]]:
    """A tenant with several pages of users, and more applications than a page has."""
    with Emulator(users=1_100, groups=0, devices=300, seed=5) as emulator:
        app = register(emulator, key_pair, roles=ROLES)
        add_applications(emulator)
        yield (
            emulator,
            {
                "authority": f"{emulator.url}/{emulator.tenant.id}",
                "client_id": app.client_id,
                "secret": app.secret,
                "endpoint": f"{emulator.url}/v1.0/users",
                "ca_file": str(emulator.ca_file),
            },
        )


@pytest.fixture
def emulator(tenant: tuple[Emulator, dict[str, Any]]) -> Iterator[Emulator]:
    running, _ = tenant
    yield running
    running.faults.clear()
    running.throttle.clear()


def add_applications(emulator: Emulator) -> None:
    """Thousands with one secret each; the first is owned by more people than Graph expands."""
    directory, tenant = emulator.directory, emulator.tenant
    (_, doc), *_ = directory.collections.scan(tenant, "application")
    template: dict[str, Any] = json.loads(doc)
    secret = {"displayName": HOSTILE, "hint": "abc", "customKeyIdentifier": None}
    times = ["2024-01-01T00:00:00.1234567Z", "9999-12-31T23:59:59.9999999Z", None]

    def draft(number: int) -> dict[str, Any]:
        mark = f"{number:012x}"
        key = secret | {
            "keyId": f"aaaaaaaa-0000-4000-8000-{mark}",
            "startDateTime": times[number % 3] and "2020-01-01T00:00:00Z",
            "endDateTime": times[number % 3],
        }
        return template | {
            "id": f"bbbbbbbb-0000-4000-8000-{mark}",
            "appId": f"cccccccc-0000-4000-8000-{mark}",
            "displayName": HOSTILE if number else None,
            "passwordCredentials": [key],
            "keyCredentials": [],
        }

    numbers = directory.objects.fill(tenant, "application", map(draft, range(MANY)))
    (_, doc), *_ = directory.collections.scan(tenant, "servicePrincipal")
    machine = draft(MANY) | {"servicePrincipalType": "ManagedIdentity"}
    directory.objects.fill(tenant, "servicePrincipal", [json.loads(doc) | machine])
    people = [position.seq for position, _ in directory.collections.scan(tenant, "user")][:25]
    pairs = [(numbers.start, person) for person in people]
    directory.links.fill("owners", "application", "user", iter(pairs))


def make(
    tenant: tuple[Emulator, dict[str, Any]], name: str, options: ReportOptions | None = None
) -> Report[Any]:
    async def work() -> Report[Any]:
        async with Client(read_settings(None, {}, tenant[1])) as client:
            return await make_report(client, name, options or ReportOptions())

    return asyncio.run(work())


class Book:
    """The database of an emulator, read by SQL."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        path = folder / "copy.db"
        emulator.directory.backup(path)
        self._connection = sqlite3.connect(path)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def objects(self, kind: int) -> dict[str, dict[str, Any]]:
        rows = self.rows(
            "SELECT o.seq, d.doc FROM object o JOIN document d ON d.seq = o.seq WHERE o.kind = ?",
            kind,
        )
        return {(one := json.loads(doc))["id"]: one | {"seq": seq} for seq, doc in rows}

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def book(emulator: Emulator, tmp_path: Path) -> Iterator[Book]:
    opened = Book(emulator, tmp_path)
    yield opened
    opened.close()


FAULTS = [
    ("GET /applications", Fault(kind="status", status=429, retry_after=0)),
    ("GET /applications", Fault(kind="truncated", framing="length")),
    ("GET /servicePrincipals", Fault(kind="status", status=503, retry_after=0)),
    ("GET /servicePrincipals/{id}/owners", Fault(kind="status", status=429, retry_after=0)),
    ("GET /oauth2PermissionGrants", Fault(kind="malformed")),
    ("GET /users", Fault(kind="reset", when="during")),
    ("GET /devices", Fault(kind="empty_page")),
]


def spoil(emulator: Emulator) -> None:
    for route, fault in FAULTS:
        emulator.faults.fail_next(1, fault, route=route)


def parse(text: str | None) -> dt.datetime | None:
    """What plain Python reads of the times that the database has."""
    return None if text is None else dt.datetime.fromisoformat(text[:19] + "+00:00")


def test_credentials_are_those_of_the_database(
    tenant: tuple[Emulator, dict[str, Any]], emulator: Emulator, book: Book
) -> None:
    """Whose, until when, and what ends soon; of thousands of applications in few requests."""
    spoil(emulator)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)

    report = make(tenant, "credentials", ReportOptions(within=WITHIN, now=now))

    owners = defaultdict(set)
    for seq, name in book.rows(
        "SELECT l.source, json_extract(d.doc, '$.userPrincipalName') FROM link l "
        "JOIN document d ON d.seq = l.target WHERE l.relation = 2"
    ):
        owners[seq].add(name)
    expected = {}
    for holder, kind in (("application", 4), ("servicePrincipal", 5)):
        for one in book.objects(kind).values():
            if one.get("servicePrincipalType") == "ManagedIdentity":
                continue
            keys = one["keyCredentials"] + one["passwordCredentials"]
            signs = {key["customKeyIdentifier"] for key in keys if key.get("usage") == "Sign"}
            for key in keys:
                end = parse(key["endDateTime"])
                soon = end is not None and now < end <= now + WITHIN
                if key["customKeyIdentifier"] in signs - {None} and key.get("usage") != "Sign":
                    continue
                expected[key["keyId"], holder] = (
                    one["displayName"],
                    key["displayName"],
                    end is not None and end <= now,
                    soon,
                    sorted(owners[one["seq"]]),
                )
    found = {
        (row.key_id, row.holder): (
            row.display_name,
            row.name,
            "expired" in row.findings,
            "ends_soon" in row.findings,
            row.owners,
        )
        for row in report.rows
        if row.kind != "federated"
    }
    assert found == expected
    assert len(found) > MANY
    assert "Managed identities are left out, since Azure renews what they have: 1." in report.notes
    federated = book.rows("SELECT id, name FROM federated")
    assert sorted(federated) == sorted(
        (row.key_id, row.name) for row in report.rows if row.kind == "federated"
    )
    assert [row.owners for row in report.rows if len(row.owners or ()) == 25]
    requests = {one.collection: one.requests for one in report.coverage}
    # A page has 100 applications where their owners come with them.
    assert requests["applications/owners"] <= 12
    assert requests["applications/federatedIdentityCredentials"] <= 12
    assert {one.collection for one in report.coverage} <= {
        one.collection for one in REPORTS["credentials"].inputs
    }


def test_the_use_of_credentials_is_what_the_emulator_saw(
    tenant: tuple[Emulator, dict[str, Any]], book: Book
) -> None:
    """Its own secret was used a moment ago; those that were seeded as the database has it."""
    report = make(tenant, "credentials")

    seeded = dict(book.rows("SELECT holder, moment FROM last_use WHERE part = 'key'"))
    own = [row for row in report.rows if row.app_id == tenant[1]["client_id"]]
    assert {(row.kind, row.use) for row in own} == {
        ("secret", "recorded"),
        ("certificate", "none recorded"),
    }
    for row in report.rows:
        if row.key_id in seeded and row.kind == "secret":
            assert row.last_used_date_time == dt.datetime.fromtimestamp(
                seeded[row.key_id] // 1, dt.UTC
            ).isoformat().replace("+00:00", "Z")
        elif row.app_id != tenant[1]["client_id"] and row.kind == "secret":
            assert row.use == "none recorded"
    assert report.count()["unused"] > MANY


def test_stale_objects_are_those_of_the_database(
    tenant: tuple[Emulator, dict[str, Any]], emulator: Emulator, book: Book
) -> None:
    spoil(emulator)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)

    report = make(tenant, "stale", ReportOptions(since=SINCE, now=now))

    limit = (now - SINCE).timestamp()
    seen = {
        seq: success if success is not None else max(filter(None, (page, token)), default=None)
        for seq, page, token, success in book.rows(
            "SELECT seq, interactive, noninteractive, successful FROM last_sign_in"
        )
    }
    expected = {}
    for one in book.objects(1).values():
        made = parse(one.get("createdDateTime"))
        last = seen.get(one["seq"]) or (made.timestamp() if made else 0)
        if last < limit:
            finding = "stale" if seen.get(one["seq"]) else "never_seen"
            held = len(one.get("assignedLicenses") or ())
            expected[one["id"]] = (one.get("userType") == "Guest", finding, held)
    for one in book.objects(3).values():
        last = parse(one["approximateLastSignInDateTime"])
        if last is None or last.timestamp() < limit:
            expected[one["id"]] = (False, "stale" if last else "never_seen", 0)
    found = {
        row.id: (row.kind == "guest", row.findings[0], len(row.licences)) for row in report.rows
    }
    assert found == expected
    assert {row.kind for row in report.rows} == {"user", "guest", "device"}
    names = {sku.name for sku in SKUS}
    licences = {name for row in report.rows for name in row.licences}
    assert licences
    assert licences <= names


def test_permissions_are_those_of_the_database(
    tenant: tuple[Emulator, dict[str, Any]], emulator: Emulator, book: Book
) -> None:
    spoil(emulator)

    report = make(tenant, "permissions", ReportOptions(since=SINCE))

    expected: set[tuple[str, str, str, str, int | None]] = {
        (principal, resource, "application", value, None)
        for principal, resource, value in book.rows(
            "SELECT principal, resource, value FROM assignment WHERE value <> ''"
        )
        if principal in book.objects(5)
    }
    users = defaultdict(set)
    for client, resource, user, scopes in book.rows(
        "SELECT client, resource, user, scope FROM delegation"
    ):
        for scope in scopes.split():
            if user:
                users[client, resource, scope].add(user)
            else:
                expected.add((client, resource, "delegated", scope, None))
    expected |= {
        (client, resource, "delegated", scope, len(ids))
        for (client, resource, scope), ids in users.items()
    }
    found = {(row.id, row.resource_id, row.kind, row.permission, row.users) for row in report.rows}
    assert found == expected
    assert len(report.rows) == len(found)
    used = {
        (app, part)
        for app, part, moment in book.rows(
            "SELECT holder, part, moment FROM last_use WHERE part <> 'key'"
        )
        if moment > dt.datetime.now(dt.UTC).timestamp() - SINCE.total_seconds()
    } | {(tenant[1]["client_id"], "application")}
    assert {(row.app_id, row.kind) for row in report.rows if "unused" not in row.findings} <= used
    assert report.count()["high_privilege"] > 0


def test_what_is_asked_of_a_user_alone_takes_few_requests(
    tenant: tuple[Emulator, dict[str, Any]], emulator: Emulator
) -> None:
    """Assignments are read of the APIs that offer roles, not of every application."""
    report = make(tenant, "permissions", ReportOptions(activity=False))

    assert sum(one.requests for one in report.coverage) <= 12
    assert any("not to be read" in note for note in report.notes)


def test_without_the_records_of_use_it_is_unknown_and_said(
    tenant: tuple[Emulator, dict[str, Any]], key_pair: tuple[str, bytes]
) -> None:
    """An app that may read applications alone has no use, no policy, and says so."""
    emulator, settings = tenant
    app = register(emulator, key_pair, roles=("Application.Read.All",))
    poor = settings | {"client_id": app.client_id, "secret": app.secret}

    report = make((emulator, poor), "credentials")

    assert {row.use for row in report.rows} == {"unknown"}
    notes = " ".join(report.notes)
    assert "When credentials were last used: unknown." in notes
    assert "AuditLog.Read.All" in notes
    assert "The tenant's policy on lifetimes: unknown." in notes
    with pytest.raises(GraphError) as caught:
        make((emulator, poor), "permissions")
    assert caught.value.status == 403


def test_sign_ins_without_the_permission_are_an_error_that_names_it(
    tenant: tuple[Emulator, dict[str, Any]], key_pair: tuple[str, bytes]
) -> None:
    emulator, settings = tenant
    app = register(emulator, key_pair, roles=("User.Read.All", "Device.Read.All"))
    poor = settings | {"client_id": app.client_id, "secret": app.secret}

    with pytest.raises(GraphError, match="403") as caught:
        make((emulator, poor), "stale")
    assert "AuditLog.Read.All" in f"{caught.value} {caught.value.hint}"
    devices = make((emulator, poor), "stale", ReportOptions(of=("devices",)))
    assert {row.kind for row in devices.rows} == {"device"}


def test_a_tenant_without_the_licence_is_told_so(
    tenant: tuple[Emulator, dict[str, Any]],
) -> None:
    """When users signed in takes Entra ID P1; what credentials are there does not."""
    emulator, settings = tenant
    free = emulator.directory.tenants.create("Free", ("free-of-licences.onmicrosoft.com",))
    app = emulator.add_application("Reader", ROLES, tenant=free)
    poor = settings | {
        "authority": f"{emulator.url}/{free.id}",
        "client_id": app.client_id,
        "secret": app.secret,
    }

    with pytest.raises(GraphError, match="premium license") as caught:
        make((emulator, poor), "stale")
    assert "Entra ID P1 or P2" in f"{caught.value} {caught.value.hint}"
    report = make((emulator, poor), "credentials")
    assert [(row.kind, row.use) for row in report.rows] == [("secret", "unknown")]
    assert "premium license" in " ".join(report.notes)


def test_a_report_that_there_is_not_is_named(tenant: tuple[Emulator, dict[str, Any]]) -> None:
    with pytest.raises(UsageError, match="there is no report costs") as caught:
        make(tenant, "costs")
    assert "credentials, stale, permissions" in str(caught.value.hint)


def test_findings_are_counted_and_chosen(tenant: tuple[Emulator, dict[str, Any]]) -> None:
    report = make(tenant, "credentials", ReportOptions(activity=False))

    chosen = report.select(["expired"])

    assert len(chosen.rows) == chosen.count()["expired"] == report.count()["expired"]
    assert all("expired" in row.findings for row in chosen.rows)
    skipping = ReportOptions(activity=False, skip_expired=dt.timedelta())
    assert "expired" not in make(tenant, "credentials", skipping).count()
