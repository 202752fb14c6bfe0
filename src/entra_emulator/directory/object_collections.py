"""
The objects of one type, in order: pages, scans and counts.

A page of summaries is one range scan of a clustered table, so its cost does not
depend on where in a million objects it starts.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from entra_emulator.directory.objects import SUMMARY
from entra_emulator.directory.steps import Steps
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Tenant


class Position(NamedTuple):
    """The last object seen: its value in the order's column (None in creation order), its seq."""

    value: str | None
    seq: int


class Joined(NamedTuple):
    """Summaries or documents joined by commas; the last one's position if all that go are there."""

    body: bytes
    last: Position | None


class Documents(NamedTuple):
    """Documents of objects, and the last one's position if there are more."""

    docs: list[bytes]
    last: Position | None


class Span(NamedTuple):
    """
    Which objects of a type, and in which order.

    Args:
        order: "seq" for creation order, or the indexed "name" or "key"; equal values stand in
            creation order.
        descending: from the last to the first.
        low: the least value of the order's column, in folded case; None is open.
        high: the greatest.
    """

    order: str = "seq"
    descending: bool = False
    low: str | None = None
    high: str | None = None


EVERYTHING = Span()

# The orders that the store keeps an index of, `order` of a `Span`.
INDEXED_ORDERS = frozenset({"seq", "name", "key"})


def _begin(part: str) -> str:
    """The beginning of a document `d` that ends where the column says, closed, in SQL."""
    return (
        f"CASE WHEN o.{part} IS NULL THEN d.doc "
        f"ELSE CAST(CAST(substr(d.doc, 1, o.{part}) AS TEXT) || '}}' AS BLOB) END"
    )


def _begin_open(part: str) -> str:
    """The same without the brace at its end, which costs three copies of every one."""
    return f"substr(d.doc, 1, coalesce(o.{part}, length(d.doc) - 1))"


# The beginnings of a document that are documents themselves, and the columns of where they end.
PARTS = ("core", "brief")

# How many documents one step matches; other requests wait for no longer than that.
CHUNK = 500

# A value in the span's order, a number, and the content.
_Row = tuple[str | None, int, bytes]

# CROSS JOIN keeps the tables in this order: SQLite's planner may otherwise walk all documents.
_DOCUMENTS = "object AS o CROSS JOIN document AS d ON d.seq = o.seq"
_CONTENTS = {
    "seq": ("object AS o", "NULL"),
    "summary": ("object AS o", SUMMARY),
    "doc": (_DOCUMENTS, "d.doc"),
    **{part: (_DOCUMENTS, _begin(part)) for part in PARTS},
    **{f"open {part}": (_DOCUMENTS, _begin_open(part)) for part in PARTS},
}


class Collections:
    """
    Reads the objects of a type that are not deleted.

    Of each object it reads `what`: its "summary" (what lists show without `$select`), its whole
    document ("doc"), or a beginning of that: the "brief" document holds what is asked for most, and
    the "core" of it what nearly every client asks for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self, tenant: Tenant, kind: str) -> int:
        """How many objects of this type the tenant has."""
        statement = "SELECT number FROM tally WHERE tenant = ? AND kind = ?"
        rows = self._store.read(statement, (tenant.number, KINDS[kind].number))
        return int(rows[0][0]) if rows else 0

    def read_rows(
        self,
        tenant: Tenant,
        kind: str,
        what: str = "summary",
        span: Span = EVERYTHING,
        *,
        after: Position | None = None,
        limit: int,
    ) -> list[_Row]:
        """Up to `limit` of (value in the span's order, number, content), from behind `after`."""
        return self._store.read(*_select(tenant, kind, what, span, after=after, limit=limit))

    def read_joined(
        self,
        tenant: Tenant,
        kind: str,
        what: str,
        span: Span = EVERYTHING,
        *,
        after: Position | None = None,
        limit: int,
    ) -> Joined:
        """
        Up to `limit` summaries or documents from behind `after`.

        The database joins them: handing a row to Python costs more than copying it, and may let
        another thread go first.
        """
        opened, brace = (f"open {what}", "}") if what in PARTS else (what, "")
        statement, values = _select(tenant, kind, opened, span, after=after, limit=limit)
        end = "min" if span.descending else "max"
        # Of equal values the last one counts, which no sum over them tells.
        seqs = f"{end}(seq)" if span.order == "seq" else "group_concat(seq)"
        ((body, listed, value, number),) = self._store.read(
            f"SELECT CAST(group_concat(CAST(content AS TEXT), '{brace},') AS BLOB), "  # noqa: S608 - names of ours
            f"{seqs}, {end}(value), count(*) FROM ({statement})",
            values,
        )
        last = Position(value, int(str(listed).rpartition(",")[2])) if number == limit else None
        # Here and not in the database, where it would be a copy of all that is joined.
        return Joined(body + brace.encode() if body else b"", last)

    def has_more(self, tenant: Tenant, kind: str, span: Span, after: Position) -> bool:
        """Whether any object stands behind this position."""
        return bool(self.read_rows(tenant, kind, "seq", span, after=after, limit=1))

    def list_matching(
        self,
        tenant: Tenant,
        kind: str,
        match: Callable[[bytes], bool] | None,
        *,
        what: str = "doc",
        span: Span = EVERYTHING,
        after: Position | None = None,
        limit: int,
    ) -> Steps[Documents]:
        """
        In steps, the first `limit` documents behind `after` that match; None takes all.

        `what` is "doc" for whole documents, or "brief" for their beginnings.
        """
        matching: list[_Row] = []
        chunk = CHUNK if match else limit + 1
        for rows in self._read_chunks(tenant, kind, what, span, after=after, size=chunk):
            matching += [row for row in rows if match(row[2])] if match else rows
            if len(matching) > limit:
                break
            yield
        shown = matching[:limit]
        last = Position(*shown[-1][:2]) if shown else after or Position(None, 0)
        return Documents([doc for _, _, doc in shown], last if len(matching) > limit else None)

    def count_matching(
        self,
        tenant: Tenant,
        kind: str,
        match: Callable[[bytes], bool] | None,
        *,
        what: str = "doc",
        span: Span = EVERYTHING,
    ) -> Steps[int]:
        """In steps, how many of the span match by their "doc" or "brief"; None counts all."""
        if match is None:
            statement, values = _select(tenant, kind, "seq", span)
            ((number,),) = self._store.read(f"SELECT count(*) FROM ({statement})", values)  # noqa: S608 - names of ours
            return int(number)
        chunks = self._read_chunks(tenant, kind, what, span, after=None, size=CHUNK)
        number = 0
        for rows in chunks:
            number += sum(map(match, [doc for _, _, doc in rows]))
            yield
        return number

    def scan(
        self,
        tenant: Tenant,
        kind: str,
        span: Span = EVERYTHING,
        *,
        what: str = "doc",
        after: Position | None = None,
        chunk: int = 1000,
    ) -> Iterator[tuple[Position, bytes]]:
        """Every (position, document) from behind `after`, read in keyset chunks."""
        for rows in self._read_chunks(tenant, kind, what, span, after=after, size=chunk):
            for value, seq, doc in rows:
                yield Position(value, seq), doc

    def _read_chunks(
        self,
        tenant: Tenant,
        kind: str,
        what: str,
        span: Span,
        *,
        after: Position | None,
        size: int,
    ) -> Iterator[list[_Row]]:
        """All rows from behind `after`; each chunk is a statement of its own and locks nothing."""
        while True:
            rows = self.read_rows(tenant, kind, what, span, after=after, limit=size)
            yield rows
            if len(rows) < size:
                return
            after = Position(*rows[-1][:2])


def _select(
    tenant: Tenant,
    kind: str,
    what: str,
    span: Span,
    *,
    after: Position | None = None,
    limit: int = -1,
) -> tuple[str, Mapping[str, Any]]:
    """The SELECT for a span and its values; the statement's parts are constants."""
    sign, turn = ("<", "DESC") if span.descending else (">", "ASC")
    column = {"seq": "NULL", "name": "o.name", "key": "o.key"}[span.order]
    by = f"o.seq {turn}" if span.order == "seq" else f"{column} {turn}, o.number {turn}"
    tests = ["o.tenant = :tenant", "o.kind = :kind"]
    # The position replaces the bound on its side: given both, SQLite would start at the bound and
    # walk all rows up to the position.
    placed = after is not None and span.order != "seq"
    if span.low is not None and not (placed and not span.descending):
        tests.append(f"{column} >= :low")
    if span.high is not None and not (placed and span.descending):
        tests.append(f"{column} <= :high")
    if after is not None:
        seq = f"o.seq {sign} :seq"
        tests.append(seq if span.order == "seq" else f"({column}, o.number) {sign} (:value, :seq)")
    source, content = _CONTENTS[what]
    statement = (
        f"SELECT {column} AS value, o.seq AS seq, {content} AS content FROM {source} "  # noqa: S608 - constants
        f"WHERE {' AND '.join(tests)} ORDER BY {by} LIMIT :limit"
    )
    values = {"tenant": tenant.number, "kind": KINDS[kind].number, "limit": limit}
    position = {"value": after.value, "seq": after.seq} if after else {}
    return statement, {**values, "low": span.low, "high": span.high, **position}
