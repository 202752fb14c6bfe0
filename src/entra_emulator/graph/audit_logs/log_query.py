"""
The query options of a list in Graph's audit logs.

Another service than the directory answers them. It supports fewer options, and refuses most others
with the same text: "Invalid filter clause" (microsoft-graph-docs#14173, #5676).
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from entra_emulator.errors import GraphRefusal, deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.query.compile import compile_match
from entra_emulator.graph.query.condition import (
    Compare,
    IsOf,
    Junction,
    Match,
    Member,
    Moment,
    Negation,
    Node,
    Some,
)
from entra_emulator.graph.query.filter import parse_filter
from entra_emulator.graph.query.index_plan import IndexPlan
from entra_emulator.graph.query.options import Query, parse_options, split_link
from entra_emulator.graph.query.select import read_select
from entra_emulator.model.report_schema import BETA_ONLY, MOMENTS, REPORT_FILTERS

# "The maximum and default page size is 1,000 objects" ("List signIns").
MOST = 1000

# The options that the logs do not support; the real answer to them is not known.
_ELSEWHERE = ("$search", "$expand", "$count", "$deltatoken", "$skip")

_EVERYTHING = (float("-inf"), float("inf"))


@dataclass(frozen=True, slots=True)
class LogQuery:
    """
    A query for a list of log entries.

    Args:
        page: the values for the page: selected properties, size, link, token.
        match: tells whether an entry's JSON fulfils the filter; None accepts all.
        since: no entry before this moment fulfils it, in seconds since 1970.
        until: no entry after this moment fulfils it.
        user_id: only entries of this user fulfil it; None for any user.
        events: the `signInEventTypes` that the filter names; may be empty.
        ascending: whether the oldest entries come first.
    """

    page: Query
    match: Callable[[bytes], bool] | None
    since: float
    until: float
    user_id: str | None
    events: frozenset[str]
    ascending: bool


def read_log_query(call: Call, kind: str) -> LogQuery:
    """
    The query that a request for a list of this type asks for.

    Raises:
        GraphRefusal: 400 or 501.
    """
    options = parse_options(call.query_string)
    for option in _ELSEWHERE:
        if option in options:
            raise deny("not_emulated", what=f"{option} on audit logs")
    node = _read_filter(call, kind, options.get("$filter"))
    since, until = _bound(node, MOMENTS[kind])
    page = Query(
        kind=kind,
        select=_read_select(call, kind, options.get("$select", "")),
        expand=None,
        top=_read_top(options.get("$top")),
        plan=IndexPlan(),
        match=None,
        count=False,
        page_token=options.get("$skiptoken"),
        link=split_link(call.query_string),
        binding=msgspec.json.encode(
            [kind, sorted(item for item in options.items() if item[0] != "$skiptoken")]
        ),
        small=False,
        eventual=False,
    )
    match = compile_match(_expand(node)) if node is not None else None
    return LogQuery(
        page,
        match,
        since,
        until,
        _find_value(node, "userId"),
        frozenset(_list_events(node)),
        ascending=_read_order(kind, options.get("$orderby")),
    )


def _read_filter(call: Call, kind: str, text: str | None) -> Node | None:
    if text is None:
        return None
    try:
        node = parse_filter(kind, text)
    except GraphRefusal as refusal:
        raise deny("clause_invalid") from refusal
    _check(call, kind, node, "")
    return node


def _check(call: Call, kind: str, node: Node, prefix: str) -> None:
    """
    Refuse a condition that the service does not support.

    Raises:
        GraphRefusal: 400.
    """
    match node:
        case Junction(_, operands):
            for operand in operands:
                _check(call, kind, operand, prefix)
            return
        case Negation(operand):
            _check(call, kind, operand, prefix)
            return
        case Some(path, body) if body is not None:
            _check(call, kind, body, f"{prefix}{path}/any/")
            return
        case IsOf():
            raise deny("clause_invalid")
    path = f"{prefix}{node.path}".removesuffix("/")
    how = REPORT_FILTERS[kind].get(path, "")
    hidden = call.version == "v1.0" and path.split("/")[0] in BETA_ONLY
    if hidden or not _supports(how, node):
        raise deny("clause_invalid")


def _supports(how: str, node: Node) -> bool:
    match node:
        case Compare(_, operator, value):
            if how == "range":
                return operator in {"eq", "ge", "le", "gt", "lt"} and isinstance(value, Moment)
            return bool(how) and operator in {"eq", "ne"}
        case Member():
            return how in {"eq", "startswith"}
        case Match("startswith"):
            return how == "startswith"
        case _:
            return False


def _expand(node: Node) -> Node:
    """The node with `gt` and `lt` in terms of `ge` and `le`, which are compiled."""
    match node:
        case Junction(operator, operands):
            return Junction(operator, tuple(map(_expand, operands)))
        case Negation(operand):
            return Negation(_expand(operand))
        case Compare(path, "gt", value):
            return Negation(Compare(path, "le", value))
        case Compare(path, "lt", value):
            return Negation(Compare(path, "ge", value))
        case _:
            return node


def _bound(node: Node | None, name: str) -> tuple[float, float]:
    """Moments between which every entry stands that fulfils the condition."""
    match node:
        case Junction("and", operands):
            bounds = [_bound(operand, name) for operand in operands]
            return max(low for low, _ in bounds), min(high for _, high in bounds)
        case Compare(path, operator, Moment(epoch)) if path == name:
            low = epoch if operator in {"eq", "ge", "gt"} else _EVERYTHING[0]
            return low, epoch if operator in {"eq", "le", "lt"} else _EVERYTHING[1]
        case _:
            return _EVERYTHING


def _find_value(node: Node | None, name: str) -> str | None:
    """The one value that a property has in every entry that fulfils the condition."""
    match node:
        case Junction("and", operands):
            values = (_find_value(operand, name) for operand in operands)
            return next((value for value in values if value is not None), None)
        case Compare(path, "eq", str(value)) if path == name:
            return value.lower()
        case _:
            return None


def _list_events(node: Node | None) -> list[str]:
    """The event types that the condition names."""
    match node:
        case Junction(_, operands):
            return [event for operand in operands for event in _list_events(operand)]
        case Negation(operand):
            return _list_events(operand)
        case Some("signInEventTypes", body):
            return _list_compared(body)
        case _:
            return []


def _list_compared(node: Node | None) -> list[str]:
    match node:
        case Junction(_, operands):
            return [value for operand in operands for value in _list_compared(operand)]
        case Compare(_, _, str(value)):
            return [value]
        case _:
            return []


def _read_select(call: Call, kind: str, text: str) -> tuple[str, ...] | None:
    names = read_select(kind, text, collection=True)
    for name in names or ():
        if call.version == "v1.0" and name in BETA_ONLY and text.strip() != "*":
            raise deny("select_unknown", name=name, kind=kind)
    return names


def _read_top(text: str | None) -> int:
    """The size of a page; the real answer to a size that is too large is not known."""
    if text is None:
        return MOST
    if not (text.isascii() and text.isdigit()) or int(text[:9]) == 0:
        raise deny("option_malformed", option="$top", value=text, type="positive integer")
    return min(int(text[:9]), MOST)


def _read_order(kind: str, text: str | None) -> bool:
    """Whether the oldest come first; "the most recent sign-ins are returned first"."""
    words = (text or "").split()
    if text is None:
        return False
    name, *direction = words or [""]
    if name.lower() != MOMENTS[kind].lower() or direction not in ([], ["asc"], ["desc"]):
        raise deny("orderby_malformed", reason=f"'{text}' is not supported.")
    return direction != ["desc"]
