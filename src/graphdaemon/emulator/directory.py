"""
Tenants and what is in them. Knows no HTTP.

The class is one, its text is in seven files: `tenancy`, `objects`,
`credentials`, `registry`, `ledger`, `people`, and what is here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from graphdaemon.emulator.entity import Record, Tenant
from graphdaemon.emulator.people import People

__all__ = ["Directory"]


class Directory(People):
    """
    Every tenant of one emulator, in a file or in memory.

    Args:
        path: the database file; None keeps everything in memory.
        clock: where creation times and expiry come from.
        new_id: makes the GUIDs of what is created.
    """

    @contextmanager
    def filling(self) -> Iterator[None]:
        """A transaction for many new objects: indices are made at its end, all at once."""
        with self.transaction(), self._store.unindexed():
            yield

    def add_users(self, tenant: Tenant, records: Iterable[Record]) -> range:
        """Add users in the order they are to be listed; `id` and `userPrincipalName` are unique."""
        return self.add_objects(tenant, "user", records)

    def user(self, tenant: Tenant, key: str) -> bytes | None:
        """The document of the user with this ID or user principal name, in any case of letters."""
        found = self.find(tenant, key, kind="user")
        return found.doc if found else None
