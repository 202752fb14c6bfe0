"""Snapshots of the consents to scopes, taken when a delta query requests them."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from entra_emulator.model.records import Record, Tenant

# How many are kept; a request for the changes since an older one has to begin again.
MOST = 1000


class GrantSnapshots:
    """
    Numbered snapshots of the grants of each tenant.

    They are in memory alone: after a restart, none is there any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By chance, so that a number from before a restart is not taken for another snapshot's.
        self._last = secrets.randbits(48)
        self._snapshots = OrderedDict[int, tuple[str, dict[str, Record]]]()
        self._latest: dict[str, int] = {}

    def take(self, tenant: Tenant, grants: Iterable[Record]) -> int:
        """The number of a snapshot with these grants; that of the last one if nothing changed."""
        rows = {grant["id"]: grant for grant in grants}
        with self._lock:
            number = self._latest.get(tenant.id)
            if number is not None and self._snapshots[number][1] == rows:
                return number
            self._last += 1
            self._snapshots[self._last] = (tenant.id, rows)
            self._latest[tenant.id] = self._last
            while len(self._snapshots) > MOST:
                gone, (owner, _) = self._snapshots.popitem(last=False)
                if self._latest[owner] == gone:
                    del self._latest[owner]
            return self._last

    def find(self, tenant: Tenant, number: int) -> Mapping[str, Record] | None:
        """The grants in this snapshot by their IDs; None when the tenant has none of the number."""
        with self._lock:
            owner, rows = self._snapshots.get(number, ("", {}))
        return rows if owner == tenant.id else None
