"""Tenants and what is in them. Knows no HTTP."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import msgspec

from graphdaemon.emulator.clock import Clock, format_iso
from graphdaemon.emulator.entity import (
    Application,
    Certificate,
    Password,
    Permission,
    Record,
    Tenant,
)
from graphdaemon.emulator.face import render_application, render_user
from graphdaemon.emulator.permission import ask_for_role, list_permissions
from graphdaemon.emulator.registration import (
    GRAPH_APP_ID,
    describe_certificate,
    digest_secret,
    draft_application,
    draft_assignment,
    draft_graph_principal,
    draft_key,
    draft_password,
    draft_principal,
    draw_secret,
    read_certificate,
)
from graphdaemon.emulator.store import KINDS, Position, Store

__all__ = ["Directory"]

TWO_YEARS = 730 * 86400.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class Directory:
    """Every tenant of one emulator, in a file or in memory.

    Args:
        path: the database file; None keeps everything in memory.
        clock: where creation times and expiry come from.
        new_id: makes the GUIDs of what is created.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.clock = clock or Clock()
        self._new_id = new_id
        self._store = Store(path)
        self._tenants: dict[str, Tenant] = {}
        self._load_tenants()

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def transaction(self) -> AbstractContextManager[object]:
        """Several changes that happen together or not at all."""
        return self._store.writing()

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
        """A tenant with Microsoft Graph's service principal in it.

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
            principal = draft_graph_principal(
                graph_principal_id or self._new_id(), created=format_iso(moment)
            )
            assert number is not None
            self._store.insert(number, "servicePrincipal", [render_application(principal)])
            self._load_tenants()
        return self._tenants[values[0]]

    def tenant(self, key: str) -> Tenant | None:
        """The tenant with this GUID or verified domain, in any case of letters."""
        return self._tenants.get(key.lower())

    def tenants(self) -> list[Tenant]:
        """Every tenant, oldest first."""
        return sorted(set(self._tenants.values()), key=lambda tenant: tenant.number)

    def add_users(self, tenant: Tenant, records: Iterable[Record]) -> None:
        """Add users in the order they are to be listed; `id` and `userPrincipalName` are unique."""
        rows = map(render_user, records)
        with self._store.writing():
            if self.count(tenant, "user"):
                self._store.insert(tenant.number, "user", rows)
            else:
                with self._store.unindexed():
                    self._store.insert(tenant.number, "user", rows)

    def count(self, tenant: Tenant, kind: str) -> int:
        """How many objects of this type the tenant has."""
        statement = "SELECT count(*) FROM object WHERE tenant = ? AND kind = ?"
        ((number,),) = self._store.read(statement, (tenant.number, KINDS[kind]))
        return int(number)

    def faces(
        self, tenant: Tenant, kind: str, limit: int, after: int = 0
    ) -> list[tuple[int, bytes]]:
        """Up to `limit` (seq, default representation) in creation order, from behind `after`."""
        return self._store.faces(tenant.number, kind, limit, after)

    def scan(
        self,
        tenant: Tenant,
        kind: str,
        order: str = "seq",
        *,
        descending: bool = False,
        after: Position | None = None,
        chunk: int = 1000,
    ) -> Iterator[tuple[Position, bytes]]:
        """Every (position, document) in an order: "seq", "name" or "key" (UPN or appId)."""
        return self._store.scan(
            tenant.number, kind, order, descending=descending, after=after, chunk=chunk
        )

    def user(self, tenant: Tenant, key: str) -> bytes | None:
        """The document of the user with this ID or user principal name, in any case of letters."""
        column, value = ("key", key.casefold()) if "@" in key else ("id", key.lower())
        found = self._store.find("user", tenant=tenant.number, column=column, value=value)
        return found[0] if found else None

    def register_application(
        self,
        tenant: Tenant,
        display_name: str,
        *,
        sign_in_audience: str = "AzureADMyOrg",
        redirect_uris: Iterable[str] = (),
    ) -> Application:
        """An application and its service principal in the same tenant, as the portal makes them."""
        created = format_iso(self.clock.now())
        record = draft_application(
            self._new_id(),
            self._new_id(),
            display_name,
            created=created,
            domain=tenant.domains[0],
            audience=sign_in_audience,
            redirect_uris=redirect_uris,
        )
        with self._store.writing():
            self._store.insert(tenant.number, "application", [render_application(record)])
            self._add_principal(tenant, Application(record), home=tenant.id)
        return Application(record)

    def application(self, tenant: Tenant, app_id: str) -> Application | None:
        """The registration whose home is this tenant."""
        return self._find_application("application", tenant.number, app_id)

    def registration(self, app_id: str) -> Application | None:
        """The registration in whichever tenant is its home."""
        return self._find_application("application", None, app_id)

    def service_principal(self, tenant: Tenant, app_id: str) -> Application | None:
        """The application's instance in this tenant."""
        return self._find_application("servicePrincipal", tenant.number, app_id)

    def enable_service_principal(
        self, tenant: Tenant, app_id: str, *, enabled: bool = True
    ) -> None:
        """Allow an application's sign-in to this tenant, or forbid it."""
        principal = self._need("servicePrincipal", tenant, app_id)
        record = principal.record | {"accountEnabled": enabled}
        self._store.replace(tenant.number, "servicePrincipal", render_application(record))

    def add_password(
        self,
        tenant: Tenant,
        app_id: str,
        display_name: str | None = None,
        *,
        start: float | None = None,
        end: float | None = None,
    ) -> Password:
        """A new client secret, valid for two years from `start` as Graph's addPassword has it.

        Only its SHA-256 is kept. Times are seconds since 1970.

        Raises:
            LookupError: the application is not in this tenant.
        """
        secret, key_id = draw_secret(), self._new_id()
        begin = self.clock.now() if start is None else start
        finish = begin + TWO_YEARS if end is None else end
        entry = draft_password(
            key_id, secret, display_name, start=format_iso(begin, 7), end=format_iso(finish, 7)
        )
        with self._store.writing():
            self._extend(tenant, app_id, "passwordCredentials", entry)
            values = (key_id, app_id.lower(), "secret", digest_secret(secret), begin, finish)
            self._store.keep_credential(values)
        return Password(key_id, secret, secret[:3], begin, finish)

    def password(self, app_id: str, secret: str) -> Password | None:
        """The application's client secret of this value, expired or not."""
        rows = self._store.read(
            "SELECT key_id, start, end FROM credential "
            "WHERE app_id = ? AND kind = 'secret' AND value = ?",
            (app_id.lower(), digest_secret(secret)),
        )
        for key_id, start, end in rows:
            return Password(key_id, None, secret[:3], start, end)
        return None

    def add_certificate(
        self, tenant: Tenant, app_id: str, der: bytes, display_name: str | None = None
    ) -> Certificate:
        """A certificate of the application's, valid as long as it says itself.

        Raises:
            LookupError: the application is not in this tenant.
            ValueError: `der` is no certificate with an RSA key.
        """
        certificate, key_id = read_certificate(der), self._new_id()
        begin = certificate.not_valid_before_utc.timestamp()
        finish = certificate.not_valid_after_utc.timestamp()
        name = display_name or certificate.subject.rfc4514_string()
        entry = draft_key(key_id, der, name, start=format_iso(begin), end=format_iso(finish))
        with self._store.writing():
            self._extend(tenant, app_id, "keyCredentials", entry)
            self._store.keep_credential((key_id, app_id.lower(), "certificate", der, begin, finish))
        return describe_certificate(key_id, der, begin, finish)

    def certificates(self, app_id: str) -> list[Certificate]:
        """The application's certificates, expired ones too."""
        rows = self._store.read(
            "SELECT key_id, value, start, end FROM credential "
            "WHERE app_id = ? AND kind = 'certificate'",
            (app_id.lower(),),
        )
        return [describe_certificate(*row) for row in rows]

    def add_application_permission(
        self, tenant: Tenant, app_id: str, value: str, *, resource_app_id: str = GRAPH_APP_ID
    ) -> None:
        """Let the application ask for an app role, e.g. `User.Read.All`; this grants nothing.

        Raises:
            LookupError: no such application here, no such resource, or no such role.
        """
        resource = self._need("servicePrincipal", tenant, resource_app_id)
        with self._store.writing():
            application = self._need("application", tenant, app_id)
            record = ask_for_role(application.record, resource, value)
            self._store.replace(tenant.number, "application", render_application(record))

    def requested_permissions(self, tenant: Tenant, app_id: str) -> list[Permission]:
        """The app roles that the application asks for, of resources present in this tenant."""
        registration = self.registration(app_id)
        if registration is None:
            return []
        record = registration.record
        resources = (
            self.service_principal(tenant, entry["resourceAppId"])
            for entry in record["requiredResourceAccess"]
        )
        return [p for resource in resources if resource for p in list_permissions(record, resource)]

    def grant_admin_consent(self, tenant: Tenant, app_id: str) -> list[str]:
        """Grant every app role the application asks for, once; the values of all of them.

        The first consent of a foreign multi-tenant application makes its
        service principal here.

        Raises:
            LookupError: no such application, or it is for its own tenant only.
        """
        created = format_iso(self.clock.now())
        with self._store.writing() as connection:
            principal = self.service_principal(tenant, app_id) or self._instantiate(tenant, app_id)
            permissions = self.requested_permissions(tenant, app_id)
            for permission in permissions:
                resource = self._need("servicePrincipal", tenant, permission.resource_app_id)
                doc = draft_assignment(
                    principal.record, resource.record, permission.role_id, created=created
                )
                ids = (principal.id, resource.id, permission.role_id)
                connection.execute(
                    "INSERT OR IGNORE INTO assignment (tenant, principal, resource, role, value, "
                    "doc) VALUES (?, ?, ?, ?, ?, ?)",
                    (tenant.number, *ids, permission.value, _encode(doc)),
                )
        return [permission.value for permission in permissions]

    def revoke_consent(self, tenant: Tenant, app_id: str) -> None:
        """Take every app role away from the application in this tenant."""
        principal = self._need("servicePrincipal", tenant, app_id)
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM assignment WHERE tenant = ? AND principal = ?",
                (tenant.number, principal.id),
            )

    def granted_roles(self, tenant: Tenant, app_id: str, resource: str = GRAPH_APP_ID) -> list[str]:
        """The values of the app roles granted to the application, of one resource's appId."""
        ids = [self.service_principal(tenant, key) for key in (app_id, resource)]
        rows = self._store.read(
            "SELECT value FROM assignment WHERE tenant = ? AND principal = ? AND resource = ? "
            "ORDER BY value",
            (tenant.number, *(found.id if found else "" for found in ids)),
        )
        return [value for (value,) in rows]

    def _load_tenants(self) -> None:
        domains: dict[int, list[str]] = {}
        for name, number in self._store.read("SELECT name, tenant FROM domain ORDER BY rank"):
            domains.setdefault(number, []).append(name)
        rows = self._store.read("SELECT number, id, display_name, region, created FROM tenant")
        for number, key, display_name, region, created in rows:
            names = tuple(domains.get(number, ()))
            tenant = Tenant(number, key, display_name, names, region, created)
            self._tenants |= dict.fromkeys((key, *names), tenant)

    def _find_application(self, kind: str, tenant: int | None, app_id: str) -> Application | None:
        found = self._store.find(kind, tenant=tenant, column="key", value=app_id.lower())
        return Application(_decode(found[0])) if found else None

    def _need(self, kind: str, tenant: Tenant, app_id: str) -> Application:
        found = self._find_application(kind, tenant.number, app_id)
        if found is None:
            raise LookupError(f"no {kind} with appId {app_id!r} in tenant {tenant.display_name!r}")
        return found

    def _instantiate(self, tenant: Tenant, app_id: str) -> Application:
        registration = self.registration(app_id)
        if registration is None or registration.record["signInAudience"] == "AzureADMyOrg":
            raise LookupError(f"no application {app_id!r} that tenant {tenant.id} may use")
        home = self.tenant(registration.record["publisherDomain"])
        return self._add_principal(tenant, registration, home=home.id if home else "")

    def _add_principal(self, tenant: Tenant, application: Application, home: str) -> Application:
        record = draft_principal(
            self._new_id(),
            application.app_id,
            application.display_name,
            created=format_iso(self.clock.now()),
            owner=home,
            audience=application.record["signInAudience"],
        )
        self._store.insert(tenant.number, "servicePrincipal", [render_application(record)])
        return Application(record)

    def _extend(self, tenant: Tenant, app_id: str, name: str, entry: Record) -> None:
        record = self._need("application", tenant, app_id).record
        record[name].append(entry)
        self._store.replace(tenant.number, "application", render_application(record))
