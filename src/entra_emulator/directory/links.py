"""Links between objects: made, removed and followed; what is linked now is noted as a change."""

from collections.abc import Collection, Iterable

from entra_emulator.clock import Clock
from entra_emulator.directory import change_rows, link_rows, object_rows
from entra_emulator.directory.change_rows import Change
from entra_emulator.directory.link_rows import LinkQuery, Neighbour, Reference
from entra_emulator.directory.object_rows import StoredObject
from entra_emulator.directory.representation import read_id, render_reference
from entra_emulator.directory.store import Store
from entra_emulator.model.records import Tenant


class Links:
    """Who is a member, owner or manager of whom; the relations are the keys of `RELATIONS`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def fill(
        self, relation: str, source_kind: str, target_kind: str, pairs: Iterable[tuple[int, int]]
    ) -> None:
        """Link objects given by number; delta queries are told of no change."""
        link_rows.add_links(self._store, relation, source_kind, target_kind, pairs)

    def add(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject
    ) -> bool:
        """Link two objects; False when they were linked already."""
        with self._store.writing():
            pair = [(source.seq, target.seq)]
            if not link_rows.add_links(self._store, relation, source.kind, target.kind, pair):
                return False
            self._note(tenant, relation, source, target, "linked")
        return True

    def remove(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject
    ) -> bool:
        """Unlink two objects; False when they were not linked."""
        with self._store.writing():
            ends = {"source": source.seq, "target": target.seq}
            if not link_rows.drop_links(self._store, relation=relation, **ends):
                return False
            self._note(tenant, relation, source, target, "unlinked")
        return True

    def forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Remove every link of an object that is gone for ever; its sources have changed."""
        with self._store.writing():
            for relation, kind, seq in link_rows.list_sources(self._store, gone.seq):
                doc = object_rows.read_document(self._store, seq)
                assert doc is not None, "a link's source exists"
                self._note(tenant, relation, StoredObject(kind, seq, doc), gone, "unlinked")
            link_rows.drop_links(self._store, source=gone.seq)
            link_rows.drop_links(self._store, target=gone.seq)

    def list_neighbours(
        self,
        tenant: Tenant,
        links: LinkQuery,
        *,
        what: str = "doc",
        after: int = 0,
        limit: int = -1,
        back: bool = False,
    ) -> list[Neighbour]:
        """Up to `limit` linked objects numbered above `after`, or `back` below it."""
        return link_rows.list_linked(
            self._store, tenant.number, links, what=what, after=after, limit=limit, back=back
        )

    def count_neighbours(self, tenant: Tenant, links: LinkQuery, *, most: int = -1) -> int:
        """How many linked objects there are; counting stops at `most`."""
        return link_rows.count_linked(self._store, tenant.number, links, most=most)

    def list_references(
        self, tenant: Tenant, relation: str, seq: int, *, after: int, limit: int
    ) -> list[Reference]:
        """Up to `limit` objects that one is linked to, in the recycle bin or not, in order."""
        return link_rows.list_references(
            self._store, tenant.number, relation, seq, after=after, limit=limit
        )

    def find_linked(self, relation: str, seq: int, targets: Collection[int]) -> set[int]:
        """Those of the targets that an object is linked to."""
        return link_rows.find_linked(self._store, relation, seq, targets)

    def _note(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject, what: str
    ) -> None:
        change = Change(
            source.kind,
            source.seq,
            read_id(source.doc),
            self._clock.now(),
            what,
            (relation,),
            target.seq,
            render_reference(target.kind, read_id(target.doc)),
        )
        change_rows.note_change(self._store, tenant.number, change)
