"""
Draw groups, and who is in them.

Most are small, a few hold thousands, one holds everybody. Some are members of
others, five deep at most and never in a circle.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from entra_emulator.content.names import load_names
from entra_emulator.content.seeding.draw import Draw, format_moment, pick_weighted
from entra_emulator.content.seeding.staff import Staff, Workplace
from entra_emulator.content.seeding.users import (
    DOMAIN,
    FIRST_HIRE,
    FLOORS,
    INITIAL_DOMAIN,
    LAST_HIRE,
)
from entra_emulator.model.people_and_devices import derive_sid
from entra_emulator.model.records import Record

# How deep groups are in groups, and how many security groups are in another one.
DEPTH = 5
NESTED_PERCENT = 20

# Of the first groups the dynamic ones hold a whole department of a city, of the others one floor.
BROAD = 250

# (percent, sort): every group is of one of these sorts.
_SORTS = (
    (38, "security"),
    (32, "team"),
    (8, "distribution"),
    (4, "mail-enabled"),
    (9, "dynamic"),
    (1, "role-assignable"),
    (5, "devices"),
    (3, "synchronized"),
)
# The sorts of the first groups, so that a small directory has every sort.
_FIRST = (
    "everybody",
    "team",
    "security",
    "dynamic",
    "distribution",
    "role-assignable",
    "devices",
    "mail-enabled",
    "synchronized",
)
# (of a thousand groups, (least, most)): how many people are in a group.
_SIZES = (
    (50, (0, 0)),
    (300, (1, 5)),
    (350, (6, 15)),
    (180, (16, 30)),
    (80, (31, 100)),
    (30, (101, 400)),
    (9, (401, 1500)),
    (1, (1501, 5000)),
)
_TOPICS = (
    "Aurora Borealis Cedar Delta Ember Falcon Granite Harbor Iris Juniper Kestrel Lagoon Meridian "
    "Nimbus Orchid Pinnacle Quartz Raven Summit Tundra Umbra Vertex Willow Zephyr"
).split()
_NATIVE = "Команда 项目 チーム Équipe Ομάδα فريق Zespół Büro".split()
_FORMS = {
    "security": ("SG-{topic}-{number}", "{topic} users {number}", "VPN {topic} {number}"),
    "team": ("Project {topic} {number}", "{native} {number}", "{topic} community {number}"),
    "distribution": ("{topic} news {number}", "{native} {topic} {number}"),
    "mail-enabled": ("{topic} notices {number}",),
    "role-assignable": ("Tier 0 {topic} {number}",),
    "devices": ("Devices {topic} {number}",),
    "synchronized": ("GG_{topic}_{number}",),
}


class Group(NamedTuple):
    """
    A group as it was drawn.

    Args:
        record: the object.
        sort: what it is, one of _SORTS, or "everybody".
        parent: the number of the group that it is in.
        place: where its members work, for a dynamic group.
        draw: to go on with.
    """

    record: Record
    sort: str
    parent: int | None
    place: Workplace | None
    draw: Draw


def draw_groups(count: int, seed: int) -> Iterator[Group]:
    """The first `count` groups of a seed; the first of all holds everybody but guests."""
    names = load_names()
    departments = tuple(dict.fromkeys(department for department, _ in names.jobs))
    cities = tuple(dict.fromkeys(city for one in names.cultures for city in one.cities))
    depths = array("b")
    outer = array("q")
    for number in range(count):
        draw = Draw(seed, f"group {number}")
        drawn = pick_weighted(draw.number(100), _SORTS)
        sort = _FIRST[number] if number < len(_FIRST) else drawn
        parent = place = None
        if sort == "security" and outer and draw.chance(NESTED_PERCENT):
            # Only a group from before can be the parent, so that there is no circle.
            parent = outer[len(outer) - 1 - draw.number(min(len(outer), 40))]
        if sort == "dynamic":
            place = Workplace(draw.pick(departments), draw.pick(cities))
            if number >= BROAD:
                place = place._replace(floor=str(1 + draw.number(FLOORS)))
        depths.append(0 if parent is None else depths[parent] + 1)
        if sort == "security" and depths[number] < DEPTH:
            outer.append(number)
        yield Group(describe_group(draw, number, sort, place), sort, parent, place, draw)


def pick_members(group: Group, staff: Staff) -> Sequence[int]:
    """The users in a group, by number, in order."""
    if group.sort == "everybody":
        return staff.members
    if group.place is not None:
        return staff.places.get(group.place, ())
    if group.sort == "devices" or not staff.people:
        return ()
    least, most = pick_weighted(group.draw.number(1000), _SIZES)
    size = min(least + group.draw.number(most - least + 1), (len(staff.people) + 1) // 2)
    strays = size // 5
    team = staff.pick_team(group.draw.number(1 << 32), size - strays)
    others = {group.draw.pick(staff.people) for _ in range(min(strays, 20))}
    if group.sort == "team" and staff.guests and group.draw.chance(15):
        others.add(group.draw.pick(staff.guests))
    return sorted(others.union(team))


def pick_owners(group: Group, staff: Staff) -> Sequence[int]:
    """The users who own a group, by number, in order; some groups have lost theirs."""
    draw = group.draw
    if not staff.people or draw.chance(7):
        return ()
    return sorted({draw.pick(staff.people) for _ in range(1 + draw.number(3))})


def pick_run(draw: Draw, numbers: range, most: int) -> range:
    """Up to `most` neighbouring numbers, if there are any."""
    if not numbers:
        return numbers
    start = draw.number(len(numbers))
    return numbers[start : start + 1 + draw.number(most)]


def describe_group(draw: Draw, number: int, sort: str, place: Workplace | None = None) -> Record:
    """A new group of this sort; a place is that of a dynamic group's members."""
    object_id = draw.guid()
    created = format_moment(FIRST_HIRE + draw.number(LAST_HIRE - FIRST_HIRE))
    name = _name(draw, number, sort, place)
    unified = sort == "team" or (sort == "dynamic" and draw.chance(30))
    mailed = unified or sort in {"distribution", "mail-enabled"}
    record: Record = {
        "id": object_id,
        "createdDateTime": created,
        "displayName": name,
        "groupTypes": ["Unified"] if unified else [],
        "mailEnabled": mailed,
        "mailNickname": f"{draw.digest[:4].hex()}-{number}",
        "renewedDateTime": created,
        "securityEnabled": not mailed or sort in {"mail-enabled", "dynamic"},
        "securityIdentifier": derive_sid(object_id),
    }
    if draw.chance(60):
        record["description"] = f"{name}, owned by {draw.pick(load_names().jobs)[0]}"
    if mailed:
        record |= _address(name, number)
    if unified:
        record |= _describe_team(draw)
    if sort in {"dynamic", "everybody"}:
        record |= _rule(record["groupTypes"], place)
    if sort == "role-assignable":
        record |= {"isAssignableToRole": True, "visibility": "Private"}
    if sort == "synchronized":
        record |= _synchronize(name, number)
    return record


def _name(draw: Draw, number: int, sort: str, place: Workplace | None) -> str:
    if sort == "everybody":
        return "All Employees"
    if place is not None:
        return " ".join(filter(None, (place.department, place.city, place.floor)))
    form = draw.pick(_FORMS[sort])
    return form.format(topic=draw.pick(_TOPICS), native=draw.pick(_NATIVE), number=number)


def _address(name: str, number: int) -> Record:
    nickname = "-".join(name.lower().split()).replace("&", "and")
    nickname = nickname if nickname.endswith(f"-{number}") else f"{nickname}-{number}"
    # Addresses are ASCII, nicknames need not be.
    local = nickname if nickname.isascii() else f"group-{number}"
    return {
        "mail": f"{local}@{DOMAIN}",
        "mailNickname": nickname,
        "proxyAddresses": [f"SMTP:{local}@{DOMAIN}", f"smtp:{local}@{INITIAL_DOMAIN}"],
    }


def _describe_team(draw: Draw) -> Record:
    visibility = ("Private",) * 5 + ("Public",) * 4 + ("HiddenMembership",)
    record: Record = {"visibility": draw.pick(visibility)}
    if draw.chance(60):
        record["creationOptions"] = ["Team", "ExchangeProvisioningFlags:3552"]
        record["resourceBehaviorOptions"] = ["HideGroupInOutlook", "WelcomeEmailDisabled"]
        record["resourceProvisioningOptions"] = ["Team"]
    return record


def _rule(types: list[str], place: Workplace | None) -> Record:
    rule = '(user.userType -eq "Member")'
    if place is not None:
        rule = f'(user.department -eq "{place.department}") and (user.city -eq "{place.city}")'
        if place.floor:
            rule += f' and (user.physicalDeliveryOfficeName -startsWith "{place.floor}/")'
    return {
        "groupTypes": ["DynamicMembership", *types],
        "membershipRule": rule,
        "membershipRuleProcessingState": "On",
    }


def _synchronize(name: str, number: int) -> Record:
    return {
        "onPremisesDomainName": "corp.contoso.example",
        "onPremisesLastSyncDateTime": format_moment(LAST_HIRE),
        "onPremisesNetBiosName": "CORP",
        "onPremisesSamAccountName": name,
        "onPremisesSecurityIdentifier": f"S-1-5-21-1004336348-1177238915-{number + 3_000_000_000}",
        "onPremisesSyncEnabled": True,
    }
