"""
What happens to people and groups: each function makes one change and returns what it was.

A change that is not possible right now returns None.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.content.names import load_names
from entra_emulator.content.seeding.draw import Draw
from entra_emulator.content.seeding.groups import describe_group
from entra_emulator.content.seeding.users import DOMAIN, INITIAL_DOMAIN, draw_name, draw_person
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.object_collections import Position, Span
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.products import SKUS
from entra_emulator.model.records import Record, Tenant

# A purge or restoration chooses among so many deleted users, and a purge leaves so many.
MOST_DELETED = 200
KEPT_DELETED = 10

_decode = msgspec.json.Decoder(Record).decode


class Event(NamedTuple):
    """What happened, in one word, and the ID of the object that it happened to."""

    what: str
    id: str


class Scene(NamedTuple):
    """The tenant that changes, and the draw that decides what happens."""

    directory: Directory
    tenant: Tenant
    draw: Draw

    def pick(self, kind: str, below: int | None = None) -> StoredObject | None:
        """A random object of a type, with a number below `below` if that is given."""
        first = self._read(kind, Span(), None)
        last = self._read(kind, Span(descending=True), None)
        if first is None or last is None:
            return None
        end = last.seq if below is None else min(last.seq, below - 1)
        if end < first.seq:
            return None
        # Numbers have gaps, so that the first object from a random number on is taken; one behind a
        # wide gap comes more often, which no test minds.
        start = first.seq + self.draw.number(end - first.seq + 1)
        return self._read(kind, Span(), Position(None, start - 1))

    def pick_person(self) -> tuple[StoredObject, Record] | None:
        """A random member without a directory role: tests sign in as those who have one."""
        user = self.pick("user")
        if user is None:
            return None
        record = _decode(user.doc)
        roles = LinkQuery("members", user.seq, reverse=True, kinds=["directoryRole"])
        if record.get("userType") == "Guest" or self.directory.links.count_neighbours(
            self.tenant, roles
        ):
            return None
        return user, record

    def pick_group(self) -> tuple[StoredObject, Record] | None:
        """A random group whose members no rule decides."""
        group = self.pick("group")
        record = _decode(group.doc) if group else {}
        if group is None or "DynamicMembership" in record.get("groupTypes", ()):
            return None
        return group, record

    def update(self, kind: str, record: Record, changes: Record) -> None:
        """Set properties of an object."""
        self.directory.objects.update(self.tenant, kind, record["id"], changes)

    def _read(self, kind: str, span: Span, after: Position | None) -> StoredObject | None:
        rows = self.directory.collections.read_rows(
            self.tenant, kind, "doc", span, after=after, limit=1
        )
        return StoredObject(kind, rows[0][1], rows[0][2]) if rows else None


def hire(scene: Scene) -> Event:
    """Somebody new is hired, or invited as a guest."""
    draw, directory, tenant = scene.draw, scene.directory, scene.tenant
    name = draw_name(draw)
    alias = name.alias
    # In a tenant that was imported or changed any name can be taken.
    while directory.objects.find(tenant, f"{alias}@{tenant.domains[-1]}", kind="user"):
        alias = f"{name.alias}{draw.number(100_000)}"
    number = directory.collections.count(tenant, "user")
    record = _use_own_domains(draw_person(draw, number, name, alias), tenant)
    record["createdDateTime"] = format_iso(directory.clock.now())
    # Somebody new is made in the cloud: no Active Directory could have synchronized them yet.
    record = {prop: value for prop, value in record.items() if not prop.startswith("onPremises")}
    licenses = record.pop("assignedLicenses", [])
    record.pop("assignedPlans", None)
    if directory.objects.find(tenant, record["userPrincipalName"], kind="user"):
        # A guest's name is that of their mail address, so that they are here already.
        return Event("nothing", record["id"])
    person = directory.objects.create(tenant, "user", record)
    bought = directory.licences.read_subscriptions(tenant)
    free = [e for e in licenses if e["skuId"] in bought and bought[e["skuId"]].left > 0]
    if free:
        directory.licences.assign(tenant, person, free)
    manager = scene.pick("user", below=person.seq)
    if manager is not None and record["userType"] == "Member":
        directory.links.add(tenant, "manager", person, manager)
    return Event("hired", record["id"])


def _use_own_domains(record: Record, tenant: Tenant) -> Record:
    """The person with the tenant's own domains."""
    # In the text, as addresses stand in half a dozen properties and inside of lists.
    text = msgspec.json.encode(record)
    for drawn, own in ((DOMAIN, tenant.domains[-1]), (INITIAL_DOMAIN, tenant.domains[0])):
        text = text.replace(f"@{drawn}".encode(), f"@{own}".encode())
    return _decode(text)


def _move(scene: Scene) -> Event | None:
    person = scene.pick_person()
    if person is None:
        return None
    user, record = person
    department, title = scene.draw.pick(load_names().jobs)
    office = f"{scene.draw.number(40) + 1}/{scene.draw.number(3000) + 1000}"
    changes = {"department": department, "jobTitle": title, "officeLocation": office}
    scene.update("user", record, changes)
    # A manager came earlier than the user, so that nobody ends up above themselves.
    manager = scene.pick("user", below=user.seq)
    if manager is not None:
        scene.directory.links.clear(scene.tenant, "manager", user)
        scene.directory.links.add(scene.tenant, "manager", user, manager)
    return Event("moved", record["id"])


def _rename(scene: Scene) -> Event | None:
    """Somebody marries: the name changes, and with it the user principal name and the address."""
    person = scene.pick_person()
    if person is None or "surname" not in person[1]:
        return None
    record = person[1]
    name = draw_name(scene.draw)
    alias = f"{name.alias}{scene.draw.number(100_000)}"
    upn = f"{alias}@{scene.tenant.domains[-1]}"
    if scene.directory.objects.find(scene.tenant, upn, kind="user"):
        return None
    # Only one address is primary, which Exchange writes in capitals; mail to the others still
    # comes.
    former = [address.replace("SMTP:", "smtp:") for address in record.get("proxyAddresses", ())]
    changes = {
        "displayName": name.display_name,
        "givenName": name.given,
        "mail": upn,
        "mailNickname": alias,
        "proxyAddresses": [f"SMTP:{upn}", *former],
        "surname": name.family,
        "userPrincipalName": upn,
    }
    scene.update("user", record, changes)
    return Event("renamed", record["id"])


def _phone(scene: Scene) -> Event | None:
    person = scene.pick_person()
    if person is None:
        return None
    number = f"+31 20 555 0{scene.draw.number(900) + 100}"
    scene.update("user", person[1], {"mobilePhone": number if scene.draw.chance(80) else None})
    return Event("reached", person[1]["id"])


def _switch(scene: Scene) -> Event | None:
    person = scene.pick_person()
    if person is None:
        return None
    enabled = not person[1].get("accountEnabled", True)
    scene.update("user", person[1], {"accountEnabled": enabled})
    return Event("enabled" if enabled else "disabled", person[1]["id"])


def _delete(scene: Scene) -> Event | None:
    person = scene.pick_person()
    if person is None:
        return None
    scene.directory.recycle_bin.delete(scene.tenant, person[0])
    return Event("deleted", person[1]["id"])


def _restore(scene: Scene) -> Event | None:
    items = scene.directory.recycle_bin.list_objects(scene.tenant, "user", limit=MOST_DELETED)
    if not items:
        return None
    item = scene.draw.pick(items)
    record = _decode(item.doc)
    if scene.directory.objects.find(scene.tenant, record["userPrincipalName"], kind="user"):
        return None
    scene.directory.recycle_bin.restore(scene.tenant, item)
    return Event("restored", record["id"])


def _purge(scene: Scene) -> Event | None:
    items = scene.directory.recycle_bin.list_objects(scene.tenant, "user", limit=MOST_DELETED)
    if len(items) <= KEPT_DELETED:
        return None
    item = min(items, key=lambda one: one.moment)
    scene.directory.recycle_bin.purge(scene.tenant, item)
    return Event("purged", str(_decode(item.doc)["id"]))


def _join(scene: Scene) -> Event | None:
    group, person = scene.pick_group(), scene.pick("user")
    if group is None or person is None:
        return None
    if not scene.directory.links.add(scene.tenant, "members", group[0], person):
        return None
    return Event("joined", group[1]["id"])


def _leave(scene: Scene) -> Event | None:
    group = scene.pick_group()
    if group is None:
        return None
    links = LinkQuery("members", group[0].seq, kinds=["user"])
    members = scene.directory.links.list_neighbours(scene.tenant, links, limit=100)
    if not members:
        return None
    scene.directory.links.remove(scene.tenant, "members", group[0], scene.draw.pick(members))
    return Event("left", group[1]["id"])


def _create_group(scene: Scene) -> Event | None:
    owner = scene.pick("user")
    if owner is None:
        return None
    number = scene.directory.objects.next_number()
    sort = scene.draw.pick(("team", "team", "security"))
    record = _use_own_domains(describe_group(scene.draw, number, sort), scene.tenant)
    now = format_iso(scene.directory.clock.now())
    record |= {"createdDateTime": now, "renewedDateTime": now}
    group = scene.directory.objects.create(scene.tenant, "group", record)
    for relation in ("owners", "members"):
        scene.directory.links.add(scene.tenant, relation, group, owner)
    return Event("founded", record["id"])


def _dissolve(scene: Scene) -> Event | None:
    group = scene.pick_group()
    if group is None or group[1].get("isAssignableToRole"):
        return None
    scene.directory.recycle_bin.delete(scene.tenant, group[0])
    return Event("dissolved", group[1]["id"])


def _license(scene: Scene) -> Event | None:
    person = scene.pick_person()
    if person is None or not person[1].get("usageLocation"):
        return None
    licenses = scene.directory.licences.read_own(person[0])
    sku = scene.draw.pick(SKUS)
    after = [entry for entry in licenses if entry["skuId"] != sku.id]
    held = scene.directory.licences.read_subscriptions(scene.tenant).get(sku.id)
    if len(after) == len(licenses):
        if held is None or held.left <= 0:
            return None
        after.append({"disabledPlans": [], "skuId": sku.id})
    scene.directory.licences.assign(scene.tenant, person[0], after)
    return Event("licensed", person[1]["id"])


# How often each happens, of a hundred changes: about as many come as go, so that the directory
# keeps its size.
EVENTS: tuple[tuple[int, Callable[[Scene], Event | None]], ...] = (
    (10, hire),
    (20, _move),
    (6, _rename),
    (6, _phone),
    (7, _switch),
    (10, _delete),
    (2, _restore),
    (6, _purge),
    (14, _join),
    (9, _leave),
    (2, _create_group),
    (1, _dissolve),
    (7, _license),
)
