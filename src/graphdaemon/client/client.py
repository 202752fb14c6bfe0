"""The library: settings in, records of the directory out."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, overload
from urllib.parse import urlsplit

import msgspec

from graphdaemon.client.changes import Round, read_changes
from graphdaemon.client.target import aim, complete, unproved
from graphdaemon.cloud import is_for_graph
from graphdaemon.errors import SettingsError, UsageError
from graphdaemon.graph.address import choose_root, resolve, split_version
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.graph import ATTEMPTS, GraphRequest
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.open import open_graph
from graphdaemon.graph.own_page import read_own_object
from graphdaemon.graph.page import Page, read_record
from graphdaemon.graph.query import Query
from graphdaemon.http.transport import Transport
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.own_api import OwnApiListing
from graphdaemon.listing.record import Corrections, ListingRecord, OnProgress
from graphdaemon.listing.run import AnyListing, accounting, collect, read_within
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings

if TYPE_CHECKING:
    from graphdaemon.client.reports.credentials import CredentialRow
    from graphdaemon.client.reports.options import ReportOptions
    from graphdaemon.client.reports.permissions import PermissionRow
    from graphdaemon.client.reports.report import Report
    from graphdaemon.client.reports.stale import StaleRow

OnLink = Callable[[DeltaLink], None]


class Client:
    """
    The directory of one tenant, read as the app that the settings describe.

    Nothing is sent before the first record is asked for. Close it, or use `async with`.

    Args:
        settings: What `read_settings` returned.
        share: Part of Graph's throttle budget to use, such as 0.3.
        attempts: How often a request is sent before its failure is raised.

    Attributes:
        settings: The settings that were passed.
        graph: Sends single requests of any kind.

    Example:
        .. code-block:: python

            async with graphdaemon.load("parameters.json") as client:
                async for user in client.list("users", select=["displayName"]):
                    print(user["displayName"])
    """

    def __init__(self, settings: Settings, *, share: float = 1.0, attempts: int = ATTEMPTS) -> None:
        self.settings = settings
        self._transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
        self.graph = open_graph(settings, self._transport, share=share, attempts=attempts)

    async def list(
        self,
        collection: str,
        *,
        select: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
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
            select: Properties to return; `id` always comes along.
            filter: OData expression, such as `"accountEnabled eq true"`.
            search: Such as `"displayName:ana"`.
            orderby: Such as `"displayName desc"`.
            limit: Stop after so many records.
            on_link: Is called last, with the link by which `changes` tells of every change since,
                if the collection has such and neither a filter nor a limit leaves anything out.
            options: How to list; `ListingOptions(proved=False)` reads once and proves nothing.

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
        select: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002  OData's own word
        search: str | None = None,
        orderby: str | None = None,
        limit: int | None = None,
        on_link: OnLink | None = None,
        options: ListingOptions | None = None,
    ) -> AsyncGenerator[Page]:
        """
        Yield what `list` yields, several records at a time, each as the bytes that Graph sent.

        Raises:
            Error: As `list` does.
        """
        query = Query(tuple(select), filter, search, orderby, limit)
        if options is None:
            # Neither Graph's advanced index, which lags behind, nor most APIs of one's own can
            # prove anything complete.
            is_graph = self.settings.is_graph
            proved = is_graph and not aim(self.settings, self.graph, collection, query).advanced
            options = ListingOptions(proved=proved)
        listing = self._make_listing(collection, query, options)
        with accounting(listing):
            async with aclosing(read_within(listing, options.seconds)) as batches:
                async for records in batches:
                    yield Page(records, None, None)
        record = listing.finish(corrected=not listing.corrections)
        if options.proved and record.exit_code:
            raise unproved(record)
        _hand_out(listing, on_link)

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
        options = options or ListingOptions()
        listing = self._make_listing(collection, query, options)
        record = await collect(
            listing,
            write=write,
            correct=correct,
            on_progress=on_progress,
            seconds=options.seconds,
        )
        _hand_out(listing, on_link)
        return record

    async def changes(
        self,
        collection: str,
        link: DeltaLink | None,
        *,
        select: Sequence[str] = (),
        relations: Sequence[str] = (),
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
        target = aim(self.settings, self.graph, collection, Query(tuple(select)))
        return await read_changes(target, link, relations)

    async def get(self, path: str) -> dict[str, Any]:
        """
        Return one object, such as `get("users/ana@contoso.example")` or `get("organization")`.

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
        settings = self.settings
        at_graph = is_for_graph(f"https://{urlsplit(settings.endpoint).netloc}")
        if at_graph and not settings.is_graph:
            raise SettingsError(
                f"{settings.scope[0]} is another API's scope, and the settings do not say where "
                "that API is",
                code="setting_missing",
                hint="Write the API's address into endpoint, or give it with --endpoint.",
            )
        return resolve(settings.api_root, path, graph=settings.is_graph)

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Client holds connections, and cannot be copied or sent to another process: give its "
            "settings, and make a Client of them there"
        )

    def _make_listing(self, collection: str, query: Query, options: ListingOptions) -> AnyListing:
        if self.settings.is_graph:
            target = aim(self.settings, self.graph, collection, query, options.page_size)
            return Listing(target, complete(options, self.settings, collection))
        _refuse_graph_options(options)
        address = self.locate(collection)
        # What the endpoint setting asks of a collection belongs to it.
        endpoint, _, written = self.settings.endpoint.partition("?")
        if written and endpoint.rstrip("/") == address.rstrip("/"):
            address = self.settings.endpoint
        name = collection.strip("/").partition("?")[0]
        return OwnApiListing(self.graph, address, name, query, proved=options.proved)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _hand_out(listing: AnyListing, on_link: OnLink | None) -> None:
    if on_link is not None and listing.link is not None:
        on_link(DeltaLink(listing.link))


def _refuse_graph_options(options: ListingOptions) -> None:
    """Refuse what takes OData as Graph has it, and IDs."""
    given = {
        "--with": options.expand,
        "--resume": options.journal,
        "--method": options.method != "auto",
    }
    for name, value in given.items():
        if value:
            raise UsageError(
                f"{name} is for Microsoft Graph, and the scope is another API's",
                code="option_invalid",
                hint=f"Leave {name} out: the API is read page by page, as it answers.",
            )


def load(file: str | os.PathLike[str] | None = None, **settings: object) -> Client:
    """
    Read the settings and return a client for them.

    Args:
        file: parameters.json or a TOML file; by default `$GRAPHDAEMON_CONFIG`, then
            `./parameters.json`, then the environment alone.
        **settings: Single settings by name; they take precedence over environment and file.

    Raises:
        SettingsError: A setting is missing or wrong; it is named, and where it was read.
    """
    return Client(read_settings(file, overrides=settings))
