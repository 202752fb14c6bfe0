"""Applications: their registrations, the APIs that they expose, the permissions they request."""

from collections.abc import Iterable, Sequence

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.directory.application_records import ApplicationRecords
from entra_emulator.directory.credentials import Credential, Credentials
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.service_principals import ServicePrincipals
from entra_emulator.directory.store import Store
from entra_emulator.model.app_roles import ask_for, find_role, list_permissions
from entra_emulator.model.applications import GRAPH_APP_ID, draft_application, draft_scope
from entra_emulator.model.exposed_api import offer_api
from entra_emulator.model.first_party_apps import find_first_party
from entra_emulator.model.records import Application, Permission, Record, Tenant
from entra_emulator.model.scopes import list_scopes, need_scope

_decode = msgspec.json.Decoder(Record).decode


class Applications:
    """An application is registered in one tenant, its home, and known by its appId in all."""

    def __init__(
        self,
        store: Store,
        records: ApplicationRecords,
        objects: Objects,
        credentials: Credentials,
        service_principals: ServicePrincipals,
    ) -> None:
        self._store = store
        self._records, self._objects, self._credentials = records, objects, credentials
        self._service_principals = service_principals

    def register(
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
            tenant: its home tenant.
            display_name: its name for people.
            sign_in_audience: "AzureADMyOrg", or "AzureADMultipleOrgs" for other tenants too.
            redirect_uris: those of the web platform, which needs credentials.
            public_redirect_uris: those of the mobile and desktop platform, which needs none.
            allow_public_client: whether it may use flows without a redirect and a credential.
        """
        record = draft_application(
            self._store.new_id(),
            self._store.new_id(),
            display_name,
            created=format_iso(self._store.clock.now()),
            domain=tenant.domains[0],
            audience=sign_in_audience,
            redirect_uris=redirect_uris,
            public_redirect_uris=public_redirect_uris,
            allow_public_client=allow_public_client,
        )
        application = Application(record)
        with self._store.writing():
            self._objects.create(tenant, "application", record)
            self._service_principals.create(tenant, application)
        return application

    def create(
        self, tenant: Tenant, record: Record, credentials: Iterable[Credential] = ()
    ) -> StoredObject:
        """
        A new application without a service principal, as Graph makes them.

        Raises:
            ValueError: another one goes by one of its names.
        """
        with self._store.writing():
            application = self._objects.create(tenant, "application", record)
            app_id = record["appId"]
            self._records.add_names(tenant, app_id, record["identifierUris"])
            self._credentials.keep(app_id, credentials)
        return application

    def find(self, tenant: Tenant, app_id: str) -> Application | None:
        """The application whose home is this tenant; nobody may change its record."""
        return self._records.find("application", tenant, app_id)

    def find_anywhere(self, app_id: str) -> Application | None:
        """The application in whichever tenant is its home; nobody may change its record."""
        return self._records.find("application", None, app_id)

    def find_client(self, app_id: str) -> Application | None:
        """The application in whichever tenant, or a client of Microsoft's own."""
        return self.find_anywhere(app_id) or find_first_party(app_id)

    def find_identifier_holder(self, tenant: Tenant, name: str) -> str | None:
        """The appId of the application with this identifier URI, deleted ones included."""
        return self._records.find_app_id(tenant, name)

    def rewrite(self, tenant: Tenant, record: Record) -> None:
        """
        Replace the application with the same ID, and update its service principals.

        Raises:
            ValueError: another one goes by one of its names.
        """
        app_id = record["appId"]
        with self._store.writing():
            # All names are removed first: others can take those that the new record does not have.
            self._records.drop_names(tenant, app_id)
            self._records.add_names(tenant, app_id, record["identifierUris"])
            self._objects.rewrite(tenant, "application", record)
            self._service_principals.copy_api(record)

    def disable(self, tenant: Tenant, app_id: str, *, disabled: bool = True) -> None:
        """
        Refuse the application new tokens in every tenant, or allow them again.

        Its present tokens stay valid ("application resource type", Microsoft Graph, `isDisabled`).
        """
        self._change(tenant, app_id, {"isDisabled": disabled})

    def make_public(self, tenant: Tenant, app_id: str) -> None:
        """Make the application a public client, which has no credentials."""
        self._change(tenant, app_id, {"isFallbackPublicClient": True})

    def enable_id_tokens(self, tenant: Tenant, app_id: str) -> None:
        """
        Allow the authorization endpoint to return ID tokens to the application directly.

        Raises:
            LookupError: the application is not in this tenant.
        """
        web = self._need(tenant, app_id)["web"]
        grants = web["implicitGrantSettings"] | {"enableIdTokenIssuance": True}
        self._change(tenant, app_id, {"web": web | {"implicitGrantSettings": grants}})

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
        Make the application an API for which others can request tokens.

        A further call adds an identifier and roles, and replaces the other settings. The App ID URI
        is `api://{app_id}` by default. Each of the app roles, which are its application
        permissions, is (value, display name). Tokens for it have the format `token_version`, and
        also contain the `optional_claims` (of `exposed_api.OPTIONAL_CLAIMS`). With
        `assignment_required`, only callers with one of its app roles in this tenant get tokens.

        Raises:
            LookupError: the application is not in this tenant.
            ValueError: another API has the identifier; or see `offer_api`.
        """
        with self._store.writing():
            record = offer_api(
                self._need(tenant, app_id),
                identifier_uri=identifier_uri or f"api://{app_id}",
                app_roles=app_roles,
                token_version=token_version,
                optional_claims=optional_claims,
                new_id=self._store.new_id,
            )
            self._objects.rewrite(tenant, "application", record)
            self._service_principals.copy_api(record)
            self._service_principals.require_assignment(
                tenant, app_id, required=assignment_required
            )
        return Application(record)

    def add_api_scope(
        self,
        tenant: Tenant,
        app_id: str,
        value: str,
        display_name: str | None = None,
        *,
        restricted: bool = False,
    ) -> None:
        """
        Add a delegated permission to the application's API, whose `value` is in the claim `scp`.

        Consent pages show `display_name`, or `value` without one. Only an administrator may consent
        to a restricted permission.

        Raises:
            LookupError: the application is not in this tenant.
        """
        text = display_name or value
        scope = draft_scope(self._store.new_id(), value, text, text, restricted=restricted)
        with self._store.writing():
            record = self._need(tenant, app_id)
            record["api"]["oauth2PermissionScopes"].append(scope)
            self._objects.rewrite(tenant, "application", record)
            self._service_principals.copy_api(record)

    def add_application_permission(
        self, tenant: Tenant, app_id: str, value: str, *, resource_app_id: str = GRAPH_APP_ID
    ) -> None:
        """
        Have the application request an app role, e.g. `User.Read.All`; this does not grant it.

        Raises:
            LookupError: no such application here, no such resource, or no such role.
        """
        resource = self._service_principals.need(tenant, resource_app_id)
        access = {"id": find_role(resource, value)["id"], "type": "Role"}
        self._ask_for(tenant, app_id, resource, access)

    def add_delegated_permission(
        self, tenant: Tenant, app_id: str, value: str, *, resource_app_id: str = GRAPH_APP_ID
    ) -> None:
        """
        Have the application request a scope, e.g. `User.Read`; this does not grant it.

        Raises:
            LookupError: no such application here, no such resource, or no such scope.
        """
        resource = self._service_principals.need(tenant, resource_app_id)
        self._ask_for(
            tenant, app_id, resource, {"id": need_scope(resource, value), "type": "Scope"}
        )

    def list_requested_roles(self, tenant: Tenant, app_id: str) -> list[Permission]:
        """The app roles that the application requests, of resources that are in this tenant."""
        application = self.find_anywhere(app_id)
        if application is None:
            return []
        resources = self._list_resources(tenant, application.record)
        return [role for one in resources for role in list_permissions(application.record, one)]

    def list_requested_scopes(self, tenant: Tenant, app_id: str) -> dict[str, list[Record]]:
        """The scopes that the application requests, by the appId of the resource."""
        client = self.find_client(app_id)
        if client is None:
            return {}
        resources = self._list_resources(tenant, client.record)
        scopes = {one.app_id: list_scopes(client.record, one) for one in resources}
        return {resource: requested for resource, requested in scopes.items() if requested}

    def forget(self, _tenant: Tenant, gone: StoredObject) -> None:
        """Remove the credentials and names of an application that was deleted for good."""
        if gone.kind == "application":
            app_id = _decode(gone.doc)["appId"]
            with self._store.writing() as connection:
                # In every tenant, because its service principals elsewhere have these names, too.
                connection.execute("DELETE FROM identifier WHERE app_id = ?", (app_id,))
                self._credentials.drop_all(app_id)
        # The credentials of a service principal are kept by its object ID. Those of its application
        # must stay: it may be registered in another tenant.
        elif gone.kind == "servicePrincipal":
            self._credentials.drop_all(_decode(gone.doc)["id"])

    def _list_resources(self, tenant: Tenant, record: Record) -> list[Application]:
        """The service principals in this tenant of the APIs whose permissions are requested."""
        entries = record["requiredResourceAccess"]
        resources = (self._service_principals.find(tenant, e["resourceAppId"]) for e in entries)
        return [resource for resource in resources if resource]

    def _need(self, tenant: Tenant, app_id: str) -> Record:
        """The application's record, to be changed and written back."""
        return self._records.need("application", tenant, app_id).record

    def _ask_for(self, tenant: Tenant, app_id: str, resource: Application, access: Record) -> None:
        with self._store.writing():
            record = ask_for(self._need(tenant, app_id), resource, access)
            self._objects.rewrite(tenant, "application", record)

    def _change(self, tenant: Tenant, app_id: str, changes: Record) -> None:
        with self._store.writing():
            record = self._need(tenant, app_id) | changes
            self._objects.rewrite(tenant, "application", record)
