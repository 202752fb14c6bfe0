"""What a tenant has decided about an application's tokens: revoked, or blocked by a policy."""

import math
from dataclasses import replace

from entra_emulator.directory.application_records import ApplicationRecords
from entra_emulator.directory.store import Store
from entra_emulator.model.records import Tenant, TokenPolicy


class TokenPolicies:
    """Revokes tokens of applications, and blocks applications as Conditional Access does."""

    def __init__(self, store: Store, records: ApplicationRecords) -> None:
        self._store, self._records = store, records

    def revoke_tokens(self, tenant: Tenant, app_id: str) -> None:
        """
        Make Graph refuse the tokens that the application has, if their holder can handle that.

        That is continuous access evaluation: tokens without `xms_cc` stay good until they expire.

        Raises:
            LookupError: the application has no service principal here.
        """
        # Tokens begin at whole seconds; those of this second are revoked too.
        revoked = math.floor(self._store.clock.now()) + 1
        with self._store.writing():
            self._keep(tenant, app_id, replace(self.find(tenant, app_id), revoked=revoked))

    def block(self, tenant: Tenant, app_id: str, *, blocked: bool = True) -> None:
        """
        Have a Conditional Access policy for workload identities block the application.

        Raises:
            LookupError: the application has no service principal here.
        """
        with self._store.writing():
            self._keep(tenant, app_id, replace(self.find(tenant, app_id), blocked=blocked))

    def find(self, tenant: Tenant, app_id: str) -> TokenPolicy:
        """What holds for the application here; nothing is revoked or blocked by default."""
        rows = self._store.read(
            "SELECT revoked, blocked FROM standing WHERE tenant = ? AND app_id = ?",
            (tenant.number, app_id.lower()),
        )
        return TokenPolicy(rows[0][0], bool(rows[0][1])) if rows else TokenPolicy()

    def _keep(self, tenant: Tenant, app_id: str, policy: TokenPolicy) -> None:
        # Nothing would be wrong in the table, but a mistyped appId would go unnoticed.
        self._records.need("servicePrincipal", tenant, app_id)
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO standing (tenant, app_id, revoked, blocked) "
                "VALUES (?, ?, ?, ?)",
                (tenant.number, app_id.lower(), policy.revoked, policy.blocked),
            )
