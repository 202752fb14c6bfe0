"""
The change feed: what a sync has committed is delivered in order, at least once.

The store keeps the position of each feed, and moves it after a delivery. A process that is killed
between the two delivers the same changes again; a receiver recognises them by their sequence
numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from graphdaemon.store.feeds import move_feed, read_feed
from graphdaemon.store.history import RecordedChange, changes_after
from graphdaemon.sync.session import Session

LINE_BEGINNING = b'{"tenant":'
"""The first bytes of every line of a feed."""


class Event(msgspec.Struct):
    """
    One change, as a feed delivers it.

    Attributes:
        tenant: The tenant's ID.
        collection: The collection, such as `users`.
        sequence: The number of the change within the tenant's collection, without gaps.
        kind: `created`, `updated`, `removed`, `deleted`, `absent` or `restored`.
        id: The object.
        at: When the sync saw the change.
        before: The document before; None if there was none.
        after: The document afterwards; None if there is none.
    """

    tenant: str
    collection: str
    sequence: int
    kind: str
    id: str
    at: str
    before: msgspec.Raw | None
    after: msgspec.Raw | None


class Delivery(NamedTuple):
    """
    Some consecutive changes that are delivered together.

    Attributes:
        tenant: The tenant's ID.
        collection: The collection.
        events: The changes, in order.
    """

    tenant: str
    collection: str
    events: Sequence[Event]

    @property
    def first(self) -> int:
        """The number of the first change."""
        return self.events[0].sequence

    @property
    def last(self) -> int:
        """The number of the last change."""
        return self.events[-1].sequence

    def lines(self, **more: Any) -> bytes:
        """Return a line of JSON for each change, with additional members."""
        encoded = [msgspec.json.encode(event) for event in self.events]
        if more:
            tail = b"," + msgspec.json.encode(more)[1:]
            encoded = [line[:-1] + tail for line in encoded]
        return b"".join(line + b"\n" for line in encoded)


class Feed(Protocol):
    """
    Where changes are delivered.

    Attributes:
        name: The name under which the store keeps its position.
        most: The maximum number of changes in one delivery.
    """

    name: str
    most: int

    async def deliver(self, delivery: Delivery) -> None:
        """
        Deliver some changes. On return they are delivered, or in the file for undelivered ones.

        Raises:
            OutputError: They could not be delivered. The next sync tries again.
        """


class OutputFeed:
    """
    Writes changes to standard output, one line for each.

    Args:
        write: Writes bytes, and passes them on.
    """

    name = "stdout"
    most = 1_000

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    async def deliver(self, delivery: Delivery) -> None:
        """Write a line for each change."""
        self._write(delivery.lines())


async def tell_changes(session: Session, tenant: str, collection: str, feed: Feed) -> int:
    """
    Deliver every change of a collection that `feed` has not delivered yet; return how many.

    Raises:
        OutputError: Some changes could not be delivered. Those before them were.
        StoreError: The store could not be read.
    """
    store, thread = session.store, session.thread
    place = (feed.name, session.tenant, collection)
    told = 0
    while True:
        sequence = await thread.run(read_feed, store, *place)
        changes = await thread.run(
            changes_after, store, session.tenant, collection, sequence, feed.most
        )
        if not changes:
            return told
        events = [_make_event(tenant, change) for change in changes]
        await feed.deliver(Delivery(tenant, collection, events))
        await thread.run(move_feed, store, *place, changes[-1].sequence)
        told += len(changes)


def _make_event(tenant: str, change: RecordedChange) -> Event:
    return Event(
        tenant,
        change.collection,
        change.sequence,
        change.kind,
        change.id,
        change.at,
        None if change.before is None else msgspec.Raw(change.before),
        None if change.after is None else msgspec.Raw(change.after),
    )
