"""The library: settings in, records of the directory out."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, overload

import msgspec

from graphdaemon.client.changes import Round, read_changes
from graphdaemon.client.open_listing import (
    OnLink,
    OpenListing,
    locate,
    open_listing,
    read_names,
)
from graphdaemon.client.target import aim
from graphdaemon.errors import UsageError
from graphdaemon.graph.address import choose_root, split_version
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.graph import ATTEMPTS, GraphRequest
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.open import open_graph
from graphdaemon.graph.own_page import read_own_object
from graphdaemon.graph.page import Page, read_record
from graphdaemon.graph.query import Query
from graphdaemon.http.transport import Transport
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import Corrections, ListingRecord, OnProgress
from graphdaemon.listing.run import accounting, collect, read_within
from graphdaemon.settings.model import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from graphdaemon.client.blocking_client import BlockingClient
    from graphdaemon.client.frames import FrameReader
    from graphdaemon.client.reports.credentials import CredentialRow
    from graphdaemon.client.reports.options import ReportOptions
    from graphdaemon.client.reports.permissions import PermissionRow
    from graphdaemon.client.reports.report import Report
    from graphdaemon.client.reports.stale import StaleRow


class Client:
    """
    The directory of one tenant, read as the app that the settings describe.

    Nothing is sent before the first record is asked for. With `async with`, every method is awaited
    or iterated asynchronously; a plain `with` gives a `BlockingClient` for scripts and notebooks.

    Args:
        settings: What `load` reads.
        share: Part of Graph's throttle budget to use, such as 0.3.
        attempts: How often a request is sent before its failure is raised.

    Attributes:
        settings: The settings that were passed.

    Example:
        .. code-block:: python

            async with graphdaemon.load("parameters.json") as client:
                async for user in client.list("users", select=["displayName"]):
                    print(user["displayName"])
    """

    def __init__(self, settings: Settings, *, share: float = 1.0, attempts: int = ATTEMPTS) -> None:
        self.settings = settings
        self._transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
        # Sends single requests of any kind, for the command line.
        self.graph = open_graph(settings, self._transport, share=share, attempts=attempts)

    async def list(
        self,
        collection: str,
        *,
        select: Sequence[str] | str = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
        proved: bool | None = None,
        on_link: OnLink | None = None,
        options: ListingOptions | None = None,
    ) -> AsyncGenerator[dict[str, Any]]:
        """
        Yield every record of `collection`, as the dict that Graph sent.

        If it ends without an exception, those were all. Many pages are fetched at a time, so
        records come in no order unless `orderby` asks for one. A slow consumer slows the fetching
        down, and one that stops ends it.

        Args:
            collection: Path below the Graph version, such as `users` or `groups`.
            select: Properties to return; `id` always comes along. A text is read as the command
                reads it: `"displayName,mail"`.
            filter: OData expression, such as `"accountEnabled eq true"`.
            search: Such as `"displayName:ana"`.
            orderby: Such as `"displayName desc"`.
            limit: Stop after so many records.
            proved: False reads once and proves nothing, which is all that can be done for what has
                no delta, such as the members of a group on several pages. By default a proof is
                asked for, except of advanced queries and of an API of one's own.
            on_link: Is called last, with the link by which `changes` tells of every change since,
                if the collection has such and neither a filter nor a limit leaves anything out.
            options: How to list.

        Raises:
            UnprovedError: Raised after the last record if nothing proves that those were all; a
                record may have been changed after it was yielded, for example.
            Error: The records so far are a part of the collection, not all of it.
        """
        pages = self.pages(
            collection,
            select=select,
            filter=filter,
            search=search,
            orderby=orderby,
            limit=limit,
            proved=proved,
            on_link=on_link,
            options=options,
        )
        async with aclosing(pages):
            async for page in pages:
                for record in page.records:
                    yield read_record(record)

    async def pages(
        self,
        collection: str,
        *,
        select: Sequence[str] | str = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
        proved: bool | None = None,
        on_link: OnLink | None = None,
        options: ListingOptions | None = None,
    ) -> AsyncGenerator[Page]:
        """
        Yield what `list` yields, several records at a time, each as the bytes that Graph sent.

        Raises:
            Error: As `list` does.
        """
        query = Query(read_names(select), filter, search, orderby, limit)
        opened = self._open(collection, query, options, proved=proved)
        with accounting(opened.listing):
            async with aclosing(read_within(opened.listing, opened.options.seconds)) as batches:
                async for records in batches:
                    yield Page(list(records), None, None)
        opened.finish(on_link, corrected=not opened.listing.corrections)

    async def table(
        self,
        collection: str,
        *,
        select: Sequence[str] | str = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
        proved: bool | None = None,
        on_link: OnLink | None = None,
        options: ListingOptions | None = None,
    ) -> "pa.Table":
        """
        Return all records of `collection` as a table, for pandas, Polars, DuckDB and the like.

        The arguments are those of `list`; `id` is the first column of what is selected.

        Columns have the types that Microsoft publishes: texts, numbers, times, lists and structs.
        What is not published is a text: a text as it is, anything else as its JSON. The last
        column, `other`, is there where a property holds objects or nothing was selected; it has, as
        JSON, the properties that are not wholly in their columns, and is null nearly everywhere.

        What changed while it was read is put right, and then comes last. The account of the listing
        is in the schema's metadata, as JSON, under `graphdaemon`.

        Raises:
            UsageError: pyarrow is not installed (`pip install 'graphdaemon[parquet]'`).
            OutputError: A value contradicts the type that Microsoft publishes for it.
            Error: As `list` does.
        """
        query = Query(read_names(select), filter, search, orderby, limit)
        opened = self._open(collection, query, options, proved=proved)
        reader = self._read_frames(collection, opened)
        with accounting(opened.listing):
            table = await reader.table()
        record = opened.finish(on_link, corrected=True)
        return table.replace_schema_metadata({"graphdaemon": record.to_json()})

    async def record_batches(
        self,
        collection: str,
        *,
        select: Sequence[str] | str = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
        proved: bool | None = None,
        on_link: OnLink | None = None,
        options: ListingOptions | None = None,
    ) -> "AsyncGenerator[pa.RecordBatch]":
        """
        Yield what `table` returns, some ten thousand rows at a time, in memory that stays flat.

        There is at least one batch, which may have no rows; all have one schema. In a
        `BlockingClient` it returns a `pyarrow.RecordBatchReader`.

        Raises:
            UnprovedError: As `list` does: also where a record changed after it was yielded.
            Error: As `table` does.
        """
        query = Query(read_names(select), filter, search, orderby, limit)
        opened = self._open(collection, query, options, proved=proved)
        reader = self._read_frames(collection, opened)
        with accounting(opened.listing):
            async with aclosing(reader.tables()) as tables:
                async for table in tables:
                    yield reader.make_batch(table)
        opened.finish(on_link, corrected=not opened.listing.corrections)

    async def collect(
        self,
        collection: str,
        query: Query,
        *,
        write: Callable[[Sequence[msgspec.Raw]], None],
        correct: Callable[[Corrections], None] | None = None,
        on_progress: OnProgress | None = None,
        on_link: OnLink | None = None,
        options: ListingOptions | None = None,
    ) -> ListingRecord:
        """
        List `collection`, many pages at a time, and return the record that proves it complete.

        Args:
            collection: Path below the Graph version.
            query: The OData options.
            write: Is called with some records at a time, as the bytes that Graph sent.
            correct: Is called with corrections of records that were written already.
            on_progress: Is called now and then with how far the listing is.
            on_link: As in `list`, if the listing is proved complete.
            options: How to list.

        Raises:
            Error: What was written so far is not everything.
        """
        opened = self._open(collection, query, options or ListingOptions(), proved=None)
        record = await collect(
            opened.listing,
            write=write,
            correct=correct,
            on_progress=on_progress,
            seconds=opened.options.seconds,
        )
        opened.hand_out(on_link)
        return record

    async def changes(
        self,
        collection: str,
        link: DeltaLink | None,
        *,
        select: Sequence[str] | str = (),
        relations: Sequence[str] | str = (),
    ) -> Round:
        """
        Return what changed in `collection` since `link` was made, and the link of the next round.

        A link lives for seven days. A round takes memory for what changed, not for what there is.

        Args:
            collection: Path below the Graph version, such as `users` or `groups`.
            link: What a listing ended with (`on_link`), or the round before. None tells everything
                there is, those in the recycle bin as removed: slower than a listing, and the only
                way to begin with `relations`.
            select: The properties to return. A link tells of changes of those that were selected
                when the first link was made.
            relations: Links to other objects to tell of, such as `members` and `owners` of groups
                or `manager` of users, if they were named when the first link was made.

        Raises:
            UsageError: `link` is of another collection, or of another Graph; or what is read is no
                Graph, but an API of one's own.
            GraphError: The link is not valid any more (status 400, 404 or 410): list again.
            Error: Nothing of the round counts; ask again with the same link.
        """
        if not self.settings.is_graph:
            raise UsageError(
                "Microsoft Graph alone tells what changed, and the scope is another API's",
                code="option_invalid",
                hint="List the collection again, and compare.",
            )
        query = Query(read_names(select))
        target = aim(self.settings, self.graph, collection, query)
        return await read_changes(target, link, read_names(relations))

    async def get(self, path: str) -> dict[str, Any]:
        """
        Return one object, such as `get("users/li.zhou@contoso.example")` or `get("organization")`.

        Raises:
            Error: Graph refused, has no such object, or was not reached.
        """
        if not self.settings.is_graph:
            return await self.graph.ask(GraphRequest(self.locate(path), ""), read_own_object)
        collection = find_collection(split_version(path)[1].partition("/")[0])
        root = choose_root(self.settings.graph_root, path)
        return await self.graph.get(f"{root}/{split_version(path)[1]}", needs=collection.role)

    @overload
    async def report(
        self, name: Literal["credentials"], options: "ReportOptions | None" = None
    ) -> "Report[CredentialRow]": ...
    @overload
    async def report(
        self, name: Literal["stale"], options: "ReportOptions | None" = None
    ) -> "Report[StaleRow]": ...
    @overload
    async def report(
        self, name: Literal["permissions"], options: "ReportOptions | None" = None
    ) -> "Report[PermissionRow]": ...
    async def report(self, name: str, options: "ReportOptions | None" = None) -> "Report[Any]":
        """
        Make a report on the directory: `credentials`, `stale` or `permissions`.

        Args:
            name: Which.
            options: What it is asked for, such as `ReportOptions(within=timedelta(days=30))`.

        Raises:
            UsageError: There is no such report, or the scope is another API's.
            UnprovedError: Nothing proves that a part of it is complete.
            Error: A part of it cannot be read; there is no report of the rest.
        """
        from graphdaemon.client.reports.options import ReportOptions
        from graphdaemon.client.reports.report import make_report

        return await make_report(self, name, options or ReportOptions())

    def locate(self, path: str) -> str:
        """
        Return the whole address that `path` means, in Graph or in the API of the settings.

        Raises:
            UsageError: It is of another origin, or no address.
            SettingsError: The scope is that of an API, and nothing says where that is.
        """
        return locate(self.settings, path)

    def close(self) -> None:
        """Close every connection; what was used of a budget in Redis is told within a second."""
        self.graph.budget.settle()
        self._transport.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Client holds connections, and cannot be copied or sent to another process: give its "
            "settings, and make a Client of them there"
        )

    def _open(
        self,
        collection: str,
        query: Query,
        options: ListingOptions | None,
        *,
        proved: bool | None,
    ) -> OpenListing:
        return open_listing(self.settings, self.graph, collection, query, options, proved=proved)

    def _read_frames(self, collection: str, opened: OpenListing) -> "FrameReader":
        from graphdaemon.client.frames import FrameReader

        return FrameReader(collection if self.settings.is_graph else None, opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.settings.budget_url is not None:
            # It may take a second, in which the loop goes on.
            await asyncio.to_thread(self.graph.budget.settle)
        self.close()

    def __enter__(self) -> "BlockingClient":
        from graphdaemon.client.blocking_client import BlockingClient

        return BlockingClient(self)

    def __exit__(self, *_: object) -> None:
        self.close()
