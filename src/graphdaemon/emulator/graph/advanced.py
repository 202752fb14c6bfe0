"""
Which queries need `ConsistencyLevel: eventual`, and how they are refused without it.

Source: "Advanced query capabilities on Microsoft Entra ID objects" and the
generated `$filter` table of October 2024; texts quoted from public issues.
"""

from dataclasses import dataclass

from graphdaemon.emulator import filterable, schema
from graphdaemon.emulator.errors import deny
from graphdaemon.emulator.graph.filter import Compare, Junction, Match, Member, Negation, Node

__all__ = ["Mode", "check_filter"]

# endsWith is for these alone ("Advanced query capabilities").
ENDS_WITH = frozenset({"mail", "otherMails", "userPrincipalName", "proxyAddresses"})

# Public programs split listings by these with ge and le, long before and after the
# documentation's table dropped them (piotrci/Microsoft-Graph-Efficient-Operations).
RANGED = frozenset({"userPrincipalName", "displayName"})

MAX_OR = 15


@dataclass(frozen=True, slots=True)
class Mode:
    """
    How a query is asked.

    Args:
        eventual: the header `ConsistencyLevel: eventual` is there.
        counted: `$count=true`, or the request is for the count itself.
        strict: no `ge` and `le` beyond the documentation's table.
    """

    eventual: bool
    counted: bool
    strict: bool = False

    @property
    def advanced(self) -> bool:
        """Both are there, so that the other index answers."""
        return self.eventual and self.counted


def check_filter(kind: str, node: Node, mode: Mode) -> None:
    """
    Refuse what the directory does not support, or not in this mode.

    Raises:
        GraphFault: 400 Request_UnsupportedQuery with the text for that case.
    """
    match node:
        case Junction(operator, operands):
            if operator == "or":
                _check_or(len(operands), mode)
            for operand in operands:
                check_filter(kind, operand, mode)
        case Negation(operand):
            _check_header("not", mode)
            check_filter(kind, operand, mode)
        case Match():
            _check_match(kind, node, mode)
        case Member(name, values):
            _check_or(len(values), mode)
            _check_support(kind, name, "eq", mode)
        case Compare():
            _check_comparison(kind, node, mode)


def _check_comparison(kind: str, node: Compare, mode: Mode) -> None:
    if node.operator in {"gt", "lt"}:
        operator = {"gt": "GreaterThanMatch", "lt": "LessThanMatch"}[node.operator]
        raise deny("clause_operator_refused", operator=operator)
    if node.operator in {"ge", "le"}:
        _check_range(kind, node.name, mode)
        return
    if node.operator == "ne" and not mode.advanced:
        raise deny("operator_refused", operator="NotEqualsMatch")
    _check_support(kind, node.name, "null" if node.value is None else "eq", mode)


def _check_range(kind: str, name: str, mode: Mode) -> None:
    if name == "id":
        raise deny("property_not_indexed" if mode.eventual else "id_equality_only")
    if name in RANGED and not mode.strict:
        return
    _check_support(kind, name, "range", mode)


def _check_match(kind: str, node: Match, mode: Mode) -> None:
    if node.function == "contains":
        raise deny("clause_operator_refused", operator="Contains")
    if node.name == "id":
        raise deny("id_equality_only")
    if node.function == "endswith":
        _check_header("endsWith", mode)
        if node.name not in ENDS_WITH:
            raise _refuse_property(kind, node.name)
        return
    _check_support(kind, node.name, "startswith", mode)


def _check_header(operator: str, mode: Mode) -> None:
    if not mode.eventual:
        raise deny("header_missing", operator=operator)
    if not mode.counted:
        raise deny("query_refused")


def _check_or(count: int, mode: Mode) -> None:
    if count > MAX_OR and not mode.advanced:
        raise deny("or_too_long", count=count)


def _check_support(kind: str, name: str, column: str, mode: Mode) -> None:
    support = filterable.FILTERS[kind].get(name)
    if support is None and name.startswith("extension_"):
        support = filterable.Support("D", "D", "", "A")
    grade = getattr(support, column) if support else ""
    if not grade or (grade == "A" and not mode.advanced):
        raise _refuse_property(kind, name)


def _refuse_property(kind: str, name: str) -> Exception:
    return deny("property_refused", name=name, kind=kind[0].upper() + kind[1:])
