"""
Read one round of a delta, page after page, to the delta link at its end.

Source: "Use delta query to track changes in Microsoft Graph data" on learn.microsoft.com.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import altered, follow, path_of
from graphdaemon.graph.page import Page, page_ids
from graphdaemon.listing.chain import RESTARTS, is_link_refused
from graphdaemon.listing.id_set import make_id_set, pack_ids
from graphdaemon.listing.target import Target

# A round may have many empty pages in a row; after so many it is taken to be endless.
_MOST_EMPTY = 1_000
# How many records a round may have, besides ten times the number of different ones.
_REPEATED = 10_000


class RoundPage(NamedTuple):
    """
    A page of a round.

    Attributes:
        page: The page. The `delta_link` of the last page has been checked, and may be followed.
        ids: The ID of each record.
        first: Whether it is the first page. If a first page comes again, a page link was refused
            and the round was begun anew, so that the pages before it are void.
    """

    page: Page
    ids: list[str]
    first: bool


def delta_url(target: Target) -> str:
    """Return the address of the delta query of a collection, without options."""
    return f"{target.root}/{target.collection.name}/delta"


async def read_round(
    target: Target, url: str, *, most: int | None = None
) -> AsyncGenerator[RoundPage]:
    """
    Yield the pages of the round that begins at `url`, to the one with the delta link.

    Args:
        target: The collection.
        url: A delta link, or the address of the first request of a delta.
        most: The most pages that the round may have; None for no limit.

    Raises:
        GraphError: The first page was refused, page links were refused although the round was begun
            anew several times, the round has no end, or an answer breaks the rules.
        IdentityError, NetworkError: A page could not be read.
    """
    for restarts in range(RESTARTS + 1):
        first = True
        try:
            async with aclosing(_read_once(target, url, most)) as pages:
                async for page, ids in pages:
                    yield RoundPage(page, ids, first)
                    first = False
        except GraphError as error:
            if first or restarts == RESTARTS or not is_link_refused(error):
                raise
        else:
            return


async def read_delta_page(target: Target, url: str) -> Page:
    """
    Get one page of a delta.

    Raises:
        IdentityError, GraphError, NetworkError: After every attempt that could help.
    """
    # The delta needs no `ConsistencyLevel`, even if the query is an advanced one elsewhere.
    return await target.graph.page(url, needs=target.collection.role, tally=target.tally)


async def _read_once(
    target: Target, url: str, most: int | None
) -> AsyncGenerator[tuple[Page, list[str]]]:
    visited, met = {hash(url)}, make_id_set()
    pages = items = empty = 0
    while True:
        page = await read_delta_page(target, url)
        ids = _read_ids(page, url)
        pages += 1
        if page.delta_link is not None:
            yield page._replace(delta_link=follow(page.delta_link, delta_url(target))), ids
            return
        items += len(ids)
        met.add(pack_ids(ids))
        empty = 0 if ids else empty + 1
        repeats = items > _REPEATED + 10 * len(met)
        if page.next_link is None or empty > _MOST_EMPTY or repeats or pages == most:
            raise _broken(url, "does not end in a delta link")
        next_url = follow(page.next_link, url)
        if hash(next_url) in visited:
            raise _broken(url, "leads back to a page that was read already")
        visited.add(hash(next_url))
        yield page, ids
        url = next_url


def _read_ids(page: Page, url: str) -> list[str]:
    try:
        return page_ids(page)
    except GraphError:
        raise _broken(url, "tells of a record without an ID") from None


def _broken(url: str, problem: str) -> GraphError:
    return altered(f"{path_of(url)} {problem}")
