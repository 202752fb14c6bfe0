"""What is listed: a collection and a query, and the `Graph` that sends the requests."""

import msgspec

from graphdaemon.graph.catalog import Collection
from graphdaemon.graph.graph import Graph, Tally
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import PAGE_SIZE, Query, build_url, count_url, is_advanced


class Target(msgspec.Struct, frozen=True):
    """
    A collection and a query, and the cost of the requests so far.

    Attributes:
        graph: Sends the requests.
        root: Origin and version of Graph, such as `https://graph.microsoft.com/v1.0`.
        collection: A row of the catalogue.
        query: The OData options.
        tally: Counts the requests and their cost.
        page_size: How many records to request in a page.
        defaults: What Graph shows where nothing is selected, if that is known for certain.
    """

    graph: Graph
    root: str
    collection: Collection
    query: Query
    tally: Tally = msgspec.field(default_factory=Tally)
    page_size: int = PAGE_SIZE
    defaults: tuple[str, ...] = ()

    @property
    def advanced(self) -> bool:
        """Whether Graph answers this from its advanced index, which lags behind."""
        return is_advanced(self.query, self.collection)

    @property
    def selected(self) -> tuple[str, ...]:
        """
        The properties to select; none where Graph is to show what it shows by default.

        What Graph shows by default is selected by its names where these are certain: the records
        are the same, and a page costs one resource unit less ("Microsoft Graph service-specific
        throttling limits", identity and access). A delta with a selection tells nothing else; one
        without would not tell what a filter tests unless that is shown by default.
        """
        return self.query.select or self.defaults

    def url(self, condition: str = "", *, select: tuple[str, ...] | None = None) -> str:
        """
        Return the address of the first page of the query.

        Args:
            condition: A `$filter` expression that narrows the query to a part.
            select: Properties to return in place of those of the query.
        """
        own = self.query.filter
        both = f"({own}) and {condition}" if own and condition else own or condition
        query = self.query._replace(filter=both or None, select=self.selected)
        if select is not None:
            query = query._replace(select=select, expand="")
        return build_url(self.root, self.collection, query, self.page_size)

    async def page(self, url: str) -> Page:
        """
        Get one page.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        return await self.graph.page(
            url, needs=self.collection.role, advanced=self.advanced, tally=self.tally
        )

    async def count(self, attempts: int | None = None) -> int:
        """
        Request the number of records that match the query, with up to `attempts` attempts.

        Raises:
            IdentityError, GraphError, NetworkError: After every attempt that could help.
        """
        url = count_url(self.root, self.collection, self.query)
        count = await self.graph.count(
            url, needs=self.collection.role, tally=self.tally, attempts=attempts
        )
        if self.collection.name == "users":
            self.graph.budget.expect(count)
        return count
