"""Listings of the pretend tenant, over TLS: each collection, each fault, and what is forbidden."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from entra_emulator.faults.fault import Fault
from entra_emulator.server.emulator import Emulator
from tests.support.client_app import App, register
from tests.support.run_command import Command

Record = dict[str, Any]
READ_ALL = ("Directory.Read.All", "User.Read.All", "Device.Read.All", "Application.Read.All")


@pytest.fixture(scope="module")
def tenant() -> Iterator[Emulator]:
    """More users than fit into a page, and one group of them all."""
    with Emulator(users=1100, groups=45, devices=60, seed=6) as running:
        yield running


@pytest.fixture(scope="module")
def reader(tenant: Emulator, key_pair: tuple[str, bytes]) -> App:
    return register(tenant, key_pair, roles=READ_ALL)


class Listed(NamedTuple):
    code: int
    records: dict[str, Record]
    account: dict[str, Any]


Listing = Callable[..., Listed]


def parameters_of(emulator: Emulator, app: App, folder: Path) -> Path:
    path = folder / "parameters.json"
    settings = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "secret": app.secret,
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
    }
    path.write_text(json.dumps(settings))
    path.chmod(0o600)
    return path


@pytest.fixture
def listed(command: Command, tenant: Emulator, reader: App, tmp_path: Path) -> Listing:
    """List a collection with the command, as an app that may read everything."""

    def run(
        collection: str, *arguments: object, app: App = reader, emulator: Emulator = tenant
    ) -> Listed:
        output, proof = tmp_path / "output.ndjson", tmp_path / "proof.json"
        output.unlink(missing_ok=True)
        path = parameters_of(emulator, app, tmp_path)
        done = command("list", collection, path, "-o", output, "--proof", proof, *arguments)
        lines = output.read_bytes().splitlines() if output.exists() else []
        records = [json.loads(line) for line in lines]
        by_id = {record["id"]: record for record in records}
        assert len(by_id) == len(records)
        return Listed(done.code, by_id, json.loads(proof.read_bytes()))

    return run


@pytest.mark.parametrize(
    "collection", ["users", "groups", "devices", "applications", "servicePrincipals"]
)
def test_every_collection_is_proved_complete(
    listed: Listing, tenant: Emulator, collection: str
) -> None:
    """Divided or not, it is what one chain brings, and as many as Graph counts."""
    listing = listed(collection)
    chain = listed(collection, "--method", "chain")

    assert listing.code == chain.code == 0
    assert listing.account["verdict"] == "complete"
    assert listing.records == chain.records
    assert len(listing.records) == listing.account["count_after"] == listing.account["records"] > 2


def test_members_of_all_groups_are_whole(listed: Listing) -> None:
    """More groups than a batch takes, more members than a page: as their users see it, too."""
    groups = listed("groups", "--with", "members")
    users = listed("users", "--with", "memberOf", "--select", "displayName")

    assert groups.code == users.code == 0
    assert len(groups.records) > 40
    assert max(len(group["members"]) for group in groups.records.values()) > 999
    seen_from_groups = {
        (group["id"], member["id"])
        for group in groups.records.values()
        for member in group["members"]
        if member["id"] in users.records
    }
    seen_from_users = {
        (group["id"], user["id"])
        for user in users.records.values()
        for group in user["memberOf"]
        if group["id"] in groups.records
    }
    assert seen_from_groups == seen_from_users
    assert groups.account["expanded"]["members"] >= len(seen_from_groups)


def test_the_members_of_one_group_are_all_there(listed: Listing) -> None:
    """A path is a collection of its own; without a delta, several pages prove nothing."""
    groups = listed("groups", "--with", "members").records.values()
    largest = max(groups, key=lambda group: len(group["members"]))
    listing = listed(f"groups/{largest['id']}/members", "--allow-unproved")

    assert listing.records.keys() == {member["id"] for member in largest["members"]}
    assert listing.account["verdict"] == "unproved"
    assert listing.account["count_before"] == listing.account["count_after"] == len(listing.records)


FAULTS: dict[str, dict[str, Any]] = {
    "a page link that expires": {"kind": "page_token"},
    "a line that breaks": {"kind": "reset", "when": "during"},
    "half an answer": {"kind": "truncated"},
    "no JSON": {"kind": "malformed"},
    "an empty page": {"kind": "empty_page"},
    "a short page": {"kind": "short_page"},
    "a moment of 503": {"kind": "status", "status": 503, "retry_after": 1},
    "a moment of 429": {"kind": "status", "status": 429, "retry_after": 1},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_cost_time_and_nothing_else(
    listed: Listing, tenant: Emulator, fault: dict[str, Any]
) -> None:
    """Whatever fails twice in passing, the listing is whole and proved."""
    tenant.faults.fail_next(2, Fault(**fault), route="GET /users")

    listing = listed("users", "--select", "displayName")

    tenant.faults.clear()
    assert listing.code == 0
    assert listing.account["verdict"] == "complete"
    assert len(listing.records) == listing.account["count_after"] == 1100


@pytest.mark.parametrize("kind", ["delta_repeat", "delta_shuffle", "delta_reset"])
def test_a_delta_that_behaves_as_documented_proves(
    listed: Listing, tenant: Emulator, kind: str
) -> None:
    """It repeats itself, in any order; where it begins anew, nothing is proved."""
    tenant.faults.fail_for(60, Fault(kind=kind), route="GET /users/delta")

    listing = listed("users", "--select", "displayName", "--allow-unproved")

    tenant.faults.clear()
    assert len(listing.records) == 1100
    assert listing.account["verdict"] == ("unproved" if kind == "delta_reset" else "complete")


def test_a_service_that_does_as_its_table_says_is_read_in_one_chain(
    listed: Listing, key_pair: tuple[str, bytes]
) -> None:
    """No `ge` and `le` on texts: it is said, and nothing is missing."""
    with Emulator(users=1010, groups=0, devices=0, strict_filter=True) as strict:
        app = register(strict, key_pair)
        listing = listed("users", app=app, emulator=strict)

    assert listing.code == 0
    assert listing.account["method"] == "chain"
    assert "ranges of userPrincipalName were refused" in listing.account["notes"][0]
    assert len(listing.records) == 1010


def test_what_the_app_may_not_read_is_named(
    listed: Listing, tenant: Emulator, key_pair: tuple[str, bytes]
) -> None:
    """A collection, a property, or what belongs to a record: an error or a name, never silence."""
    roles = ("User.ReadBasic.All", "GroupMember.Read.All")
    basic = register(tenant, key_pair, roles=roles)

    devices = listed("devices", app=basic)
    users = listed("users", "--select", "displayName,department", "--allow-unproved", app=basic)
    licences = listed("users", "--with", "licenseDetails", app=basic)

    assert (devices.code, licences.code) == (5, 5)
    assert (devices.records, licences.records) == ({}, {})
    for account in (devices.account, licences.account):
        assert account["verdict"] == "incomplete"
        assert account["why"] == "it failed (permission_missing)"
        assert "403 Authorization_RequestDenied" in account["notes"][-1]
    assert users.account["blank"] == ["department"]


@pytest.mark.parametrize("condition", [None, "accountEnabled eq true"], ids=["all", "filter"])
def test_who_a_lagging_replica_keeps_back_is_counted(
    listed: Listing, key_pair: tuple[str, bytes], condition: str | None
) -> None:
    """Made just before: no delta tells of them, and no list shows them yet; the count does."""
    arguments = ("--filter", condition) if condition else ()
    # Of so few, each counts: nobody waits for a count that may only lag.
    with Emulator(users=4, groups=0, devices=0, seed=7) as young:
        app = register(young, key_pair, roles=READ_ALL)
        young.clock.move(1000)
        young.directory.objects.create(
            young.tenant,
            "user",
            {
                "id": "00000000-0000-4000-8000-00000000000a",
                "userPrincipalName": f"new@{young.tenant.domains[0]}",
                "displayName": "New",
                "accountEnabled": True,
            },
        )
        young.faults.fail_for(None, Fault(kind="stale", lag=500), route="GET /users")
        behind = listed("users", *arguments, "--allow-unproved", app=app, emulator=young)
        young.faults.clear()
        later = listed("users", *arguments, app=app, emulator=young)

    assert (behind.account["verdict"], behind.account["missing"]) == ("unproved", "count")
    assert later.account["verdict"] == "complete"
    assert len(later.records) == len(behind.records) + 1
