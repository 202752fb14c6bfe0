"""Service principals: the instances of applications in a tenant, and the APIs they offer there."""

from collections.abc import Iterable

from entra_emulator.clock import format_iso
from entra_emulator.directory.application_records import ApplicationRecords
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.store import Store
from entra_emulator.directory.tenants import Tenants
from entra_emulator.directory.token_policies import TokenPolicies
from entra_emulator.model.applications import MICROSOFT_TENANT, draft_principal
from entra_emulator.model.exposed_api import copy_api
from entra_emulator.model.records import Application, Record, Tenant


class ServicePrincipals:
    """A tenant has at most one service principal of an application, found by its appId."""

    def __init__(
        self,
        store: Store,
        tenants: Tenants,
        records: ApplicationRecords,
        objects: Objects,
        token_policies: TokenPolicies,
    ) -> None:
        self._store = store
        self._tenants, self._records, self._objects = tenants, records, objects
        self._token_policies = token_policies

    def find(self, tenant: Tenant, app_id: str) -> Application | None:
        """The application's instance in this tenant; its record is shared, nobody may change it."""
        return self._records.find("servicePrincipal", tenant, app_id)

    def need(self, tenant: Tenant, app_id: str) -> Application:
        """
        The application's instance in this tenant, to be changed and written back.

        Raises:
            LookupError: there is none.
        """
        return self._records.need("servicePrincipal", tenant, app_id)

    def find_api(self, tenant: Tenant, identifier: str) -> Application | None:
        """The service principal with this appId or identifier URI, a slash behind it or not."""
        app_id = self._records.find_app_id(tenant, identifier)
        return self.find(tenant, app_id or identifier)

    def find_or_create(self, tenant: Tenant, client: Application) -> Application:
        """The client's service principal, made if it is not in this tenant yet."""
        principal = self.find(tenant, client.app_id)
        if principal is None:
            self.create(tenant, client)
            principal = self.need(tenant, client.app_id)
        return principal

    def create(
        self, tenant: Tenant, client: Application, changes: Record | None = None
    ) -> StoredObject:
        """
        A service principal of this application in this tenant, which offers the application's API.

        It has these changes besides what it copies.

        Raises:
            ValueError: there is one, or another one goes by one of its names.
        """
        homes = (
            home
            for home in self._tenants.list_all()
            if self._records.find("application", home, client.app_id)
        )
        record = draft_principal(
            self._store.new_id(),
            client.app_id,
            client.display_name,
            created=format_iso(self._store.clock.now()),
            owner=next((home.id for home in homes), MICROSOFT_TENANT),
            audience=client.record["signInAudience"],
        )
        with self._store.writing():
            self._objects.create(tenant, "servicePrincipal", record)
            self._copy_api(tenant, client.record)
            if changes:
                self._objects.update(tenant, "servicePrincipal", record["id"], changes)
            principal = self._objects.find(tenant, record["id"])
        assert principal is not None, "it was made just now"
        return principal

    def enable(self, tenant: Tenant, app_id: str, *, enabled: bool = True) -> None:
        """
        Allow an application's sign-in to this tenant, or forbid it.

        Forbidding revokes its tokens, as `TokenPolicies.revoke_tokens` does.

        Raises:
            LookupError: it has no service principal here.
        """
        with self._store.writing():
            record = self.need(tenant, app_id).record | {"accountEnabled": enabled}
            self._objects.rewrite(tenant, "servicePrincipal", record)
            # Disabling a service principal is one of the events that end tokens at once
            # ("Continuous access evaluation for workload identities").
            if not enabled:
                self._token_policies.revoke_tokens(tenant, app_id)

    def require_assignment(self, tenant: Tenant, app_id: str, *, required: bool) -> None:
        """Give tokens for this API only to who holds one of its app roles, or to everybody."""
        with self._store.writing():
            record = self.need(tenant, app_id).record | {"appRoleAssignmentRequired": required}
            self._objects.rewrite(tenant, "servicePrincipal", record)

    def add_identifiers(self, tenant: Tenant, app_id: str, names: Iterable[str]) -> None:
        """
        Let a service principal be known by these names.

        Raises:
            ValueError: another one has a name already.
        """
        self._records.add_names(tenant, app_id, names)

    def copy_api(self, application: Record) -> None:
        """Let the service principals in all tenants offer what their application now offers."""
        for tenant in self._tenants.list_all():
            if self.find(tenant, application["appId"]) is not None:
                self._copy_api(tenant, application)

    def _copy_api(self, tenant: Tenant, application: Record) -> None:
        app_id = application["appId"]
        record = copy_api(application, self.need(tenant, app_id).record)
        # An identifier URI that the application gave up is free for others from now on.
        self._records.drop_names(tenant, app_id)
        self._records.add_names(tenant, app_id, record["servicePrincipalNames"])
        self._objects.rewrite(tenant, "servicePrincipal", record)
