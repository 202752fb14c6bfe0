"""
Read what changed in a collection since a delta link was made, or everything without a link.

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
"""
Whether and how an object was removed, in Graph's words.

`changed`: it was deleted and can be restored. `deleted`: it was deleted for good. Empty: it exists.
"""


class Link(NamedTuple):
    """
    A link to an object, such as a member of a group, that was added or removed.

    Attributes:
        id: The ID of the linked object.
        kind: Its type, such as `user`; empty if Graph does not send it.
        removed: Whether the link was removed.
    """

    id: str
    kind: str
    removed: bool


class Changed(NamedTuple):
    """
    An object in a round of changes.

    A round may contain the same object several times, also with different links. Then all of them
    count, in their order.

    Attributes:
        id: The ID of the object.
        record: The object as Graph sent it, with the selected properties. A property that was never
            set is left out, and one that was cleared is null. None if the object was removed.
        removed: Whether and how the object was removed.
        links: The links that were added or removed, by relation; for a new object, all its links.
    """

    id: str
    record: msgspec.Raw | None
    removed: Removal
    links: dict[str, list[Link]]


class Changes:
    """
    One round of changes, which is read page by page, so that only one page is in memory.

    Args:
        target: The collection. The properties that its query selects are requested if there is no
            link. A link keeps the properties that were selected when the first link was made.
        link: The delta link to continue from. Without one, the round contains every object, and
            those in the recycle bin as removed.
        relations: The relations to read, such as `members`; like properties, they are requested
            only without a link.

    Attributes:
        link: The delta link to continue from. Once the round was read, it is the link to the next
            round.
        restarts: How often the round was begun anew because a page link was refused. Everything
            that was yielded before a restart is void: the directory has changed meanwhile, and
            objects that were removed meanwhile are not reported again.
        pages_read: How many pages of the round were read so far.

    Raises:
        UsageError: `link` belongs to another collection, or to another origin, to which no token
            may be sent.
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
        Yield the objects that changed, some at a time, in an undefined order.

        Only when the generator has ended is `link` the link to the next round.

        Raises:
            GraphError: The delta link is no longer valid (`delta.is_dead`), the collection has no
                delta, or none for this token, or an answer breaks the rules.
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
    """Return a type with the field `removed`, and after it a field for each relation."""
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
    # With any other reason the object is gone, too; that it can be restored claims less.
    return "deleted" if reason == "deleted" else "changed"


def _read_kind(type_name: str) -> str:
    """Return the short name of a type, such as `user` for `#microsoft.graph.user`."""
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
