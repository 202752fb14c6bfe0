"""
A whole tenant in parts, in the order they are stored.

A part is a value that can pass between processes: a large directory is drawn
by one process and stored by another.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from entra_emulator.content.names import load_names
from entra_emulator.content.seeding.applications import draw_applications, draw_foreign_principals
from entra_emulator.content.seeding.devices import draw_devices
from entra_emulator.content.seeding.draw import Draw
from entra_emulator.content.seeding.groups import (
    Group,
    draw_groups,
    pick_members,
    pick_owners,
    pick_run,
)
from entra_emulator.content.seeding.sign_ins import note_ages
from entra_emulator.content.seeding.staff import Staff
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.representation import ObjectRow, render
from entra_emulator.model.directory_roles import draft_role, find_role_id
from entra_emulator.model.records import Record

ADMINISTRATORS = (
    "Global Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
    "Privileged Role Administrator",
)

# The most objects, and the most links, of one part: some megabytes, whichever it is.
BATCH = 2000
MOST_PAIRS = 100_000

# So many people of each department in each city are in their country's administrative unit.
UNIT_SHARE = 200


class SeedOrder(msgspec.Struct, frozen=True, array_like=True):
    """
    What to draw for a tenant.

    Args:
        seed: decides every choice.
        tenant_id: its GUID.
        first: the number that the first object gets; the others follow.
        users, groups, devices, applications: how many there are of each.
        today: the first second of the day, from which credentials are counted.
    """

    seed: int
    tenant_id: str
    first: int
    users: int
    groups: int
    devices: int
    applications: int
    today: int

    @property
    def foreign(self) -> int:
        """How many service principals of other tenants' applications there are."""
        return self.applications // 2

    @property
    def units(self) -> int:
        """How many administrative units there are: one for each country."""
        countries = dict.fromkeys(one.country for one in load_names().cultures)
        return min(len(countries), self.groups)


class ObjectRows(msgspec.Struct, tag=True, array_like=True):
    """Objects of one type."""

    kind: str
    rows: list[ObjectRow]


class LinkPairs(msgspec.Struct, tag=True, array_like=True):
    """Links: source and target by turns, as 64-bit numbers in this machine's byte order."""

    relation: str
    source: str
    target: str
    numbers: bytes


class ConsumedLicences(msgspec.Struct, tag=True, array_like=True):
    """How many users have each SKU, by its ID."""

    consumed: dict[str, int]


class SignInAges(msgspec.Struct, tag=True, array_like=True):
    """What `note_ages` gives for each user who has signed in, in this machine's byte order."""

    numbers: bytes


Part = ObjectRows | LinkPairs | ConsumedLicences | SignInAges

# Who can be in a group.
_MEMBERS = ("user", "device", "servicePrincipal", "group")


def draw_parts(order: SeedOrder) -> Iterator[Part]:
    """Everything that `order` asks for."""
    staff = Staff(order.seed)
    first = order.first
    ages = array("q")
    users = staff.note_each(draw_users(order.users, order.seed), first)
    yield from _pack("user", note_ages(users, first, order.seed, ages))
    yield ConsumedLicences(staff.consumed)
    yield SignInAges(ages.tobytes())
    first += order.users
    # Objects get their numbers in the order they are stored, so that each sort has to know how many
    # came before.
    principals = range(0)
    if order.applications:
        parts, principals = _draw_applications(order, staff, first)
        yield from parts
        first = principals.stop
    devices = range(first + order.groups, first + order.groups + order.devices)
    links = _GroupLinks(principals, devices)
    yield from _pack("group", links.note_each(draw_groups(order.groups, order.seed), staff, first))
    managers = array("q", chain(*staff.list_managers()))
    pairs = chain(links.list_pairs(), _pair("manager", "user", "user", managers))
    yield from _alternate(_draw_devices(order, staff, devices.start), pairs)
    yield from _draw_units(order, staff, devices.stop)
    yield from _draw_roles(order, staff, devices.stop + order.units)


def _draw_devices(order: SeedOrder, staff: Staff, first: int) -> Iterator[Part]:
    owned = array("q")

    def list_records() -> Iterator[Record]:
        for number, device in enumerate(draw_devices(order.devices, order.seed, staff), first):
            if device.owner is not None:
                owned.extend((number, device.owner))
            yield device.record

    yield from _pack("device", list_records())
    for relation in ("registeredOwners", "registeredUsers"):
        yield from _pair(relation, "device", "user", owned)


def _draw_applications(order: SeedOrder, staff: Staff, first: int) -> tuple[list[Part], range]:
    """The applications' parts, and the numbers of the service principals."""
    applications = list(
        draw_applications(order.applications, order.seed, order.tenant_id, order.today)
    )
    own = [one.principal for one in applications if one.principal]
    foreign = list(draw_foreign_principals(order.foreign, order.seed, order.today))
    start = first + len(applications)
    owners = {"application": array("q"), "servicePrincipal": array("q")}
    place = start
    for number, seeded in enumerate(applications, first):
        owner = seeded.draw.pick(staff.people) if staff.people else None
        if owner is not None and seeded.draw.chance(80):
            owners["application"].extend((number, owner))
            if seeded.principal:
                owners["servicePrincipal"].extend((place, owner))
        place += seeded.principal is not None
    parts = [
        *_pack("application", (one.application for one in applications)),
        *_pack("servicePrincipal", (*own, *foreign)),
    ]
    for kind, numbers in owners.items():
        parts += _pair("owners", kind, "user", numbers)
    return parts, range(start, start + len(own) + len(foreign))


class _GroupLinks:
    """Members and owners of the groups, by number, noted while the groups are drawn."""

    def __init__(self, principals: range, devices: range) -> None:
        self._principals = principals
        self._devices = devices
        self._owners = array("q")
        self._members = {kind: array("q") for kind in _MEMBERS}

    def note_each(self, groups: Iterable[Group], staff: Staff, first: int) -> Iterator[Record]:
        """The groups' records, noted on the way; the first one has the number `first`."""
        for number, group in enumerate(groups, first):
            _fan(self._members["user"], number, pick_members(group, staff))
            _fan(self._owners, number, pick_owners(group, staff))
            if group.sort == "devices":
                _fan(self._members["device"], number, pick_run(group.draw, self._devices, 40))
            elif group.sort in {"security", "role-assignable"} and group.draw.chance(4):
                run = pick_run(group.draw, self._principals, 3)
                _fan(self._members["servicePrincipal"], number, run)
            if group.parent is not None:
                self._members["group"].extend((first + group.parent, number))
            yield group.record

    def list_pairs(self) -> Iterator[Part]:
        """All of the links."""
        for kind, numbers in self._members.items():
            yield from _pair("members", "group", kind, numbers)
        yield from _pair("owners", "group", "user", self._owners)


def _draw_units(order: SeedOrder, staff: Staff, first: int) -> Iterator[Part]:
    """For each country an administrative unit, with some of those who work there."""
    cities: dict[str, tuple[str, ...]] = {}
    for culture in load_names().cultures:
        cities.setdefault(culture.country_name, culture.cities)
    links = array("q")
    records: list[Record] = []
    for number, (country, places) in zip(
        range(first, first + order.units), cities.items(), strict=False
    ):
        draw = Draw(order.seed, f"administrativeUnit {country}")
        records.append(
            {
                "id": draw.guid(),
                "description": f"Everybody whom the service desk of {country} looks after.",
                "displayName": country,
                "visibility": "HiddenMembership" if draw.chance(20) else None,
            }
        )
        people = [
            one
            for place, numbers in staff.places.items()
            if place.city in places and place.floor is None
            for one in numbers[:UNIT_SHARE]
        ]
        _fan(links, number, sorted(people))
    yield from _pack("administrativeUnit", records)
    yield from _pair("members", "administrativeUnit", "user", links)


def _draw_roles(order: SeedOrder, staff: Staff, first: int) -> Iterator[Part]:
    """The roles of ADMINISTRATORS, one each for the first members who can sign in."""
    records: list[Record] = []
    links = array("q")
    for role, user in zip(ADMINISTRATORS, staff.administrators, strict=False):
        template = find_role_id(role)
        links.extend((first + len(records), user))
        records.append(draft_role(Draw(order.seed, f"directoryRole {template}").guid(), template))
    yield from _pack("directoryRole", records)
    yield from _pair("members", "directoryRole", "user", links)


def _alternate(drawn: Iterator[Part], ready: Iterator[Part]) -> Iterator[Part]:
    """Parts that take long to draw and parts that are ready, by turns: storing need not wait."""
    for one in drawn:
        yield one
        yield from islice(ready, 1)
    yield from ready


def _pack(kind: str, records: Iterable[Record]) -> Iterator[Part]:
    rest = iter(records)
    while rows := [render(kind, record) for record in islice(rest, BATCH)]:
        yield ObjectRows(kind, rows)


def _pair(relation: str, source: str, target: str, numbers: "array[int]") -> Iterator[Part]:
    for start in range(0, len(numbers), 2 * MOST_PAIRS):
        part = numbers[start : start + 2 * MOST_PAIRS]
        yield LinkPairs(relation, source, target, part.tobytes())


def _fan(links: "array[int]", source: int, targets: Sequence[int]) -> None:
    """Append a link from the source to each target."""
    # In two steps of C: a loop over millions of members would take longer than drawing them.
    pairs = array("q", (source,)) * (2 * len(targets))
    pairs[1::2] = array("q", targets)
    links.extend(pairs)
