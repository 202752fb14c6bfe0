"""
The links between objects: members, owners, managers.

A link is a pair of object numbers in each direction's index, so a page of a
group's members is a range scan like every other page.
"""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from entra_emulator.directory.changes import Change, Changes
from entra_emulator.directory.objects import SUMMARY, Objects, StoredObject
from entra_emulator.directory.representation import WHOLE, read_id, render_reference
from entra_emulator.directory.store import Store
from entra_emulator.model import schema
from entra_emulator.model.kinds import BY_NUMBER, KINDS, RELATIONS
from entra_emulator.model.records import Tenant


class LinkQuery(NamedTuple):
    """
    Which neighbours of an object.

    Args:
        relation: a key of RELATIONS.
        seq: the object's number.
        reverse: not whom it has, but who has it: a user's groups.
        deep: through the groups in between too.
        kinds: only neighbours of these types; None takes all.
    """

    relation: str
    seq: int
    reverse: bool = False
    deep: bool = False
    kinds: Collection[str] | None = None


class JoinedNeighbours(NamedTuple):
    """
    What is shown of neighbours, joined by commas.

    Args:
        body: the JSON.
        number: how many there are.
        last: the last one's number in the directory.
        kinds: the type of each; not told of a `mixed` list, which names them.
    """

    body: bytes
    number: int
    last: int
    kinds: list[str]


class MixedForm(NamedTuple):
    """
    How a list of several types shows objects: type and ID in front, and then the summary.

    Args:
        readable: of objects of other types than these nothing else is shown.
        typed: whether each has its type.
    """

    readable: frozenset[str]
    typed: bool


class Reference(NamedTuple):
    """What is known of an object at the other end of a link, without its document."""

    seq: int
    kind: str
    id: str


# What an object that tells its type begins with, behind the brace.
_TYPE = '"@odata.type":"#microsoft.graph.'

# Takes the tenant, the relation, and the two objects.
Follower = Callable[[Tenant, str, StoredObject, StoredObject], None]


class Links:
    """Who is a member, owner or manager of whom; the relations are the keys of `RELATIONS`."""

    def __init__(self, store: Store, objects: Objects, changes: Changes) -> None:
        self._store = store
        self._objects, self._changes = objects, changes
        self._followers: list[Follower] = []

    def tell(self, follower: Follower) -> None:
        """Call this from now on, in the same transaction, when two objects are (un)linked."""
        self._followers.append(follower)

    def fill(
        self,
        relation: str,
        source_kind: str,
        target_kind: str,
        pairs: Iterable[tuple[int, int]],
    ) -> int:
        """
        Link each pair of (source, target) numbers; how many were not linked already.

        Delta queries are told of no change.
        """
        numbers = (KINDS[source_kind].number, KINDS[target_kind].number)
        with self._store.writing() as connection:
            # What IGNORE leaves out does not count, so that the sum tells new links from old.
            return connection.executemany(
                "INSERT OR IGNORE INTO link (relation, source, target, source_kind, target_kind) "  # noqa: S608 - names of ours
                f"VALUES ({RELATIONS[relation]}, ?, ?, {numbers[0]}, {numbers[1]})",
                pairs,
            ).rowcount

    def add(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject
    ) -> bool:
        """Link two objects; False when they were linked already."""
        with self._store.writing():
            pair = [(source.seq, target.seq)]
            if not self.fill(relation, source.kind, target.kind, pair):
                return False
            self._note(tenant, relation, source, target, "linked")
            self._tell(tenant, relation, source, target)
        return True

    def remove(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject
    ) -> bool:
        """Unlink two objects; False when they were not linked."""
        with self._store.writing():
            ends = {"source": source.seq, "target": target.seq}
            if not self._drop(relation=relation, **ends):
                return False
            self._note(tenant, relation, source, target, "unlinked")
            self._tell(tenant, relation, source, target)
        return True

    def clear(self, tenant: Tenant, relation: str, source: StoredObject) -> None:
        """
        Unlink everything, what is in the recycle bin too.

        Who gets another manager has that one alone, also when a deleted one is restored.
        """
        with self._store.writing():
            for target in self.list_references(tenant, relation, source.seq, after=0, limit=-1):
                doc = self._objects.read_document(target.seq)
                assert doc is not None, "a link's target exists"
                self.remove(tenant, relation, source, StoredObject(target.kind, target.seq, doc))

    def forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Remove every link of an object that is gone for ever; its sources have changed."""
        with self._store.writing():
            for relation, kind, seq in self._list_sources(gone.seq):
                doc = self._objects.read_document(seq)
                assert doc is not None, "a link's source exists"
                # The members of a group have changed, and its delta has to say so.
                self._note(tenant, relation, StoredObject(kind, seq, doc), gone, "unlinked")
            self._drop(source=gone.seq)
            self._drop(target=gone.seq)

    def list_neighbours(
        self,
        tenant: Tenant,
        links: LinkQuery,
        *,
        after: int = 0,
        limit: int = -1,
        back: bool = False,
    ) -> list[StoredObject]:
        """
        Up to `limit` neighbours numbered above `after`, in order; deleted objects are not there.

        Those before it, nearest first, when it goes `back`.
        """
        sign, turn = ("<", "DESC") if back else (">", "ASC")
        rows = self._store.read(
            f"WITH RECURSIVE {_walk(links)} "  # noqa: S608 - constants
            "SELECT o.kind, o.seq, d.doc FROM near AS n CROSS JOIN object AS o "
            "ON o.tenant = :tenant AND o.kind = n.kind AND o.seq = n.seq "
            "JOIN document AS d USING (seq) "
            f"WHERE n.seq {sign} :after {_restrict(links)} ORDER BY n.seq {turn} LIMIT :limit",
            {"tenant": tenant.number, "seq": links.seq, "after": after, "limit": limit},
        )
        return [StoredObject(BY_NUMBER[number].name, seq, doc) for number, seq, doc in rows]

    def list_firsts(
        self, tenant: Tenant, relation: str, sources: Collection[int]
    ) -> dict[int, StoredObject]:
        """The first object that each of these has, by their numbers, where it has any."""
        marks = ", ".join("?" * len(sources))
        rows = self._store.read(
            "SELECT l.source, o.kind, o.seq, d.doc FROM link AS l CROSS JOIN object AS o "  # noqa: S608 - question marks
            "ON o.tenant = ? AND o.kind = l.target_kind AND o.seq = l.target "
            "CROSS JOIN document AS d ON d.seq = o.seq "
            f"WHERE l.relation = ? AND l.source IN ({marks}) ORDER BY l.source DESC, l.target DESC",
            (tenant.number, RELATIONS[relation], *sources),
        )
        # Later rows replace earlier ones.
        return {
            source: StoredObject(BY_NUMBER[number].name, seq, doc)
            for source, number, seq, doc in rows
        }

    def join_neighbours(
        self,
        tenant: Tenant,
        links: LinkQuery,
        *,
        after: int = 0,
        limit: int,
        mixed: MixedForm | None = None,
    ) -> JoinedNeighbours:
        """The summaries of up to `limit` neighbours numbered above `after`, or `mixed`."""
        # The database joins them: handing a row to Python costs more than copying it.
        content, opening, closing, kinds = SUMMARY, "", "", "group_concat(kind)"
        if mixed is not None:
            content, kinds = _write_mixed(mixed), "NULL"
            opening, closing = "{" + _TYPE * mixed.typed, "}"
        ((body, number, last, kinds),) = self._store.read(
            f"WITH RECURSIVE {_walk(links)} "  # noqa: S608 - constants
            f"SELECT CAST(group_concat(CAST(content AS TEXT), '{closing},{opening}') AS BLOB), "
            f"count(*), max(seq), {kinds} "
            f"FROM (SELECT {content} AS content, o.kind AS kind, o.seq AS seq "
            "FROM near AS n CROSS JOIN object AS o "
            "ON o.tenant = :tenant AND o.kind = n.kind AND o.seq = n.seq "
            f"WHERE n.seq > :after {_restrict(links)} ORDER BY n.seq LIMIT :limit)",
            {"tenant": tenant.number, "seq": links.seq, "after": after, "limit": limit},
        )
        names = [BY_NUMBER[int(kind)].name for kind in kinds.split(",")] if kinds else []
        if number:
            body = b"%b%b%b" % (opening.encode(), body, closing.encode())
        return JoinedNeighbours(body or b"", number, last or after, names)

    def has_more(self, tenant: Tenant, links: LinkQuery, after: int) -> bool:
        """Whether any neighbour is numbered above `after`."""
        return bool(self.list_neighbours(tenant, links, after=after, limit=1))

    def count_neighbours(self, tenant: Tenant, links: LinkQuery, *, most: int = -1) -> int:
        """How many neighbours there are; nobody counts beyond `most`."""
        ((number,),) = self._store.read(
            f"WITH RECURSIVE {_walk(links)} "  # noqa: S608 - constants
            "SELECT count(*) FROM (SELECT 1 FROM near AS n CROSS JOIN object AS o "
            "ON o.tenant = :tenant AND o.kind = n.kind AND o.seq = n.seq "
            f"WHERE TRUE {_restrict(links)} LIMIT :most)",
            {"tenant": tenant.number, "seq": links.seq, "most": most},
        )
        return int(number)

    def list_references(
        self, tenant: Tenant, relation: str, source: int, *, after: int, limit: int
    ) -> list[Reference]:
        """Up to `limit` targets numbered above `after`, in order; those in the recycle bin too."""
        # A deleted member stays in the delta of its group until it is purged ("Get incremental
        # changes for groups", Microsoft Graph), and so do its links.
        rows = self._store.read(
            "SELECT l.target, l.target_kind, coalesce(o.id, x.id) FROM link AS l "
            "LEFT JOIN object AS o "
            "ON o.tenant = :tenant AND o.kind = l.target_kind AND o.seq = l.target "
            "LEFT JOIN deleted AS x "
            "ON x.tenant = :tenant AND x.kind = l.target_kind AND x.seq = l.target "
            "WHERE l.relation = :relation AND l.source = :source AND l.target > :after "
            "ORDER BY l.target LIMIT :limit",
            {
                "tenant": tenant.number,
                "relation": RELATIONS[relation],
                "source": source,
                "after": after,
                "limit": limit,
            },
        )
        return [Reference(seq, BY_NUMBER[number].name, key) for seq, number, key in rows]

    def find_linked(self, relation: str, source: int, targets: Collection[int]) -> set[int]:
        """Those of the targets that the source is linked to."""
        marks = ", ".join("?" * len(targets))
        rows = self._store.read(
            f"SELECT target FROM link WHERE relation = ? AND source = ? AND target IN ({marks})",  # noqa: S608 - names of ours
            (RELATIONS[relation], source, *targets),
        )
        return {target for (target,) in rows}

    def _tell(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject
    ) -> None:
        for follower in self._followers:
            follower(tenant, relation, source, target)

    def _note(
        self, tenant: Tenant, relation: str, source: StoredObject, target: StoredObject, what: str
    ) -> None:
        change = Change(
            source.kind,
            source.seq,
            read_id(source.doc),
            self._store.clock.now(),
            what,
            (relation,),
            target.seq,
            render_reference(target.kind, read_id(target.doc)),
        )
        self._changes.note(tenant, change)

    def _list_sources(self, target: int) -> list[tuple[str, str, int]]:
        """Who is linked to this object: (relation, type, number)."""
        names = {number: name for name, number in RELATIONS.items()}
        rows = self._store.read(
            "SELECT relation, source_kind, source FROM link "  # noqa: S608 - numbers of ours
            f"WHERE relation IN ({', '.join(map(str, names))}) AND target = ? "
            "ORDER BY relation, source",
            (target,),
        )
        return [(names[relation], BY_NUMBER[number].name, seq) for relation, number, seq in rows]

    def _drop(
        self,
        *,
        relation: str | None = None,
        source: int | None = None,
        target: int | None = None,
    ) -> int:
        """Remove the links that match all arguments; returns how many there were."""
        with self._store.writing() as connection:
            # Every index of the links begins with the relation: naming all of them lets SQLite use
            # one.
            known = [RELATIONS[relation]] if relation else list(RELATIONS.values())
            ends = {"source": source, "target": target}
            tests = [f"{end} = :{end}" for end, seq in ends.items() if seq is not None]
            return connection.execute(
                f"DELETE FROM link WHERE relation IN ({', '.join(map(str, known))}) "  # noqa: S608 - names of ours
                f"AND {' AND '.join(tests)}",
                ends,
            ).rowcount


def _write_mixed(form: MixedForm) -> str:
    """What `form` shows of an object `o`, without what all of them begin and end with, in SQL."""
    cases = " ".join(
        f"WHEN {kind.number} THEN {_write_kind(kind.name, form)}" for kind in KINDS.values()
    )
    return f"CASE o.kind {cases} END"


def _write_kind(kind: str, form: MixedForm) -> str:
    name = f"""{kind}",""" * form.typed
    identified = f"""'{name}"id":"' || o.id || '"'"""
    if kind not in form.readable:
        return identified
    if kind in WHOLE:
        return f"'{name}' || substr({SUMMARY}, 2, length({SUMMARY}) - 2)"
    if schema.default(kind)[0] == "id":
        return f"'{name}' || substr(o.face, 2, length(o.face) - 2)"
    # The ID stands at the end of summaries, behind a comma, its name and a quote.
    return f"{identified} || ',' || substr(o.face, 2, length(o.face) - length(o.id) - 10)"


def _walk(links: LinkQuery) -> str:
    """The table `near` of (seq, kind) for a `WITH RECURSIVE`."""
    # UNION drops rows that are there already, so that groups which contain each other end.
    here, there = ("target", "source") if links.reverse else ("source", "target")
    relation = RELATIONS[links.relation]
    step = f"SELECT {there}, {there}_kind FROM link WHERE relation = {relation} AND {here} = :seq"  # noqa: S608 - names of ours
    if not links.deep:
        return f"near (seq, kind) AS ({step})"
    return (
        f"near (seq, kind) AS ({step} UNION SELECT l.{there}, l.{there}_kind FROM near AS n "  # noqa: S608 - names of ours
        f"CROSS JOIN link AS l ON l.relation = {relation} AND l.{here} = n.seq)"
    )


def _restrict(links: LinkQuery) -> str:
    if links.kinds is None:
        return ""
    return f"AND n.kind IN ({', '.join(str(KINDS[kind].number) for kind in links.kinds)})"
