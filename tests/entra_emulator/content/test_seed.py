from collections import Counter
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.data_folder import STORE, make_store
from entra_emulator.content.seed import Sizes, choose_sizes, seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.people_and_devices import derive_sid
from entra_emulator.model.records import Record, Tenant

# What the users had before anything else was known of them, in this order.
BASIC = (
    "id accountEnabled createdDateTime displayName givenName surname userType creationType "
    "externalUserState mail mailNickname otherMails proxyAddresses userPrincipalName companyName "
    "country city department employeeHireDate employeeId employeeType usageLocation jobTitle "
    "officeLocation preferredLanguage mobilePhone businessPhones"
).split()

decode = msgspec.json.decode


@pytest.fixture(scope="module")
def directory() -> Iterator[Directory]:
    """Two thousand users, three hundred groups, four hundred devices."""
    directory = Directory(clock=Clock(at=1_800_000_000))
    seed_directory(directory, **choose_sizes(2000, 300)._asdict())
    yield directory
    directory.close()


@pytest.fixture(scope="module")
def tenant(directory: Directory) -> Tenant:
    return directory.tenants.list_all()[0]


def records(directory: Directory, kind: str) -> dict[int, Record]:
    """The objects of a type by number."""
    tenant = directory.tenants.list_all()[0]
    return {position.seq: decode(doc) for position, doc in directory.collections.scan(tenant, kind)}


def linked(directory: Directory, relation: str, seq: int, *kinds: str) -> list[int]:
    tenant = directory.tenants.list_all()[0]
    links = LinkQuery(relation, seq, kinds=kinds or None)
    return [neighbour.seq for neighbour in directory.links.list_neighbours(tenant, links)]


def dump(directory: Directory) -> bytes:
    """Everything that seeding writes; of applications not what the emulator adds to each."""
    tenant = directory.tenants.list_all()[0]
    parts: list[Any] = [tenant.id, tenant.domains, directory.licences.list_skus(tenant)]
    for kind in KINDS:
        for (position, doc), (_, face) in zip(
            directory.collections.scan(tenant, kind),
            directory.collections.scan(tenant, kind, what="summary"),
            strict=True,
        ):
            relations = ("members", "owners", "manager", "registeredOwners")
            links = [linked(directory, relation, position.seq) for relation in relations]
            whole = doc == face
            shown = [decode(doc)["id"]] if whole else [decode(doc), face.decode()]
            parts.append([position.seq, shown, links])
    # The order of a document's properties is the store's own affair.
    return msgspec.json.encode(parts, order="deterministic")


def test_users_are_remembered() -> None:
    """The users of seed 0 are what they always were; what was added stands behind it."""
    users = list(draw_users(500, 0))
    basic = [{name: value for name, value in user.items() if name in BASIC} for user in users]
    digests = [sha256(msgspec.json.encode(found)).hexdigest() for found in (basic, users)]

    assert all(list(old) == list(new)[: len(old)] for old, new in zip(basic, users, strict=True))
    assert digests == [
        "b69de073fd579258f308dfcce4a0bcff4325b55382cda5c41e77e9f999a60618",
        "f7f3aa6f771a424fe83184ebe4f0fee097f732bc67491bf050e84e56e0131223",
    ]


def test_tenant_is_remembered() -> None:
    """Everything else of seed 0 is what it always was, too."""
    directory = Directory(clock=Clock(at=1_800_000_000))
    seed_directory(directory, **choose_sizes(1200)._asdict())

    digest = sha256(dump(directory)).hexdigest()
    assert digest == "f53aca1bd16cbda09fef6b390bfd91214dca1ce1d865771d0fc2fe44fad480ad"
    directory.close()


def test_seeds_differ() -> None:
    """Another seed makes other people."""
    first, second = ({user["id"] for user in draw_users(100, seed)} for seed in (1, 2))

    assert first.isdisjoint(second)


def test_more_users_begin_alike() -> None:
    """User N is the same whatever the number of users, and so are its manager and licences."""
    assert list(draw_users(1500, 3)) == list(islice(draw_users(4000, 3), 1500))
    trees = []
    for users in (100, 400):
        directory = Directory()
        tenant = seed_directory(directory, users=users)
        rows = list(islice(directory.collections.scan(tenant, "user"), 100))
        trees.append([linked(directory, "manager", position.seq) for position, _ in rows])
        directory.close()

    assert trees[0] == trees[1]


def test_population() -> None:
    """Names are unique and ASCII where they must be; guests, nulls and scripts are as promised."""
    users = list(draw_users(5000, 0))
    upns = {user["userPrincipalName"].casefold() for user in users}
    guests = [user for user in users if user["userType"] == "Guest"]
    members = [user for user in users if "department" in user]
    names = "".join(user["displayName"] for user in users)

    assert len({user["id"] for user in users}) == len(upns) == 5000
    assert all(upn.isascii() for upn in upns)
    assert 0.03 < len(guests) / 5000 < 0.05
    assert all("#EXT#@contoso.onmicrosoft.com" in user["userPrincipalName"] for user in guests)
    assert not any("contoso" in user["mail"] for user in guests)
    assert 0.04 < sum(not user["accountEnabled"] for user in users) / 5000 < 0.06
    for name in ("jobTitle", "mobilePhone", "officeLocation", "businessPhones"):
        assert 0 < sum(name not in user for user in members) < len(members)
    for letter in "üéçШ王佐ليłΠ":
        assert letter in names
    assert len({user["displayName"] for user in users}) < 5000
    assert all(user["securityIdentifier"] == derive_sid(user["id"]) for user in users)


def test_large_populations() -> None:
    """Only beyond the first thousand are there accounts of services, and undated users."""
    users = list(draw_users(6000, 0))
    services = [user["userPrincipalName"].startswith("svc-") for user in users]
    undated = ["createdDateTime" not in user for user in users]

    assert not any(services[:1000])
    assert not any(undated[:1000])
    assert 0.06 < sum(services[1000:]) / 5000 < 0.1
    assert 0.002 < sum(undated[1000:]) / 5000 < 0.02


def test_synchronized_users() -> None:
    """A third of the members come from an on-premises directory, and have what such have."""
    members = [user for user in draw_users(1000, 0) if user["userType"] == "Member"]
    synced = [user for user in members if user.get("onPremisesSyncEnabled")]
    extended = [user for user in synced if "onPremisesExtensionAttributes" in user]

    assert 0.3 < len(synced) / len(members) < 0.4
    assert 0.2 < len(extended) / len(synced) < 0.4
    assert all(len(user["onPremisesSamAccountName"]) <= 20 for user in synced)
    for user in extended:
        names = schema.declared("onPremisesExtensionAttributes")
        assert set(user["onPremisesExtensionAttributes"]) == set(names)


def test_licences_of_users(directory: Directory, tenant: Tenant) -> None:
    """Units consumed are those that users have; guests, services and some others have none."""
    held: Counter[str] = Counter()
    bare = Counter[bool]()
    for user in records(directory, "user").values():
        bare[not user.get("assignedLicenses")] += 1
        for entry in user.get("assignedLicenses", ()):
            held[entry["skuId"]] += 1
            assert user["userType"] == "Member"
            assert not user["userPrincipalName"].startswith("svc-")

    skus = directory.licences.list_skus(tenant)
    assert {sku["skuId"]: sku["consumedUnits"] for sku in skus} == held
    assert all(sku["prepaidUnits"]["enabled"] > sku["consumedUnits"] for sku in skus)
    assert bare[True] > 100


def test_managers(directory: Directory) -> None:
    """Managers form a tree under one person, with spans of 3 to 12; a few people have none."""
    users = records(directory, "user")
    above = {seq: linked(directory, "manager", seq) for seq in users}
    people = [seq for seq, user in users.items() if "department" in user]
    spans = Counter(managers[0] for managers in above.values() if managers)

    assert all(len(managers) <= 1 for managers in above.values())
    assert all(managers[0] < seq for seq, managers in above.items() if managers)
    assert all(not above[seq] for seq in users if seq not in people)
    assert max(spans.values()) <= 12
    assert sorted(spans.values())[len(spans) // 2] >= 5
    assert above[people[0]] == []
    assert 0.01 < sum(not above[seq] for seq in people) / len(people) < 0.06


def test_groups(directory: Directory) -> None:
    """There are groups of every sort; most are small, a few large, one holds all members."""
    groups = records(directory, "group")
    users = records(directory, "user")
    sizes = sorted(len(linked(directory, "members", seq, "user")) for seq in groups)
    everybody = next(
        seq for seq, group in groups.items() if group["displayName"] == "All Employees"
    )
    values = list(groups.values())

    assert linked(directory, "members", everybody) == [
        seq for seq, user in users.items() if user["userType"] == "Member"
    ]
    assert sizes[len(sizes) * 7 // 10] < 30 < sizes[-4]
    assert any("Unified" in group["groupTypes"] for group in values)
    assert any("DynamicMembership" in group["groupTypes"] for group in values)
    assert any(group.get("isAssignableToRole") for group in values)
    assert any(group["mailEnabled"] and not group["securityEnabled"] for group in values)
    assert any(group["mailEnabled"] and group["securityEnabled"] for group in values)
    assert any(group.get("onPremisesSyncEnabled") for group in values)
    assert any(group.get("visibility") == "HiddenMembership" for group in values)
    assert any(not group["mailNickname"].isascii() for group in values)
    for group in values:
        assert ("membershipRule" in group) == ("DynamicMembership" in group["groupTypes"])
        assert group["mailEnabled"] == ("mail" in group)
        assert group["securityIdentifier"] == derive_sid(group["id"])


def test_dynamic_groups(directory: Directory) -> None:
    """Who is in a dynamic group fulfils its rule, and nobody else does."""
    users = records(directory, "user")
    for seq, group in records(directory, "group").items():
        rule = group.get("membershipRule", "")
        if "user.department" in rule:
            _, department, _, city, *rest = rule.split('"')
            floor = rest[1] if len(rest) > 1 else ""
            assert linked(directory, "members", seq) == [
                number
                for number, user in users.items()
                if (user.get("department"), user.get("city")) == (department, city)
                and user.get("officeLocation", "").startswith(floor)
            ]


def test_nested_groups(directory: Directory) -> None:
    """Groups are in groups, five deep and never in a circle; devices and programs are in some."""
    groups = records(directory, "group")
    inner = {seq: linked(directory, "members", seq, "group") for seq in groups}

    def depth(seq: int) -> int:
        return 1 + max(map(depth, inner[seq]), default=0)

    depths = Counter(map(depth, groups))
    assert all(child > parent for parent, children in inner.items() for child in children)
    assert 3 <= max(depths) <= 6
    for kind in ("device", "servicePrincipal"):
        assert any(linked(directory, "members", seq, kind) for seq in groups)
    owned = [linked(directory, "owners", seq) for seq in groups]
    assert 0 < sum(not owners for owners in owned) < len(owned) / 4
    assert max(map(len, owned)) == 3


def test_devices(directory: Directory) -> None:
    """Devices have systems, trust and compliance, and most have an owner who uses them."""
    devices = records(directory, "device")
    systems = Counter(device["operatingSystem"] for device in devices.values())
    owners = [linked(directory, "registeredOwners", seq) for seq in devices]
    users = [linked(directory, "registeredUsers", seq) for seq in devices]

    assert len({device["deviceId"] for device in devices.values()}) == len(devices) == 400
    assert systems["Windows"] > systems["IPhone"] > systems["Linux"] > 0
    assert {device["trustType"] for device in devices.values()} == {
        "AzureAd",
        "ServerAd",
        "Workplace",
    }
    assert {device.get("isCompliant") for device in devices.values()} == {True, False, None}
    assert owners == users
    assert 0.8 < sum(map(len, owners)) / len(devices) < 0.95


def test_other_objects(directory: Directory, tenant: Tenant) -> None:
    """There are applications with owners, principals, units by country, and the four roles."""
    applications = records(directory, "application")
    principals = records(directory, "servicePrincipal")
    units = records(directory, "administrativeUnit")
    roles = records(directory, "directoryRole")
    own = {one["appId"] for one in principals.values()}

    assert len(applications) == 20
    assert 15 <= sum(one["appId"] in own for one in applications.values()) <= 20
    assert any(one["appOwnerOrganizationId"] != tenant.id for one in principals.values())
    assert any(one["passwordCredentials"] for one in applications.values())
    assert any(one["keyCredentials"] for one in applications.values())
    assert any(linked(directory, "owners", seq) for seq in applications)
    assert len(units) == 10
    assert all(linked(directory, "members", seq) for seq in units)
    assert len(roles) == 4
    assert all(len(linked(directory, "members", seq)) == 1 for seq in roles)


def test_declared_properties(directory: Directory) -> None:
    """No object has a property that its type does not declare."""
    for kind in KINDS:
        declared = schema.declared(kind)
        for record in records(directory, kind).values():
            assert set(record) <= set(declared), kind


def test_filling_is_no_change(directory: Directory) -> None:
    """Delta queries are told of nothing that was seeded."""
    assert directory.changes.read_watermark() == 0


def test_numbers(directory: Directory, tenant: Tenant) -> None:
    """Every link joins objects that are there, and counts are those of the objects."""
    for kind in KINDS:
        assert directory.collections.count(tenant, kind) == len(records(directory, kind))
    known = {seq for kind in KINDS for seq in records(directory, kind)}
    ends = directory._store.read("SELECT source FROM link UNION SELECT target FROM link")
    assert {seq for (seq,) in ends} <= known


def test_small_sizes() -> None:
    """Any number of users, down to none, makes a whole tenant; a dozen groups are of every sort."""
    directory = Directory()
    seed_directory(directory, users=250, groups=9)
    groups = records(directory, "group").values()
    assert any(group.get("isAssignableToRole") for group in groups)
    assert any(group.get("onPremisesSyncEnabled") for group in groups)
    directory.close()
    for users in (0, 1, 2, 9):
        directory = Directory()
        tenant = seed_directory(directory, **choose_sizes(users)._asdict())

        assert directory.collections.count(tenant, "user") == users
        assert directory.collections.count(tenant, "group") == (5 if users else 0)
        directory.close()


def test_file_and_memory(tmp_path: Path) -> None:
    """A new file, an old file and memory get the same directory."""
    sizes = Sizes(120, 20, 30, 5)._asdict()
    dumps = []
    make_store(tmp_path / STORE, partial(seed_directory, **sizes))
    for path in (tmp_path / STORE, tmp_path / "old.sqlite", None):
        directory = Directory(path)
        if not directory.tenants.list_all():
            seed_directory(directory, **sizes)
        dumps.append(dump(directory))
        directory.close()

    assert dumps[0] == dumps[1] == dumps[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [STORE, "old.sqlite"]


def test_order_of_numbers(directory: Directory) -> None:
    """Users come first, in the order drawn, and nothing has a gap in its numbers."""
    users = records(directory, "user")

    assert [user["id"] for user in users.values()] == [u["id"] for u in draw_users(2000, 0)]
    for kind in ("user", "group", "device"):
        assert all(b - a == 1 for a, b in pairwise(records(directory, kind)))
