"""Applications and service principals by appId and by name."""

from collections.abc import Iterable

import msgspec

from entra_emulator.directory.objects import Objects
from entra_emulator.directory.store import Store
from entra_emulator.model.records import Application, Record, Tenant

_decode = msgspec.json.Decoder(Record).decode

# How many records are cached. Then all are dropped, which is simpler than dropping the least used.
_CAPACITY = 1000


class ApplicationRecords:
    """
    The decoded records of applications and service principals.

    Microsoft Graph's service principal is a third of a megabyte, and every token request needs
    it: a record is decoded once for every state of the database.
    """

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store, self._objects = store, objects
        self._cache: dict[tuple[str, str | None, str], tuple[int, Application]] = {}

    def find(self, kind: str, tenant: Tenant | None, app_id: str) -> Application | None:
        """
        The application as last committed; None searches every tenant.

        Its record is shared: nobody may change it.
        """
        # The cache depends on the count of commits, which does not include this transaction.
        if self._store.is_writing():
            return self._read(kind, tenant, app_id)
        key = (kind, tenant.id if tenant else None, app_id.lower())
        # Read before the record: a commit in between makes the entry look old, which does no harm.
        changes = self._store.changes
        cached = self._cache.get(key)
        if cached is not None and cached[0] == changes:
            return cached[1]
        application = self._read(kind, tenant, app_id)
        if application is not None:
            if len(self._cache) >= _CAPACITY:
                # A new dict, as another thread may be looking into the old one.
                self._cache = {}
            self._cache[key] = (changes, application)
        return application

    def find_app_id(self, tenant: Tenant, name: str) -> str | None:
        """The appId of the application with this name, deleted ones included."""
        statement = "SELECT app_id FROM identifier WHERE tenant = ? AND name = ?"
        rows = self._store.read(statement, (tenant.number, _fold(name)))
        return str(rows[0][0]) if rows else None

    def add_names(self, tenant: Tenant, app_id: str, names: Iterable[str]) -> None:
        """
        Register names by which the application is found, in any case of letters.

        Raises:
            ValueError: another one has a name already.
        """
        with self._store.writing() as connection:
            for name in names:
                if self.find_app_id(tenant, name) not in {None, app_id}:
                    raise ValueError(f"{name!r} names another application already")
                connection.execute(
                    "INSERT OR IGNORE INTO identifier (tenant, name, app_id) VALUES (?, ?, ?)",
                    (tenant.number, _fold(name), app_id),
                )

    def drop_names(self, tenant: Tenant, app_id: str) -> None:
        """Remove all names of the application."""
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM identifier WHERE tenant = ? AND app_id = ?", (tenant.number, app_id)
            )

    def need(self, kind: str, tenant: Tenant, app_id: str) -> Application:
        """
        A copy of the application's own, to be changed and written back.

        Raises:
            LookupError: the tenant has no such application.
        """
        # Not from the cache, whose records are shared and must not be changed.
        application = self._read(kind, tenant, app_id)
        if application is None:
            raise LookupError(f"no {kind} with appId {app_id!r} in tenant {tenant.display_name!r}")
        return application

    def _read(self, kind: str, tenant: Tenant | None, app_id: str) -> Application | None:
        items = self._objects.find_each(tenant, kind, app_id)
        return Application(_decode(items[0].doc)) if items else None


def _fold(name: str) -> str:
    # Azure CLI asks for `https://management.core.windows.net//.default`, others without the slash
    # (azure-cli-core, cloud.py).
    return name.lower().removesuffix("/")
