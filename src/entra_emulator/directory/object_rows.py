"""
The objects in the store: one row each, its face for lists, its whole document.

A page of faces is one range scan of a clustered table, so its cost does not
depend on where in a million objects it starts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from entra_emulator.directory.change_rows import Change, note_change
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import BY_NUMBER, KINDS

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ObjectRow(NamedTuple):
    """
    One object: what the indices know it by, its face and its whole document.

    The face is None when it is the document: comparing keys reads the whole row, and Microsoft
    Graph's service principal is a third of a megabyte. The document's first `brief` bytes, closed
    by a brace, hold what is asked for most; None means that it is not divided so. The aliases are
    what people may look for besides key and name.
    """

    id: str
    key: str
    name: str
    face: bytes | None
    doc: bytes
    brief: int | None = None
    aliases: tuple[str, ...] = ()


class StoredObject(NamedTuple):
    """
    An object as the store has it.

    Args:
        kind: its type, a key of `KINDS`.
        seq: its number.
        doc: its document, in JSON.
    """

    kind: str
    seq: int
    doc: bytes


class Position(NamedTuple):
    """The last object seen: its value in the order's column (None in creation order), its seq."""

    value: str | None
    seq: int


class Joined(NamedTuple):
    """Faces or documents of objects joined by commas, and where they end if there are more."""

    body: bytes
    last: Position | None


class Documents(NamedTuple):
    """Documents of objects, and where they end if there are more."""

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

# The face of an object `o`, in SQL.
FACE = "coalesce(o.face, (SELECT doc FROM document AS f WHERE f.seq = o.seq))"

# The beginning of a document `d` that holds what is asked for most, in SQL.
BRIEF = (
    "CASE WHEN o.brief IS NULL THEN d.doc "
    "ELSE CAST(CAST(substr(d.doc, 1, o.brief) AS TEXT) || '}' AS BLOB) END"
)

# An object has no more of them.
ALIASES = 16

# How many documents are looked at in one go; other threads wait for no more.
CHUNK = 500


def insert(
    store: Store, tenant: int, kind: str, rows: Iterable[ObjectRow], *, moment: float | None = None
) -> range:
    """
    Append objects in the given order, in one transaction; their numbers.

    Args:
        store: where.
        tenant: whose.
        kind: of which type.
        rows: the objects.
        moment: when they came to be, in seconds since 1970; None fills the directory, which is no
            change that anybody is told of.
    """
    number = KINDS[kind].number
    with store.writing() as connection:
        first = last = read_last(store)
        for batch in _batch(rows):
            numbered = list(enumerate(batch, last + 1))
            last += len(numbered)
            connection.executemany(
                "INSERT INTO object (tenant, kind, seq, id, key, name, face, brief) "  # noqa: S608 - names of ours
                f"VALUES ({tenant}, {number}, ?, ?, ?, ?, ?, ?)",
                [(seq, *row[:4], row.brief) for seq, row in numbered],
            )
            connection.executemany(
                "INSERT INTO document (seq, doc) VALUES (?, ?)",
                [(seq, row.doc) for seq, row in numbered],
            )
            _add_aliases(store, tenant, number, numbered)
            if moment is not None:
                for seq, row in numbered:
                    note_change(store, tenant, Change(kind, seq, row.id, moment, "created"))
    return range(first + 1, last + 1)


def read_last(store: Store) -> int:
    """The greatest number that an object ever had."""
    rows = store.read("SELECT seq FROM sqlite_sequence WHERE name = 'document'")
    return int(rows[0][0]) if rows else 0


def replace(store: Store, tenant: int, kind: str, row: ObjectRow, *, moment: float) -> None:
    """Write an object anew where it stands, and note which properties changed."""
    with store.writing() as connection:
        found = find(store, tenant, kind, "id", row.id)
        if not found or found[0].doc == row.doc:
            return
        (held,) = found
        connection.execute("UPDATE document SET doc = ? WHERE seq = ?", (row.doc, held.seq))
        connection.execute(
            "UPDATE object SET key = ?, name = ?, face = ?, brief = ? "
            "WHERE tenant = ? AND kind = ? AND seq = ?",
            (row.key, row.name, row.face, row.brief, tenant, KINDS[kind].number, held.seq),
        )
        drop_aliases(store, held.seq)
        _add_aliases(store, tenant, KINDS[kind].number, [(held.seq, row)])
        names = tuple(_compare(held.doc, row.doc))
        change = Change(kind, held.seq, row.id, moment, "updated", names, before=held.doc)
        note_change(store, tenant, change)


def remove(store: Store, tenant: int, kind: str, seq: int) -> None:
    """Take an object out of its collection; its document stays."""
    with store.writing() as connection:
        connection.execute(
            "DELETE FROM object WHERE tenant = ? AND kind = ? AND seq = ?",
            (tenant, KINDS[kind].number, seq),
        )


def find(
    store: Store, tenant: int | None, kind: str | None, column: str, value: str
) -> list[StoredObject]:
    """The objects whose `id`, `key` or `name` is `value`; None is any tenant, any type by ID."""
    assert column in {"id", "key", "name"}
    place = "o.kind = :kind" if kind else "TRUE"
    tenants = ":tenant" if tenant is not None else "SELECT number FROM tenant"
    rows = store.read(
        "SELECT o.kind, o.seq, d.doc FROM object AS o "  # noqa: S608 - constants
        f"CROSS JOIN document AS d ON d.seq = o.seq WHERE o.{column} = :value "
        f"AND {place} AND o.tenant IN ({tenants})",
        {"value": value, "kind": KINDS[kind].number if kind else None, "tenant": tenant},
    )
    return [StoredObject(BY_NUMBER[number].name, seq, doc) for number, seq, doc in rows]


def read_rows(
    store: Store,
    tenant: int,
    kind: str,
    what: str,
    span: Span,
    *,
    after: Position | None = None,
    limit: int,
) -> list[tuple[str | None, int, bytes]]:
    """Up to `limit` (value, seq, content) from behind `after`; `what` is a key of _CONTENTS."""
    statement, values = _ask(what, span, after)
    known = {"tenant": tenant, "kind": KINDS[kind].number, "limit": limit}
    return store.read(statement, {**values, **known})


def read_joined(
    store: Store,
    tenant: int,
    kind: str,
    what: str,
    span: Span,
    *,
    after: Position | None = None,
    limit: int,
) -> Joined:
    """
    Up to `limit` faces or documents from behind `after`.

    In creation order the database puts them together: each row that Python sees costs more than
    to copy it, and may let another thread go first.
    """
    if span.order != "seq":
        rows = read_rows(store, tenant, kind, what, span, after=after, limit=limit + 1)
        last = Position(*rows[limit - 1][:2]) if len(rows) > limit else None
        return Joined(b",".join([content for _, _, content in rows[:limit]]), last)
    statement, values = _ask(what, span, after)
    known = {"tenant": tenant, "kind": KINDS[kind].number, "limit": limit}
    end = "min(seq)" if span.descending else "max(seq)"
    ((body, seq, number),) = store.read(
        f"SELECT CAST(group_concat(CAST(content AS TEXT)) AS BLOB), {end}, count(*) "  # noqa: S608 - names of ours
        f"FROM ({statement})",
        {**values, **known},
    )
    last = Position(None, seq) if number == limit else None
    if last and not read_rows(store, tenant, kind, "seq", span, after=last, limit=1):
        last = None
    return Joined(body or b"", last)


def list_matching(
    store: Store,
    tenant: int,
    kind: str,
    match: Callable[[bytes], bool] | None,
    *,
    what: str = "doc",
    span: Span = EVERYTHING,
    after: Position | None = None,
    limit: int,
) -> Documents:
    """The first `limit` documents, whole or brief, behind `after` that match; None takes all."""
    found: list[tuple[str | None, int, bytes]] = []
    chunk = CHUNK if match else limit + 1
    place = after
    while True:
        rows = read_rows(store, tenant, kind, what, span, after=place, limit=chunk)
        found += [row for row in rows if match(row[2])] if match else rows
        if len(found) > limit or len(rows) < chunk:
            break
        place = Position(rows[-1][0], rows[-1][1])
    shown = found[:limit]
    last = Position(*shown[-1][:2]) if shown else after or Position(None, 0)
    return Documents([doc for _, _, doc in shown], last if len(found) > limit else None)


def count_matching(
    store: Store,
    tenant: int,
    kind: str,
    match: Callable[[bytes], bool] | None,
    *,
    what: str = "doc",
    span: Span = EVERYTHING,
) -> int:
    """How many objects of the span match with their documents, whole or brief; None takes all."""
    if match is None:
        statement, values = _ask("seq", span, None)
        known = {"tenant": tenant, "kind": KINDS[kind].number, "limit": -1}
        ((number,),) = store.read(f"SELECT count(*) FROM ({statement})", {**values, **known})  # noqa: S608 - names of ours
        return int(number)
    total = 0
    after: Position | None = None
    while True:
        rows = read_rows(store, tenant, kind, what, span, after=after, limit=CHUNK)
        total += sum(map(match, [doc for _, _, doc in rows]))
        if len(rows) < CHUNK:
            return total
        after = Position(rows[-1][0], rows[-1][1])


def scan(
    store: Store,
    tenant: int,
    kind: str,
    span: Span = EVERYTHING,
    *,
    what: str = "doc",
    after: Position | None = None,
    chunk: int = 1000,
) -> Iterator[tuple[Position, bytes]]:
    """Every (position, document) from behind `after`, read in keyset chunks."""
    while True:
        rows = read_rows(store, tenant, kind, what, span, after=after, limit=chunk)
        for value, seq, doc in rows:
            yield Position(value, seq), doc
        if len(rows) < chunk:
            return
        after = Position(rows[-1][0], rows[-1][1])


_DOCUMENTS = "object AS o CROSS JOIN document AS d ON d.seq = o.seq"
_CONTENTS = {
    "seq": ("object AS o", "NULL"),
    "face": ("object AS o", FACE),
    "doc": (_DOCUMENTS, "d.doc"),
    "brief": (_DOCUMENTS, BRIEF),
}


def _ask(what: str, span: Span, after: Position | None) -> tuple[str, Mapping[str, Any]]:
    """The SELECT for a span; its parts are constants, its values parameters."""
    sign, turn = ("<", "DESC") if span.descending else (">", "ASC")
    column = {"seq": "NULL", "name": "o.name", "key": "o.key"}[span.order]
    by = f"o.seq {turn}" if span.order == "seq" else f"{column} {turn}, o.seq {turn}"
    tests = ["o.tenant = :tenant", "o.kind = :kind"]
    # The position stands for the bound on its side: of both SQLite takes the bound, and walks.
    placed = after is not None and span.order != "seq"
    if span.low is not None and not (placed and not span.descending):
        tests.append(f"{column} >= :low")
    if span.high is not None and not (placed and span.descending):
        tests.append(f"{column} <= :high")
    if after is not None:
        seq = f"o.seq {sign} :seq"
        tests.append(seq if span.order == "seq" else f"({column}, o.seq) {sign} (:value, :seq)")
    source, wanted = _CONTENTS[what]
    statement = (
        f"SELECT {column} AS value, o.seq AS seq, {wanted} AS content FROM {source} "  # noqa: S608 - constants
        f"WHERE {' AND '.join(tests)} ORDER BY {by} LIMIT :limit"
    )
    position = {"value": after.value, "seq": after.seq} if after else {}
    return statement, {"low": span.low, "high": span.high, **position}


def read_document(store: Store, seq: int) -> bytes | None:
    """The document of the object of this number, in the recycle bin or not."""
    rows = store.read("SELECT doc FROM document WHERE seq = ?", (seq,))
    return rows[0][0] if rows else None


def drop_document(store: Store, seq: int) -> None:
    """Forget an object that is in no collection any more."""
    with store.writing() as connection:
        connection.execute("DELETE FROM document WHERE seq = ?", (seq,))
        drop_aliases(store, seq)


def drop_aliases(store: Store, seq: int) -> None:
    """Forget what else an object is called."""
    with store.writing() as connection:
        span = (seq * ALIASES, seq * ALIASES + ALIASES - 1)
        connection.execute("DELETE FROM alias WHERE place BETWEEN ? AND ?", span)


def _add_aliases(
    store: Store, tenant: int, kind: int, numbered: Iterable[tuple[int, ObjectRow]]
) -> None:
    with store.writing() as connection:
        connection.executemany(
            f"INSERT INTO alias (place, tenant, kind, word) VALUES (?, {tenant}, {kind}, ?)",  # noqa: S608 - numbers of ours
            [
                pair
                for seq, row in numbered
                for pair in enumerate(row.aliases[:ALIASES], seq * ALIASES)
            ],
        )


def _compare(before: bytes, after: bytes) -> list[str]:
    """The properties in which two documents differ."""
    old, new = _split(before), _split(after)
    names = dict.fromkeys((*old, *new))
    return [name for name in names if bytes(old.get(name, b"")) != bytes(new.get(name, b""))]


def _batch(rows: Iterable[ObjectRow]) -> Iterator[list[ObjectRow]]:
    rest = iter(rows)
    while batch := list(islice(rest, 5000)):
        yield batch
