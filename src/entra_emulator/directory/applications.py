"""Applications, service principals, what they may do and what they offer."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.directory.credentials import Credentials
from entra_emulator.model.app_roles import (
    DEFAULT_ACCESS,
    ask_for_role,
    find_role,
    list_permissions,
)
from entra_emulator.model.applications import (
    GRAPH_APP_ID,
    draft_application,
    draft_assignment,
    draft_managed_identity,
    draft_principal,
)
from entra_emulator.model.exposed_api import copy_api, offer_api
from entra_emulator.model.records import (
    Application,
    Machine,
    Permission,
    Record,
    Standing,
    Tenant,
)

_encode = msgspec.json.Encoder().encode


class Registry(Credentials):
    """What `Directory` knows of applications and service principals."""

    def register_application(
        self,
        tenant: Tenant,
        display_name: str,
        *,
        sign_in_audience: str = "AzureADMyOrg",
        redirect_uris: Iterable[str] = (),
        public_redirect_uris: Iterable[str] = (),
        allow_public_client: bool | None = None,
    ) -> Application:
        """
        An application and its service principal in the same tenant, as the portal makes them.

        Args:
            tenant: its home.
            display_name: what people see.
            sign_in_audience: "AzureADMyOrg", or "AzureADMultipleOrgs" for other tenants too.
            redirect_uris: of the web platform, where it has credentials.
            public_redirect_uris: of the platform for mobile and desktop, where it has none.
            allow_public_client: it may use flows without a redirect, such as device code, and
                without credentials.
        """
        created = format_iso(self.clock.now())
        record = draft_application(
            self._new_id(),
            self._new_id(),
            display_name,
            created=created,
            domain=tenant.domains[0],
            audience=sign_in_audience,
            redirect_uris=redirect_uris,
            public_redirect_uris=public_redirect_uris,
            allow_public_client=allow_public_client,
        )
        with self._store.writing():
            self.create(tenant, "application", record)
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
        """
        Allow an application's sign-in to this tenant, or forbid it.

        Forbidding revokes its tokens, as `revoke_tokens` does.
        """
        with self._store.writing():
            principal = self._need("servicePrincipal", tenant, app_id)
            record = principal.record | {"accountEnabled": enabled}
            self._rewrite(tenant, "servicePrincipal", record)
            if not enabled:
                self.revoke_tokens(tenant, app_id)

    def disable_application(self, tenant: Tenant, app_id: str, *, disabled: bool = True) -> None:
        """
        Forbid the application new tokens in every tenant, or allow them again.

        Tokens it has stay good ("application resource type", Microsoft Graph, `isDisabled`).
        """
        self._change(tenant, app_id, {"isDisabled": disabled})

    def make_public(self, tenant: Tenant, app_id: str, *, public: bool = True) -> None:
        """Say that the application is a public client, which has no credentials."""
        self._change(tenant, app_id, {"isFallbackPublicClient": public})

    def expose_api(
        self,
        tenant: Tenant,
        app_id: str,
        identifier_uri: str | None = None,
        app_roles: Iterable[tuple[str, str]] = (),
        *,
        token_version: int = 1,
        assignment_required: bool = False,
        optional_claims: Sequence[str] = (),
    ) -> Application:
        """
        Make the application an API that others can ask tokens for.

        Another time adds an identifier and roles, and sets the rest anew.

        Args:
            tenant: the application's home.
            app_id: which application.
            identifier_uri: its App ID URI, by default `api://{app_id}`.
            app_roles: (value, display name) of application permissions it offers.
            token_version: the format of tokens for it.
            assignment_required: only who holds one of its app roles in this tenant gets tokens.
            optional_claims: of `api.OPTIONAL_CLAIMS`, what its tokens say besides.

        Raises:
            LookupError: the application is not in this tenant.
            ValueError: another API has the identifier; or see `offer_api`.
        """
        with self._store.writing():
            record = offer_api(
                self._need("application", tenant, app_id).record,
                identifier_uri=identifier_uri or f"api://{app_id}",
                app_roles=app_roles,
                token_version=token_version,
                optional_claims=optional_claims,
                new_id=self._new_id,
            )
            self._rewrite(tenant, "application", record)
            for place in self.tenants():
                if self.service_principal(place, app_id) is not None:
                    self._install_api(place, record)
            principal = self._need("servicePrincipal", tenant, app_id).record
            principal["appRoleAssignmentRequired"] = assignment_required
            self._rewrite(tenant, "servicePrincipal", principal)
        return Application(record)

    def find_api(self, tenant: Tenant, identifier: str) -> Application | None:
        """The service principal with this appId or identifier URI, a slash behind it or not."""
        app_id = self._store.identified(tenant.number, identifier)
        return self.service_principal(tenant, app_id or identifier)

    def add_managed_identity(
        self, tenant: Tenant, name: str, resource_id: str | None = None
    ) -> Application:
        """
        The service principal of a new managed identity of the pretend machine.

        Args:
            tenant: where it lives.
            name: its display name.
            resource_id: the Azure resource ID of a user-assigned identity; without it the
                identity is the machine's own, system-assigned, of which there is one.

        Raises:
            ValueError: there is such an identity already.
        """
        record = draft_managed_identity(
            self._new_id(),
            self._new_id(),
            name,
            created=format_iso(self.clock.now()),
            owner=tenant.id,
            resource_id=resource_id,
        )
        taken = {machine.resource_id and machine.resource_id.lower() for machine in self.machines()}
        if (resource_id and resource_id.lower()) in taken:
            raise ValueError(f"the machine has {resource_id or 'its own identity'} already")
        with self._store.writing() as connection:
            self.create(tenant, "servicePrincipal", record)
            connection.execute(
                "INSERT INTO machine (app_id, object_id, tenant, resource_id) VALUES (?, ?, ?, ?)",
                (record["appId"], record["id"], tenant.number, resource_id),
            )
        return Application(record)

    def machines(self) -> list[Machine]:
        """Every managed identity, in no order."""
        tenants = {tenant.number: tenant for tenant in self.tenants()}
        rows = self._store.read("SELECT app_id, object_id, tenant, resource_id FROM machine")
        return [Machine(app_id, oid, tenants[n], resource) for app_id, oid, n, resource in rows]

    def revoke_tokens(self, tenant: Tenant, app_id: str) -> None:
        """
        Make Graph refuse the tokens that the application has, if their holder can handle that.

        That is continuous access evaluation: tokens without `xms_cc` stay good until they expire.
        """
        self._need("servicePrincipal", tenant, app_id)
        # Tokens begin at whole seconds; those of this second are revoked too.
        moment = math.floor(self.clock.now()) + 1
        self._set_standing(tenant, app_id, revoked=moment)

    def block_by_policy(self, tenant: Tenant, app_id: str, *, blocked: bool = True) -> None:
        """Have a Conditional Access policy for workload identities block the application."""
        self._need("servicePrincipal", tenant, app_id)
        self._set_standing(tenant, app_id, blocked=blocked)

    def standing(self, tenant: Tenant, app_id: str) -> Standing:
        """What the tenant has decided about the application's tokens."""
        rows = self._store.read(
            "SELECT revoked, blocked FROM standing WHERE tenant = ? AND app_id = ?",
            (tenant.number, app_id.lower()),
        )
        return Standing(rows[0][0], bool(rows[0][1])) if rows else Standing()

    def add_application_permission(
        self, tenant: Tenant, app_id: str, value: str, *, resource_app_id: str = GRAPH_APP_ID
    ) -> None:
        """
        Let the application ask for an app role, e.g. `User.Read.All`; this grants nothing.

        Raises:
            LookupError: no such application here, no such resource, or no such role.
        """
        resource = self._need("servicePrincipal", tenant, resource_app_id)
        with self._store.writing():
            application = self._need("application", tenant, app_id)
            record = ask_for_role(application.record, resource, value)
            self._rewrite(tenant, "application", record)

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
        """
        Grant every app role the application asks for, once; the values of all of them.

        The first consent of a foreign multi-tenant application makes its
        service principal here.

        Raises:
            LookupError: no such application, or it is for its own tenant only.
        """
        with self._store.writing():
            principal = self.service_principal(tenant, app_id) or self._instantiate(tenant, app_id)
            permissions = self.requested_permissions(tenant, app_id)
            for permission in permissions:
                resource = self._need("servicePrincipal", tenant, permission.resource_app_id)
                self._assign(tenant, principal, resource, permission.role_id, permission.value)
        return [permission.value for permission in permissions]

    def grant_app_role(
        self,
        tenant: Tenant,
        app_id: str,
        value: str | None,
        *,
        resource_app_id: str = GRAPH_APP_ID,
    ) -> None:
        """
        Grant an app role to a service principal directly, as managed identities get theirs.

        Args:
            tenant: where both are.
            app_id: to whom.
            value: the role's value; None assigns without a role ("default access").
            resource_app_id: whose role.

        Raises:
            LookupError: no such service principal, resource or role.
        """
        principal = self._need("servicePrincipal", tenant, app_id)
        resource = self._need("servicePrincipal", tenant, resource_app_id)
        role = DEFAULT_ACCESS if value is None else find_role(resource, value)["id"]
        self._assign(tenant, principal, resource, role, value or "")

    def is_assigned(self, tenant: Tenant, app_id: str, resource_app_id: str) -> bool:
        """Whether the application holds anything of that resource, be it only default access."""
        return bool(self._read_assignments(tenant, app_id, resource_app_id))

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
        return [value for value in self._read_assignments(tenant, app_id, resource) if value]

    def _read_assignments(self, tenant: Tenant, app_id: str, resource: str) -> list[str]:
        ids = [self.service_principal(tenant, key) for key in (app_id, resource)]
        rows = self._store.read(
            "SELECT value FROM assignment WHERE tenant = ? AND principal = ? AND resource = ? "
            "ORDER BY value",
            (tenant.number, *(found.id if found else "" for found in ids)),
        )
        return [value for (value,) in rows]

    def _assign(
        self, tenant: Tenant, principal: Application, resource: Application, role: str, value: str
    ) -> None:
        created = format_iso(self.clock.now())
        doc = draft_assignment(principal.record, resource.record, role, created=created)
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO assignment (tenant, principal, resource, role, value, doc) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (tenant.number, principal.id, resource.id, role, value, _encode(doc)),
            )

    def _change(self, tenant: Tenant, app_id: str, changes: Record) -> None:
        with self._store.writing():
            record = self._need("application", tenant, app_id).record | changes
            self._rewrite(tenant, "application", record)

    def _install_api(self, tenant: Tenant, application: Record) -> None:
        """Let the service principal in this tenant offer what its application offers."""
        app_id = application["appId"]
        record = copy_api(application, self._need("servicePrincipal", tenant, app_id).record)
        self._store.keep_identifiers(tenant.number, app_id, record["servicePrincipalNames"])
        self._rewrite(tenant, "servicePrincipal", record)

    def _set_standing(
        self,
        tenant: Tenant,
        app_id: str,
        *,
        revoked: int | None = None,
        blocked: bool | None = None,
    ) -> None:
        with self._store.writing() as connection:
            now = self.standing(tenant, app_id)
            values = (
                now.revoked if revoked is None else revoked,
                now.blocked if blocked is None else blocked,
            )
            connection.execute(
                "INSERT OR REPLACE INTO standing (tenant, app_id, revoked, blocked) "
                "VALUES (?, ?, ?, ?)",
                (tenant.number, app_id.lower(), *values),
            )

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
        self.create(tenant, "servicePrincipal", record)
        self._install_api(tenant, application.record)
        return self._need("servicePrincipal", tenant, application.app_id)
