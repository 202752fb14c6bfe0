"""
Tenants and what is in them. Knows no HTTP.

The class is one, its text is in twelve files: `tenancy`, `history`, `objects`, `lookup`,
`credentials`, `registry`, `ledger`, `people`, `grant`, `registrar`, `licence`,
and what is here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from entra_emulator.directory import object_rows
from entra_emulator.directory.licences import Licences
from entra_emulator.directory.object_rows import Row
from entra_emulator.model.records import Record, Tenant


class Directory(Licences):
    """
    Every tenant of one emulator, in a file or in memory.

    Args:
        path: the database file; None keeps everything in memory.
        clock: where creation times and expiry come from.
        new_id: makes the GUIDs of what is created.
        draft: the file is new, and nobody else's until it is closed, see `Store`.
    """

    @contextmanager
    def filling(self) -> Iterator[None]:
        """A transaction for many new objects: indices are made at its end, all at once."""
        with self.transaction(), self._store.unindexed():
            yield

    def next_number(self) -> int:
        """The number that the next object gets."""
        return object_rows.read_last(self._store) + 1

    def add_rows(self, tenant: Tenant, kind: str, rows: Iterable[Row]) -> range:
        """Fill the directory with objects that are rendered already; their numbers."""
        return object_rows.insert(self._store, tenant.number, kind, rows)

    def add_identifiers(self, tenant: Tenant, app_id: str, names: Iterable[str]) -> None:
        """
        Let a service principal be known by these names.

        Raises:
            ValueError: another one has a name already.
        """
        self._store.keep_identifiers(tenant.number, app_id, names)

    def add_users(self, tenant: Tenant, records: Iterable[Record]) -> range:
        """Add users in the order they are to be listed; `id` and `userPrincipalName` are unique."""
        return self.add_objects(tenant, "user", records)

    def user(self, tenant: Tenant, key: str) -> bytes | None:
        """The document of the user with this ID or user principal name, in any case of letters."""
        found = self.find(tenant, key, kind="user")
        return found.doc if found else None
