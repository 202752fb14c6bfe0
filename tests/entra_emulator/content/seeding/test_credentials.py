"""What a new tenant's applications prove themselves with, and what they may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from entra_emulator.clock import Clock, parse_iso
from entra_emulator.content.seed import choose_sizes, seed_directory
from entra_emulator.content.seeding.credentials import draw_signing
from entra_emulator.content.seeding.draw import Draw
from entra_emulator.directory.directory import Directory
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant

NOON = 1_800_000_000 - 1_800_000_000 % 86_400 + 43_200


@pytest.fixture(scope="module")
def directory() -> Iterator[Directory]:
    directory = Directory(clock=Clock(at=NOON))
    seed_directory(directory, **choose_sizes(250)._asdict())
    yield directory
    directory.close()


@pytest.fixture(scope="module")
def tenant(directory: Directory) -> Tenant:
    return directory.tenants.list_all()[0]


def read(directory: Directory, kind: str) -> list[dict[str, Any]]:
    tenant = directory.tenants.list_all()[0]
    return [msgspec.json.decode(doc) for _, doc in directory.collections.scan(tenant, kind)]


def left(credential: dict[str, Any]) -> float:
    return (dt.datetime.fromisoformat(credential["endDateTime"]).timestamp() - NOON) // 86_400


def test_a_new_tenant_has_credentials_of_every_age(directory: Directory) -> None:
    """Some have expired, long ago and yesterday, some end soon, some in many years."""
    days = [
        left(key)
        for one in read(directory, "application")
        for key in (*one["passwordCredentials"], *one["keyCredentials"])
    ]

    assert len(days) > 10
    assert any(day < -300 for day in days)
    assert any(0 <= day < 30 for day in days)
    assert any(60 < day < 1_000 for day in days)
    assert any(day > 30_000 for day in days)


def test_a_day_later_everything_ends_a_day_later() -> None:
    """Two tenants of the same day are the same, whatever the hour."""

    def ends(at: int) -> list[str]:
        directory = Directory(clock=Clock(at=at))
        seed_directory(directory, **choose_sizes(50)._asdict())
        keys = [one["passwordCredentials"] for one in read(directory, "application")]
        directory.close()
        return [key["endDateTime"] for each in keys for key in each]

    noon = ends(NOON)
    assert noon == ends(NOON + 3_600)
    assert [end[:10] for end in ends(NOON + 86_400)] != [end[:10] for end in noon]


def test_a_signing_certificate_is_there_three_times() -> None:
    record = draw_signing(Draw(0, "x"), 0, NOON)

    sign, verify = record["keyCredentials"]
    (password,) = record["passwordCredentials"]
    assert (sign["usage"], verify["usage"]) == ("Sign", "Verify")
    assert sign["keyId"] == password["keyId"] != verify["keyId"]
    assert {one["customKeyIdentifier"] for one in (sign, verify, password)} == {
        record["preferredTokenSigningKeyThumbprint"]
    }


def test_applications_have_permissions_of_both_kinds(directory: Directory, tenant: Tenant) -> None:
    graph = directory.service_principals.need(tenant, GRAPH_APP_ID)
    assigned = directory.consents.list_assignments(tenant, resource=graph.id)
    grants = directory.consents.list_grants(tenant)

    principals = {one["id"] for one in read(directory, "servicePrincipal")}
    assert assigned
    assert {one["principalId"] for one in assigned} <= principals
    assert {grant["consentType"] for grant in grants} == {"AllPrincipals", "Principal"}
    assert {grant["clientId"] for grant in grants} <= principals
    users = {one["id"] for one in read(directory, "user")}
    assert {grant["principalId"] for grant in grants} <= {None, *users}


def test_some_applications_were_used_lately_and_some_never(
    directory: Directory, tenant: Tenant
) -> None:
    used = directory.last_uses.list_all(tenant, "application")
    apps = {one["appId"] for one in read(directory, "servicePrincipal")}

    assert apps - used.keys()
    assert used.keys() <= apps
    assert any(NOON - moment < 30 * 86_400 for moment in used.values())
    assert any(NOON - moment > 90 * 86_400 for moment in used.values())
    keys = {
        key["keyId"]: key
        for kind in ("application", "servicePrincipal")
        for one in read(directory, kind)
        for key in (*one["passwordCredentials"], *one["keyCredentials"])
    }
    moments = directory.last_uses.list_all(tenant, "key")
    assert 0 < len(moments) < len(keys)
    for key_id, moment in moments.items():
        assert parse_iso(keys[key_id]["startDateTime"]) <= moment <= NOON
        assert moment <= parse_iso(keys[key_id]["endDateTime"])
