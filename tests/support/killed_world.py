"""A pretend directory listed by a process that is killed, and by others that go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphdaemon.errors import Error
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.graph import ATTEMPTS, Graph
from graphdaemon.graph.query import Query
from graphdaemon.graph.throttling.budget import Budget
from graphdaemon.http.response import Response
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.run import collect
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.listing_world import Outcome
from tests.support.pretend_graph import ROOT, PretendGraph


class KilledError(Exception):
    """The process is no more; this is what its journal was on the disk."""

    def __init__(self, left: bytes) -> None:
        super().__init__()
        self.left = left


@dataclass
class Killer:
    """The connection of a process that is killed with one of its requests; 0 kills nobody."""

    world: PretendGraph
    journal: Path
    at: int

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        self.at -= 1
        if self.at == 0:
            raise KilledError(self.journal.read_bytes())
        return await self.world.send(method, url, headers, body)


def list_killed(
    world: PretendGraph,
    query: Query,
    options: ListingOptions,
    journal: Path,
    *,
    kills: Sequence[int],
    tear: Callable[[bytes], bytes] = lambda left: left,
    defaults: tuple[str, ...] = (),
) -> Outcome:
    """
    List a pretend directory by one process after the other, each of which goes on with the journal.

    Args:
        world: The directory.
        query: What is listed of it.
        options: How.
        journal: Where the journal is.
        kills: With which of its requests each process is killed; one more comes to its end.
        tear: Makes of the journal on the disk what is left of it.
        defaults: The properties that a list is known to show by default.

    Returns:
        What the last process did.
    """

    async def list_once(at: int) -> Outcome:
        outcome = Outcome()
        target = Target(
            Graph(
                Killer(world, journal, at),
                world,
                budget=Budget(chains=32, share=1.0, now=virtual_time.now),
                attempts=ATTEMPTS,
            ),
            ROOT,
            find_collection(world.collection),
            query,
            page_size=options.page_size,
            defaults=defaults,
        )
        try:
            listing = Listing(target, options._replace(journal=journal))
            outcome.record = await collect(
                listing,
                write=outcome.write,
                correct=outcome.correct,
                on_progress=outcome.progress.append,
                seconds=options.seconds,
            )
        except Error as error:
            outcome.error = error
        return outcome

    async def list_again_and_again(kills: Iterable[int]) -> Outcome:
        for at in kills:
            try:
                ended = await list_once(at)
            except KilledError as killed:
                # On its way out a living process would have committed: this one did not.
                leave(tear(killed.left))
            else:
                if ended.error is None:
                    leave(b"")
        return await list_once(0)

    def leave(content: bytes) -> None:
        journal.write_bytes(content)

    return virtual_time.run(list_again_and_again(kills))
