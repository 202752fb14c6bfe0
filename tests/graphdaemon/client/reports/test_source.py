"""Where records come from, and what is done where nothing proves that they are all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.client.client import Client
from graphdaemon.client.reports.options import ReportOptions
from graphdaemon.client.reports.report import Report, make_stored_report
from graphdaemon.client.reports.source import GraphSource
from graphdaemon.errors import UnprovedError, UsageError
from graphdaemon.settings.read import read_settings
from graphdaemon.store.rows import Position, Row
from graphdaemon.store.store import open_store
from graphdaemon.store.tenant_history import TenantHistory
from tests.support.scripted_server import ScriptedServer, page
from tests.support.store_fixtures import SteppingClock

ENDED = '{"keyId":"k","startDateTime":"2020-01-01T00:00:00Z","endDateTime":"2021-01-01T00:00:00Z"}'


def read_again(server: ScriptedServer, readings: Iterator[list[dict[str, Any]]]) -> dict[str, Any]:
    server.script = lambda _: page(*next(readings))

    async def work() -> dict[str, Any]:
        async with Client(read_settings(None, {}, server.settings()), attempts=1) as client:
            source = GraphSource(client)
            found = await source.read_again("subscribedSkus", dict)
            assert source.coverage[0].why == "two readings found the same"
            return found

    return asyncio.run(work())


def test_what_cannot_be_counted_is_read_until_two_readings_agree(
    scripted: ScriptedServer,
) -> None:
    readings = iter([[{"id": "a"}], [{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "a"}]])

    assert read_again(scripted, readings).keys() == {"a", "b"}


def test_what_never_agrees_makes_no_report(scripted: ScriptedServer) -> None:
    readings = iter([[{"id": f"{number}"}] for number in range(9)])

    with pytest.raises(UnprovedError, match="subscribedSkus is not proved complete") as got:
        read_again(scripted, readings)
    assert (got.value.exit_code, got.value.code) == (8, "listing_unproved")
    assert len(list(readings)) == 5


def row(id_: str, **values: str) -> Row:
    members = "".join(f',"{name}":{value}' for name, value in values.items())
    return Row(id_, f'{{"id":"{id_}","displayName":"App"{members}}}'.encode())


def report(url: str, name: str, options: ReportOptions | None = None) -> Report[Any]:
    with open_store(url, create=False) as store:
        history = TenantHistory(store)
        return asyncio.run(make_stored_report(history, name, options or ReportOptions()))


@pytest.fixture
def store_of_apps(tmp_path: Path) -> str:
    url = f"sqlite:{tmp_path / 'store.db'}"
    names = "id displayName appId createdDateTime passwordCredentials keyCredentials".split()
    principal = "appRoles oauth2PermissionScopes accountEnabled appOwnerOrganizationId".split()
    with open_store(url, now=SteppingClock()) as store:
        tenant = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso")
        with store.change(tenant, "applications", "baseline") as change:
            change.load([row("a", passwordCredentials=f"[{ENDED}]", keyCredentials="[]")])
            change.save(Position("link", tuple(names)))
        with store.change(tenant, "servicePrincipals", "baseline") as change:
            roles = '[{"id":"r","value":"Orders.Read"}]'
            change.load([row("p", appRoles="[]"), row("q", appRoles=roles)])
            whole = (*names, *principal, "servicePrincipalType")
            change.save(Position("link", whole))
    return url


def test_a_store_tells_of_credentials_and_of_what_it_does_not_know(store_of_apps: str) -> None:
    told = report(store_of_apps, "credentials")

    assert [(one.id, one.state, one.owners, one.use) for one in told.rows] == [
        ("a", "expired", None, "unknown")
    ]
    assert {one.requests for one in told.coverage} == {0}
    assert all(one.why.startswith("as the directory was at ") for one in told.coverage)
    notes = " ".join(told.notes)
    for what in ("last used", "policy", "Federated", "Owners"):
        assert what in notes


def test_a_store_without_what_is_needed_says_how_to_keep_it(store_of_apps: str) -> None:
    with pytest.raises(UsageError, match="does not keep app role assignments") as caught:
        report(store_of_apps, "permissions")
    assert "graphdaemon sync servicePrincipals/appRoleAssignedTo" in str(caught.value.hint)
    with pytest.raises(UsageError, match="does not keep when users signed in"):
        report(store_of_apps, "stale")


def test_a_store_tells_of_application_permissions(store_of_apps: str) -> None:
    assignment = (
        '{"id":"x","appRoleId":"r","principalId":"p","principalType":"ServicePrincipal",'
        '"resourceId":"q"}'
    )
    with open_store(store_of_apps, now=SteppingClock()) as store:
        tenant = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso")
        with store.change(tenant, "servicePrincipals/appRoleAssignedTo", "baseline") as change:
            change.load([Row("x", assignment.encode())])
            change.save(Position("link", ("id",)))

    told = report(store_of_apps, "permissions")

    assert [(one.id, one.permission, one.resource_id) for one in told.rows] == [
        ("p", "Orders.Read", "q")
    ]
    assert any("Delegated permissions are left out" in note for note in told.notes)


def test_a_store_that_keeps_grants_tells_of_delegated_permissions(store_of_apps: str) -> None:
    grant = (
        '{"id":"g","clientId":"p","consentType":"AllPrincipals","principalId":null,'
        '"resourceId":"q","scope":"Orders.Submit"}'
    )
    with open_store(store_of_apps, now=SteppingClock()) as store:
        tenant = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso")
        for collection in ("servicePrincipals/appRoleAssignedTo", "oauth2PermissionGrants"):
            with store.change(tenant, collection, "baseline") as change:
                change.load([Row("g", grant.encode())] if "Grants" in collection else [])
                change.save(Position("link", ("id",)))

    told = report(store_of_apps, "permissions")

    assert [(one.kind, one.permission, one.resource_id) for one in told.rows] == [
        ("delegated", "Orders.Submit", "q")
    ]
    assert not any("Delegated" in note for note in told.notes)


def test_a_store_that_keeps_too_few_properties_names_them(store_of_apps: str) -> None:
    with open_store(store_of_apps, now=SteppingClock()) as store:
        tenant = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso")
        with store.change(tenant, "devices", "baseline") as change:
            change.load([row("d")])
            change.save(Position("link", ("id", "displayName")))

    with pytest.raises(UsageError, match="the property accountEnabled of devices") as caught:
        report(store_of_apps, "stale", ReportOptions(of=("devices",)))
    assert "--select devices=" in str(caught.value.hint)
