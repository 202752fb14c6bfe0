"""
Ask Graph what changed during a listing: take a delta link before it, and follow it afterwards.

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

# Pages after which a delta must have begun; a service that supports `latest` needs one.
_MOST_FIRST_PAGES = 3
# A string with a quotation mark in it, which is doubled there, is matched as two strings.
_TEXT = r"'[^']*'"
# A name that is not within a path, and the character after it that makes it something else than a
# property: a variable, a function or a part of a word.
_NAME = r"(?<![\w/-])([A-Za-z_]\w*)([:(-]?)"
_LAMBDA_VARIABLE = r"(\w+)(:?)"
_OPERATORS = frozenset("and or not eq ne ge le gt lt in has null true false asc desc".split())

# Properties whose changes a delta does not report: one that is kept outside the directory ("Use
# delta query to track changes in Microsoft Graph data", limitations), and one that is not tracked
# ("user: delta").
_UNTRACKED = frozenset({"signInActivity", "licenseAssignmentStates"})
# By the same page, changes of schema extensions are not tracked. Their names contain an underscore,
# and otherwise only those of directory extensions do, which begin with `extension_`.
_SCHEMA_EXTENSION = r"(?!extension_)\w*_"

Told = dict[str, msgspec.Raw | None]
"""The records that a round reports: by ID, the record as it is now, or None if it is gone."""


class _Item(msgspec.Struct):
    removed: msgspec.Raw = msgspec.field(name="@removed", default=msgspec.Raw())


_decode_item = msgspec.json.Decoder(_Item).decode


class Delta:
    """
    The changes of a collection from now on, or since `link`, the delta link of an earlier run.

    Args:
        target: What is listed.
        link: The delta link of an earlier run.
        selected: The properties to follow, in place of those that the target selects. With a link,
            they must be those for which the link was made; by default they are taken to be those
            that the query selects.

    Attributes:
        link: The delta link at which the next round begins; None before `begin`.
        pages: How many pages the last round had. A single page shows the state of one moment.
        selected: The followed properties that the listing shows. They must be kept with the link.
        select: All properties that are requested, including those that the query tests; empty to
            get those that the delta reports by default.
        selects: Whether properties are requested. Then the delta leaves out only those that were
            never set.
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
        Take a delta link, which reports every change from this moment on.

        Graph returns it at once. A service that does not support `latest` would first send all
        records, page after page, which takes as long as the listing itself; then it is given up.

        Raises:
            GraphError: The collection has no delta, or none for this token.
            IdentityError, NetworkError: Graph could not be asked.
        """
        await self._walk(
            f"{self._base}?{self._options()}$deltatoken=latest", most=_MOST_FIRST_PAGES
        )

    async def sample(self) -> Page:
        """
        Get the first page of all records from the delta, whose order does not depend on names.

        Raises:
            GraphError, IdentityError, NetworkError: As in `begin`.
        """
        return await read_delta_page(self._target, f"{self._base}?{self._options()}".rstrip("?&"))

    async def round(self) -> Told:
        """
        Return what changed since the last round; if a record is reported twice, the last counts.

        Raises:
            GraphError: The delta link is no longer valid, or an answer breaks the rules.
            IdentityError, NetworkError: A page could not be read.
        """
        assert self.link is not None, "begin comes first"
        return await self._walk(self.link)

    async def _walk(self, url: str, most: int | None = None) -> Told:
        """Read a round from `url` to its delta link, in up to `most` pages."""
        told: Told = {}
        self.pages = 0
        async with aclosing(read_round(self._target, url, most=most)) as pages:
            async for page, ids, first in pages:
                if first:
                    told.clear()
                    self.pages = 0
                self.pages += 1
                for key, record in zip(ids, page.records, strict=True):
                    # A record that is reported again moves to the end of the order.
                    told.pop(key, None)
                    told[key] = None if bytes(_decode_item(record).removed) else record
                self.link = page.delta_link or self.link
        return told

    def _options(self) -> str:
        return f"$select={quote(','.join(self.select), safe=',/')}&" if self.select else ""


async def count_told(target: Target) -> int | None:
    """
    Count the records that the delta of a collection reports when it is read from its beginning.

    This takes the place of a count where Graph gives none, because the delta is answered from
    another source than the list. None under a filter or a search, which a delta does not support.

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
    Return a property that the filter tests and whose changes a delta does not report, or "".

    A record that no longer matches the filter because of such a change would stay in the output
    unnoticed.
    """
    tested = find_tested(target)
    extensions = (name for name in tested if re.match(_SCHEMA_EXTENSION, name))
    return min((*(tested & _UNTRACKED), *extensions), default="")


def agrees(told: msgspec.Raw | None, read: msgspec.Raw | None) -> tuple[bool, bool]:
    """
    Compare a record as a delta reported it with the record as it was read afterwards.

    Args:
        told: The record in the delta; None if it was reported as removed.
        read: The record as it was read; None if it was not found.

    Returns:
        Whether the two contradict each other, and whether they are the same. Neither is true if the
        delta left out a property that was read with a value: it leaves out what was never set.
    """
    if told is None or read is None:
        return (told is None) != (read is None), told is None and read is None
    told_values, read_values = values_of(told), values_of(read)
    common = told_values.keys() & read_values.keys()
    contradicting = any(not is_same(told_values[name], read_values[name]) for name in common)
    silent = [read_values[name] for name in read_values.keys() - common]
    return contradicting, not contradicting and not any(value not in (None, []) for value in silent)


def is_dead(error: GraphError) -> bool:
    """Return whether `error` means that the delta does not exist, is forbidden, or has expired."""
    return error.status in (400, 403, 404, 405, 410, 501) or error.code == "page_malformed"


def values_of(record: msgspec.Raw) -> Mapping[str, Any]:
    """Return the properties of a record, without its annotations."""
    decoded = read_record(record)
    return {name: value for name, value in decoded.items() if "@" not in name}


def is_same(told: Any, read: Any) -> bool:
    """Return whether two values of a property are the same; lists are compared without an order."""
    return bool(_plain(told) == _plain(read))


def _plain(value: Any) -> Any:
    # Lists in the directory have no order, so the same items may come in another one.
    return sorted(map(msgspec.json.encode, value)) if isinstance(value, list) else value


def _properties(target: Target, selected: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return the properties that a delta has to select; empty if none are selected.

    A delta reports only changes of the properties that it selects. They must include those that
    are shown, and those that decide whether, and in which part, a record is listed.
    """
    query, key = target.query, target.collection.key
    if not selected:
        return ()
    tested = _names_in(f"{query.filter or ''} {query.orderby or ''}")
    keys = [key.name] if key else []
    return tuple(dict.fromkeys(("id", *selected, *keys, *tested)))


def _names_in(expression: str) -> list[str]:
    """Return the properties that an expression names, in their order."""
    bare = re.sub(_TEXT, "", expression)
    variables = (name for name, sign in re.findall(_LAMBDA_VARIABLE, bare) if sign)
    no_properties = _OPERATORS.union(variables)
    names = (name for name, sign in re.findall(_NAME, bare) if not sign)
    return [name for name in names if name not in no_properties]
