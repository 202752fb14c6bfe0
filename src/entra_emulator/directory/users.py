"""Users by object ID or user principal name, and until when their sign-ins are revoked."""

import msgspec

from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.store import Store
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


class Users:
    """A user is given by object ID or user principal name."""

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store, self._objects = store, objects

    def find(self, tenant: Tenant, user: str) -> Record | None:
        """The user's record."""
        item = self._objects.find(tenant, user, kind="user")
        return _decode(item.doc) if item else None

    def need(self, tenant: Tenant, user: str) -> StoredObject:
        """
        The user as the store has it.

        Raises:
            LookupError: no such user.
        """
        item = self._objects.find(tenant, user, kind="user")
        if item is None:
            raise LookupError(f"no user {user!r} in tenant {tenant.display_name!r}")
        return item

    def revoke_sign_ins(self, tenant: Tenant, user: str) -> None:
        """
        Make every refresh token and session the user has until now worthless.

        Graph calls it `revokeSignInSessions`.

        Raises:
            LookupError: no such user.
        """
        values = (tenant.number, read_id(self.need(tenant, user).doc), self._store.clock.now())
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sign_in (tenant, user, valid_from) VALUES (?, ?, ?)", values
            )

    def read_valid_from(self, tenant: Tenant, user_id: str) -> float:
        """Seconds since 1970 before which the user's sign-ins are revoked, 0 by default."""
        rows = self._store.read(
            "SELECT valid_from FROM sign_in WHERE tenant = ? AND user = ?",
            (tenant.number, user_id),
        )
        return float(rows[0][0]) if rows else 0.0
