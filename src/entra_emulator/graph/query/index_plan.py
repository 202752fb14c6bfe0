"""
Plan which objects a query may select, as far as an index of the store can find them.

A condition that an index answers is not checked against the documents again. So a list that is
divided into ranges of names takes as long as its pages take, whatever the size of the directory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entra_emulator.graph.query.condition import Compare, Junction, Match, Member, Node, join
from entra_emulator.model.kinds import KINDS

# The greatest character: with it behind a text, no text with the same beginning is greater.
_LAST = "\U0010ffff"
# Objects without a display name have the empty string in the index, which no comparison matches;
# every name is this or greater.
_FIRST = "\0"

# The indexed columns besides the creation order; the key comes first, since it narrows more.
_COLUMNS = ("key", "name")


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """
    How to walk over one of the store's indices.

    Args:
        order: "seq" (creation order), "name" (displayName) or "key" (the kind's key property); the
            name of a property with a time has no index, and all objects are looked at.
        descending: from the last to the first.
        low: the least value in the column of the order, in folded case; None for no limit.
        high: the greatest value; None for no limit.
        ids: the IDs, in lower case, of the only objects to look up; empty for a range.
    """

    order: str = "seq"
    descending: bool = False
    low: str | None = None
    high: str | None = None
    ids: tuple[str, ...] | None = None


class SortOrder(NamedTuple):
    """The order that `$orderby` requests; the column is an `order` of `IndexPlan`."""

    column: str
    descending: bool


class _Range(NamedTuple):
    """
    Closed bounds on a column, between which every object that fulfils a condition stands.

    Args:
        column: one of _COLUMNS.
        low: the least value; None is open.
        high: the greatest value; None is open.
        covers: the condition, if every object between the bounds fulfils it.
    """

    column: str
    low: str | None
    high: str | None
    covers: Node | None = None


def make_plan(
    kind: str, node: Node | None, sort: SortOrder | None
) -> tuple[IndexPlan, Node | None]:
    """
    The plan for a condition, and the part of the condition that it does not cover.

    Args:
        kind: a key of KINDS; collections of other types have no index.
        node: the condition; None selects all objects.
        sort: an order that the plan has to keep to.
    """
    if kind not in KINDS:
        return IndexPlan(*(sort or ())), node
    conditions = _list_conditions(node)
    # A look-up returns objects in the order of the IDs, so it cannot keep another order.
    if sort is None and (lookup := _plan_lookup(conditions)) is not None:
        return lookup
    ranges = [bounds for condition in conditions for bounds in _read_ranges(kind, condition)]
    column = sort.column if sort else _choose_column(ranges)
    ranges = [bounds for bounds in ranges if bounds.column == column]
    plan = IndexPlan(
        column,
        sort is not None and sort.descending,
        max((bounds.low for bounds in ranges if bounds.low is not None), default=None),
        min((bounds.high for bounds in ranges if bounds.high is not None), default=None),
    )
    return plan, _join_rest(conditions, [bounds.covers for bounds in ranges])


def _list_conditions(node: Node | None) -> list[Node]:
    """The conditions that an object has to fulfil all of."""
    if isinstance(node, Junction) and node.operator == "and":
        return list(node.operands)
    return [] if node is None else [node]


def _plan_lookup(conditions: list[Node]) -> tuple[IndexPlan, Node | None] | None:
    """The plan to look up objects by ID; None if no condition names IDs."""
    named = [(node, ids) for node in conditions if (ids := _read_ids(node)) is not None]
    if not named:
        return None
    (_, first), *others = named
    common = [one for one in dict.fromkeys(first) if all(one in ids for _, ids in others)]
    return IndexPlan(ids=tuple(common)), _join_rest(conditions, [node for node, _ in named])


def _join_rest(conditions: list[Node], covered: Sequence[Node | None]) -> Node | None:
    """The conditions that are not covered, as one."""
    rest = [condition for condition in conditions if condition not in covered]
    return join("and", rest) if rest else None


def _choose_column(ranges: list[_Range]) -> str:
    """The column with the narrowest range: one value before several, the key before the name."""
    for column in _COLUMNS:
        if any(bounds.column == column and bounds.low == bounds.high for bounds in ranges):
            return column
    return min((bounds.column for bounds in ranges), key=_COLUMNS.index, default="seq")


def _read_ids(node: Node) -> tuple[str, ...] | None:
    """The IDs of which an object must have one; None if the condition is not about the ID."""
    match node:
        case Compare("id", "eq", str(value)):
            return (value.lower(),)
        case Member("id", values):
            return tuple(str(value).lower() for value in values)
        case Junction("or", operands):
            alternatives = [_read_ids(operand) for operand in operands]
            if None not in alternatives:
                return tuple(value for ids in alternatives for value in ids or ())
    return None


def _read_ranges(kind: str, node: Node) -> list[_Range]:
    """The ranges that a condition sets, at most one for each column."""
    match node:
        case Compare(path, operator, str(value)):
            return _bound(kind, node, path, operator, value.casefold())
        case Match("startswith", path, value):
            return _bound(kind, node, path, "startswith", value.casefold())
        case Member(path, values):
            return _enclose([_read_ranges(kind, Compare(path, "eq", value)) for value in values])
        case Junction("or", operands):
            return _enclose([_read_ranges(kind, operand) for operand in operands])
    return []


def _enclose(alternatives: list[list[_Range]]) -> list[_Range]:
    """The range around those of all alternatives, for each column that every one of them bounds."""
    enclosing = []
    for column in _COLUMNS:
        ranges = [one for ranges in alternatives for one in ranges if one.column == column]
        if len(ranges) == len(alternatives):
            lows = [bounds.low for bounds in ranges if bounds.low is not None]
            highs = [bounds.high for bounds in ranges if bounds.high is not None]
            low = min(lows) if len(lows) == len(ranges) else None
            high = max(highs) if len(highs) == len(ranges) else None
            # It covers no condition: objects between the alternatives fulfil none of them.
            enclosing.append(_Range(column, low, high))
    return enclosing


def _bound(kind: str, node: Node, path: str, operator: str, value: str) -> list[_Range]:
    bounds = {
        "eq": (value, value),
        "ge": (value, None),
        "le": (None, value),
        "startswith": (value, value + _LAST),
    }
    if operator not in bounds:
        return []
    low, high = bounds[operator]
    ranges = []
    if path == KINDS[kind].key:
        # A key that may be missing has the object's ID in its column instead.
        ranges.append(_Range("key", low, high, node if KINDS[kind].unique else None))
    if path == "displayName":
        ranges.append(_Range("name", max(low or "", _FIRST), high, node))
    return ranges
