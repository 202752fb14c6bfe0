"""A listing that many processes read, in three steps; its values can be pickled and sent on."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from graphdaemon.client.client import Client
from graphdaemon.client.open_listing import read_names
from graphdaemon.client.target import aim, complete, unproved
from graphdaemon.errors import UsageError
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import Query
from graphdaemon.listing import divided
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.parts import ListingEnd, ListingPart, ListingStart, PartReading
from graphdaemon.listing.target import Target


async def begin_listing(
    client: Client,
    collection: str,
    *,
    select: Sequence[str] | str = (),
    filter: str | None = None,  # noqa: A002  OData's own word
    parts: int = 8,
    options: ListingOptions | None = None,
) -> ListingStart:
    """
    Begin a listing that others read part by part.

    A delta link is taken, and the first page read. What is returned can be pickled; it stays with
    whoever finishes the listing, and only its parts travel.

    Args:
        client: The directory.
        collection: Path below the Graph version, such as `users` or `groups`.
        select: Properties to return; `id` always comes along.
        filter: OData expression, such as `"accountEnabled eq true"`.
        parts: How many parts to make at most.
        options: How to list; the same are given to `finish_listing`.

    Raises:
        UsageError: What is read is no Graph, or there are to be no parts.
        Error: The delta link, or the first page, could not be had.

    Example:
        .. code-block:: python

            start = await begin_listing(client, "users", parts=4)
            readings = []
            for part in start.parts:  # each of them in any process, on any host
                pages = read_part(client, part, on_reading=readings.append)
                async for page in pages:
                    ...
            end = await finish_listing(client, start, readings)
    """
    options = options or ListingOptions()
    target = _aim(client, collection, Query(read_names(select), filter), options.page_size)
    return await divided.begin(target, complete(options, client.settings, collection), parts)


async def read_part(
    client: Client, part: ListingPart, *, on_reading: Callable[[PartReading], None]
) -> AsyncGenerator[Page]:
    """
    Yield every record of one part of a listing, each once, some at a time.

    Two parts may bring the same record, and one of them may bring it as it was before it changed:
    `finish_listing` says what to leave out, and what to correct.

    Args:
        client: The directory, which another process may read as well.
        part: One of `ListingStart.parts`.
        on_reading: Is called last, with what `finish_listing` has to be given.

    Raises:
        Error: The part was not read to its end. It may be read again, here or elsewhere.
    """
    target = _aim(client, part.collection, part.query, part.page_size)
    async with aclosing(divided.read_part(target, part, on_reading)) as batches:
        async for records in batches:
            yield Page(records, None, None)


async def finish_listing(
    client: Client,
    start: ListingStart,
    readings: Sequence[PartReading],
    *,
    options: ListingOptions | None = None,
) -> ListingEnd:
    """
    Say what has changed since a listing began, and whether its parts are everything.

    Args:
        client: The directory.
        start: What `begin_listing` returned.
        readings: One of each part.
        options: As they were given to `begin_listing`.

    Raises:
        UsageError: A part has no reading, or two; or one is of another listing.
        UnprovedError: Nothing proves that those were all.
        Error: What changed could not be read.
    """
    options = options or ListingOptions()
    target = _aim(client, start.collection, start.query, start.page_size)
    made = complete(options, client.settings, start.collection)
    end = await divided.finish(target, made, start, readings)
    if options.proved and end.record.exit_code:
        raise unproved(end.record)
    return end


def _aim(client: Client, collection: str, query: Query, page_size: int) -> Target:
    if not client.settings.is_graph:
        raise UsageError(
            "Microsoft Graph alone can be listed in parts, and the scope is another API's",
            code="option_invalid",
            hint="List the collection whole.",
        )
    return aim(client.settings, client.graph, collection, query, page_size)
