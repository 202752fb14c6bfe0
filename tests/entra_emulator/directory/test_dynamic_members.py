"""Members follow the rule of their group, whoever or whatever changes."""

import json
from typing import Any

import pytest

from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.tables import FOLLOWS_RULE
from entra_emulator.model.records import Tenant

SALES = 'user.department -eq "Sales"'


def make(directory: Directory, tenant: Tenant, kind: str, **properties: Any) -> str:
    object_id = directory.new_id()
    record = {"id": object_id, "displayName": object_id[:8], **properties}
    if kind == "user":
        record.setdefault("userPrincipalName", f"{object_id}@contoso.example")
    directory.objects.create(tenant, kind, record)
    return object_id


def make_group(directory: Directory, tenant: Tenant, rule: str, **changes: Any) -> str:
    values = {
        "groupTypes": ["DynamicMembership"],
        "membershipRule": rule,
        "membershipRuleProcessingState": "On",
        "mailNickname": "g",
    }
    return make(directory, tenant, "group", **(values | changes))


def members(directory: Directory, tenant: Tenant, group: str) -> set[str]:
    row = directory.objects.find(tenant, group)
    assert row is not None
    found = directory.links.list_neighbours(tenant, LinkQuery("members", row.seq))
    return {json.loads(one.doc)["id"] for one in found}


def link(directory: Directory, tenant: Tenant, relation: str, source: str, target: str) -> None:
    ends = [directory.objects.find(tenant, key) for key in (source, target)]
    assert ends[0] is not None
    assert ends[1] is not None
    directory.links.add(tenant, relation, ends[0], ends[1])


def unlink(directory: Directory, tenant: Tenant, relation: str, source: str, target: str) -> None:
    ends = [directory.objects.find(tenant, key) for key in (source, target)]
    assert ends[0] is not None
    assert ends[1] is not None
    directory.links.remove(tenant, relation, ends[0], ends[1])


def test_members_follow_users(directory: Directory, tenant: Tenant) -> None:
    """Whoever is there when the rule is made, comes later, changes, goes, and comes back."""
    before = make(directory, tenant, "user", department="Sales")
    make(directory, tenant, "user", department="IT")
    group = make_group(directory, tenant, SALES)
    later = make(directory, tenant, "user", department="sales")

    assert members(directory, tenant, group) == {before, later}
    directory.objects.update(tenant, "user", before, {"department": "IT"})
    assert members(directory, tenant, group) == {later}
    row = directory.objects.find(tenant, later)
    assert row is not None
    directory.recycle_bin.delete(tenant, row)
    assert members(directory, tenant, group) == set()
    gone = directory.recycle_bin.find(tenant, later)
    assert gone is not None
    directory.recycle_bin.restore(tenant, gone)
    assert members(directory, tenant, group) == {later}


def test_members_follow_the_rule(directory: Directory, tenant: Tenant) -> None:
    """Another rule chooses others; while it is paused nobody comes or goes."""
    seller = make(directory, tenant, "user", department="Sales")
    coder = make(directory, tenant, "user", department="IT")
    group = make_group(directory, tenant, SALES)
    change = directory.objects.update

    change(tenant, "group", group, {"membershipRule": 'user.department -eq "IT"'})
    assert members(directory, tenant, group) == {coder}
    change(tenant, "group", group, {"membershipRuleProcessingState": "Paused"})
    change(tenant, "group", group, {"membershipRule": SALES})
    change(tenant, "user", coder, {"department": "Sales"})
    assert members(directory, tenant, group) == {coder}
    change(tenant, "group", group, {"membershipRuleProcessingState": "On"})
    assert members(directory, tenant, group) == {seller, coder}
    change(tenant, "group", group, {"groupTypes": [], "membershipRule": None})
    change(tenant, "user", coder, {"department": "IT"})
    assert members(directory, tenant, group) == {seller, coder}


def test_a_group_that_becomes_dynamic_loses_its_members(
    directory: Directory, tenant: Tenant
) -> None:
    """Those that the rule does not choose."""
    seller = make(directory, tenant, "user", department="Sales")
    other = make(directory, tenant, "user")
    group = make(directory, tenant, "group", groupTypes=[], mailNickname="g")
    link(directory, tenant, "members", group, other)
    rule = {
        "groupTypes": ["DynamicMembership"],
        "membershipRule": SALES,
        "membershipRuleProcessingState": "On",
    }

    directory.objects.update(tenant, "group", group, rule)
    assert members(directory, tenant, group) == {seller}


def test_devices_and_administrative_units_have_rules_too(
    directory: Directory, tenant: Tenant
) -> None:
    """A unit is dynamic by its type of membership."""
    unit = make(
        directory,
        tenant,
        "administrativeUnit",
        membershipType="Dynamic",
        membershipRule='device.deviceOSType -eq "Linux"',
        membershipRuleProcessingState="On",
    )
    make(directory, tenant, "user", department="Linux")
    device = make(directory, tenant, "device", deviceId="d1", operatingSystem="linux")

    assert members(directory, tenant, unit) == {device}
    directory.objects.update(tenant, "device", device, {"operatingSystem": "Windows"})
    assert members(directory, tenant, unit) == set()


def test_direct_reports_follow_their_manager(directory: Directory, tenant: Tenant) -> None:
    """Links count as much as properties."""
    manager, report = make(directory, tenant, "user"), make(directory, tenant, "user")
    early = make(directory, tenant, "user")
    link(directory, tenant, "manager", early, manager)
    group = make_group(directory, tenant, f'Direct Reports for "{manager}"')

    assert members(directory, tenant, group) == {early}
    link(directory, tenant, "manager", report, manager)
    assert members(directory, tenant, group) == {early, report}
    unlink(directory, tenant, "manager", early, manager)
    assert members(directory, tenant, group) == {report}


def test_members_of_other_groups_come_and_stay(directory: Directory, tenant: Tenant) -> None:
    """Documented: who leaves the other group stays here until the rule changes."""
    first, second = make(directory, tenant, "user"), make(directory, tenant, "user")
    source = make(directory, tenant, "group", groupTypes=[], mailNickname="s")
    seller = make(directory, tenant, "user", department="Sales")
    sellers = make_group(directory, tenant, SALES)
    link(directory, tenant, "members", source, first)
    rule = f"user.memberOf -any (group.objectId -in ['{source}','{sellers}'])"
    group = make_group(directory, tenant, rule)

    assert members(directory, tenant, group) == {first, seller}
    link(directory, tenant, "members", source, second)
    another = make(directory, tenant, "user", department="Sales")
    assert members(directory, tenant, group) == {first, second, seller, another}
    unlink(directory, tenant, "members", source, first)
    directory.objects.update(tenant, "user", seller, {"department": "IT"})
    assert members(directory, tenant, group) == {first, second, seller, another}
    directory.objects.update(tenant, "group", group, {"membershipRule": f"({rule})"})
    assert members(directory, tenant, group) == {second, another}


def test_an_imported_rule_that_is_not_understood_changes_nobody(
    directory: Directory, tenant: Tenant
) -> None:
    """Its members are those that were imported."""
    member = make(directory, tenant, "user")
    group = make_group(directory, tenant, "user.somethingNew -eq 1")
    link(directory, tenant, "members", group, member)

    directory.objects.update(tenant, "user", member, {"department": "x"})
    assert members(directory, tenant, group) == {member}


def test_a_transaction_that_fails_changes_no_members(directory: Directory, tenant: Tenant) -> None:
    """What was noted in it is not followed by the next one either."""
    user = make(directory, tenant, "user")
    group = make_group(directory, tenant, SALES)

    def fail() -> None:
        with directory.transaction():
            directory.objects.update(tenant, "user", user, {"department": "Sales"})
            raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        fail()
    assert directory.changes.take_noted() == []
    make(directory, tenant, "user", department="IT")
    assert members(directory, tenant, group) == set()


def test_seeded_members_are_those_that_the_rules_choose(directory: Directory) -> None:
    """Processing each rule anew changes nobody."""
    seeded = seed_directory(directory, users=400, groups=60)
    groups = [json.loads(row.doc) for row in directory.dynamic_members.list_holders(seeded)]
    before = {group["id"]: members(directory, seeded, group["id"]) for group in groups}

    for group in groups:
        for state in ("Paused", "On"):
            changes = {"membershipRuleProcessingState": state}
            directory.objects.update(seeded, "group", group["id"], changes)
    assert len(groups) > 2
    assert any(before.values())
    assert {key: members(directory, seeded, key) for key in before} == before


def test_looking_for_rules_reads_an_index(directory: Directory, tenant: Tenant) -> None:
    """A change of one among a million users must not read them all."""
    plan = directory._store.read(
        "EXPLAIN QUERY PLAN SELECT o.face FROM object AS o "
        f"WHERE o.tenant = ? AND {FOLLOWS_RULE.format('o.')}",
        (tenant.number,),
    )

    assert any("object_rule" in str(row) for row in plan), plan
