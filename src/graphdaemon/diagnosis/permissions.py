"""
Which application permissions Microsoft Graph accepts for a call, by Microsoft's published table.

The table (data/permissions.json, written by tools/generate_permissions.py) is read at the first
use, since only refusals, `doctor` and `consent` need it.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from graphdaemon.errors import SettingsError

VERBS = ("GET", "POST", "PATCH", "PUT", "DELETE")

# Graph takes `/users/{id}` and `/users('{id}')` alike.
_KEYED = re.compile(r"([\w.-]+)\('([^/]*)'\)")
_VERSION = re.compile(r"/(v1\.0|beta)(?=/|$)", re.IGNORECASE)


class Call(NamedTuple):
    """A call of Graph: an HTTP method, and an address or path."""

    method: str
    path: str


class Need(NamedTuple):
    """
    The application permissions that Graph accepts for a call; any one of them will do.

    Attributes:
        call: The call as the table has it, such as `GET /users/{id}`.
        accepted: The permissions; the first is the least privileged that opens the whole call, so
            none for single properties, none of another product, and one that can be registered.
        also: Permissions of which that one needs another besides itself.
    """

    call: str
    accepted: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def least(self) -> str:
        """The least privileged permission that opens the whole call."""
        return self.accepted[0]

    @property
    def words(self) -> str:
        """What to ask for, in words: the least privileged permission, and what it needs besides."""
        return " and ".join((self.least, *self.also[:1]))

    def is_met(self, roles: Iterable[str]) -> bool:
        """Whether an application with `roles` may make the call, as far as roles decide."""
        held = set(roles)
        if not self.also:
            return not held.isdisjoint(self.accepted)
        partners = held.intersection(self.also)
        return any(name in held and (name != self.least or partners) for name in self.accepted)


class _Table(msgspec.Struct):
    """
    Microsoft's table of permissions.

    Attributes:
        roles: Name and ID of each application permission; the ID is None if it is not published.
        scopes: The same of each delegated permission.
        sets: Combinations of permissions, each as positions in `roles`; the first is that
            to ask for.
        also: What the least permission of a call needs besides itself.
        paths: For each path and method the position of its combination in `sets`.
    """

    roles: list[tuple[str, str | None]]
    scopes: list[tuple[str, str | None]]
    sets: list[list[int]]
    also: dict[str, list[str]]
    paths: dict[str, dict[str, int]]


def parse_call(text: str) -> Call:
    """
    Read a call such as `GET /users`; the method may be left out.

    Raises:
        SettingsError: The text is no call.
    """
    first, _, rest = text.strip().partition(" ")
    method, path = (first.upper(), rest.strip()) if rest else ("GET", first)
    if method not in VERBS or not path or " " in path:
        raise SettingsError(
            f"{text!r} is not a call of Graph",
            code="setting_invalid",
            hint='Write a verb and a path, such as "GET /users"; escape blanks as %20.',
        )
    return Call(method, path)


def find_need(method: str, path: str) -> Need | None:
    """
    Find the permissions that a call accepts; None if the table does not have it.

    Args:
        method: The HTTP method.
        path: The path, with or without version and options, such as `/v1.0/users?$top=1`.
    """
    table = _table()
    pattern = _find_pattern(path)
    if pattern is None or method not in table.paths[pattern]:
        return None
    members = table.sets[table.paths[pattern][method]]
    call = f"{method} {pattern}"
    return Need(
        call,
        tuple(table.roles[number][0] for number in members),
        tuple(table.also.get(call, ())),
    )


def find_role(name_or_id: str) -> str | None:
    """The name of the application permission with this ID, or this name in any case of letters."""
    return _roles().get(name_or_id.lower())


def find_scope(name_or_id: str) -> str | None:
    """The name of the delegated permission with this ID, or this name in any case of letters."""
    return _scopes().get(name_or_id.lower())


def find_excess(roles: Iterable[str], needs: Iterable[Need]) -> list[str]:
    """The roles among `roles` that none of these calls accepts."""
    accepted = {name for need in needs for name in (*need.accepted, *need.also)}
    return [role for role in roles if role not in accepted]


@cache
def _table() -> _Table:
    content = files(__package__).joinpath("data/permissions.json").read_bytes()
    return msgspec.json.decode(content, type=_Table)


@cache
def _roles() -> dict[str, str]:
    table = _table()
    ids = {role_id: name for name, role_id in table.roles if role_id is not None}
    return ids | {name.lower(): name for name, _ in table.roles}


@cache
def _scopes() -> dict[str, str]:
    table = _table()
    ids = {scope_id: name for name, scope_id in table.scopes if scope_id is not None}
    return ids | {name.lower(): name for name, _ in table.scopes}


def _find_pattern(path: str) -> str | None:
    """The table's path for a real one; `{id}` in the table matches any key."""
    segments = _split(path)
    # `/users/$count` accepts what `/users` accepts; the table has few of these.
    tails = ("$count", "$value", "$ref")
    while segments:
        patterns = [pattern for pattern in _table().paths if _matches(pattern, segments)]
        if patterns:
            # A word beats a key: `/users/delta` is not the user called delta.
            return min(patterns, key=lambda pattern: pattern.count("{"))
        if segments.pop() not in tails:
            return None
    return None


def _split(path: str) -> list[str]:
    bare = _VERSION.sub("", urlsplit(path).path, count=1)
    segments: list[str] = []
    for segment in filter(None, bare.split("/")):
        keyed = _KEYED.fullmatch(unquote(segment))
        segments += keyed.groups() if keyed else [segment]
    return [segment.lower() for segment in segments]


def _matches(pattern: str, segments: list[str]) -> bool:
    parts = pattern.strip("/").split("/")
    return len(parts) == len(segments) and all(map(_is_match, parts, segments))


def _is_match(part: str, segment: str) -> bool:
    if part == segment or (part.startswith("{") and not segment.startswith("$")):
        return True
    # A function is the same whatever its arguments: `delta(token={value})`.
    name, parenthesis, _ = part.partition("(")
    return bool(parenthesis) and segment.startswith(f"{name}(")
