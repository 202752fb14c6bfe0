"""The library: settings in, records of the directory out."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, overload

import msgspec

from graphdaemon.client.open_listing import OnLink, OpenListing, locate, open_listing, read_names
from graphdaemon.client.target import aim
from graphdaemon.errors import UsageError
from graphdaemon.graph.address import choose_root, split_version
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.graph import ATTEMPTS, GraphRequest
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.open import open_graph
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
    from graphdaemon.client.changes import Round
    from graphdaemon.client.frames import FrameReader
    from graphdaemon.client.reports.credentials import CredentialRow
    from graphdaemon.client.reports.options import ReportOptions
    from graphdaemon.client.reports.permissions import PermissionRow
    from graphdaemon.client.reports.report import Report
    from graphdaemon.client.reports.stale import StaleRow


class Client:
    """
    The directory of one tenant, read as the app that the settings describe.

    Nothing is sent before the first record is requested. With `async with`, methods are awaited or
    iterated asynchronously. A plain `with` gives a `BlockingClient`, for scripts and notebooks.

    Args:
        settings: The settings that `load` read.
        share: The share of Graph's throttle budget to use, such as 0.3.
        attempts: How often a request is tried before its failure is raised.

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

        If the iteration ends without an exception, the list is complete. Many pages are fetched at
        the same time, so the records have no particular order unless `orderby` requests one. A slow
        consumer slows the fetching down, and a consumer that stops ends it.

        Args:
            collection: Path below the Graph version, such as `users` or `groups`.
            select: The properties to return; `id` is always added. A single text is split at its
                commas: `"displayName,mail"`.
            filter: An OData expression, such as `"accountEnabled eq true"`.
            search: Such as `"displayName:ana"`.
            orderby: Such as `"displayName desc"`.
            limit: Stop after this number of records.
            proved: False reads once and proves nothing, which is inevitable without a delta. By
                default a proof is required, except for advanced queries and your own API.
            on_link: Is called at the end with a link, from which `changes` reads every later
                change. Not if there is no delta, or if a filter or a limit leaves something out.
            options: How the listing is made.

        Raises:
            UnprovedError: Raised at the end if nothing proves the list complete, for example
                because a record changed after it was yielded.
            Error: The listing failed. The records so far are only a part of the collection.
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

        The arguments are those of `list`. The first column is `id`. Columns have the types that
        Microsoft publishes: texts, numbers, times, lists and structs. A property without a
        published type becomes a text: a text as it is, anything else as JSON. If a property holds
        objects, or if nothing was selected, there is a last column `other`. It contains, as JSON,
        what does not fit into the columns, and is null nearly everywhere.

        Records that changed meanwhile are corrected, and come last. The listing record is in the
        metadata of the schema, as JSON, under `graphdaemon`.

        Raises:
            UsageError: pyarrow is not installed (`pip install 'graphdaemon[parquet]'`).
            OutputError: A value does not have the type that Microsoft publishes for it.
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
        Yield what `table` returns, some ten thousand rows at a time, in constant memory.

        There is at least one batch, possibly empty, and all have the same schema. In a
        `BlockingClient`, this method returns a `pyarrow.RecordBatchReader`.

        Raises:
            UnprovedError: As for `list`, and also if a record changed after it was yielded.
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
            write: Is called with several records at a time, each as the bytes that Graph sent.
            correct: Is called with corrections of records that have already been written.
            on_progress: Is called from time to time with the progress of the listing.
            on_link: As in `list`, if the listing is proved complete.
            options: How to list.

        Raises:
            Error: The listing failed. What was written so far is incomplete.
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
    ) -> "Round":
        """
        Return what changed in `collection` since `link` was created, and the next link.

        A link is valid for seven days. The memory needed depends on how much changed.

        Args:
            collection: Path below the Graph version, such as `users` or `groups`.
            link: The link from a listing (`on_link`) or from the previous call. None reports
                everything, and objects in the recycle bin as removed: it is slower than a listing,
                but the only way to begin with `relations`.
            select: The properties to return. A link reports those that were selected for the first
                link.
            relations: Relations whose changes to report, such as `members` of groups or `manager`
                of users. They must have been named for the first link.

        Raises:
            UsageError: `link` belongs to another collection or another Graph, or the settings are
                for an API of your own.
            GraphError: The link is no longer valid (status 400, 404 or 410). List the collection
                again.
            Error: The changes could not be read to their end. Call again with the same link.
        """
        if not self.settings.is_graph:
            raise UsageError(
                "only Microsoft Graph reports changes, and the scope is that of another API",
                code="option_invalid",
                hint="List the collection again, and compare it with the previous list.",
            )
        from graphdaemon.client.changes import read_changes

        query = Query(read_names(select))
        target = aim(self.settings, self.graph, collection, query)
        return await read_changes(target, link, read_names(relations))

    async def get(self, path: str) -> dict[str, Any]:
        """
        Return one object, such as `get("users/li.zhou@contoso.example")` or `get("organization")`.

        Raises:
            Error: Graph refused, has no such object, or could not be reached.
        """
        if not self.settings.is_graph:
            from graphdaemon.graph.own_page import read_own_object

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
            name: The name of the report.
            options: The options of the report, such as `ReportOptions(within=timedelta(days=30))`.

        Raises:
            UsageError: There is no such report, or the scope is that of another API.
            UnprovedError: Nothing proves that a part of it is complete.
            Error: A part of the data cannot be read. There is no partial report.
        """
        from graphdaemon.client.reports.options import ReportOptions
        from graphdaemon.client.reports.report import make_report

        return await make_report(self, name, options or ReportOptions())

    def locate(self, path: str) -> str:
        """
        Return the full address of `path`, in Graph or in the API of the settings.

        Raises:
            UsageError: It is at another origin, or is not an address.
            SettingsError: The scope is that of your own API, and the settings do not contain its
                address.
        """
        return locate(self.settings, path)

    def close(self) -> None:
        """Close every connection; what was used of a budget in Redis is told within a second."""
        self.graph.budget.settle()
        self._transport.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Client holds connections, so it cannot be copied or sent to another process: pass "
            "its settings, and create a Client from them there"
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
