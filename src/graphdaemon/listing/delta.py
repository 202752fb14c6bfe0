"""
The service's own account of what changed: a delta link, taken before and followed afterwards.

Source: "Use delta query to track changes in Microsoft Graph data" on learn.microsoft.com.
"""

import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.page import Page, read_record
from graphdaemon.listing.delta_round import delta_url, read_delta_page, read_round
from graphdaemon.listing.target import Target

# Pages in which a delta has to begin: a service that knows `latest` answers with one.
_MOST_FIRST_PAGES = 3
# A text with a quotation mark in it, which is written twice, looks like two texts.
_TEXT = r"'[^']*'"
# Names that stand alone in an expression: neither within a path nor a function.
# A name, and the sign that makes it something else: a variable, a function or a part of a word.
_NAME = r"(?<![\w/-])([A-Za-z_]\w*)([:(-]?)"
_LAMBDA_VARIABLE = r"(\w+)(:?)"
_OPERATORS = frozenset("and or not eq ne ge le gt lt in has null true false asc desc".split())

# Kept outside the directory, of which a delta tells nothing ("Use delta query to track changes in
# Microsoft Graph data", limitations); and not tracked ("user: delta").
_UNTRACKED = frozenset({"signInActivity", "licenseAssignmentStates"})
# Changes of schema extensions are not tracked, says the same page. No property of Graph's own has a
# line in its name; directory extensions are called `extension_…`.
_SCHEMA_EXTENSION = r"(?!extension_)\w*_"

Told = dict[str, msgspec.Raw | None]
"""What a round tells: by ID the record as it is now, or None if it is gone."""


class _Item(msgspec.Struct):
    removed: msgspec.Raw = msgspec.field(name="@removed", default=msgspec.Raw())


_decode_item = msgspec.json.Decoder(_Item).decode


class Delta:
    """
    The changes of one collection from now on, or from `link`, the delta link of an earlier run.

    Args:
        target: What is listed.
        link: The delta link of an earlier run.
        selected: What to follow in place of what the target selects. Of an earlier run's link, only
            who keeps it knows what it selected; by itself it is taken for what the query selects.

    Attributes:
        link: The delta link at which the next round begins; None before `begin`.
        pages: How many pages the last round had; one page is the state of one moment.
        selected: The properties that it was asked for as what is shown; keep them with the link.
        select: The properties that it was asked for, among them all that the query tests; empty for
            those that it tells by itself.
        selects: Whether it was asked for any. Of those it leaves out only what was never set.
        tested: The properties that the filter of the query tests.
    """

    def __init__(
        self, target: Target, link: str | None = None, *, selected: tuple[str, ...] | None = None
    ) -> None:
        self._target = target
        self._base = delta_url(target)
        if selected is None:
            selected = target.selected if link is None else target.query.select
        self.selected = selected
        self.select = _properties(target, selected)
        self.selects = bool(self.select)
        self.tested = find_tested(target)
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
        return await read_delta_page(self._target, f"{self._base}?{self._options()}".rstrip("?&"))

    async def round(self) -> Told:
        """
        Return what changed since the last round; of a record told of twice, what was told last.

        Raises:
            GraphError: The delta link is not valid any more, or somebody alters the answers.
        """
        assert self.link is not None, "begin comes first"
        return await self._walk(self.link)

    async def _walk(self, url: str, most: int | None = None) -> Told:
        """Read a round from `url` to its delta link, in `most` pages."""
        told: Told = {}
        self.pages = 0
        async with aclosing(read_round(self._target, url, most=most)) as pages:
            async for page, ids, first in pages:
                if first:
                    told.clear()
                    self.pages = 0
                self.pages += 1
                for key, record in zip(ids, page.records, strict=True):
                    # Told again, it moves behind what was told before.
                    told.pop(key, None)
                    told[key] = None if bytes(_decode_item(record).removed) else record
                self.link = page.delta_link or self.link
        return told

    def _options(self) -> str:
        return f"$select={quote(','.join(self.select), safe=',/')}&" if self.select else ""


async def count_told(target: Target) -> int | None:
    """
    Return how many records a delta tells of that is read from its beginning.

    That is Graph's count where Graph gives none: the delta is answered from elsewhere than the
    list, page by page to its delta link. None under a filter or a search, which a delta knows not.

    Raises:
        IdentityError, GraphError, NetworkError: There is no delta, or it could not be read.
    """
    if target.query.filter or target.query.search:
        return None
    there: set[str] = set()
    async with aclosing(read_round(target, f"{delta_url(target)}?$select=id")) as pages:
        async for page, ids, first in pages:
            if first:
                there.clear()
            for key, record in zip(ids, page.records, strict=True):
                if bytes(_decode_item(record).removed):
                    there.discard(key)
                else:
                    there.add(key)
    return len(there)


def find_tested(target: Target) -> frozenset[str]:
    """Return the properties that the filter of a query tests."""
    return frozenset(_names_in(target.query.filter or ""))


def find_untracked(target: Target) -> str:
    """
    Return a property that the filter tests though no delta tells of its changes; empty without one.

    Whoever left the filter by such a change would stay in the list, and nothing would say so.
    """
    tested = find_tested(target)
    extensions = (name for name in tested if re.match(_SCHEMA_EXTENSION, name))
    return min((*(tested & _UNTRACKED), *extensions), default="")


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
    contradicting = any(not is_same(told_values[name], read_values[name]) for name in common)
    silent = [read_values[name] for name in read_values.keys() - common]
    return contradicting, not contradicting and not any(value not in (None, []) for value in silent)


def is_dead(error: GraphError) -> bool:
    """Say whether `error` means that there is no delta: none, not for this token, or no longer."""
    return error.status in (400, 403, 404, 405, 410, 501) or error.code == "page_malformed"


def values_of(record: msgspec.Raw) -> Mapping[str, Any]:
    """Return the properties of a record, without its annotations."""
    decoded = read_record(record)
    return {name: value for name, value in decoded.items() if "@" not in name}


def is_same(told: Any, read: Any) -> bool:
    """Say whether a property that was told and one that was read have the same value."""
    return bool(_plain(told) == _plain(read))


def _plain(value: Any) -> Any:
    # Lists of the directory have no order: the same addresses may come in another one.
    return sorted(map(msgspec.json.encode, value)) if isinstance(value, list) else value


def _properties(target: Target, selected: tuple[str, ...]) -> tuple[str, ...]:
    """
    The properties to follow where these are selected; empty for all.

    A delta tells only of changes to the properties that it selects. Needed are those that are
    shown, and those that decide whether, and in which part, a record is listed.
    """
    query, key = target.query, target.collection.key
    if not selected:
        return ()
    tested = _names_in(f"{query.filter or ''} {query.orderby or ''}")
    keys = [key.name] if key else []
    return tuple(dict.fromkeys(("id", *selected, *keys, *tested)))


def _names_in(expression: str) -> list[str]:
    """The properties that an expression names, in its order."""
    bare = re.sub(_TEXT, "", expression)
    variables = (name for name, sign in re.findall(_LAMBDA_VARIABLE, bare) if sign)
    no_properties = _OPERATORS.union(variables)
    names = (name for name, sign in re.findall(_NAME, bare) if not sign)
    return [name for name in names if name not in no_properties]
