"""
Looking through a million objects by the beginnings of what they are called.

Three indices are read one after the other: display names, keys, and the other words of `alias`.
A page is a few range scans, wherever it is in the list.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from entra_emulator.directory.objects import ALIASES, StoredObject
from entra_emulator.directory.representation import list_addresses
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode

# What begins alike is called nothing greater.
LAST = "\U0010ffff"

# An object that an earlier index lists is passed over in the later ones; a page passes over no
# more than so many.
MOST_PASSED = 1000

_CHUNK = 250

_NAME, _KEY, _ALIAS = range(3)

_ROWS = {
    _NAME: "SELECT o.name, o.seq, o.name, o.key FROM object AS o WHERE {place} AND {range}",
    _KEY: "SELECT o.key, o.seq, o.name, o.key FROM object AS o WHERE {place} AND {range}",
    _ALIAS: (
        "SELECT o.word, o.place, x.name, x.key FROM alias AS o CROSS JOIN object AS x "  # noqa: S608 - a number of ours
        f"ON x.tenant = o.tenant AND x.kind = o.kind AND x.seq = o.place / {ALIASES} "
        "WHERE {place} AND {range} AND NOT EXISTS (SELECT 1 FROM alias AS b "
        f"WHERE b.place BETWEEN x.seq * {ALIASES} AND x.seq * {ALIASES} + {ALIASES - 1} "
        "AND b.word >= :low AND b.word < o.word)"
    ),
}
_COLUMNS = {
    _NAME: ("o.name", "o.number"),
    _KEY: ("o.key", "o.number"),
    _ALIAS: ("o.word", "o.place"),
}


class SearchPosition(NamedTuple):
    """
    Where an object stands in the list.

    Args:
        way: which index found it.
        value: what it stands under there.
        number: which one of those under the same value: the object's, or the alias's place.
    """

    way: int
    value: str
    number: int

    @property
    def seq(self) -> int:
        """The object's number."""
        return self.number // ALIASES if self.way == _ALIAS else self.number


class SearchPage(NamedTuple):
    """
    A page of the list.

    Args:
        objects: what is on it.
        before: where the page before it ends, if there is one.
        after: where the page behind it begins, if there is one.
        cut: more objects match, but finding them would pass over too many shown already.
    """

    objects: list[StoredObject]
    before: SearchPosition | None
    after: SearchPosition | None
    cut: bool


class Search:
    """Finds objects by beginnings of what they are called, by mail addresses, by unique names."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def browse(
        self,
        tenant: Tenant,
        kind: str,
        text: str = "",
        *,
        start: SearchPosition | None = None,
        back: bool = False,
        limit: int = 50,
    ) -> SearchPage:
        """
        A page of the objects of which a name begins with `text`, in any case of letters.

        Args:
            tenant: whose objects.
            kind: their type.
            text: the beginning; empty is everybody, by display name.
            start: a page's `before` or `after`.
            back: whether the page ends there, instead of beginning behind it.
            limit: the most on a page.
        """
        walk = _Walk(self._store, tenant.number, kind, text.casefold(), start, back=back)
        hits = list(islice(walk.list_hits(), limit + 1))
        more = len(hits) > limit
        if back and not more and start is not None:  # the first page is a full one
            return self.browse(tenant, kind, text, limit=limit)
        shown = hits[:limit][:: -1 if back else 1]
        before = shown[0] if shown and (more if back else start) else None
        after = shown[-1] if shown and (back or more) else None
        return SearchPage(_fetch(self._store, kind, shown), before, after, walk.cut)

    def find_by_address(self, tenant: Tenant, address: str) -> list[StoredObject]:
        """The users and groups that have this mail address, in any case of letters."""
        folded = address.casefold()
        local = folded.partition("@")[0]
        keys = ((local, local), (f"{local}@", f"{local}@{LAST}"))
        candidates = [
            one
            for kind in ("user", "group")
            for one in self._find_called(tenant, kind, folded, keys)
        ]
        return [one for one in candidates if folded in list_addresses(_decode(one.doc))]

    def find_by_unique_name(self, tenant: Tenant, kind: str, name: str) -> StoredObject | None:
        """The object of a type with this `uniqueName`."""
        candidates = self._find_called(tenant, kind, name.casefold(), ())
        return next((one for one in candidates if _decode(one.doc).get("uniqueName") == name), None)

    def _find_called(
        self, tenant: Tenant, kind: str, alias: str, keys: Iterable[tuple[str, str]]
    ) -> list[StoredObject]:
        """The objects with this alias, or with a key between two of these, in folded case."""
        known = {"tenant": tenant.number, "kind": KINDS[kind].number}
        seqs = self._store.read(
            f"SELECT place / {ALIASES} FROM alias "  # noqa: S608 - a number of ours
            "WHERE tenant = :tenant AND kind = :kind AND word = :word",
            known | {"word": alias},
        )
        for low, high in keys:
            seqs += self._store.read(
                "SELECT seq FROM object WHERE tenant = :tenant AND kind = :kind "
                "AND key BETWEEN :low AND :high",
                known | {"low": low, "high": high},
            )
        if not seqs:
            return []
        rows = self._store.read(
            "SELECT o.seq, d.doc FROM object AS o CROSS JOIN document AS d ON d.seq = o.seq "  # noqa: S608 - numbers of ours
            "WHERE o.tenant = :tenant AND o.kind = :kind "
            f"AND o.seq IN ({', '.join(str(seq) for (seq,) in seqs)})",
            known,
        )
        return [StoredObject(kind, seq, doc) for seq, doc in rows]


class _Walk:
    """One way through the indices."""

    def __init__(
        self,
        store: Store,
        tenant: int,
        kind: str,
        text: str,
        start: SearchPosition | None,
        *,
        back: bool,
    ) -> None:
        self._store, self._back, self._text = store, back, text
        # The position comes from a link that anybody can change.
        sound = start and start.value.startswith(text) and start.number.bit_length() < 64
        self._start = start if sound else None
        self._number = KINDS[kind].number
        self._known = {
            "tenant": tenant,
            "kind": self._number,
            "low": text,
            "high": text + LAST,
            "limit": _CHUNK,
        }
        self.cut = False

    def list_hits(self) -> Iterator[SearchPosition]:
        """The position of each object, once."""
        indices = [_NAME, _KEY, _ALIAS] if self._text else [_NAME]
        here = self._start.way if self._start else 0
        ahead = [i for i in indices if (i <= here if self._back else i >= here)]
        for index in sorted(ahead, reverse=self._back):
            at = self._start if self._start and self._start.way == index else None
            yield from self._list_one(index, at)

    def _list_one(self, index: int, at: SearchPosition | None) -> Iterator[SearchPosition]:
        passed = 0
        while True:
            rows = self._read(index, at)
            for value, number, name, key in rows:
                at = SearchPosition(index, value, number)
                if self._is_known(index, name, key):
                    passed += 1
                else:
                    yield at
            if len(rows) < _CHUNK:
                return
            if passed >= MOST_PASSED:
                self.cut = True
                return

    def _is_known(self, index: int, name: str, key: str) -> bool:
        """Whether an index that is asked earlier has it too."""
        if index == _NAME:
            return False
        return name.startswith(self._text) or (index == _ALIAS and key.startswith(self._text))

    def _read(self, index: int, at: SearchPosition | None) -> list[tuple[str, int, str, str]]:
        column, last = _COLUMNS[index]
        sign, turn = ("<", "DESC") if self._back else (">", "ASC")
        bounds = {">": f"{column} >= :low", "<": f"{column} <= :high"}
        if at is not None:
            # It replaces the bound: given both, SQLite would start at the bound and walk.
            bounds[sign] = f"({column}, {last}) {sign} (:value, :number)"
        statement = _ROWS[index].format(
            place="o.tenant = :tenant AND o.kind = :kind", range=" AND ".join(bounds.values())
        )
        position = {"value": at.value, "number": at.number} if at else {}
        return self._store.read(
            f"{statement} ORDER BY {column} {turn}, {last} {turn} LIMIT :limit",
            self._known | position,
        )


def _fetch(store: Store, kind: str, places: list[SearchPosition]) -> list[StoredObject]:
    if not places:
        return []
    marks = ", ".join("?" * len(places))
    rows = store.read(
        f"SELECT seq, doc FROM document WHERE seq IN ({marks})",  # noqa: S608 - question marks
        [place.seq for place in places],
    )
    docs = dict(rows)
    return [StoredObject(kind, place.seq, docs[place.seq]) for place in places if place.seq in docs]
