"""
The paths that Microsoft Graph has, whether or not the emulator serves them.

The tree is data/published_paths.json, written by tools/generate_published_paths.py from Microsoft's
list of the paths that permissions open, and from the declared properties of its objects.
Neither tells v1.0 from beta, so that a path is taken to be in both. It is read when a request first
fits no route: the start does not wait for it.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

import msgspec

_NAMESPACE = "microsoft.graph."
_ALIAS = "graph."
_METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})
# Segments that may follow every suitable path by OData ("URL Conventions", 4.3, 4.7 and 4.8).
_TAILS = frozenset({"$count", "$ref", "$value"})
# "List deletedItems": the type is always named.
_CAST_ONLY = frozenset({("directory", "deleteditems")})

# By segments in small letters, `{}` for any key; the number, "" where more follows, is a set of
# methods.
_Tree: TypeAlias = "dict[str, _Tree] | int"


class PublishedPath(NamedTuple):
    """
    What a path means to Microsoft Graph.

    Args:
        template: e.g. "/users/{id}/photo", in lower case, up to the last segment that Graph has.
        methods: the published methods; empty if none are published, although there may be some.
        unknown: the first segment that Graph does not have, either; None if it has the path.
    """

    template: str
    methods: frozenset[str]
    unknown: str | None = None

    def takes(self, method: str) -> bool:
        """Whether Graph has this method at the path, as far as this is published."""
        return self.unknown is None and method in (self.methods or _METHODS)


class _Table(msgspec.Struct):
    methods: list[str]
    types: list[str]
    tree: dict[str, Any]


class _Published(NamedTuple):
    """The data file, read: the sets of methods, the names of types that casts name, the tree."""

    methods: tuple[frozenset[str], ...]
    types: frozenset[str]
    tree: _Tree


def find_published(path: str) -> PublishedPath:
    """
    What a path means to Graph.

    Args:
        path: the canonical path, version included, percent-encoded.
    """
    segments = [unquote(segment) for segment in path.split("/")[2:]]
    own = _follow(segments)
    if segments[:1] != ["me"]:
        return own
    # Every path below a user also exists below the signed-in user.
    alike = _follow(["users", "{}", *segments[1:]])
    if alike.unknown is not None:
        return own
    template = "/me" + alike.template.removeprefix("/users/{id}")
    return PublishedPath(template, alike.methods | own.methods)


def list_published() -> Iterator[tuple[str, str]]:
    """Every published call: a method and the template of a path, keys as `{id}`."""
    published = _read()
    waiting: list[tuple[tuple[str, ...], _Tree]] = [((), published.tree)]
    while waiting:
        template, node = waiting.pop()
        for method in sorted(published.methods[_number(node)]):
            yield method, _join(template)
        if not isinstance(node, int):
            waiting += [((*template, name), below) for name, below in node.items() if name]


class _Place(NamedTuple):
    """A place in the tree, and the names on the way there; `whole` if nothing may follow."""

    node: _Tree
    template: tuple[str, ...] = ()
    whole: bool = False


def _follow(segments: Sequence[str]) -> PublishedPath:
    """The published path of these segments, keys as they were sent."""
    published = _read()
    # A word may also be a key (`mailFolders/inbox`): both are followed, the word first.
    places = [_Place(published.tree)]
    for number, segment in enumerate(segments):
        name = segment.lower()
        if name.startswith(_ALIAS):
            name = _NAMESPACE + name.removeprefix(_ALIAS)
        last = number == len(segments) - 1
        if last and name in _TAILS:
            steps = [step for place in places for step in _end(place, name)]
        else:
            steps = [step for place in places for step in _step(place, name, published.types)]
        if not steps:
            return PublishedPath(_join(places[0].template), frozenset(), segment)
        places = steps
    node, template, _ = places[0]
    # Of a linked object only the link can be named, or the object with a cast.
    linked = template[-1:] == ("{}",) and isinstance(node, dict) and node.keys() == {"$ref"}
    if linked or template in _CAST_ONLY:
        return PublishedPath(_join(template), frozenset(), segments[-1])
    methods = published.methods[_number(node)]
    return PublishedPath(_join(template), frozenset({"GET"}) if "$count" in template else methods)


def _step(place: _Place, name: str, types: frozenset[str]) -> Iterator[_Place]:
    """The places that a segment leads to."""
    if place.whole:
        yield place
        return
    node, template, _ = place
    bare = name.removeprefix(_NAMESPACE).removesuffix("()")
    keys = () if name.startswith(("$", _NAMESPACE)) else ("{}",)
    # A colon is followed by the path of a file, which may have any length.
    colon = name.endswith(":")
    words = dict.fromkeys((name, "{}:") if colon else (name, bare, *keys))
    if not isinstance(node, int):
        for word in words:
            if word in node:
                yield _Place(node[word], (*template, word), colon)
    if template and name.startswith(_NAMESPACE) and bare in types:
        yield _Place(node, (*template, name))


def _end(place: _Place, name: str) -> Iterator[_Place]:
    """The place with a last segment that OData defines; no single object can be counted."""
    node, template, _ = place
    if not isinstance(node, int) and name in node:
        yield _Place(node[name], (*template, name))
    elif template and (name != "$count" or template[-1] != "{}"):
        yield _Place(node, (*template, name))


def _number(node: _Tree) -> int:
    """The number of a node's methods; 0, the empty set, where only what follows is published."""
    if isinstance(node, int):
        return node
    number = node.get("", 0)
    assert isinstance(number, int)
    return number


def _join(template: Sequence[str]) -> str:
    return "".join(f"/{segment}" for segment in template).replace("{}", "{id}")


@cache
def _read() -> _Published:
    content = files(__package__).joinpath("data", "published_paths.json").read_bytes()
    table = msgspec.json.decode(content, type=_Table)
    methods = tuple(frozenset(line.split()) for line in table.methods)
    return _Published(methods, frozenset(table.types), table.tree)
