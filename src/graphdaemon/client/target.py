"""What a client lists: a collection and a query, completed by the settings."""

from graphdaemon.errors import UnprovedError
from graphdaemon.graph.address import choose_root
from graphdaemon.graph.catalog import find_collection
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.query import PAGE_SIZE, Query, query_of
from graphdaemon.listing.learned_cuts import cuts_path
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import ListingRecord
from graphdaemon.listing.target import Target
from graphdaemon.settings.model import Settings


def aim(
    settings: Settings, graph: Graph, collection: str, query: Query, page_size: int = PAGE_SIZE
) -> Target:
    """Return what to request from Graph."""
    row = find_collection(collection)
    path, _, options = settings.endpoint.partition("?")
    # The options in the endpoint setting fill in what the caller leaves open.
    if options and path.rstrip("/").endswith(f"/{row.name}"):
        written = query_of(settings.endpoint)
        query = query._replace(
            select=query.select or written.select,
            filter=query.filter or written.filter,
            search=query.search or written.search,
            orderby=query.orderby or written.orderby,
        )
    root = choose_root(settings.graph_root, collection)
    # Of users this is published. Most of what other filters test is shown by default, and told.
    is_published = row.name == "users" and root.endswith("/v1.0")
    defaults = default_properties(row.name) if is_published else None
    return Target(graph, root, row, query, page_size=page_size, defaults=defaults or ())


def complete(options: ListingOptions, settings: Settings, collection: str) -> ListingOptions:
    """Add to `options` whose directory it is, and where learned cuts are kept."""
    owner = settings.authority or settings.oidc_authority or ""
    if options.learn and options.plan is None:
        path = cuts_path(settings.graph_root, owner, collection.strip("/"))
        options = options._replace(plan=path)
    # Another app may be allowed to read other properties, so it must not resume this listing.
    return options._replace(owner=f"{owner} {settings.client_id}")


def unproved(record: ListingRecord) -> UnprovedError:
    """Return the error of a listing that its record does not prove complete."""
    return UnprovedError(
        f"the listing of {record.collection} is not proved complete: {record.why}",
        code="listing_unproved",
        hint=f"{record.next_step} To accept it without a proof, set proved=False.",
        listing=record,
    )
