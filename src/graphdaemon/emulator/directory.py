"""
Tenants and what is in them. Knows no HTTP.

The class is one, its text is in six files: `tenancy`, `credentials`,
`registry`, `ledger`, `people`, and what is here.
"""

from collections.abc import Iterable, Iterator

from graphdaemon.emulator.entity import Record, Tenant
from graphdaemon.emulator.face import render_user
from graphdaemon.emulator.people import People
from graphdaemon.emulator.store import KINDS, Position

__all__ = ["Directory"]


class Directory(People):
    """
    Every tenant of one emulator, in a file or in memory.

    Args:
        path: the database file; None keeps everything in memory.
        clock: where creation times and expiry come from.
        new_id: makes the GUIDs of what is created.
    """

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
