"""The OData options of a listing, and the address that is built from them."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from graphdaemon.graph.catalog import Collection

PAGE_SIZE = 999
"""The most directory objects that Graph puts into one page; its own default is 100."""

EXPANDED_PAGE_SIZE = 100
"""The most objects that Graph puts into one page with `$expand` (microsoft-graph-docs #21506)."""

# Graph returns these collections in one page, and refuses $top for them
# (msgraph-sdk-powershell#349; "Paging Microsoft Graph data in your app" for roles and members).
_UNPAGED = frozenset({"directoryroles", "directoryroletemplates", "subscribedskus"})
_UNESCAPED = "$,:/@'()!*"
# A string with a quotation mark in it, which is doubled there, is matched as two strings.
_TEXT = r"'[^']*'"
_ADVANCED_WORDS = r"\b(ne|not|endswith)\b|/\$count|\beq null\b"
_WORD = r"[A-Za-z_]\w*"


class Query(NamedTuple):
    """
    The OData options of one listing, in Graph's own syntax.

    Attributes:
        select: The properties to return, to which `id` is added; empty for Graph's default set.
        filter: A `$filter` expression.
        search: A `$search` expression; double quotes are put around one that has none.
        orderby: A `$orderby` expression.
        limit: The number of records after which the listing stops; None for all of them.
        expand: A `$expand` expression; empty for none.
    """

    select: tuple[str, ...] = ()
    filter: str | None = None
    search: str | None = None
    orderby: str | None = None
    limit: int | None = None
    expand: str = ""

    def describe(self) -> dict[str, str]:
        """Return the options that were given, by name; `expand` is not among them."""
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
    Return whether `query` is an advanced query, which Graph answers from a separate index.

    Such a query needs the header `ConsistencyLevel: eventual` on every page, and `$count=true`;
    without them Graph answers 400 ("Advanced query capabilities on directory objects").
    """
    if query.search:
        return True
    if query.orderby:
        words = {word.split()[0] for word in query.orderby.split(",") if word.strip()}
        if query.filter or not words <= collection.sortable:
            return True
    if query.filter:
        # A word in quotes is a value: `displayName eq 'not'` is not an advanced query.
        bare = re.sub(_TEXT, "''", query.filter)
        return bool(
            re.search(_ADVANCED_WORDS, bare, re.IGNORECASE)
        ) or not collection.advanced.isdisjoint(re.findall(_WORD, bare))
    return False


def takes_top(path: str) -> bool:
    """Return whether Graph takes `$top` for the collection at `path`."""
    return re.split("[/(]", path.strip("/").lower(), maxsplit=1)[0] not in _UNPAGED


def build_url(root: str, collection: Collection, query: Query, page_size: int = PAGE_SIZE) -> str:
    """
    Return the address of the first page of `query` on `collection`.

    Args:
        root: Origin and version, such as `https://graph.microsoft.com/v1.0`.
        collection: The collection.
        query: The options.
        page_size: The most records in a page (`$top`); lowered where Graph takes less.
    """
    if "signInActivity" in query.select:
        # Graph refuses larger pages with this property ("List users", Microsoft Graph v1.0).
        page_size = min(page_size, 500)
    if query.expand:
        page_size = min(page_size, EXPANDED_PAGE_SIZE)
    options = {}
    if takes_top(collection.name):
        options["$top"] = str(min(page_size, query.limit or page_size))
    if query.select:
        # Only by its ID can a record that is sent twice be recognised.
        names = query.select if "id" in query.select else ("id", *query.select)
        options["$select"] = ",".join(dict.fromkeys(names))
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
    """Return the `$count` address that tells how many records `query` selects."""
    options = {"$filter": query.filter, "$search": query.search and _quote(query.search)}
    present = {name: value for name, value in options.items() if value}
    return f"{root}/{collection.name}/$count?{write_options(present)}".rstrip("?")


def write_options(options: Mapping[str, str]) -> str:
    """
    Return OData options as the query part of an address.

    Only the characters that could not stand in a value are escaped, which keeps the address short:
    Graph takes advanced queries only in addresses of up to 2,048 characters.
    """
    return "&".join(f"{name}={quote(value, safe=_UNESCAPED)}" for name, value in options.items())


def quote_string(text: str) -> str:
    """Return `text` as an OData string: in single quotes, with each single quote in it doubled."""
    return "'" + text.replace("'", "''") + "'"


def _quote(search: str) -> str:
    return search if '"' in search else f'"{search}"'


def query_of(endpoint: str) -> Query:
    """Return the OData options in the query part of `endpoint`, which is a setting."""
    options = {name.lower(): value for name, value in parse_qsl(urlsplit(endpoint).query)}
    select = options.get("$select", "")
    return Query(
        select=tuple(name.strip() for name in select.split(",") if name.strip()),
        filter=options.get("$filter"),
        search=options.get("$search"),
        orderby=options.get("$orderby"),
    )
