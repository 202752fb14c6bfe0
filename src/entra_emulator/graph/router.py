"""
Find the endpoint of a Graph path.

Paths are accepted as Azure CLI, PnP CLI and SDKs write them: in any case of letters, with empty
segments, with `myorganization` or a tenant behind the version, with `users('key')` for `users/key`,
with `delta()` or `microsoft.graph.delta` for `delta`, and with `graph.` for `microsoft.graph.`, the
alias that `$metadata` declares and every generated SDK sends.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from starlette.responses import Response

from entra_emulator.model import schema

VERSIONS = ("v1.0", "beta")

_KEYED = re.compile(r"([A-Za-z0-9.]+)\((.*)\)", re.DOTALL)
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)
_TENANT = re.compile(r"myorganization|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w-]+(\.[\w-]+)+")
_NAMESPACE, _ALIAS = "microsoft.graph.", "graph."


# Takes a `Call`, or the bare request where the endpoint is public.
Handler = Callable[[Any], Response | Awaitable[Response]]


class Endpoint(NamedTuple):
    """
    One line of the route table.

    Args:
        path: the path template below the version, keys in braces; `{property}` stands for a
            property, and for properties of its value below it.
        blocking: whether it waits for the database's only writer.
        public: whether it is answered without a token.
        kind: the type that has the property in the path; empty if there is none in it.
    """

    method: str
    path: str
    answer: Handler
    blocking: bool = False
    public: bool = False
    kind: str = ""


def write_route(method: str, path: str, answer: Handler) -> Endpoint:
    """The line of an endpoint that changes the directory."""
    return Endpoint(method, path, answer, blocking=True)


@dataclass
class _Node:
    """
    A node in the tree of paths: the segments that may follow, and the endpoints here.

    A key stands with its name in the template, properties with the type that has them.
    """

    literals: dict[str, tuple[str, "_Node"]] = field(default_factory=dict)
    key: tuple[str, "_Node"] | None = None
    properties: tuple[str, "_Node"] | None = None
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    def follow(self, rest: list[str], keys: dict[str, str]) -> tuple[list[str], "_Node"] | None:
        """
        The first of these segments by their canonical names, and the node behind them.

        The keys among them are put into `keys`. None if no route begins like this.
        """
        literal = self.find_literal(rest[0].lower())
        if literal is not None:
            return [literal[0]], literal[1]
        if self.properties is not None and (names := _find_properties(self.properties[0], rest)):
            keys["property"] = "/".join(names)
            return names, self.properties[1]
        if self.key is not None:
            keys[self.key[0]] = rest[0]
            return [rest[0]], self.key[1]
        return None

    def find_literal(self, segment: str) -> tuple[str, "_Node"] | None:
        """What follows a segment in small letters, whichever way its namespace is written."""
        if segment.startswith(_ALIAS):
            segment = f"{_NAMESPACE}{segment.removeprefix(_ALIAS)}"
        # The whole name goes first: a cast is entered with its namespace.
        return self.literals.get(segment) or self.literals.get(
            segment.removeprefix(_NAMESPACE).removesuffix("()")
        )


class ResolvedPath(NamedTuple):
    """
    What a path means.

    Args:
        path: the canonical path, version included.
        endpoints: the endpoints there, by method.
        keys: the keys in the path, by their names in the template.
        unknown: the first segment that no route has; None if the path is that of a route.
    """

    path: str
    endpoints: Mapping[str, Endpoint]
    keys: dict[str, str]
    unknown: str | None


class Router:
    """
    The route table as a tree, so that the time of a lookup does not depend on the number of routes.

    Args:
        endpoints: the endpoints that are served.
        reserved: paths that are not served, and whose last segment is still not a key.
    """

    def __init__(self, endpoints: Iterable[Endpoint], reserved: Iterable[str] = ()) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            self._add(endpoint)
        for path in reserved:
            self._reach(path)

    def resolve(self, path: str) -> ResolvedPath | None:
        """What a percent-encoded path means; None when it is not Graph's."""
        segments = [unquote(segment) for segment in path.split("/") if segment]
        if not segments or segments[0].lower() not in VERSIONS:
            return None
        if len(segments) > 1 and self._is_tenant(segments[1]):
            del segments[1]
        canonical, node, keys = [segments[0].lower()], self._root, dict[str, str]()
        rest = [part for segment in segments[1:] for part in _split(segment)]
        while rest:
            step = node.follow(rest, keys)
            if step is None:
                return ResolvedPath(_join([*canonical, *rest]), {}, keys, rest[0])
            names, node = step
            canonical += names
            rest = rest[len(names) :]
        unknown = None if node.endpoints else canonical[-1]
        return ResolvedPath(_join(canonical), node.endpoints, keys, unknown)

    def _add(self, endpoint: Endpoint) -> None:
        node = self._reach(endpoint.path, endpoint.kind)
        assert endpoint.method not in node.endpoints, f"{endpoint.path} stands twice"
        node.endpoints[endpoint.method] = endpoint

    def _reach(self, path: str, kind: str = "") -> _Node:
        """The node of a path template, made if it is new."""
        node = self._root
        for segment in filter(None, path.split("/")):
            if segment == "{property}":
                node.properties = node.properties or (kind, _Node())
                node = node.properties[1]
            elif segment.startswith("{"):
                node.key = node.key or (segment[1:-1], _Node())
                assert node.key[0] == segment[1:-1], f"{path} gives a key another name"
                node = node.key[1]
            else:
                node = node.literals.setdefault(segment.lower(), (segment, _Node()))[1]
        return node

    def _is_tenant(self, segment: str) -> bool:
        """Whether a segment names a tenant; it is ignored, because the token names the tenant."""
        folded = segment.lower()
        # `v1.0` has the form of a domain, too.
        is_route = folded in self._root.literals or folded in VERSIONS
        return not is_route and bool(_TENANT.fullmatch(folded))


def _find_properties(kind: str, segments: list[str]) -> list[str]:
    """The first segments as properties: one of the type, one of its value, and so on."""
    names: list[str] = []
    for segment in segments:
        name = schema.canonical(kind, segment) if schema.knows(kind) else None
        edm = schema.declared(kind).get(name, "") if name is not None else ""
        # A stream has an address of its own, and no value in the object.
        if name is None or edm == "Edm.Stream" or edm in schema.VALUELESS:
            break
        names.append(name)
        kind = edm.removeprefix("microsoft.graph.")
    return names


def _split(segment: str) -> list[str]:
    """The two parts of `users('key')`, a named key whole as in `appId='key'`; else the segment."""
    keyed = _KEYED.fullmatch(segment)
    # Empty brackets are those of a function, as in `delta()`.
    if not keyed or not keyed[2]:
        return [segment]
    quoted = _QUOTED.fullmatch(keyed[2])
    return [keyed[1], quoted[1].replace("''", "'") if quoted else keyed[2]]


def _join(segments: Iterable[str]) -> str:
    return "/" + "/".join(quote(segment, safe="$@'=.") for segment in segments)
