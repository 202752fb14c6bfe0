"""
The audit log: every token request and every Graph request, and how it was answered.

Beside it stand the sign-ins and the changes of the directory that Graph's audit logs are made of.
"""

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from entra_emulator.clock import format_iso

# How many requests are remembered: more than a test sends, and few enough for the memory of an
# emulator that runs for weeks.
SIZE = 10_000

# The status of an entry whose connection was broken off before an answer; no answer has it.
BROKEN = 0

VERDICTS = ("allowed", "refused")

T = TypeVar("T")


class Entry(NamedTuple):
    """
    One request, without secrets, tokens and page links.

    Args:
        number: counted from 1; 0 until it is noted.
        at: when it came, in seconds since 1970.
        service: `token` or `graph`.
        method: the HTTP method.
        path: the path, and the query with its secret values left out.
        route: the path in Graph's route table; empty if the request's is not in it.
        grant: the grant type of a token request.
        tenant: the tenant's ID, or what the request named instead.
        app_id: the application's ID, or what the request named instead.
        object_id: the ID of the signed-in user, or of the application's service principal.
        delegated: a user is signed in.
        permissions: the roles or scopes in the token.
        status: the HTTP status; BROKEN without an answer.
        code: e.g. `AADSTS7000215`, or Graph's error code; empty unless it was refused.
        message: why it was refused.
        request_id: as in the answer.
        correlation_id: as in the answer.
        faults: the kinds of the planned faults that it met.
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
        # A set has no order, and the same entry should look the same each time.
        shown = {"permissions": sorted(self.permissions), "verdict": self.verdict}
        return self._asdict() | {"at": format_iso(self.at, 7)} | shown

    def says(self, text: str) -> bool:
        """Whether a text in small letters stands in one of the fields that people search."""
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


class SignIn(NamedTuple):
    """
    One sign-in of a user, or of an application by itself, as Graph's `signIns` need it.

    Args:
        id: the request's ID, as in its answer.
        at: when it came, in seconds since 1970.
        tenant_id: the tenant's ID.
        event: one of `signInEventTypes`, e.g. `interactiveUser`.
        user_id: the user's object ID; empty for applications.
        app_id: the client's ID.
        audience: the API that the token is for, as the token names it; empty without a token.
        protocol: the `authenticationProtocol`, e.g. `oAuth2`.
        credential: the `clientCredentialType`, e.g. `clientSecret`.
        code: the AADSTS number of the refusal, 0 for success.
        reason: the sentence of the refusal.
        address: the IP address of the client.
        agent: its `User-Agent`.
        correlation_id: the client's own ID of the request.
        key_id: the ID of the credential that the client showed; empty where it has none.
    """

    id: str
    at: float
    tenant_id: str
    event: str
    user_id: str
    app_id: str
    audience: str
    protocol: str
    credential: str
    code: int
    reason: str
    address: str
    agent: str
    correlation_id: str
    key_id: str = ""


class Activity(NamedTuple):
    """
    One change of the directory, as Graph's `directoryAudits` show it.

    Args:
        at: when it was, in seconds since 1970.
        tenant_id: the tenant's ID.
        record: the `directoryAudit`, but for its ID and its moment.
    """

    at: float
    tenant_id: str
    record: dict[str, Any]


class NewestOf(Generic[T]):
    """The newest `size` items with their numbers, counted from 1; older ones are forgotten."""

    def __init__(self, size: int = SIZE) -> None:
        self._lock = threading.Lock()
        self._items: deque[tuple[int, T]] = deque(maxlen=size)
        self._number = 0

    def note(self, item: T) -> None:
        """Remember an item."""
        with self._lock:
            self._number += 1
            self._items.append((self._number, item))

    def list_all(self) -> list[tuple[int, T]]:
        """The items with their numbers, oldest first."""
        with self._lock:
            return list(self._items)

    def clear(self) -> None:
        """Forget every item."""
        with self._lock:
            self._items.clear()


class Audit:
    """
    The latest `size` requests. Older ones are forgotten.

    Attributes:
        sign_ins: the latest sign-ins, which are kept however many requests to Graph there are.
        activities: the latest changes of the directory.
    """

    def __init__(self, size: int = SIZE) -> None:
        self.sign_ins = NewestOf[SignIn](size)
        self.activities = NewestOf[Activity](size)
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=size)
        self._number = 0

    def note(self, entry: Entry) -> None:
        """Add a request, and give it a number."""
        with self._lock:
            self._number += 1
            self._entries.append(entry._replace(number=self._number))

    def clear(self) -> None:
        """Forget every entry. The numbers of new entries continue."""
        with self._lock:
            # The numbers go on, for those who follow the log by the last number they saw.
            self._entries.clear()
        self.sign_ins.clear()
        self.activities.clear()

    def find(self, number: int) -> Entry | None:
        """The entry with this number, if it is still kept."""
        return next((entry for entry in self._copy() if entry.number == number), None)

    def apps(self) -> list[str]:
        """The IDs of the applications in the log."""
        return sorted({entry.app_id for entry in self._copy() if entry.app_id})

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
        The entries that match all filters, latest first.

        Args:
            app: the application's ID.
            service: `token` or `graph`.
            verdict: one of VERDICTS.
            text: is contained in one of its fields, in upper or lower case.
            before: only entries with smaller numbers.
            after: only entries with greater numbers.
            limit: the maximum number of entries: the latest ones or, with `after`, the oldest.
        """
        text, app = text.lower(), app.lower()
        entries = self._copy()
        # Whoever says `after` follows the log, and needs the next entries and not the newest.
        matching = (
            entry
            for entry in (entries if after is not None else reversed(entries))
            if (before is None or entry.number < before)
            and (after is None or entry.number > after)
            and (not app or entry.app_id.lower() == app)
            and (not service or entry.service == service)
            and (not verdict or entry.verdict == verdict)
            and (not text or entry.says(text))
        )
        shown = list(islice(matching, limit))
        return shown[::-1] if after is not None else shown

    def _copy(self) -> list[Entry]:
        # The copy is searched without the lock, so that no request waits for a search.
        with self._lock:
            return list(self._entries)
