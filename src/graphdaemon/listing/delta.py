"""
The service's own account of what changed: a delta link, taken before and followed afterwards.

Source: "Use delta query to track changes in Microsoft Graph data" on learn.microsoft.com.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import altered, follow, path_of
from graphdaemon.graph.page import Page, read_record
from graphdaemon.listing.chain import RESTARTS, is_link_refused
from graphdaemon.listing.target import Target

# Empty pages in a row. A round may skip many records that nobody selected; so many lead nowhere.
_MOST_EMPTY = 1_000
# Records of a round that may be told again, besides ten times as many as there are different ones.
_REPEATED = 10_000
# Pages in which a delta has to begin: a service that knows `latest` answers with one.
_MOST_FIRST_PAGES = 3
# A text with a quotation mark in it, which is written twice, looks like two texts.
_TEXT = re.compile(r"'[^']*'")
# Names that stand alone in an expression: neither within a path nor a function.
# A name, and the sign that makes it something else: a variable, a function or a part of a word.
_NAME = re.compile(r"(?<![\w/-])([A-Za-z_]\w*)([:(-]?)")
_LAMBDA_VARIABLE = re.compile(r"(\w+)(:?)")
_OPERATORS = frozenset("and or not eq ne ge le gt lt in has null true false asc desc".split())

Changes = dict[str, msgspec.Raw | None]
"""What a round tells: by ID the record as it is now, or None if it is gone."""


class _Item(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    removed: msgspec.Raw = msgspec.field(name="@removed", default=msgspec.Raw())


_decode_item = msgspec.json.Decoder(_Item).decode


class Delta:
    """
    The changes of one collection from now on, or from `link`, the delta link of an earlier run.

    Attributes:
        link: The delta link at which the next round begins; None before `begin`.
        pages: How many pages the last round had; one page is the state of one moment.
        select: The properties that it was asked for, among them all that the query tests; empty for
            those that it tells by itself.
        selects: Whether it was asked for any. Of those it leaves out only what was never set.
    """

    def __init__(self, target: Target, link: str | None = None) -> None:
        self._target = target
        self._base = f"{target.root}/{target.collection.name}/delta"
        self.select = _properties(target)
        self.selects = bool(self.select)
        self.link = link
        self.pages = 0

    async def begin(self) -> None:
        """
        Take the delta link that tells of every change from this moment on.

        Graph answers with it at once. A service that does not know `latest` would first tell every
        record, page after page: that is as long as the listing itself, and is broken off.

        Raises:
            GraphError: There is no delta of this collection, or not for this token.
        """
        await self._walk(
            f"{self._base}?{self._options()}$deltatoken=latest", most=_MOST_FIRST_PAGES
        )

    async def sample(self) -> Page:
        """
        Get a page of the records there are, in an order that has little to do with their names.

        Raises:
            GraphError: As `begin`.
        """
        return await self._page(f"{self._base}?{self._options()}".rstrip("?&"))

    async def round(self) -> Changes:
        """
        Return what changed since the last round; of a record told of twice, what was told last.

        Raises:
            GraphError: The delta link is not valid any more, or somebody alters the answers.
        """
        assert self.link is not None, "begin comes first"
        for _ in range(RESTARTS):
            try:
                return await self._walk(self.link)
            except GraphError as error:
                # Where a page link within the round was refused, the round is begun anew.
                if self.pages == 0 or not is_link_refused(error):
                    raise
        return await self._walk(self.link)

    async def _walk(self, url: str, most: int | None = None) -> Changes:
        """Read a round from `url` to its delta link, in `most` pages."""
        changes: Changes = {}
        visited = {hash(url)}
        self.pages = items = empty = 0
        while True:
            page = await self._page(url)
            self.pages += 1
            for record in page.records:
                item = _decode(record, url)
                # Told again, it moves behind what was told before.
                changes.pop(item.id, None)
                changes[item.id] = None if bytes(item.removed) else record
            if page.delta_link is not None:
                self.link = follow(page.delta_link, self._base)
                return changes
            items += len(page.records)
            empty = 0 if page.records else empty + 1
            repeats = items > _REPEATED + 10 * len(changes)
            if page.next_link is None or empty > _MOST_EMPTY or repeats or self.pages == most:
                raise _broken(url, "does not end in a delta link")
            url = follow(page.next_link, url)
            if hash(url) in visited:
                raise _broken(url, "leads back to a page that was read already")
            visited.add(hash(url))

    async def _page(self, url: str) -> Page:
        target = self._target
        # A delta is never answered from the advanced index, whatever the query needs elsewhere.
        return await target.graph.page(url, needs=target.collection.role, tally=target.tally)

    def _options(self) -> str:
        return f"$select={quote(','.join(self.select), safe=',/')}&" if self.select else ""


def agrees(told: msgspec.Raw | None, read: msgspec.Raw | None) -> tuple[bool, bool]:
    """
    Compare what a delta told of a record with how it was read afterwards.

    Returns:
        Whether they contradict each other, and whether they say the same. Neither is so where the
        delta is silent about a value, since it omits what was never set.
    """
    if told is None or read is None:
        return (told is None) != (read is None), told is None and read is None
    told_values, read_values = values_of(told), values_of(read)
    common = told_values.keys() & read_values.keys()
    contradicting = any(_plain(told_values[name]) != _plain(read_values[name]) for name in common)
    silent = [read_values[name] for name in read_values.keys() - common]
    return contradicting, not contradicting and not any(value not in (None, []) for value in silent)


def is_dead(error: GraphError) -> bool:
    """Say whether `error` means that there is no delta: none, not for this token, or no longer."""
    return error.status in (400, 403, 404, 405, 410, 501) or error.code == "page_malformed"


def values_of(record: msgspec.Raw) -> Mapping[str, Any]:
    """Return the properties of a record, without its annotations."""
    decoded = read_record(record)
    return {name: value for name, value in decoded.items() if "@" not in name}


def _plain(value: Any) -> Any:
    # Lists of the directory have no order: the same addresses may come in another one.
    return sorted(map(msgspec.json.encode, value)) if isinstance(value, list) else value


def _properties(target: Target) -> tuple[str, ...]:
    """
    The properties to follow; empty for all.

    A delta tells only of changes to the properties that it selects. Needed are those that are
    shown, and those that decide whether, and in which part, a record is listed.
    """
    query, key = target.query, target.collection.key
    if not query.select:
        return ()
    bare = _TEXT.sub("", f"{query.filter or ''} {query.orderby or ''}")
    variables = (name for name, sign in _LAMBDA_VARIABLE.findall(bare) if sign)
    no_properties = _OPERATORS.union(variables)
    names = (name for name, sign in _NAME.findall(bare) if not sign)
    tested = [name for name in names if name not in no_properties]
    keys = [key.name] if key else []
    return tuple(dict.fromkeys(("id", *query.select, *keys, *tested)))


def _decode(record: msgspec.Raw, url: str) -> _Item:
    try:
        return _decode_item(record)
    except msgspec.DecodeError:
        raise _broken(url, "tells of a record without an ID") from None


def _broken(url: str, problem: str) -> GraphError:
    return altered(f"{path_of(url)} {problem}")
