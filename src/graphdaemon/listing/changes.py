"""
What changed in a collection since a delta link was made, or all there is to begin with.

Sources: "Use delta query to track changes in Microsoft Graph data" and "group: delta" on
learn.microsoft.com.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import unquote

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.graph.links import altered, origin_of, path_of
from graphdaemon.graph.query import write_options
from graphdaemon.listing.delta_round import RoundPage, delta_url, read_round
from graphdaemon.listing.target import Target

Removal = Literal["", "changed", "deleted"]
"""How an object is gone: can be restored, or for good; empty where it is there."""


class Link(NamedTuple):
    """
    A linked object that came or went, such as a member of a group.

    Attributes:
        id: The linked object.
        kind: Its type, such as `user`; empty where Graph does not say.
        removed: It is linked no more.
    """

    id: str
    kind: str
    removed: bool


class Changed(NamedTuple):
    """
    One object as a round tells of it. Told again, also with other links, the later one adds to it.

    Attributes:
        id: The object.
        record: What Graph sent, with what is selected: what was never set is left out, what was
            cleared is null. None where the object is gone.
        removed: `changed` where it was deleted and can be restored, `deleted` where it is gone for
            good; empty where it is there. (The words are Graph's.)
        links: By relation which links came and went; of an object that is new, all it has.
    """

    id: str
    record: msgspec.Raw | None
    removed: Removal
    links: dict[str, list[Link]]


class Changes:
    """
    One round of changes, read page by page, so that no more than a page is in memory.

    Args:
        target: The collection. What its query selects is asked for where there is no link; a link
            tells of what was selected when the first of its row was made.
        link: The delta link to go on from. Without one every object is told, and those in the
            recycle bin as removed.
        relations: The relations to read, such as `members`; asked for as what is selected is.

    Attributes:
        link: The delta link to go on from: that of the next round once this one was read.
        restarts: How often the round was begun anew because a page link was refused. Whatever was
            yielded before a restart is void: the directory has changed meanwhile, and what is gone
            by then is not told of again.
        pages_read: Pages of the round so far.

    Raises:
        UsageError: `link` is of another collection, or of another Graph, where no token must go.
    """

    def __init__(
        self, target: Target, link: str | None = None, relations: Sequence[str] = ()
    ) -> None:
        if link is not None:
            _check_link(link, delta_url(target))
        self._target = target
        self._relations = tuple(relations)
        self._decode = msgspec.json.Decoder(_item_type(self._relations)).decode
        self.link = link
        self.restarts = 0
        self.pages_read = 0

    async def pages(self) -> AsyncGenerator[list[Changed]]:
        """
        Yield what changed, some objects at a time, in no order that means anything.

        Once it has ended, and only then, `link` is that of the next round.

        Raises:
            GraphError: The delta link is not valid any more (`delta.is_dead`); there is no delta of
                this collection, or not for this token; or somebody alters the answers.
            IdentityError, NetworkError: A page could not be read.
        """
        self.restarts = self.pages_read = 0
        next_link = None
        async with aclosing(read_round(self._target, self.link or self._first_url())) as pages:
            async for page in pages:
                self.restarts += page.first and self.pages_read > 0
                self.pages_read = 1 if page.first else self.pages_read + 1
                next_link = page.page.delta_link
                yield list(self._read_items(page))
        self.link = next_link

    def _first_url(self) -> str:
        names = dict.fromkeys((*self._target.query.select, *self._relations))
        options = write_options({"$select": ",".join({"id": None, **names})}) if names else ""
        return f"{delta_url(self._target)}?{options}".rstrip("?")

    def _read_items(self, page: RoundPage) -> Iterator[Changed]:
        for key, record in zip(page.ids, page.page.records, strict=True):
            try:
                removed, *told = msgspec.structs.astuple(self._decode(record))
            except msgspec.DecodeError:
                where = path_of(delta_url(self._target))
                raise altered(f"{where} tells of links that are none") from None
            reason = _read_reason(removed)
            links = {
                relation: [Link(one.id, _read_kind(one.type), bool(one.removed)) for one in linked]
                for relation, linked in zip(self._relations, told, strict=True)
                if linked
            }
            yield Changed(key, None if reason else record, reason, links)


class _Linked(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    type: str = msgspec.field(name="@odata.type", default="")
    removed: msgspec.Raw = msgspec.field(name="@removed", default=msgspec.Raw())


class _Removed(msgspec.Struct):
    reason: str = ""


@cache
def _item_type(relations: tuple[str, ...]) -> type[msgspec.Struct]:
    """A type with what was removed, and behind it the links of each relation."""
    fields: list[tuple[str, Any, Any]] = [
        ("removed", msgspec.Raw, msgspec.field(name="@removed", default=msgspec.Raw()))
    ]
    for number, relation in enumerate(relations):
        named = msgspec.field(name=f"{relation}@delta", default=None)
        fields.append((f"relation_{number}", list[_Linked] | None, named))
    return msgspec.defstruct("ItemWithLinks", fields)


def _read_reason(removed: msgspec.Raw) -> Removal:
    if not bytes(removed):
        return ""
    try:
        reason = msgspec.json.decode(removed, type=_Removed).reason
    except msgspec.DecodeError:
        reason = ""
    # Whatever else it says, the object is gone; that it can be restored is the weaker claim.
    return "deleted" if reason == "deleted" else "changed"


def _read_kind(type_name: str) -> str:
    """Return `user` of `#microsoft.graph.user`."""
    return type_name.rpartition(".")[2]


def _check_link(link: str, base: str) -> None:
    here = origin_of(base)
    try:
        there = origin_of(link)
    except ValueError:
        there = ""
    if here != there:
        raise UsageError(
            f"the delta link is not of {here}, which is where the token goes",
            code="origin_foreign",
            hint="Give a link that a listing of the same Graph has ended with.",
        )
    collection = path_of(base).removesuffix("delta")
    is_address = link.isascii() and link.isprintable() and " " not in link
    if not (is_address and unquote(path_of(link)).lower().startswith(collection.lower())):
        raise UsageError(
            f"the delta link is not one of {collection}",
            code="option_invalid",
            hint="Keep a delta link together with the name of its collection.",
        )
