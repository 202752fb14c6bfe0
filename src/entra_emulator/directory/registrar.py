"""Applications as Graph registers and changes them, so that the token service follows."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.directory.consents import Grants
from entra_emulator.directory.object_rows import Found
from entra_emulator.model.applications import MICROSOFT_TENANT, draft_principal
from entra_emulator.model.records import Application, Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


class Credential(NamedTuple):
    """
    What proves an identity, as the token service looks for it.

    Args:
        key_id: its GUID.
        kind: "secret" or "certificate".
        value: the secret's digest, or the certificate's DER.
        start: seconds since 1970.
        end: seconds since 1970.
    """

    key_id: str
    kind: str
    value: bytes
    start: float
    end: float


class Registrar(Grants):
    """
    What `Directory` knows of applications that are registered through Graph.

    Credentials belong to an appId, or to the object ID of a service principal.
    """

    def new_id(self) -> str:
        """A GUID for something that is made."""
        return self._new_id()

    def register(
        self, tenant: Tenant, record: Record, credentials: Iterable[Credential] = ()
    ) -> Found:
        """
        A new application without a service principal.

        Raises:
            ValueError: another one goes by one of its names.
        """
        with self._store.writing():
            found = self.create(tenant, "application", record)
            app_id = record["appId"]
            self._store.keep_identifiers(tenant.number, app_id, record["identifierUris"])
            self.keep_credentials(app_id, credentials)
        return found

    def rewrite_application(self, tenant: Tenant, record: Record) -> None:
        """
        Put an application in the place of the one with its ID; its service principals follow.

        Raises:
            ValueError: another one goes by one of its names.
        """
        app_id = record["appId"]
        with self._store.writing():
            self._store.drop_identifiers(tenant.number, app_id)
            self._store.keep_identifiers(tenant.number, app_id, record["identifierUris"])
            self._rewrite(tenant, "application", record)
            for place in self.tenants():
                if self.service_principal(place, app_id) is not None:
                    self._store.drop_identifiers(place.number, app_id)
                    self._install_api(place, record)

    def delete_application(self, tenant: Tenant, found: Found) -> None:
        """Move an application to the recycle bin, and its service principal in its home too."""
        with self._store.writing():
            self.delete(tenant, found)
            principal = self.find(tenant, _decode(found.doc)["appId"], kind="servicePrincipal")
            if principal is not None:
                self.delete(tenant, principal)

    def instantiate(self, tenant: Tenant, client: Application, changes: Record) -> Found:
        """A service principal of this application in this tenant."""
        home = self.home_of(client)
        record = draft_principal(
            self._new_id(),
            client.app_id,
            client.display_name,
            created=format_iso(self.clock.now()),
            owner=home.id if home else MICROSOFT_TENANT,
            audience=client.record["signInAudience"],
        )
        with self._store.writing():
            self.create(tenant, "servicePrincipal", record)
            self._install_api(tenant, client.record)
            self.update(tenant, "servicePrincipal", record["id"], changes)
            found = self.find(tenant, record["id"])
        assert found is not None, "it was made just now"
        return found

    def home_of(self, client: Application) -> Tenant | None:
        """The tenant that an application is registered in; None for Microsoft's own."""
        homes = (t for t in self.tenants() if self.application(t, client.app_id) is not None)
        return next(homes, None)

    def identifier_holder(self, tenant: Tenant, name: str) -> str | None:
        """The appId of the application that goes by this name, deleted ones too."""
        return self._store.identified(tenant.number, name)

    def keep_credentials(self, holder: str, credentials: Iterable[Credential]) -> None:
        """Let these prove an identity from now on."""
        for one in credentials:
            values = (one.key_id, holder, one.kind, one.value, one.start, one.end)
            self._store.keep_credential(values)

    def drop_credentials(self, holder: str, key_ids: Iterable[str]) -> None:
        """Let these prove nothing any more."""
        with self._store.writing() as connection:
            connection.executemany(
                "DELETE FROM credential WHERE app_id = ? AND key_id = ?",
                [(holder, key_id) for key_id in key_ids],
            )

    def claims(self, tenant: Tenant) -> list[str]:
        """The domains that the tenant has named, and has not proved to be its own."""
        rows = self._store.read(
            "SELECT name FROM claim WHERE tenant = ? ORDER BY name", (tenant.number,)
        )
        return [name for (name,) in rows]

    def claim_domain(self, tenant: Tenant, name: str) -> None:
        """Name a domain that is to be verified one day."""
        with self._store.writing() as connection:
            values = (tenant.number, name)
            connection.execute("INSERT INTO claim (tenant, name) VALUES (?, ?)", values)

    def disclaim_domain(self, tenant: Tenant, name: str) -> None:
        """Forget a domain that was not verified."""
        with self._store.writing() as connection:
            values = (tenant.number, name)
            connection.execute("DELETE FROM claim WHERE tenant = ? AND name = ?", values)

    def _forget(self, tenant: Tenant, found: Found) -> None:
        """Remove the credentials and names of an application that is gone for ever."""
        record = _decode(found.doc)
        with self._store.writing() as connection:
            if found.kind == "application":
                app_id = record["appId"]
                for table in ("credential", "federated", "identifier"):
                    connection.execute(f"DELETE FROM {table} WHERE app_id = ?", (app_id,))  # noqa: S608 - names of ours
            elif found.kind == "servicePrincipal":
                connection.execute("DELETE FROM credential WHERE app_id = ?", (record["id"],))
            super()._forget(tenant, found)
