"""Where the records of a report come from: Graph or a store. It is all of them, or an error."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from graphdaemon.client.reports.related import Related, Relation, read_each
from graphdaemon.errors import UnprovedError, UsageError
from graphdaemon.graph.batch import BATCH_SIZE
from graphdaemon.graph.page import ids_of, read_record
from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import Corrections, ListingRecord

if TYPE_CHECKING:
    from graphdaemon.client.client import Client
    from graphdaemon.store.tenant_history import TenantHistory

T = TypeVar("T")

# So often a list is read that nothing else can prove complete, until two readings agree.
_MOST_READINGS = 4


class Coverage(msgspec.Struct):
    """
    The proof that a part of a report is complete.

    Attributes:
        collection: What was read.
        records: How many records there are.
        requests: How many requests it took; 0 if they come from a store.
        why: Why these are all records, as a sentence.
    """

    collection: str
    records: int
    requests: int
    why: str


class Source(Protocol):
    """
    Where records come from.

    Attributes:
        coverage: What has been read so far, and why it is complete.
    """

    coverage: list[Coverage]

    async def read(
        self, collection: str, select: Sequence[str], make: Callable[[Mapping[str, Any]], T | None]
    ) -> dict[str, T]:
        """
        Return what `make` returns for each record of a collection, by ID, without None.

        Raises:
            UnprovedError: Nothing proves that the records are complete.
            Error: They cannot be read.
        """

    async def read_related(
        self,
        collection: str,
        name: str,
        ids: Sequence[str],
        among: int | None,
        select: Sequence[str] = (),
    ) -> Related | None:
        """
        Return the related objects of objects, by ID; None if the source does not have them.

        Args:
            collection: The collection of the objects.
            name: The navigation property.
            ids: The objects' IDs.
            among: How many objects the collection has; None if the lists may be long.
            select: The properties to read of each related object; empty for all.
        """

    async def get(self, path: str) -> Mapping[str, Any] | None:
        """Return one object; None where the source does not have it."""


def count_records(source: Source, collection: str) -> int:
    """Return how many records a collection had when the source read it."""
    return next(one.records for one in source.coverage if one.collection == collection)


class GraphSource:
    """
    Graph, through a client.

    Args:
        client: The client.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self.coverage: list[Coverage] = []

    async def read(
        self, collection: str, select: Sequence[str], make: Callable[[Mapping[str, Any]], T | None]
    ) -> dict[str, T]:
        """List a collection with proof, as `Source.read` says."""
        made: dict[str, T] = {}

        def put(id_: str, raw: msgspec.Raw | None) -> None:
            value = None if raw is None else make(read_record(raw))
            if value is None:
                made.pop(id_, None)
            else:
                made[id_] = value

        def write(records: Sequence[msgspec.Raw]) -> None:
            for id_, raw in zip(ids_of(records), records, strict=True):
                put(id_, raw)

        def correct(corrections: Corrections) -> None:
            for id_, raw in corrections.items():
                put(id_, raw)

        query = Query(tuple(select))
        record = await self._client.collect(collection, query, write=write, correct=correct)
        if record.exit_code:
            raise _unproved(collection, record.why, record.next_step, record)
        self._note(collection, record, record.why)
        return made

    async def read_again(
        self, collection: str, make: Callable[[Mapping[str, Any]], T | None]
    ) -> dict[str, T]:
        """
        Return the records of a collection that has neither a count nor a delta in Graph.

        It is read until two consecutive readings return the same records.

        Raises:
            UnprovedError: No two readings do.
            Error: It cannot be read.
        """
        last: set[str] | None = None
        requests = 0
        for _ in range(_MOST_READINGS):
            ids: set[str] = set()
            made, record = await self._read_once(collection, (), make, ids)
            requests += record.requests
            if last is not None and last == ids:
                why = "two readings found the same"
                self.coverage.append(Coverage(collection, len(ids), requests, why))
                return made
            last = ids
        why = f"no two of {_MOST_READINGS} readings found the same"
        raise _unproved(collection, why, "Run it again when less changes.", None)

    async def read_once(
        self,
        collection: str,
        select: Sequence[str],
        make: Callable[[Mapping[str, Any]], T | None],
    ) -> dict[str, T]:
        """
        Return the records that one reading finds, of which nothing shows that they are all.

        Raises:
            Error: The collection cannot be read.
        """
        ids: set[str] = set()
        made, record = await self._read_once(collection, select, make, ids)
        place = f"{collection}?$select={','.join(select)}"
        why = "every object of the complete listing is in it, or was read by itself"
        self.coverage.append(Coverage(place, len(ids), record.requests, why))
        return made

    async def read_each(
        self, collection: str, ids: Sequence[str], select: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """Return single objects by ID, without those that are gone."""
        client = self._client
        place = f"{collection}?$select={','.join(name for name in select if name != 'id')}"
        if not ids:
            return {}
        records = await read_each(client.graph, client.settings.graph_root, collection, ids, select)
        for one in self.coverage:
            if one.collection == place:
                one.records += len(records)
                one.requests += -(-len(ids) // BATCH_SIZE)
        return records

    async def _read_once(
        self,
        collection: str,
        select: Sequence[str],
        make: Callable[[Mapping[str, Any]], T | None],
        ids: set[str],
    ) -> tuple[dict[str, T], ListingRecord]:
        made: dict[str, T] = {}

        def write(records: Sequence[msgspec.Raw]) -> None:
            for id_, raw in zip(ids_of(records), records, strict=True):
                ids.add(id_)
                value = make(read_record(raw))
                if value is not None:
                    made[id_] = value

        query, options = Query(tuple(select)), ListingOptions(proved=False)
        record = await self._client.collect(collection, query, write=write, options=options)
        return made, record

    async def read_related(
        self,
        collection: str,
        name: str,
        ids: Sequence[str],
        among: int | None,
        select: Sequence[str] = (),
    ) -> Related | None:
        """Read what objects lead to, as `Source.read_related` says."""
        if not ids:
            return {}
        client = self._client
        relation = Relation(client.graph, client.settings.graph_root, collection, name, select)
        before = relation.tally.requests
        related = await relation.read(ids, among)
        count = sum(len(objects) for objects in related.values())
        why = "every list was read to its end"
        requests = relation.tally.requests - before
        self.coverage.append(Coverage(f"{collection}/{name}", count, requests, why))
        return related

    async def get(self, path: str) -> Mapping[str, Any] | None:
        """Get one object."""
        return await self._client.get(path)

    def _note(self, collection: str, record: ListingRecord, why: str) -> None:
        self.coverage.append(Coverage(collection, record.records, record.requests, why))


class StoreSource:
    """
    A store that `sync` keeps: as the directory was when it was last in step.

    Args:
        history: The tenant in the store.
    """

    def __init__(self, history: "TenantHistory") -> None:
        self._history = history
        self.coverage: list[Coverage] = []

    async def read(
        self, collection: str, select: Sequence[str], make: Callable[[Mapping[str, Any]], T | None]
    ) -> dict[str, T]:
        """
        Read a collection from the store.

        Raises:
            UsageError: The store does not keep it, or not all of these properties.
        """
        history = self._history
        history.known_from(collection)
        kept = history.properties(collection)
        missing = [name for name in select if name not in kept and name not in _NEVER_KEPT]
        if missing:
            raise UsageError(
                f"the store does not keep the property {missing[0]} of {collection}",
                code="option_invalid",
                hint=f"To keep it, run graphdaemon sync {collection} --select "
                f"{collection}={','.join((*kept, *missing))}",
            )
        made: dict[str, T] = {}
        count = 0
        for records in history.records(collection, _NOW):
            for record in records:
                count += 1
                value = make(read_record(msgspec.Raw(record.document)))
                if value is not None:
                    made[record.id] = value
        why = f"as the directory was at {history.checked(collection)[:19]}Z"
        self.coverage.append(Coverage(collection, count, 0, why))
        return made

    def has(self, collection: str) -> bool:
        """Whether the store has a collection."""
        return collection in self._history.collections()

    async def read_related(
        self,
        collection: str,
        name: str,
        ids: Sequence[str],
        among: int | None,
        select: Sequence[str] = (),
    ) -> Related | None:
        """Read what a store keeps of what objects lead to: app role assignments alone."""
        del ids, among, select
        edges = f"{collection}/{name}"
        if not self.has(edges):
            return None
        records = await self.read(edges, (), dict)
        related: Related = {}
        for record in records.values():
            related.setdefault(str(record.get("resourceId")), []).append(record)
        return related

    async def get(self, path: str) -> Mapping[str, Any] | None:
        """A store has no single objects."""
        del path
        return None


# Later than any time: what is current.
_NOW = "9999"
# A store leaves out what only single requests of these have; a report does without.
_NEVER_KEPT = frozenset({"createdDateTime"})


def _unproved(
    collection: str, why: str, next_step: str, record: ListingRecord | None
) -> UnprovedError:
    return UnprovedError(
        f"no report was made, because the listing of {collection} is not proved complete: {why}",
        code="listing_unproved",
        hint=next_step or "Run it again.",
        listing=record,
    )
