"""The audit log: every token request and every Graph request, and what became of it."""

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from entra_emulator.clock import format_iso

# So many requests are remembered.
SIZE = 10_000

# Of an entry whose connection was broken off before it was answered.
BROKEN = 0

VERDICTS = ("allowed", "refused")


class Entry(NamedTuple):
    """
    One request. No secret, no token and no page link is in it.

    Args:
        number: counted from 1; 0 until it is noted.
        at: when it came, in seconds since 1970.
        service: `token` or `graph`.
        method: the HTTP method.
        path: the path, and of the query what is known to be harmless.
        route: what Graph's route table calls the path; empty when it means nothing.
        grant: the grant type of a token request.
        tenant: the tenant's ID, or what the request named instead.
        app_id: the application's ID, or what the request named instead.
        object_id: of the signed-in user, or of the application's service principal.
        delegated: a user is signed in.
        permissions: the roles or scopes in the token.
        status: the HTTP status; BROKEN when nothing was answered.
        code: `AADSTS7000215`, or Graph's error code; empty when nothing was refused.
        message: why it was refused.
        request_id: as the answer has it.
        correlation_id: as the answer has it.
        faults: the planned faults that it met.
    """

    number: int
    at: float
    service: str
    method: str
    path: str
    route: str = ""
    grant: str = ""
    tenant: str = ""
    app_id: str = ""
    object_id: str = ""
    delegated: bool = False
    permissions: Iterable[str] = ()
    status: int = BROKEN
    code: str = ""
    message: str = ""
    request_id: str = ""
    correlation_id: str = ""
    faults: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        return "allowed" if 0 < self.status < 400 else "refused"

    def describe(self) -> dict[str, Any]:
        """The entry as the control API shows it."""
        shown = {"permissions": sorted(self.permissions), "verdict": self.verdict}
        return self._asdict() | {"at": format_iso(self.at, 7)} | shown

    def says(self, text: str) -> bool:
        """Whether the text, in small letters, stands in it."""
        words = (
            self.method,
            self.path,
            self.grant,
            self.app_id,
            self.object_id,
            self.tenant,
            self.code,
            self.message,
            self.request_id,
            self.correlation_id,
            str(self.status),
            *self.permissions,
        )
        return text in " ".join(words).lower()


class Audit:
    """
    The newest requests; the oldest are forgotten.

    Args:
        size: how many are remembered.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=size)
        self._number = 0

    def note(self, entry: Entry) -> None:
        """Remember a request, and number it."""
        with self._lock:
            self._number += 1
            self._entries.append(entry._replace(number=self._number))

    def clear(self) -> None:
        """Forget everything; the next entry's number goes on."""
        with self._lock:
            self._entries.clear()

    def find(self, number: int) -> Entry | None:
        """The entry of this number, if it is still remembered."""
        return next((one for one in self._copy() if one.number == number), None)

    def apps(self) -> list[str]:
        """The IDs of the applications in the log."""
        return sorted({one.app_id for one in self._copy() if one.app_id})

    def entries(
        self,
        *,
        app: str = "",
        service: str = "",
        verdict: str = "",
        text: str = "",
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """
        The newest entries that match all of this, newest first.

        Args:
            app: the application's ID.
            service: `token` or `graph`.
            verdict: one of VERDICTS.
            text: what stands anywhere in it, in any case of letters.
            before: only entries with smaller numbers.
            after: only entries with greater numbers, and of those the oldest.
            limit: the most.
        """
        wanted, app = text.lower(), app.lower()
        held = self._copy()
        found = (
            one
            for one in (held if after is not None else reversed(held))
            if (before is None or one.number < before)
            and (after is None or one.number > after)
            and (not app or one.app_id.lower() == app)
            and (not service or one.service == service)
            and (not verdict or one.verdict == verdict)
            and (not wanted or one.says(wanted))
        )
        shown = list(islice(found, limit))
        return shown[::-1] if after is not None else shown

    def _copy(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)
