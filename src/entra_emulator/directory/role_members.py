"""What people hold and have allowed: directory roles, consent, sign-ins."""

import base64
from collections.abc import Collection
from uuid import UUID

import msgspec

from entra_emulator.directory.link_rows import Links
from entra_emulator.directory.object_rows import Found
from entra_emulator.directory.tickets import Ledger
from entra_emulator.model.applications import (
    GRAPH_APP_ID,
    MICROSOFT_TENANT,
    draft_scope,
)
from entra_emulator.model.directory_roles import draft_role, find_role_id
from entra_emulator.model.first_party_apps import find_first_party, list_preauthorized
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.model.scopes import ask_for_scope, list_scopes

# In the place of a user's ID: everybody.
EVERYBODY = ""

_decode = msgspec.json.Decoder(Record).decode


class People(Ledger):
    """
    What `Directory` knows of users beyond their records.

    A user is given by object ID or user principal name.
    """

    def assign_role(self, tenant: Tenant, user: str, role: str) -> None:
        """
        Give a user a directory role, by its name or template ID.

        Raises:
            LookupError: no such user, or no such role.
        """
        template = find_role_id(role)
        with self._store.writing():
            member = self._find_user(tenant, user)
            self.link(tenant, "members", self.activate_role(tenant, template), member)

    def activate_role(self, tenant: Tenant, template: str) -> Found:
        """The directory role of a template, made when it is not in use yet."""
        found = self.find(tenant, template, kind="directoryRole")
        return found or self.create(tenant, "directoryRole", draft_role(self._new_id(), template))

    def roles_of(self, tenant: Tenant, user: str) -> list[str]:
        """
        The template IDs of the user's directory roles.

        Raises:
            LookupError: no such user.
        """
        seq = self._find_user(tenant, user).seq
        links = Links("members", seq, reverse=True, kinds=["directoryRole"])
        held = self.neighbours(tenant, links)
        return sorted(_decode(role.content)["roleTemplateId"] for role in held)

    def role_holders(self, tenant: Tenant) -> dict[str, list[str]]:
        """The template IDs of the directory roles of everybody who has one, by object ID."""
        holders: dict[str, list[str]] = {}
        roles = [
            (_decode(doc)["roleTemplateId"], position.seq)
            for position, doc in self.scan(tenant, "directoryRole")
        ]
        for template, seq in sorted(roles):
            for user in self.neighbours(tenant, Links("members", seq, kinds=["user"])):
                holders.setdefault(_decode(user.content)["id"], []).append(template)
        return holders

    def read_user(self, tenant: Tenant, user: str) -> Record | None:
        """The user's record."""
        found = self.find(tenant, user, kind="user")
        return _decode(found.doc) if found else None

    def revoke_sign_ins(self, tenant: Tenant, user: str) -> None:
        """
        Make every refresh token and session the user has until now worthless.

        Graph calls it `revokeSignInSessions`.

        Raises:
            LookupError: no such user.
        """
        values = (tenant.number, self._need_user(tenant, user), self.clock.now())
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sign_in (tenant, user, valid_from) VALUES (?, ?, ?)", values
            )

    def sign_ins_valid_from(self, tenant: Tenant, user_id: str) -> float:
        """Seconds since 1970 before which the user's sign-ins are revoked."""
        rows = self._store.read(
            "SELECT valid_from FROM sign_in WHERE tenant = ? AND user = ?",
            (tenant.number, user_id),
        )
        return float(rows[0][0]) if rows else 0.0

    def client(self, app_id: str) -> Application | None:
        """The registration of an application, or a client of Microsoft's own."""
        return self.registration(app_id) or find_first_party(app_id)

    def enter(self, tenant: Tenant, client: Application) -> Application:
        """The client's service principal, made if it is not in this tenant yet."""
        found = self.service_principal(tenant, client.app_id)
        if found is not None:
            return found
        with self._store.writing():
            home = self.tenant(client.record["publisherDomain"])
            return self._add_principal(tenant, client, home.id if home else MICROSOFT_TENANT)

    def enable_id_tokens(self, tenant: Tenant, app_id: str) -> None:
        """
        Let the authorization endpoint answer the application with ID tokens itself.

        Raises:
            LookupError: the application is not in this tenant.
        """
        web = self._need("application", tenant, app_id).record["web"]
        grants = web["implicitGrantSettings"] | {"enableIdTokenIssuance": True}
        self._change(tenant, app_id, {"web": web | {"implicitGrantSettings": grants}})

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
        Make the application's API offer a delegated permission.

        Args:
            tenant: the application's home.
            app_id: the API, which `expose_api` made one.
            value: what stands in `scp`.
            display_name: what consent pages call it, by default `value`.
            restricted: only an administrator may consent to it.

        Raises:
            LookupError: the application is not in this tenant.
        """
        text = display_name or value
        scope = draft_scope(self._new_id(), value, text, text, restricted=restricted)
        with self._store.writing():
            record = self._need("application", tenant, app_id).record
            record["api"]["oauth2PermissionScopes"].append(scope)
            self._rewrite(tenant, "application", record)
            for place in self.tenants():
                if self.service_principal(place, app_id) is not None:
                    self._install_api(place, record)

    def add_delegated_permission(
        self, tenant: Tenant, app_id: str, value: str, *, resource_app_id: str = GRAPH_APP_ID
    ) -> None:
        """
        Let the application ask for a scope, e.g. `User.Read`; this grants nothing.

        Raises:
            LookupError: no such application here, no such resource, or no such scope.
        """
        resource = self._need("servicePrincipal", tenant, resource_app_id)
        with self._store.writing():
            record = self._need("application", tenant, app_id).record
            asking = ask_for_scope(record, resource, value)
            self._rewrite(tenant, "application", asking)

    def requested_scopes(self, tenant: Tenant, app_id: str) -> dict[str, list[Record]]:
        """The scopes that the application asks for in its registration, by resource's appId."""
        client = self.client(app_id)
        record = client.record if client else {"requiredResourceAccess": []}
        found: dict[str, list[Record]] = {}
        for entry in record["requiredResourceAccess"]:
            resource = self.service_principal(tenant, entry["resourceAppId"])
            scopes = list_scopes(record, resource) if resource else []
            if resource and scopes:
                found[resource.app_id] = scopes
        return found

    def grant_scopes(
        self,
        tenant: Tenant,
        app_id: str,
        scopes: Collection[str],
        *,
        user: str | None = None,
        resource_app_id: str = GRAPH_APP_ID,
    ) -> None:
        """
        Consent to scopes for a user, or without one for everybody; earlier consent stays.

        The application's service principal is made if it is not here yet.

        Raises:
            LookupError: no such application, resource or user.
        """
        client = self.client(app_id)
        if client is None:
            raise LookupError(f"no application {app_id!r}")
        holder = EVERYBODY if user is None else self._need_user(tenant, user)
        resource = self._need("servicePrincipal", tenant, resource_app_id)
        with self._store.writing() as connection:
            key = (tenant.number, self.enter(tenant, client).id, resource.id, holder)
            held = self._read_delegation(*key)
            connection.execute(
                "INSERT OR REPLACE INTO delegation (tenant, client, resource, user, scope) "
                "VALUES (?, ?, ?, ?, ?)",
                (*key, " ".join(dict.fromkeys((*held, *scopes)))),
            )

    def granted_scopes(
        self, tenant: Tenant, app_id: str, user_id: str, resource_app_id: str = GRAPH_APP_ID
    ) -> frozenset[str]:
        """The resource's scopes that the application has for this user, by whomever's consent."""
        ids = [self.service_principal(tenant, key) for key in (app_id, resource_app_id)]
        client, resource = (found.id if found else "" for found in ids)
        return list_preauthorized(app_id, resource_app_id).union(
            self._list_trusted(app_id, resource_app_id),
            self._read_delegation(tenant.number, client, resource, EVERYBODY),
            self._read_delegation(tenant.number, client, resource, user_id),
        )

    def scope_grants(self, tenant: Tenant) -> list[Record]:
        """Every consent to scopes, as Graph's `oauth2PermissionGrant` objects."""
        rows = self._store.read(
            "SELECT client, resource, user, scope FROM delegation AS g WHERE tenant = ? "
            "AND EXISTS (SELECT 1 FROM object WHERE id = g.client AND tenant = g.tenant) "
            "AND EXISTS (SELECT 1 FROM object WHERE id = g.resource AND tenant = g.tenant) "
            "ORDER BY client, resource, user",
            (tenant.number,),
        )
        return [
            {
                "clientId": client,
                "consentType": "Principal" if user else "AllPrincipals",
                "id": _name_grant(client, resource, user),
                "principalId": user or None,
                "resourceId": resource,
                "scope": scope,
            }
            for client, resource, user, scope in rows
        ]

    def _list_trusted(self, app_id: str, resource_app_id: str) -> list[str]:
        """The scopes that an API lets the client have without anybody's consent."""
        api = self.registration(resource_app_id)
        if api is None:  # Microsoft's own
            return []
        offer = api.record["api"]
        trusted = {
            scope_id
            for client in offer["preAuthorizedApplications"]
            for scope_id in client["delegatedPermissionIds"]
            if client["appId"] == app_id.lower()
        }
        scopes = offer["oauth2PermissionScopes"]
        return [one["value"] for one in scopes if one["isEnabled"] and one["id"] in trusted]

    def _read_delegation(self, tenant: int, client: str, resource: str, user: str) -> list[str]:
        rows = self._store.read(
            "SELECT scope FROM delegation "
            "WHERE tenant = ? AND client = ? AND resource = ? AND user = ?",
            (tenant, client, resource, user),
        )
        return rows[0][0].split() if rows else []

    def _need_user(self, tenant: Tenant, user: str) -> str:
        return str(_decode(self._find_user(tenant, user).doc)["id"])

    def _find_user(self, tenant: Tenant, user: str) -> Found:
        found = self.find(tenant, user, kind="user")
        if found is None:
            raise LookupError(f"no user {user!r} in tenant {tenant.display_name!r}")
        return found


def _name_grant(client: str, resource: str, user: str) -> str:
    """The IDs it connects, as in every documented example of an oauth2PermissionGrant."""
    parts = b"".join(UUID(part).bytes_le for part in (client, resource, user) if part)
    return base64.urlsafe_b64encode(parts).rstrip(b"=").decode()
