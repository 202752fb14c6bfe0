"""
Which application permissions a call of Microsoft Graph accepts, by Microsoft's published table.

The table (data/permissions.json, written by tools/generate_permissions.py) is read when first
asked: only a refusal and the doctor need it.
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

_KEYED = re.compile(r"([\w.-]+)\('([^/]*)'\)")
_VERSION = re.compile(r"/(v1\.0|beta)(?=/|$)", re.IGNORECASE)


class Call(NamedTuple):
    """A call somebody wants to make: a verb and an address or path of Graph."""

    method: str
    path: str


class Need(NamedTuple):
    """
    What a call accepts from an application; any one will do.

    Attributes:
        call: Such as `GET /users/{id}`.
        accepted: Permissions, the least privileged first.
        also: What the least privileged one does not do without.
    """

    call: str
    accepted: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def least(self) -> str:
        """The least privileged permission that opens the call."""
        return self.accepted[0]

    def is_met(self, roles: Iterable[str]) -> bool:
        """Say whether an application with `roles` may do it, as far as roles decide."""
        return not set(self.accepted).isdisjoint(roles)


class _Table(msgspec.Struct):
    roles: list[tuple[str, str | None]]
    scopes: list[tuple[str, str]]
    sets: list[list[int]]
    also: dict[str, list[str]]
    paths: dict[str, dict[str, int]]


def parse_call(text: str) -> Call:
    """
    Read `GET /users`; the verb may be left out.

    Raises:
        SettingsError: It is no call.
    """
    first, _, rest = text.strip().partition(" ")
    method, path = (first.upper(), rest.strip()) if rest else ("GET", first)
    if method not in VERBS or not path or " " in path:
        raise SettingsError(
            f"{text!r} is no call of Graph",
            code="setting_invalid",
            hint='Write a verb and a path, such as "GET /users"; escape blanks as %20.',
        )
    return Call(method, path)


def find_need(method: str, path: str) -> Need | None:
    """
    What a call accepts, or None if the table does not know the path.

    Args:
        method: An HTTP verb.
        path: Below the version or with it, with or without options: `/v1.0/users?$top=1`.
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
    """The application permission of this ID, or of this name in any case of letters."""
    return _roles().get(name_or_id.lower())


def find_scope(name_or_id: str) -> str | None:
    """The delegated permission of this ID, or of this name in any case of letters."""
    return _scopes().get(name_or_id.lower())


def find_excess(roles: Iterable[str], needs: Iterable[Need]) -> list[str]:
    """The roles among `roles` that none of these calls accepts."""
    accepted = {name for need in needs for name in need.accepted}
    return [role for role in roles if role not in accepted]


@cache
def _table() -> _Table:
    content = files(__package__).joinpath("data/permissions.json").read_bytes()
    return msgspec.json.decode(content, type=_Table)


@cache
def _roles() -> dict[str, str]:
    table = _table()
    ids = {number: name for name, number in table.roles if number is not None}
    return ids | {name.lower(): name for name, _ in table.roles}


@cache
def _scopes() -> dict[str, str]:
    table = _table()
    return {number: name for name, number in table.scopes} | {
        name.lower(): name for name, _ in table.scopes
    }


def _find_pattern(path: str) -> str | None:
    """The table's path for a real one: what stands for a key there matches anything here."""
    asked = _split(path)
    # `/users/$count` is opened by what opens `/users`; the table has few of these.
    tails = ("$count", "$value", "$ref")
    while asked:
        fitting = [known for known in _table().paths if _matches(known, asked)]
        if fitting:
            # A word beats a key: `/users/delta` is not the user called delta.
            return min(fitting, key=lambda known: known.count("{"))
        if asked[-1] not in tails:
            return None
        asked = asked[:-1]
    return None


def _split(path: str) -> list[str]:
    bare = _VERSION.sub("", urlsplit(path).path, count=1)
    segments: list[str] = []
    for segment in filter(None, bare.split("/")):
        keyed = _KEYED.fullmatch(unquote(segment))
        segments += keyed.groups() if keyed else [segment]
    return [segment.lower() for segment in segments]


def _matches(known: str, asked: list[str]) -> bool:
    segments = known.strip("/").split("/")
    return len(segments) == len(asked) and all(
        mine == theirs
        or (mine.startswith("{") and not theirs.startswith("$"))
        or _same_call(mine, theirs)
        for mine, theirs in zip(segments, asked, strict=True)
    )


def _same_call(mine: str, theirs: str) -> bool:
    """Functions are the same whatever their arguments: `delta(token={value})`."""
    name, parenthesis, _ = mine.partition("(")
    return bool(parenthesis) and theirs.startswith(f"{name}(")
