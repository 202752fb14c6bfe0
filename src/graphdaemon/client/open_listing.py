"""What a listing of the library reads, of Graph or of an API of one's own, as the settings say."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from graphdaemon.client.target import aim, complete, unproved
from graphdaemon.cloud import is_for_graph
from graphdaemon.errors import SettingsError, UsageError
from graphdaemon.graph.address import resolve
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.query import Query
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.own_api import OwnApiListing
from graphdaemon.listing.record import ListingRecord
from graphdaemon.listing.run import AnyListing
from graphdaemon.settings.model import Settings

OnLink: TypeAlias = Callable[[DeltaLink], None]
"""Is called with the link by which `changes` tells of every change since a listing."""


class OpenListing(NamedTuple):
    """
    A listing that can be read, and what it was made of.

    Attributes:
        listing: The listing.
        query: The OData options, those of the endpoint setting among them.
        options: How it is made.
    """

    listing: AnyListing
    query: Query
    options: ListingOptions

    def finish(self, on_link: OnLink | None, *, corrected: bool) -> ListingRecord:
        """
        Return the account of the listing after it was read, and hand its link out.

        Raises:
            UnprovedError: A proof was asked for, and there is none.
        """
        record = self.listing.finish(corrected=corrected)
        if self.options.proved and record.exit_code:
            raise unproved(record)
        self.hand_out(on_link)
        return record

    def hand_out(self, on_link: OnLink | None) -> None:
        """Hand out the link at which the changes go on, where there is one."""
        if on_link is not None and self.listing.link is not None:
            on_link(DeltaLink(self.listing.link))


def open_listing(
    settings: Settings,
    graph: Graph,
    collection: str,
    query: Query,
    options: ListingOptions | None,
    *,
    proved: bool | None,
) -> OpenListing:
    """
    Return the listing of a collection; nothing is sent yet.

    It is to be proved if `proved` or `options` say so; where neither says anything, if Graph can
    prove it: its advanced index lags behind, and most APIs of one's own tell nothing.

    Raises:
        UsageError: The collection is of another origin, an option is Graph's alone, or something
            is no list of names.
        SettingsError: Nothing says where the API is that the scope is of.
    """
    query = query._replace(select=read_names(query.select))
    target = aim(settings, graph, collection, query) if settings.is_graph else None
    if options is None:
        options = ListingOptions(proved=target is not None and not target.advanced)
    if proved is not None:
        options = options._replace(proved=proved)
    options = options._replace(expand=read_names(options.expand))
    if target is None:
        listing = _open_own(settings, graph, collection, query, options)
        return OpenListing(listing, query, options)
    target = aim(settings, graph, collection, query, options.page_size)
    return OpenListing(
        Listing(target, complete(options, settings, collection)), target.query, options
    )


def locate(settings: Settings, path: str) -> str:
    """
    Return the whole address that `path` means, in Graph or in the API of the settings.

    Raises:
        UsageError: It is of another origin, or no address.
        SettingsError: The scope is that of an API, and nothing says where that is.
    """
    at_graph = is_for_graph(f"https://{urlsplit(settings.endpoint).netloc}")
    if at_graph and not settings.is_graph:
        raise SettingsError(
            f"{settings.scope[0]} is another API's scope, and the settings do not say where "
            "that API is",
            code="setting_missing",
            hint="Write the API's address into endpoint, or give it with --endpoint.",
        )
    return resolve(settings.api_root, path, graph=settings.is_graph)


def read_names(names: Sequence[str] | str) -> tuple[str, ...]:
    """
    Return the names in a list, or in a text with commas, each once.

    Raises:
        UsageError: It is neither.
    """
    try:
        parts = [names] if isinstance(names, str) else list(names)
        split = [name.strip() for part in parts for name in part.split(",")]
    except (AttributeError, TypeError):
        raise UsageError(
            f"{names!r} is no list of names",
            code="option_invalid",
            hint='Give one, such as ["displayName", "mail"], or a text, "displayName,mail".',
        ) from None
    return tuple(dict.fromkeys(filter(None, split)))


def _open_own(
    settings: Settings, graph: Graph, collection: str, query: Query, options: ListingOptions
) -> OwnApiListing:
    _refuse_graph_options(options)
    address = locate(settings, collection)
    # What the endpoint setting asks of a collection belongs to it.
    endpoint, _, written = settings.endpoint.partition("?")
    if written and endpoint.rstrip("/") == address.rstrip("/"):
        address = settings.endpoint
    name = collection.strip("/").partition("?")[0]
    return OwnApiListing(graph, address, name, query, proved=options.proved)


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
