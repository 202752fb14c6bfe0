"""The tenants, their service principals of Microsoft's own, and their domains."""

from collections.abc import Iterable
from uuid import UUID, uuid5

from entra_emulator.clock import format_iso
from entra_emulator.directory.application_records import ApplicationRecords
from entra_emulator.directory.objects import Objects
from entra_emulator.directory.store import Store
from entra_emulator.model.applications import (
    MANAGEMENT_APP_ID,
    draft_graph_principal,
    draft_management_principal,
)
from entra_emulator.model.records import Tenant


class Tenants:
    """Every tenant, held in memory because each request asks for one."""

    def __init__(self, store: Store, objects: Objects, records: ApplicationRecords) -> None:
        self._store = store
        self._objects, self._records = objects, records
        self._tenants: dict[str, Tenant] = {}
        self.reload()

    def create(
        self,
        display_name: str,
        domains: Iterable[str],
        *,
        tenant_id: str | None = None,
        graph_principal_id: str | None = None,
        region: str = "EU",
        created: float | None = None,
    ) -> Tenant:
        """
        A tenant with the service principals of Microsoft Graph and Azure Resource Manager in it.

        Args:
            display_name: what error texts call it.
            domains: verified domains, the initial one first.
            tenant_id: its GUID, by default a new one.
            graph_principal_id: the object ID of Graph's service principal there.
            region: the `tenant_region_scope` of its tokens.
            created: seconds since 1970, by default now.
        """
        moment = self._store.clock.now() if created is None else created
        values = ((tenant_id or self._store.new_id()).lower(), display_name, region, moment)
        with self._store.writing() as connection:
            number = connection.execute(
                "INSERT INTO tenant (id, display_name, region, created) VALUES (?, ?, ?, ?)",
                values,
            ).lastrowid
            connection.executemany(
                "INSERT INTO domain (name, tenant, rank) VALUES (?, ?, ?)",
                [(name.lower(), number, rank) for rank, name in enumerate(domains)],
            )
            # Objects are filed under the tenant's number, which the insertion has given.
            self.reload()
            tenant = self._tenants[values[0]]
            self._add_principals(tenant, graph_principal_id or self._store.new_id())
        return tenant

    def find(self, key: str) -> Tenant | None:
        """The tenant with this GUID or verified domain, in any case of letters."""
        return self._tenants.get(key.lower())

    def list_all(self) -> list[Tenant]:
        """Every tenant, oldest first."""
        # A set, since each stands there under its GUID and under every domain.
        return sorted(set(self._tenants.values()), key=lambda tenant: tenant.number)

    def list_claims(self, tenant: Tenant) -> list[str]:
        """The domains that the tenant has named and not yet proved to be its own, by name."""
        rows = self._store.read(
            "SELECT name FROM claim WHERE tenant = ? ORDER BY name", (tenant.number,)
        )
        return [name for (name,) in rows]

    def claim_domain(self, tenant: Tenant, name: str) -> None:
        """Note a domain that the tenant is to verify one day."""
        with self._store.writing() as connection:
            values = (tenant.number, name)
            connection.execute("INSERT INTO claim (tenant, name) VALUES (?, ?)", values)

    def disclaim_domain(self, tenant: Tenant, name: str) -> None:
        """Forget a domain that was not verified."""
        with self._store.writing() as connection:
            values = (tenant.number, name)
            connection.execute("DELETE FROM claim WHERE tenant = ? AND name = ?", values)

    def _add_principals(self, tenant: Tenant, graph_id: str) -> None:
        """Add what every tenant has from the start, since Azure CLI and most daemons ask for it."""
        stamp = format_iso(tenant.created)
        graph = draft_graph_principal(graph_id, created=stamp)
        # Derived, not drawn: what a seed has drawn before must stay the same.
        management_id = str(uuid5(UUID(graph["id"]), MANAGEMENT_APP_ID))
        management = draft_management_principal(management_id, created=stamp)
        self._objects.fill(tenant, "servicePrincipal", (graph, management))
        for principal in (graph, management):
            self._records.add_names(tenant, principal["appId"], principal["servicePrincipalNames"])

    def reload(self) -> None:
        """Read the tenants again, because the database was changed under them."""
        domains: dict[int, list[str]] = {}
        for name, number in self._store.read("SELECT name, tenant FROM domain ORDER BY rank"):
            domains.setdefault(number, []).append(name)
        rows = self._store.read("SELECT number, id, display_name, region, created FROM tenant")
        tenants: dict[str, Tenant] = {}
        for number, key, display_name, region, created in rows:
            names = tuple(domains.get(number, ()))
            tenant = Tenant(number, key, display_name, names, region, created)
            tenants |= dict.fromkeys((key, *names), tenant)
        self._tenants = tenants
