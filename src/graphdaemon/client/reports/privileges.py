"""
How much each permission of Microsoft Graph allows, as Microsoft publishes it.

The levels are in data/privileges.json, written by tools/generate_privileges.py.
"""

from functools import cache
from importlib.resources import files

import msgspec

HIGHEST = 4
"""The highest level: what gives power over the whole tenant, or over all of its data."""


class _Table(msgspec.Struct):
    application: dict[str, list[str]]
    delegated: dict[str, list[str]]


def find_level(name: str, kind: str) -> int | None:
    """
    Return the level of a permission, from 1 to 4; None where nothing is published.

    Args:
        name: Its name, such as `User.Read.All`.
        kind: `application` or `delegated`.
    """
    return _read_levels(kind).get(name)


@cache
def _read_levels(kind: str) -> dict[str, int]:
    content = files("graphdaemon.client.reports").joinpath("data", "privileges.json").read_bytes()
    table = msgspec.json.decode(content, type=_Table)
    rows: dict[str, list[str]] = getattr(table, kind)
    return {name: int(level) for level, names in rows.items() for name in names}
