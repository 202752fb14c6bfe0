"""The listing that a call of the library opens, of Graph or of your own API."""

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
from graphdaemon.listing.record import ListingRecord
from graphdaemon.listing.run import AnyListing
from graphdaemon.settings.model import Settings

OnLink: TypeAlias = Callable[[DeltaLink], None]
"""Is called with the link from which `changes` reads every change since a listing."""


class OpenListing(NamedTuple):
    """
    A listing that can be read, with its query and options.

    Attributes:
        listing: The listing.
        query: The OData options, those of the endpoint setting among them.
        options: How the listing is made.
    """

    listing: AnyListing
    query: Query
    options: ListingOptions

    def finish(self, on_link: OnLink | None, *, corrected: bool) -> ListingRecord:
        """
        Return the listing record after everything was read, and pass on the link.

        Raises:
            UnprovedError: A proof was required, and there is none.
        """
        record = self.listing.finish(corrected=corrected)
        if self.options.proved and record.exit_code:
            raise unproved(record)
        self.hand_out(on_link)
        return record

    def hand_out(self, on_link: OnLink | None) -> None:
        """Pass on the link for reading later changes, if there is one."""
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

    It must be proved complete if `proved` or `options` say so. If neither says anything, it must be
    proved where that is possible: Graph's advanced index lags behind, and most other APIs give no
    means of proof.

    Raises:
        UsageError: The collection is at another origin, an option works with Graph only, or an
            argument is not a list of names.
        SettingsError: The settings do not contain the address of the API that the scope belongs to.
    """
    _check(settings, collection, query, options or ListingOptions())
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
    Return the full address of `path`, in Graph or in the API of the settings.

    Raises:
        UsageError: It is at another origin, or is not an address.
        SettingsError: The scope is that of your own API, and the settings do not contain its
            address.
    """
    at_graph = is_for_graph(f"https://{urlsplit(settings.endpoint).netloc}")
    if at_graph and not settings.is_graph:
        raise SettingsError(
            f"{settings.scope[0]} is the scope of another API, and the settings do not contain the "
            "address of that API",
            code="setting_missing",
            hint="Write the API's address into endpoint, or give it with --endpoint.",
        )
    return resolve(settings.api_root, path, graph=settings.is_graph)


def read_names(names: Sequence[str] | str) -> tuple[str, ...]:
    """
    Return the names in a list, or in a text that is separated by commas, without duplicates.

    Raises:
        UsageError: It is neither.
    """
    try:
        parts = [names] if isinstance(names, str) else list(names)
        split = [name.strip() for part in parts for name in part.split(",")]
    except (AttributeError, TypeError):
        raise UsageError(
            f"{names!r} is not a list of names",
            code="option_invalid",
            hint='Give a list such as ["displayName", "mail"], or a text such as '
            '"displayName,mail".',
        ) from None
    return tuple(dict.fromkeys(filter(None, split)))


def _check(settings: Settings, collection: object, query: Query, options: ListingOptions) -> None:
    """Refuse what no listing can be made of; notebooks have no type checker."""
    if not isinstance(collection, str) or not collection.strip("/"):
        raise UsageError(
            f"{collection!r} is not the path of a collection",
            code="option_invalid",
            hint='Give a path that follows the Graph version, such as "users" or "groups".',
        )
    if settings.is_graph and "://" in collection:
        raise UsageError(
            f"{collection} is an address, and not the path of a collection",
            code="option_invalid",
            hint='Give the path that follows the Graph version, such as "users".',
        )
    least: dict[str, tuple[object, int]] = {
        "limit": (query.limit, 0),
        "chains": (options.chains, 1),
        "page_size": (options.page_size, 1),
        "seconds": (options.seconds, 0),
    }
    for name, (value, lowest) in least.items():
        if value is not None and not (isinstance(value, int | float) and value >= lowest):
            raise UsageError(
                f"{name}={value!r} is not a number from {lowest} on",
                code="option_invalid",
                hint=f"Give a number, or leave {name} out.",
            )


def _open_own(
    settings: Settings, graph: Graph, collection: str, query: Query, options: ListingOptions
) -> AnyListing:
    # Not loaded for a listing of Graph.
    from graphdaemon.listing.own_api import OwnApiListing

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
                f"{name} works with Microsoft Graph only, and the scope is that of another API",
                code="option_invalid",
                hint=f"Leave {name} out: the pages of the API are read in the order in which it "
                "gives them.",
            )
