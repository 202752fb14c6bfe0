"""Licences: what the tenant has bought of which product, and who has it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.directory.links import LinkQuery, Links
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.store import Store
from entra_emulator.model.products import BY_ID, PREMIUM, SKUS, Sku, draft_plans, draft_sku
from entra_emulator.model.records import Record, Tenant

# Units of a free product: more than anybody has users.
FREE_UNITS = 10_000_000


class Subscription(NamedTuple):
    """A product that the tenant has bought, how many units, and how many are given to users."""

    sku: Sku
    enabled: int
    consumed: int

    @property
    def left(self) -> int:
        """How many units nobody has."""
        return self.enabled - self.consumed


class _Licensed(msgspec.Struct):
    assignedLicenses: list[Record] = []  # noqa: N815 - Graph's name
    licenseAssignmentStates: list[Record] | None = None  # noqa: N815 - Graph's name


_decode = msgspec.json.Decoder(_Licensed).decode


class Licences:
    """
    The products that tenants have bought, and who uses them.

    A user has products of its own, and those of the groups that it is directly in: "licenses are
    applied only to the first-level user members of the group" (Group-based licensing).

    The units consumed are counted when somebody gets or loses one: a user in
    the recycle bin has none, and gets them back when restored.
    """

    def __init__(self, store: Store, objects: Objects, links: Links) -> None:
        self._store, self._objects, self._links = store, objects, links

    def add_subscriptions(self, tenant: Tenant, consumed: Mapping[str, int]) -> None:
        """
        Buy every product known here, with some units left over.

        `consumed` is how many users have each SKU already, by its ID; products unknown here are
        called by their ID.
        """
        rows = []
        for key in dict.fromkeys((*BY_ID, *consumed)):
            sku, used = BY_ID.get(key), consumed.get(key, 0)
            # Some units stay free, so that whoever tries licences out can give one.
            enabled = FREE_UNITS if sku and sku.free else used + used // 10 + 25
            rows.append((tenant.number, key, sku.name if sku else key, enabled, used))
        self._keep(rows)

    def buy(self, tenant: Tenant, units: Mapping[str, int]) -> None:
        """Buy these units of products known here, by the IDs of their SKUs; nobody has one yet."""
        self._keep(
            (tenant.number, key, BY_ID[key].name, enabled, 0) for key, enabled in units.items()
        )

    def read_subscriptions(self, tenant: Tenant) -> dict[str, Subscription]:
        """What the tenant has bought, by skuId."""
        rows = self._store.read(
            "SELECT sku, name, enabled, consumed FROM subscription WHERE tenant = ?",
            (tenant.number,),
        )
        held = {
            key: Subscription(BY_ID.get(key) or Sku(key, name, ()), enabled, consumed)
            for key, name, enabled, consumed in rows
        }
        # As the catalogue has them, so that the same seed always answers the same list.
        order = {sku.id: place for place, sku in enumerate(SKUS)}
        return dict(sorted(held.items(), key=lambda item: (order.get(item[0], 99), item[0])))

    def has_premium(self, tenant: Tenant) -> bool:
        """Whether the tenant has bought Microsoft Entra ID P1 or P2, alone or in a product."""
        return any(
            held.enabled and not PREMIUM.isdisjoint(plan.id for plan in held.sku.plans)
            for held in self.read_subscriptions(tenant).values()
        )

    def list_skus(self, tenant: Tenant) -> list[Record]:
        """What the tenant has bought, as Graph's `subscribedSku` objects."""
        return [
            draft_sku(tenant, held.sku, enabled=held.enabled, consumed=held.consumed)
            for held in self.read_subscriptions(tenant).values()
        ]

    def read(self, holder: StoredObject) -> list[Record]:
        """The `assignedLicenses` of a user or a group; a user's inherited ones are among them."""
        return _decode(holder.doc).assignedLicenses

    def read_own(self, user: StoredObject) -> list[Record]:
        """The licences of a user but for those that it has by a group alone."""
        row = _decode(user.doc)
        if row.licenseAssignmentStates is None:
            return row.assignedLicenses
        return [
            {"disabledPlans": state["disabledPlans"], "skuId": state["skuId"]}
            for state in row.licenseAssignmentStates
            if state["assignedByGroup"] is None
        ]

    def assign(self, tenant: Tenant, user: StoredObject, licenses: Iterable[Record]) -> None:
        """Let the user have these licences of its own, in the place of all it had."""
        own = list(licenses)
        with self._store.writing():
            before = {_identify(state): state for state in _list_states(user)}
            states = [_draft_state(entry, None) for entry in own]
            states += self._inherit(tenant, user, {entry["skuId"] for entry in own})
            now = format_iso(self._store.clock.now())
            for state in states:
                known = before.get(_identify(state))
                state["lastUpdatedDateTime"] = known["lastUpdatedDateTime"] if known else now
            after = _sum_up(states)
            changes = {"assignedLicenses": after, "assignedPlans": draft_plans(after, now)}
            changes["licenseAssignmentStates"] = states
            self._objects.update(tenant, "user", read_id(user.doc), changes)
            self._consume(tenant, self.read(user), -1)
            self._consume(tenant, after, 1)

    def assign_group(self, tenant: Tenant, group: StoredObject, licenses: Iterable[Record]) -> None:
        """Let a group's members have these licences, in the place of all that the group gave."""
        with self._store.writing():
            changes = {
                "assignedLicenses": list(licenses),
                "hasMembersWithLicenseErrors": False,
                "licenseProcessingState": {"state": "ProcessingComplete"},
            }
            self._objects.update(tenant, "group", read_id(group.doc), changes)
            members = LinkQuery("members", group.seq, kinds=["user"])
            for user in self._links.list_neighbours(tenant, members):
                self.process(tenant, user)

    def process(self, tenant: Tenant, user: StoredObject) -> None:
        """Give a user what its groups have, and take what they have no more."""
        self.assign(tenant, user, self.read_own(user))

    def follow_link(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject
    ) -> None:
        """Whoever comes into a group with licences gets them, and whoever leaves loses them."""
        if (relation, source.kind, target.kind) != ("members", "group", "user"):
            return
        group = self._objects.find(tenant, read_id(source.doc), kind="group")
        user = self._objects.find(tenant, read_id(target.doc), kind="user")
        if group is not None and user is not None and self.read(group):
            self.process(tenant, user)

    def release(self, tenant: Tenant, item: StoredObject) -> None:
        """Free the licences of a user who goes to the recycle bin; other objects have none."""
        if item.kind == "user":
            self._consume(tenant, self.read(item), -1)

    def reclaim(self, tenant: Tenant, item: StoredObject) -> None:
        """Give a restored user the licences of before, and what its groups have meanwhile."""
        if item.kind == "user":
            self._consume(tenant, self.read(item), 1)
            if _list_states(item) or self._list_given(tenant, item):
                self.process(tenant, item)

    def _inherit(self, tenant: Tenant, user: StoredObject, own: set[str]) -> list[Record]:
        """The states of the licences that a user has by its groups, or cannot have."""
        given = self._list_given(tenant, user)
        if not given:
            return []
        subscriptions = self.read_subscriptions(tenant)
        # Who has a product, by whatever way, takes no further unit.
        held = own | {entry["skuId"] for entry in self.read(user)}
        states = []
        for group_id, entry in given:
            sku = entry["skuId"]
            error = None
            if sku not in held and (sku not in subscriptions or subscriptions[sku].left <= 0):
                error = "CountViolation"
                note = {"hasMembersWithLicenseErrors": True}
                self._objects.update(tenant, "group", group_id, note)
            states.append(_draft_state(entry, group_id, error))
        return states

    def _keep(self, rows: Iterable[tuple[int, str, str, int, int]]) -> None:
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO subscription (tenant, sku, name, enabled, consumed) "
                "VALUES (?, ?, ?, ?, ?)",
                rows,
            )

    def _list_given(self, tenant: Tenant, user: StoredObject) -> list[tuple[str, Record]]:
        """The licences of the groups that a user is directly in, each with its group's ID."""
        groups = LinkQuery("members", user.seq, reverse=True, kinds=["group"])
        return [
            (read_id(group.doc), entry)
            for group in self._links.list_neighbours(tenant, groups)
            for entry in self.read(group)
        ]

    def _consume(self, tenant: Tenant, licenses: Iterable[Record], units: int) -> None:
        with self._store.writing() as connection:
            connection.executemany(
                "UPDATE subscription SET consumed = consumed + ? WHERE tenant = ? AND sku = ?",
                [(units, tenant.number, entry["skuId"]) for entry in licenses],
            )


def _draft_state(entry: Record, group_id: str | None, error: str | None = None) -> Record:
    """A `licenseAssignmentState`, but for its time."""
    return {
        "assignedByGroup": group_id,
        "disabledPlans": entry["disabledPlans"],
        "error": error or "None",
        "lastUpdatedDateTime": None,
        "skuId": entry["skuId"],
        "state": "Error" if error else "Active",
    }


def _list_states(user: StoredObject) -> list[Record]:
    return _decode(user.doc).licenseAssignmentStates or []


def _identify(state: Record) -> tuple[object, ...]:
    """What a state is of, and says, but for its time."""
    plans = tuple(state["disabledPlans"])
    return (state["assignedByGroup"], plans, state["error"], state["skuId"])


def _sum_up(states: Iterable[Record]) -> list[Record]:
    """
    The `assignedLicenses` that these states amount to.

    A plan is disabled if every way to the product disables it: "the user gets the union of all
    enabled plans" ("Multiple groups and multiple licenses").
    """
    disabled: dict[str, list[str]] = {}
    for state in states:
        if state["state"] == "Active":
            plans = disabled.setdefault(state["skuId"], state["disabledPlans"])
            disabled[state["skuId"]] = [one for one in plans if one in state["disabledPlans"]]
    return [{"disabledPlans": plans, "skuId": sku} for sku, plans in disabled.items()]
