"""The tenants, and the store under everything that is in them. Knows no HTTP."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import msgspec

from entra_emulator.clock import Clock, format_iso
from entra_emulator.directory import object_rows
from entra_emulator.directory.representation import render
from entra_emulator.directory.store import Store
from entra_emulator.model.applications import (
    MANAGEMENT_APP_ID,
    draft_graph_principal,
    draft_management_principal,
)
from entra_emulator.model.records import Application, Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


class Tenancy:
    """
    What `Directory` builds on: tenants, transactions, and looking up applications.

    Args:
        path: the database file; None keeps everything in memory.
        clock: where creation times and expiry come from.
        new_id: makes the GUIDs of what is created.
        draft: the file is new, and nobody else's until it is closed, see `Store`.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        draft: bool = False,
    ) -> None:
        self.clock = clock or Clock()
        self._new_id = new_id
        self._store = Store(path, draft=draft)
        self._tenants: dict[str, Tenant] = {}
        self._held: dict[tuple[str, int | None, str], tuple[int, Application]] = {}
        self._load_tenants()

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several changes that happen together or not at all."""
        try:
            with self._store.writing():
                yield
        except BaseException:
            self._load_tenants()
            raise

    def backup(self, path: Path) -> None:
        """Copy everything into a new database file, while others go on reading and writing."""
        self._store.backup(path)

    def restore(self, path: Path) -> None:
        """Become what `backup` wrote to this file; what happened since is gone."""
        self._store.restore(path)
        self._load_tenants()

    def clear(self) -> None:
        """Remove every tenant with all that is in it; settings stay."""
        with self._store.writing():
            self._store.clear()
            self._load_tenants()

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A small value kept with the directory, made on first use."""
        return self._store.setting(name, make)

    def create_tenant(
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
            created: seconds since 1970.
        """
        moment = self.clock.now() if created is None else created
        values = ((tenant_id or self._new_id()).lower(), display_name, region, moment)
        with self._store.writing() as connection:
            number = connection.execute(
                "INSERT INTO tenant (id, display_name, region, created) VALUES (?, ?, ?, ?)",
                values,
            ).lastrowid
            connection.executemany(
                "INSERT INTO domain (name, tenant, rank) VALUES (?, ?, ?)",
                [(name.lower(), number, rank) for rank, name in enumerate(domains)],
            )
            assert number is not None
            stamp = format_iso(moment)
            graph = draft_graph_principal(graph_principal_id or self._new_id(), created=stamp)
            management_id = str(uuid5(UUID(graph["id"]), MANAGEMENT_APP_ID))
            management = draft_management_principal(management_id, created=stamp)
            for principal in (graph, management):
                row = render("servicePrincipal", principal)
                object_rows.insert(self._store, number, "servicePrincipal", [row])
                self._store.keep_identifiers(
                    number, principal["appId"], principal["servicePrincipalNames"]
                )
            self._load_tenants()
        return self._tenants[values[0]]

    def tenant(self, key: str) -> Tenant | None:
        """The tenant with this GUID or verified domain, in any case of letters."""
        return self._tenants.get(key.lower())

    def tenants(self) -> list[Tenant]:
        """Every tenant, oldest first."""
        return sorted(set(self._tenants.values()), key=lambda tenant: tenant.number)

    def _load_tenants(self) -> None:
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

    def _find_application(self, kind: str, tenant: int | None, app_id: str) -> Application | None:
        """
        The application as last committed. Its record is shared: nobody may change it.

        Microsoft Graph's service principal is a third of a megabyte, and every token asks for it.
        """
        if self._store.is_writing():
            return self._read_application(kind, tenant, app_id)
        key, changes = (kind, tenant, app_id.lower()), self._store.changes
        held = self._held.get(key)
        if held is not None and held[0] == changes:
            return held[1]
        found = self._read_application(kind, tenant, app_id)
        if found is not None:
            if len(self._held) >= 1000:
                self._held = {}
            self._held[key] = (changes, found)
        return found

    def _read_application(self, kind: str, tenant: int | None, app_id: str) -> Application | None:
        found = object_rows.find(self._store, tenant, kind, "key", app_id.lower())
        return Application(_decode(found[0].doc)) if found else None

    def _need(self, kind: str, tenant: Tenant, app_id: str) -> Application:
        """The application, to be changed and written back."""
        found = self._read_application(kind, tenant.number, app_id)
        if found is None:
            raise LookupError(f"no {kind} with appId {app_id!r} in tenant {tenant.display_name!r}")
        return found
