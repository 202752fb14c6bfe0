"""Licences: what the tenant has bought of which product, and who has it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from entra_emulator.clock import format_iso
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


_decode = msgspec.json.Decoder(_Licensed).decode


class Licences:
    """
    The products that tenants have bought, and who uses them.

    The units consumed are counted when somebody gets or loses one: a user in
    the recycle bin has none, and gets them back when restored.
    """

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store, self._objects = store, objects

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

    def read(self, user: StoredObject) -> list[Record]:
        """The `assignedLicenses` of a user."""
        return _decode(user.doc).assignedLicenses

    def assign(self, tenant: Tenant, user: StoredObject, licenses: Iterable[Record]) -> None:
        """Let the user have these `assignedLicenses`, in the place of all it had."""
        after = list(licenses)
        with self._store.writing():
            plans = draft_plans(after, format_iso(self._store.clock.now()))
            changes = {"assignedLicenses": after, "assignedPlans": plans}
            self._objects.update(tenant, "user", read_id(user.doc), changes)
            self._consume(tenant, self.read(user), -1)
            self._consume(tenant, after, 1)

    def release(self, tenant: Tenant, item: StoredObject) -> None:
        """Free the licences of a user who goes to the recycle bin; other objects have none."""
        if item.kind == "user":
            self._consume(tenant, self.read(item), -1)

    def reclaim(self, tenant: Tenant, item: StoredObject) -> None:
        """Give a restored user the licences of before; other objects have none."""
        if item.kind == "user":
            self._consume(tenant, self.read(item), 1)

    def _keep(self, rows: Iterable[tuple[int, str, str, int, int]]) -> None:
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO subscription (tenant, sku, name, enabled, consumed) "
                "VALUES (?, ?, ?, ?, ?)",
                rows,
            )

    def _consume(self, tenant: Tenant, licenses: Iterable[Record], units: int) -> None:
        with self._store.writing() as connection:
            connection.executemany(
                "UPDATE subscription SET consumed = consumed + ? WHERE tenant = ? AND sku = ?",
                [(units, tenant.number, entry["skuId"]) for entry in licenses],
            )
