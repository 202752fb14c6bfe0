"""
Run one complete listing of a collection, within a time, and return the record that proves it.

    record = await list_collection(graph, root, CATALOG["users"], Query(), write=writer.write)
    sys.exit(record.exit_code)
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing

import msgspec

from graphdaemon.errors import Error, UnprovedError
from graphdaemon.graph.catalog import Collection
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.query import Query
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import Corrections, ListingRecord, OnProgress
from graphdaemon.listing.target import Target


async def list_collection(
    graph: Graph,
    root: str,
    collection: Collection,
    query: Query,
    *,
    write: Callable[[Sequence[msgspec.Raw]], None],
    correct: Callable[[Corrections], None] | None = None,
    on_progress: OnProgress | None = None,
    options: ListingOptions | None = None,
) -> ListingRecord:
    """
    List `collection` and return the account of it.

    Args:
        graph: The connection.
        root: Origin and version of Graph, such as `https://graph.microsoft.com/v1.0`.
        collection: A row of the catalogue.
        query: The OData options.
        write: Takes each record once, as the bytes Graph sent, some at a time, in no order unless
            `query` has one.
        correct: Takes, once, at the end, what to correct in records that were written. Without it
            such corrections make the verdict `unproved`.
        on_progress: Hears how far it has got: after each page, and twice a second.
        options: How to go about it.

    Raises:
        Error: The listing failed; what was written is a part. Its `listing` is the account.
    """
    options = options or ListingOptions()
    target = Target(graph, root, collection, query, page_size=options.page_size)
    listing = Listing(target, options)
    with accounting(listing):
        async with (
            _reporting(listing, on_progress),
            aclosing(read_within(listing, options.seconds)) as batches,
        ):
            async for records in batches:
                write(records)
                if on_progress is not None:
                    on_progress(listing.progress())
        if listing.corrections and correct is not None:
            correct(listing.corrections)
        return listing.finish(corrected=correct is not None or not listing.corrections)


async def read_within(listing: Listing, seconds: float | None) -> AsyncGenerator[list[msgspec.Raw]]:
    """
    Yield what `listing.batches` yields, for `seconds` at most; the consumer's time counts, too.

    Raises:
        Error: What `listing.batches` raises.
        UnprovedError: It took longer.
    """
    end = None if seconds is None else asyncio.get_running_loop().time() + seconds
    async with aclosing(listing.batches()) as batches:
        while True:
            # Not around the yield: what the consumer does meanwhile must not be broken off.
            timeout = asyncio.timeout_at(end)
            try:
                async with timeout:
                    records = await anext(batches, None)
            except TimeoutError:
                if not timeout.expired():
                    raise  # it comes from below, and is not about `seconds`
                raise _overdue(seconds) from None
            if records is None:
                return
            yield records


@contextlib.contextmanager
def accounting(listing: Listing) -> Iterator[None]:
    """Attach the account of the listing to an error that ends it."""
    try:
        yield
    except Error as error:
        listing.fail(error)
        error.listing = listing.record
        raise


@contextlib.asynccontextmanager
async def _reporting(listing: Listing, on_progress: OnProgress | None) -> AsyncGenerator[None]:
    """Tell of the progress twice a second, also while nothing comes."""
    if on_progress is None:
        yield
        return

    async def report() -> None:
        while True:
            on_progress(listing.progress())
            await asyncio.sleep(0.5)

    task = asyncio.create_task(report())
    try:
        yield
    finally:
        task.cancel()
        on_progress(listing.progress())


def _overdue(seconds: float | None) -> UnprovedError:
    return UnprovedError(
        f"the listing was not done after {seconds:g} s",
        code="listing_overdue",
        hint="Allow it more time, or let it go on where it stopped: --resume.",
    )
