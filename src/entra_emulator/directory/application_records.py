"""Applications and service principals by appId, remembered until the next change."""

import msgspec

from entra_emulator.directory.objects import Objects
from entra_emulator.directory.store import Store
from entra_emulator.model.records import Application, Record, Tenant

_decode = msgspec.json.Decoder(Record).decode

# Of so many lookups the answers are remembered.
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
        if self._store.is_writing():
            return self._read(kind, tenant, app_id)
        key = (kind, tenant.id if tenant else None, app_id.lower())
        changes = self._store.changes
        cached = self._cache.get(key)
        if cached is not None and cached[0] == changes:
            return cached[1]
        application = self._read(kind, tenant, app_id)
        if application is not None:
            if len(self._cache) >= _CAPACITY:
                self._cache = {}
            self._cache[key] = (changes, application)
        return application

    def need(self, kind: str, tenant: Tenant, app_id: str) -> Application:
        """
        A copy of the application's own, to be changed and written back.

        Raises:
            LookupError: the tenant has no such application.
        """
        application = self._read(kind, tenant, app_id)
        if application is None:
            raise LookupError(f"no {kind} with appId {app_id!r} in tenant {tenant.display_name!r}")
        return application

    def _read(self, kind: str, tenant: Tenant | None, app_id: str) -> Application | None:
        items = self._objects.find_each(tenant, kind, app_id)
        return Application(_decode(items[0].doc)) if items else None
