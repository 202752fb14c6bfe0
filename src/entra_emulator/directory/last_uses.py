"""When credentials and applications were last used, as far as a tenant was filled with it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from entra_emulator.directory.store import Store
from entra_emulator.model.records import Tenant

Part = Literal["key", "application", "delegated"]
"""What was used: a credential, or an application as itself or in the name of a user."""


class LastUse(NamedTuple):
    """A use: of which part, the ID of the credential or client, seconds since 1970."""

    part: Part
    holder: str
    moment: float


class LastUses:
    """The last uses that a tenant was filled with."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fill(self, tenant: Tenant, uses: Iterable[LastUse]) -> None:
        """Keep these, in the place of earlier ones of the same."""
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO last_use (tenant, part, holder, moment) "
                "VALUES (?, ?, ?, ?)",
                ((tenant.number, *use) for use in uses),
            )

    def list_all(self, tenant: Tenant, part: Part) -> dict[str, float]:
        """The moments of one part, by the ID of the credential or client."""
        rows = self._store.read(
            "SELECT holder, moment FROM last_use WHERE tenant = ? AND part = ?",
            (tenant.number, part),
        )
        return dict(rows)
