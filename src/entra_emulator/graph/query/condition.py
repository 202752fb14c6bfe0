"""
Conditions that `$filter` and `$search` put on an object, as a tree.

A path is a property's canonical name, or several joined by `/`. Inside a `Some` it starts at the
item of the collection, and the empty path is the item itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Moment(NamedTuple):
    """A date or time, in seconds since 1970."""

    epoch: float


class Guid(str):
    """A GUID without quotes."""

    __slots__ = ()


Literal = str | bool | int | float | Moment | None


@dataclass(frozen=True, slots=True)
class Compare:
    """`path operator value`; the operator is eq, ne, ge, le, gt or lt."""

    path: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Member:
    """`path in (values)`."""

    path: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """`startswith(path, 'value')`, `endswith` or `contains`; the function in lower case."""

    function: str
    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Words:
    """A `$search` clause: each of these words, in folded case, begins a word of the text."""

    path: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """`path/any(x:body)`: the body holds for an item of the collection; None asks for any item."""

    path: str
    body: "Node | None"


@dataclass(frozen=True, slots=True)
class Count:
    """`path/$count operator number`."""

    path: str
    operator: str
    number: Literal


@dataclass(frozen=True, slots=True)
class IsOf:
    """`isof('microsoft.graph.kind')`: the object is of this type."""

    kind: str


@dataclass(frozen=True, slots=True)
class Negation:
    """`not operand`."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Junction:
    """Two or more operands joined by `and` or by `or`; no operand is joined by the same word."""

    operator: str
    operands: tuple["Node", ...]


Node = Compare | Member | Match | Words | Some | Count | IsOf | Negation | Junction


def join(operator: str, operands: list[Node]) -> Node:
    """The operands joined by `and` or by `or`, in one level."""
    if len(operands) == 1:
        return operands[0]
    # `a and b and c` counts as one level where Graph limits the height of a filter.
    flat: list[Node] = []
    for operand in operands:
        same = isinstance(operand, Junction) and operand.operator == operator
        flat += operand.operands if isinstance(operand, Junction) and same else [operand]
    return Junction(operator, tuple(flat))


def list_paths(node: Node) -> Iterator[str]:
    """The path of every condition on the object; for a lambda, the path of its collection."""
    match node:
        case Junction(_, operands):
            for operand in operands:
                yield from list_paths(operand)
        case Negation(operand):
            yield from list_paths(operand)
        case IsOf():
            return
        case _:
            yield node.path


def assume_kind(node: Node, kind: str) -> Node | bool:
    """The condition for objects of this type, without `isof`; True or False if that decides it."""
    match node:
        case IsOf(other):
            return other in {kind, "directoryObject"}
        case Negation(operand):
            rest = assume_kind(operand, kind)
            return not rest if isinstance(rest, bool) else Negation(rest)
        case Junction(operator, operands):
            parts = [assume_kind(operand, kind) for operand in operands]
            # One of these decides: a part of `or` that holds, a part of `and` that does not.
            decisive = operator == "or"
            if any(part is decisive for part in parts):
                return decisive
            open_parts = [part for part in parts if not isinstance(part, bool)]
            return join(operator, open_parts) if open_parts else not decisive
        case _:
            return node
