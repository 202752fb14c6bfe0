"""The OData options of a listing, and the address that they make."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from graphdaemon.graph.catalog import Collection

PAGE_SIZE = 999
"""The most Graph gives in one page of directory objects; its own default is 100."""

EXPANDED_PAGE_SIZE = 100
"""The most it gives in one page with `$expand` (microsoft-graph-docs #21506)."""

# Graph answers these in one page, and refuses $top (msgraph-sdk-powershell#349; "Paging Microsoft
# Graph data in your app" for roles and their members).
_UNPAGED = frozenset({"directoryroles", "directoryroletemplates", "subscribedskus"})
_UNESCAPED = "$,:/@'()!*"
# A text with a quotation mark in it, which is written twice, looks like two texts.
_TEXT = re.compile(r"'[^']*'")
_ADVANCED_WORDS = re.compile(r"\b(ne|not|endswith)\b|/\$count|\beq null\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]\w*")


class Query(NamedTuple):
    """
    OData options of one listing, in Graph's own syntax.

    Attributes:
        select: Properties to return; `id` is added. Empty: Graph's default set.
        filter: A `$filter` expression.
        search: A `$search` expression; quotes are added where there are none.
        orderby: A `$orderby` expression.
        limit: Stop after so many records.
        expand: A `$expand` expression.
    """

    select: tuple[str, ...] = ()
    filter: str | None = None
    search: str | None = None
    orderby: str | None = None
    limit: int | None = None
    expand: str = ""

    def describe(self) -> dict[str, str]:
        """Return the options that were given, by name."""
        values = {
            "select": ",".join(self.select),
            "filter": self.filter,
            "search": self.search,
            "orderby": self.orderby,
            "limit": None if self.limit is None else str(self.limit),
        }
        return {name: value for name, value in values.items() if value}


def is_advanced(query: Query, collection: Collection) -> bool:
    """
    Say whether Graph serves `query` only from its advanced index.

    Such a query needs `ConsistencyLevel: eventual` on every page and `$count=true`; without
    them Graph answers 400 ("Advanced query capabilities on directory objects").
    """
    if query.search:
        return True
    if query.orderby:
        words = {word.split()[0] for word in query.orderby.split(",") if word.strip()}
        if query.filter or not words <= collection.sortable:
            return True
    if query.filter:
        # A word within quotes is a value: `displayName eq 'not'` is no advanced query.
        bare = _TEXT.sub("''", query.filter)
        return bool(_ADVANCED_WORDS.search(bare)) or not collection.advanced.isdisjoint(
            _WORD.findall(bare)
        )
    return False


def takes_top(path: str) -> bool:
    """Say whether Graph lets a request choose the size of the pages of this collection."""
    return re.split("[/(]", path.strip("/").lower(), maxsplit=1)[0] not in _UNPAGED


def build_url(root: str, collection: Collection, query: Query, page_size: int = PAGE_SIZE) -> str:
    """Return the address of the first page of `query` on `collection` below `root`."""
    if "signInActivity" in query.select:
        # Graph takes no larger page with this property ("List users", Microsoft Graph v1.0).
        page_size = min(page_size, 500)
    if query.expand:
        page_size = min(page_size, EXPANDED_PAGE_SIZE)
    options = {}
    if takes_top(collection.name):
        options["$top"] = str(min(page_size, query.limit or page_size))
    if query.select:
        # Without its ID, a record cannot be told from another, nor from its own repetition.
        options["$select"] = ",".join(dict.fromkeys(("id", *query.select)))
    if query.filter:
        options["$filter"] = query.filter
    if query.expand:
        options["$expand"] = query.expand
    if query.search:
        options["$search"] = _quote(query.search)
    if query.orderby:
        options["$orderby"] = query.orderby
    if is_advanced(query, collection):
        options["$count"] = "true"
    return f"{root}/{collection.name}?{write_options(options)}".rstrip("?")


def count_url(root: str, collection: Collection, query: Query) -> str:
    """Return the address of the number of records that `query` selects."""
    options = {"$filter": query.filter, "$search": query.search and _quote(query.search)}
    present = {name: value for name, value in options.items() if value}
    return f"{root}/{collection.name}/$count?{write_options(present)}".rstrip("?")


def write_options(options: Mapping[str, str]) -> str:
    """
    Return OData options as the query part of an address.

    Only characters that would end a value are escaped: Graph repeats the options in every next
    link, and takes advanced queries only in addresses of up to 2,048 characters.
    """
    return "&".join(f"{name}={quote(value, safe=_UNESCAPED)}" for name, value in options.items())


def quote_string(text: str) -> str:
    """Return `text` as an OData string literal: in single quotes, those within it doubled."""
    return "'" + text.replace("'", "''") + "'"


def _quote(search: str) -> str:
    return search if '"' in search else f'"{search}"'


def query_of(endpoint: str) -> Query:
    """Return the options that are part of the `endpoint` setting."""
    options = {name.lower(): value for name, value in parse_qsl(urlsplit(endpoint).query)}
    select = options.get("$select", "")
    return Query(
        select=tuple(name.strip() for name in select.split(",") if name.strip()),
        filter=options.get("$filter"),
        search=options.get("$search"),
        orderby=options.get("$orderby"),
    )
