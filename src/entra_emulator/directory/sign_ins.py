"""When each user last signed in, and by which requests: what Graph calls `signInActivity`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.steps import Steps
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record, Tenant

# How many users one step looks at; other requests wait for no longer than that.
CHUNK = 2000
# How many sign-ins are read at once: each time all users are looked through.
SPAN_CHUNK = 10_000

_USER = KINDS["user"].number
_COLUMNS = (
    "s.interactive, s.interactive_request, s.noninteractive, s.noninteractive_request, "
    "s.successful, s.successful_request"
)
# A request ID of a seeded sign-in holds its user's number in so many bits, turned by a constant.
_NUMBER_BITS, _TURN = 40, 0x5A5A5A5A5A

_WAYS = ("interactive", "noninteractive")


class LastSignIns(NamedTuple):
    """
    A user's last sign-ins: seconds since 1970, and the IDs of the requests.

    Args:
        seq: the user's number.
        interactive: the last attempt on a page, None without one.
        interactive_request: its request.
        noninteractive: the last attempt by a refresh token.
        noninteractive_request: its request.
        successful: the last one of either kind that succeeded.
        successful_request: its request.
    """

    seq: int
    interactive: float | None
    interactive_request: str | None
    noninteractive: float | None
    noninteractive_request: str | None
    successful: float | None
    successful_request: str | None

    def describe(self, names: Iterable[str] = ()) -> Record:
        """
        The user's `signInActivity`, or these properties of it, in the documented order.

        The ID of a seeded request is made of its moment.
        """
        pairs = {
            "lastSignIn": (self.interactive, self.interactive_request),
            "lastNonInteractiveSignIn": (self.noninteractive, self.noninteractive_request),
            "lastSuccessfulSignIn": (self.successful, self.successful_request),
        }
        chosen = frozenset(names)
        record: Record = {}
        for name, (at, request_id) in pairs.items():
            # Written one by one: a filter looks at one property of everybody.
            if not chosen or f"{name}DateTime" in chosen:
                # In whole seconds, as in the documented answer of "List users".
                record[f"{name}DateTime"] = None if at is None else format_iso(at)
            if not chosen or f"{name}RequestId" in chosen:
                made = None if at is None else request_id or make_request_id(self.seq, at)
                record[f"{name}RequestId"] = made
        return record


class SignInSpan(NamedTuple):
    """Which sign-ins: between two moments, of everybody or of the user of a number, which first."""

    since: float
    until: float
    number: int | None = None
    ascending: bool = False


class SignIns:
    """
    The last sign-ins of every user who has signed in.

    The IDs of seeded requests are not stored: they are made of the user's number and the moment.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def fill(self, rows: Iterable[tuple[int, float | None, float | None, float | None]]) -> None:
        """Seed users' last sign-ins: number, last on a page, by a refresh token, successful."""
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO last_sign_in "
                "(seq, interactive, noninteractive, successful) VALUES (?, ?, ?, ?)",
                rows,
            )

    def keep(self, last: LastSignIns) -> None:
        """Store a user's last sign-ins in the place of those that there were."""
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO last_sign_in VALUES (?, ?, ?, ?, ?, ?, ?)", last
            )

    def note(
        self, user: StoredObject, request_id: str, at: float, *, interactive: bool, succeeded: bool
    ) -> None:
        """Write down that a user has just signed in, or has tried to."""
        columns = ["interactive" if interactive else "noninteractive"]
        columns += ["successful"] if succeeded else []
        names = ", ".join(f"{column}, {column}_request" for column in columns)
        changes = ", ".join(
            f"{column} = excluded.{column}, {column}_request = excluded.{column}_request"
            for column in columns
        )
        values = (at, request_id) * len(columns)
        with self._store.writing() as connection:
            connection.execute(
                f"INSERT INTO last_sign_in (seq, {names}) VALUES (?{', ?' * len(values)}) "  # noqa: S608 - names of ours
                f"ON CONFLICT (seq) DO UPDATE SET {changes}",
                (user.seq, *values),
            )

    def read_each(self, tenant: Tenant, user_ids: Sequence[str]) -> dict[str, LastSignIns]:
        """The last sign-ins of those of these users who have signed in, by object ID."""
        marks = ", ".join("?" * len(user_ids))
        rows = self._store.read(
            f"SELECT o.id, s.seq, {_COLUMNS} FROM object AS o "  # noqa: S608 - constants
            "CROSS JOIN last_sign_in AS s ON s.seq = o.seq "
            f"WHERE o.id IN ({marks}) AND o.tenant = ?",
            (*user_ids, tenant.number),
        )
        return {user_id: LastSignIns(*rest) for user_id, *rest in rows}

    def list_matching(
        self, tenant: Tenant, match: Callable[[LastSignIns], bool], *, after: int, limit: int
    ) -> Steps[list[int]]:
        """In steps, the numbers of the first `limit` + 1 users behind `after` who match."""
        numbers: list[int] = []
        for rows in self._read_chunks(tenant, after):
            numbers += [row.seq for row in rows if match(row)]
            if limit >= 0 and len(numbers) > limit:
                return numbers[: limit + 1]
            yield
        return numbers

    def list_seeded(
        self, tenant: Tenant, span: SignInSpan, *, interactive: bool, chunk: int = SPAN_CHUNK
    ) -> Iterator[tuple[int, float, bool]]:
        """
        The seeded sign-ins of one kind in a span, in the order of moments and numbers.

        Each is the user's number, the moment, and whether it succeeded. They are read as they are
        needed, in chunks that lock nothing.
        """
        column = _WAYS[not interactive]
        sign, turn = (">", "ASC") if span.ascending else ("<", "DESC")
        # Every number is between these.
        at, seq = (span.since, -1) if span.ascending else (span.until, 1 << 62)
        only = "TRUE" if span.number is None else "s.seq = :only"
        while True:
            # The last successful one is never later than the last one.
            rows = self._store.read(
                f"SELECT s.seq, s.{column}, s.successful >= s.{column} FROM last_sign_in AS s "  # noqa: S608 - constants
                "CROSS JOIN object AS o ON o.tenant = :tenant AND o.kind = :kind AND o.seq = s.seq "
                f"WHERE s.{column} BETWEEN :since AND :until AND s.{column}_request IS NULL "
                f"AND (s.{column}, s.seq) {sign} (:at, :seq) AND {only} "
                f"ORDER BY s.{column} {turn}, s.seq {turn} LIMIT :limit",
                {
                    "tenant": tenant.number,
                    "kind": _USER,
                    "since": span.since,
                    "until": span.until,
                    "only": span.number,
                    "at": at,
                    "seq": seq,
                    "limit": chunk,
                },
            )
            yield from ((number, moment, bool(went)) for number, moment, went in rows)
            if len(rows) < chunk:
                return
            seq, at, _ = rows[-1]

    def find_seeded(self, tenant: Tenant, request_id: str) -> tuple[int, float, bool, bool] | None:
        """The seeded sign-in of this ID: user's number, moment, interactive, succeeded."""
        seq = _read_number(request_id)
        rows = self._store.read(
            f"SELECT s.seq, {_COLUMNS} FROM last_sign_in AS s "  # noqa: S608 - constants
            "CROSS JOIN object AS o ON o.tenant = ? AND o.kind = ? AND o.seq = s.seq "
            "WHERE s.seq = ?",
            (tenant.number, _USER, seq),
        )
        for row in rows:
            last = LastSignIns(*row)
            for way in _WAYS:
                at, own = getattr(last, way), getattr(last, f"{way}_request")
                if at is not None and own is None and make_request_id(seq, at) == request_id:
                    succeeded = last.successful is not None and last.successful >= at
                    return seq, at, way == "interactive", succeeded
        return None

    def forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Forget the sign-ins of a user who is gone for ever."""
        del tenant
        with self._store.writing() as connection:
            connection.execute("DELETE FROM last_sign_in WHERE seq = ?", (gone.seq,))

    def _read_chunks(self, tenant: Tenant, after: int) -> Iterator[list[LastSignIns]]:
        while True:
            rows = self._store.read(
                f"SELECT s.seq, {_COLUMNS} FROM object AS o "  # noqa: S608 - constants
                "CROSS JOIN last_sign_in AS s ON s.seq = o.seq "
                "WHERE o.tenant = ? AND o.kind = ? AND o.seq > ? ORDER BY o.seq LIMIT ?",
                (tenant.number, _USER, after, CHUNK),
            )
            yield [LastSignIns(*row) for row in rows]
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]


def read_last_sign_ins(seq: int, activity: Record) -> LastSignIns:
    """The last sign-ins in a `signInActivity` that was exported, of the user of this number."""
    values: list[Any] = []
    for name in ("lastSignIn", "lastNonInteractiveSignIn", "lastSuccessfulSignIn"):
        moment = activity.get(f"{name}DateTime") or ""
        # What was never is null, empty, or the first moment that .NET knows ("List users").
        known = bool(moment) and not moment.startswith("0001-")
        values += [parse_iso(moment) if known else None]
        values += [activity.get(f"{name}RequestId") if known else None]
    return LastSignIns._make((seq, *values))


def make_request_id(seq: int, at: float) -> str:
    """The ID of a seeded sign-in of the user of this number at this moment."""
    head = blake2b(f"sign-in {seq} {at:.0f}".encode(), digest_size=10).digest()
    tail = ((seq ^ _TURN) & ((1 << _NUMBER_BITS) - 1)).to_bytes(5)
    # Every recorded request ID of the token service ends in 00.
    return str(UUID(bytes=head + tail + b"\0", version=4))


def _read_number(request_id: str) -> int:
    """The user's number in the ID of a seeded sign-in; 0 if the text is no such ID."""
    try:
        return int.from_bytes(UUID(request_id).bytes[10:15]) ^ _TURN
    except ValueError:
        return 0
