"""What to ask of a collection: OData options in, an address and its headers out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

from graphdaemon.catalog import Collection

PAGE_SIZE = 999
"""The most Graph gives in one page of directory objects; its own default is 100."""

_UNESCAPED = "$,:/@'()!*"
_TEXT = re.compile(r"'(?:[^']|'')*'")
_ADVANCED_WORDS = re.compile(r"\b(ne|not|endswith)\b|/\$count|\beq null\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Query:
    """
    OData options of one listing, in Graph's own syntax.

    Attributes:
        select: Properties to return; ``id`` is added. Empty: Graph's default set.
        filter: A ``$filter`` expression.
        search: A ``$search`` expression; quotes are added where there are none.
        orderby: A ``$orderby`` expression.
        limit: Stop after so many records.
    """

    select: tuple[str, ...] = ()
    filter: str | None = None
    search: str | None = None
    orderby: str | None = None
    limit: int | None = None


def is_advanced(query: Query, collection: Collection) -> bool:
    """
    Say whether Graph serves ``query`` only from its advanced index.

    Such a query needs ``ConsistencyLevel: eventual`` on every page and ``$count=true``; without
    them Graph answers 400 ("Advanced query capabilities on directory objects").
    """
    if query.search:
        return True
    if query.orderby:
        words = {word.split()[0] for word in query.orderby.split(",") if word.strip()}
        if query.filter or not words <= collection.sortable:
            return True
    if query.filter:
        bare = _TEXT.sub("''", query.filter)
        return bool(_ADVANCED_WORDS.search(bare)) or not collection.advanced.isdisjoint(
            _WORD.findall(bare)
        )
    return False


def build_url(root: str, collection: Collection, query: Query) -> str:
    """The address of the first page of ``query`` on ``collection`` below ``root``."""
    options = {"$top": str(min(PAGE_SIZE, query.limit or PAGE_SIZE))}
    if query.select:
        # Without id there is no telling two records apart, nor a record from its repetition.
        options["$select"] = ",".join(dict.fromkeys(("id", *query.select)))
    if query.filter:
        options["$filter"] = query.filter
    if query.search:
        options["$search"] = query.search if '"' in query.search else f'"{query.search}"'
    if query.orderby:
        options["$orderby"] = query.orderby
    if is_advanced(query, collection):
        options["$count"] = "true"
    # Only what would end a value is escaped: Graph echoes the options in every next link, and
    # advanced queries are limited to 2,048 characters of address.
    joined = "&".join(f"{name}={quote(value, safe=_UNESCAPED)}" for name, value in options.items())
    return f"{root}/{collection.name}?{joined}"


def query_of(endpoint: str) -> Query:
    """The options somebody wrote into the ``endpoint`` setting."""
    options = {name.lower(): value for name, value in parse_qsl(urlsplit(endpoint).query)}
    select = options.get("$select", "")
    return Query(
        select=tuple(name.strip() for name in select.split(",") if name.strip()),
        filter=options.get("$filter"),
        search=options.get("$search"),
        orderby=options.get("$orderby"),
    )
