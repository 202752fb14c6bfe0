"""The library's face: settings in, records of the directory out."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import msgspec

from graphdaemon.catalog import find_collection
from graphdaemon.credential import Credential
from graphdaemon.graph import Graph
from graphdaemon.page import Page
from graphdaemon.query import Query, build_url, is_advanced, query_of
from graphdaemon.settings import Settings, read_settings
from graphdaemon.token import TokenSource
from graphdaemon.transport import Transport

T = TypeVar("T")


class Client:
    """
    A connection to one tenant's directory, as the app that the settings describe.

    Nothing is sent before the first record is asked for. Close it, or use ``async with``.

    Example:
        .. code-block:: python

            async with graphdaemon.load("parameters.json") as client:
                async for user in client.list("users", select=["displayName"]):
                    print(user["displayName"])
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
        tokens = TokenSource(
            Credential(settings, self._transport).fetch,
            self._transport.start,
            key=(
                *(settings.authority, settings.oidc_authority, settings.client_id),
                *(settings.scope, settings.credentials, settings.cache),
            ),
        )
        self._graph = Graph(self._transport, tokens, consent_url=settings.consent_url)

    async def list(
        self,
        collection: str,
        *,
        select: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """
        Yield every record of ``collection`` as the dict Graph sent; ending means that was all.

        Args:
            collection: Path below the Graph version, such as ``users`` or ``groups``.
            select: Properties to return; ``id`` always comes along.
            filter: OData expression, such as ``"accountEnabled eq true"``.
            search: Such as ``"displayName:ana"``.
            orderby: Such as ``"displayName desc"``.
            limit: Stop after so many.

        Raises:
            Error: The records so far are then a part of the collection, not the whole.
        """
        pages = self.pages(
            collection,
            select=select,
            filter=filter,
            search=search,
            orderby=orderby,
            limit=limit,
        )
        async for page in pages:
            for record in page.records:
                yield msgspec.json.decode(record)

    async def pages(
        self,
        collection: str,
        *,
        select: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Page]:
        """
        Yield what ``list`` does page by page, each record as the bytes Graph sent.

        Raises:
            Error: As ``list``.
        """
        row = find_collection(collection)
        query = Query(tuple(select), filter, search, orderby, limit)
        query = _with_endpoint(query, self.settings, row.name)
        url = build_url(self.settings.graph_root, row, query)
        advanced = is_advanced(query, row)
        left = query.limit
        async for page in self._graph.pages(url, needs=row.role, advanced=advanced):
            if left is not None:
                if len(page.records) >= left:
                    yield page._replace(records=page.records[:left], next_link=None)
                    return
                left -= len(page.records)
            yield page

    async def get(self, path: str) -> dict[str, Any]:
        """
        Return one object, such as ``get("users/ana@contoso.example")`` or ``get("organization")``.

        Raises:
            Error: Refused, not found, or not reached.
        """
        collection = find_collection(path.strip("/").partition("/")[0])
        return await self._graph.get(
            f"{self.settings.graph_root}/{path.lstrip('/')}", needs=collection.role
        )

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def load(file: str | os.PathLike[str] | None = None, **given: object) -> Client:
    """
    Read the settings and return a client for them.

    Args:
        file: parameters.json or a TOML file; by default ``$GRAPHDAEMON_CONFIG``, then
            ``./parameters.json``, then the environment alone.
        **given: Settings by name that beat environment and file.

    Raises:
        SettingsError: Naming the setting and where it was read.
    """
    return Client(read_settings(file, given=given))


@overload
def blocking(work: AsyncIterator[T]) -> Iterator[T]: ...
@overload
def blocking(work: Awaitable[T]) -> T: ...
def blocking(work: AsyncIterator[T] | Awaitable[T]) -> Iterator[T] | T:
    """
    Use what is async from code that is not: an iterator for an iterator, a result for an await.

    Example:
        .. code-block:: python

            client = graphdaemon.load("parameters.json")
            for user in graphdaemon.blocking(client.list("users")):
                print(user["displayName"])
    """
    if isinstance(work, AsyncIterator):
        return _iterate(work)
    return _wait(work)


def _iterate(work: AsyncIterator[T]) -> Iterator[T]:
    try:
        while True:
            try:
                yield _wait(anext(work))
            except StopAsyncIteration:
                return
    finally:
        close = getattr(work, "aclose", None)
        if close is not None:
            _wait(close())


def _wait(work: Awaitable[T]) -> T:
    async def finish() -> T:
        return await work

    future = asyncio.run_coroutine_threadsafe(finish(), _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop on one thread for all blocking callers, so that it works inside a notebook too."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="graphdaemon-loop").start()
    return loop


def _with_endpoint(query: Query, settings: Settings, collection: str) -> Query:
    """Fill what ``query`` leaves open from options written into the endpoint setting."""
    if not settings.endpoint.partition("?")[0].rstrip("/").endswith(f"/{collection}"):
        return query
    written = query_of(settings.endpoint)
    return replace(
        query,
        select=query.select or written.select,
        filter=query.filter or written.filter,
        search=query.search or written.search,
        orderby=query.orderby or written.orderby,
    )
