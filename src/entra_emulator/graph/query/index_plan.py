"""
Which objects a query is about, as far as the store has an index to find them by.

What the plan covers is not asked of the documents again: a list split into
ranges of names costs what its pages cost, whatever the size of the directory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from entra_emulator.graph.query.condition import Compare, Junction, Match, Member, Node, join
from entra_emulator.model.kinds import KINDS

# Behind everything that begins with what stands in front of it.
_LAST = "\U0010ffff"
# Objects without a display name stand first, under the empty string; no comparison takes them.
_FIRST = "\0"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A walk over the store's indices.

    Args:
        order: "seq" (creation order), "name" (displayName) or "key" (the kind's key property).
        descending: from the last to the first.
        low: the least value of the order's column, casefolded; None is open.
        high: the greatest one.
        ids: only these objects, in lower case.
    """

    order: str = "seq"
    descending: bool = False
    low: str | None = None
    high: str | None = None
    ids: tuple[str, ...] | None = None


class Order(NamedTuple):
    """What `$orderby` asks for: "seq", "name" or "key"."""

    name: str
    descending: bool


class _Range(NamedTuple):
    """Closed bounds on a column; exact ones say all that the condition says."""

    order: str
    low: str | None
    high: str | None
    exact: bool


def make_plan(kind: str, node: Node | None, order: Order | None) -> tuple[Plan, Node | None]:
    """
    The plan for a condition, and what of the condition it does not cover.

    Args:
        kind: a key of KINDS; of collections of other types nothing is indexed.
        node: the condition.
        order: the order asked for, which the plan keeps to.
    """
    parts = node.operands if isinstance(node, Junction) and node.operator == "and" else (node,)
    rest = [part for part in parts if part is not None]
    if kind not in KINDS:
        return Plan(*(order or ())), node
    if order is None:
        ids = [(part, found) for part in rest if (found := _read_ids(part)) is not None]
        if ids:
            return _plan_ids(ids, rest)
    ranges = [(part, found) for part in rest for found in _read_ranges(kind, part)]
    column = order.name if order else _choose(found for _, found in ranges)
    used = [(part, found) for part, found in ranges if found.order == column]
    lows = [found.low for _, found in used if found.low is not None]
    highs = [found.high for _, found in used if found.high is not None]
    plan = Plan(
        column,
        order.descending if order else False,
        max(lows, default=None),
        min(highs, default=None),
    )
    return plan, _subtract(rest, [part for part, found in used if found.exact])


def _plan_ids(
    ids: list[tuple[Node, tuple[str, ...]]], rest: list[Node]
) -> tuple[Plan, Node | None]:
    wanted = dict.fromkeys(ids[0][1])
    for _, others in ids[1:]:
        wanted = {one: None for one in wanted if one in others}
    return Plan(ids=tuple(wanted)), _subtract(rest, [part for part, _ in ids])


def _subtract(parts: list[Node], covered: list[Node]) -> Node | None:
    rest = [part for part in parts if not any(part is one for one in covered)]
    return join("and", rest) if rest else None


def _choose(ranges: Iterable[_Range]) -> str:
    """The column whose bounds leave least: one value, else the key before the name."""
    found = list(ranges)
    for order in ("key", "name"):
        if any(one.order == order and one.low == one.high for one in found):
            return order
    return next((order for order in ("key", "name") if any(o.order == order for o in found)), "seq")


def _read_ids(node: Node) -> tuple[str, ...] | None:
    """The IDs of which the object must have one; None when something else is asked."""
    match node:
        case Compare("id", "eq", str(value)):
            return (value.lower(),)
        case Member("id", values):
            return tuple(str(value).lower() for value in values)
        case Junction("or", operands):
            found = [_read_ids(operand) for operand in operands]
            if all(one is not None for one in found):
                return tuple(value for one in found for value in one or ())
    return None


def _read_ranges(kind: str, node: Node) -> list[_Range]:
    """What the node says of indexed columns."""
    match node:
        case Compare(path, operator, str(value)):
            return _bound(kind, path, operator, value.casefold())
        case Match("startswith", path, value):
            return _bound(kind, path, "startswith", value.casefold())
        case Member(path, values):
            return _unite([_read_ranges(kind, Compare(path, "eq", value)) for value in values])
        case Junction("or", operands):
            return _unite([_read_ranges(kind, operand) for operand in operands])
    return []


def _unite(each: list[list[_Range]]) -> list[_Range]:
    """What holds for all alternatives: the range around their ranges, column by column."""
    united = []
    for order in ("key", "name"):
        of_column = [[one for one in found if one.order == order] for found in each]
        if all(of_column):
            lows = [found[0].low for found in of_column]
            highs = [found[0].high for found in of_column]
            low = None if None in lows else min(one for one in lows if one is not None)
            high = None if None in highs else max(one for one in highs if one is not None)
            united.append(_Range(order, low, high, exact=False))
    return united


def _bound(kind: str, path: str, operator: str, value: str) -> list[_Range]:
    bounds = {
        "eq": (value, value),
        "ge": (value, None),
        "le": (None, value),
        "startswith": (value, value + _LAST),
    }
    if operator not in bounds:
        return []
    low, high = bounds[operator]
    found = []
    if path == KINDS[kind].key:
        # Where the key may be missing its column holds the ID.
        found.append(_Range("key", low, high, exact=KINDS[kind].unique))
    if path == "displayName":
        low = max(low or "", _FIRST)
        found.append(_Range("name", low, high, exact=True))
    return found
