"""
Conditions on `signInActivity`, which are answered by another service than the directory.

"Supports $filter (eq, ne, not, ge, le) but not with any other filterable properties" (user resource
type); public programs use `gt` and `lt` too (microsoft-graph-docs-contrib#8653, #4505). Whether
users who have never signed in match `ne` and `not` is not documented: here no condition matches
them.
"""

from collections.abc import Callable, Mapping

import msgspec

from entra_emulator.directory.sign_ins import LastSignIns
from entra_emulator.errors import deny
from entra_emulator.graph.query.compile import compile_match
from entra_emulator.graph.query.condition import Compare, Junction, Negation, Node, list_paths

NAME = "signInActivity"
# "When you specify $select=signInActivity or $filter=signInActivity when listing users, the maximum
# page size for $top is 500. Requests with $top set higher than 500 return pages with up to 500
# users" ("List users").
MOST = 500

_encode = msgspec.json.Encoder().encode


def reads_activity(node: Node | None) -> bool:
    """Whether any of the conditions is on `signInActivity`."""
    return node is not None and any(_is_activity(path) for path in list_paths(node))


def check_activity_filter(node: Node, options: Mapping[str, str]) -> None:
    """
    Refuse a filter on `signInActivity` beside anything else.

    Raises:
        GraphRefusal: 400, there is also a condition, a search or an order on another property; 501,
            the condition is not documented.
    """
    alone = all(_is_activity(path) for path in list_paths(node))
    if not alone or "$search" in options or "$orderby" in options:
        raise deny("activity_combined")
    _check_conditions(node)


def compile_activity(node: Node) -> Callable[[LastSignIns], bool]:
    """A function that says whether a user's `signInActivity` fulfils the condition."""
    match = compile_match(_expand_order(node))
    names = frozenset(path.partition("/")[2] for path in list_paths(node))

    def matches(last: LastSignIns) -> bool:
        return match(_encode({NAME: last.describe(names)}))

    return matches


def _is_activity(path: str) -> bool:
    return path.partition("/")[0] == NAME


def _check_conditions(node: Node) -> None:
    match node:
        case Junction(_, operands):
            for operand in operands:
                _check_conditions(operand)
        case Negation(operand):
            _check_conditions(operand)
        case Compare(path) if "/" in path:
            pass
        case _:
            raise deny("not_emulated", what="this condition on 'signInActivity' in $filter")


def _expand_order(node: Node) -> Node:
    """The node with `gt` and `lt` in terms of `ge` and `le`, which are compiled."""
    match node:
        case Junction(operator, operands):
            return Junction(operator, tuple(map(_expand_order, operands)))
        case Negation(operand):
            return Negation(_expand_order(operand))
        case Compare(path, "gt" | "lt" as operator, value):
            inside, beyond = ("ge", "le") if operator == "gt" else ("le", "ge")
            parts = (Compare(path, inside, value), Negation(Compare(path, beyond, value)))
            return Junction("and", parts)
        case _:
            return node
