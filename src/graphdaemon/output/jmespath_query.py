"""
The option `--query`: JMESPath over the list of records. Only this module uses jmespath.

An expression is applied to each page, and the results are put together. So only expressions are
accepted for which this gives the same result as the whole list: filters, projections and flattening
of the list itself. Memory does not grow with the number of records.
"""

from collections.abc import Sequence
from typing import Any

import jmespath
import jmespath.exceptions
import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.output.fields import Record, decode

Path = tuple[str, ...]
"""The place of a value within a record, as names from the outside in; empty for the record."""


class Projection:
    """
    A JMESPath expression, such as `[?accountEnabled].{name: displayName, mail: mail}`.

    Args:
        expression: The expression.
        single: Whether it is applied to each record by itself, instead of to the list of records.
            Then every expression is accepted.
        unroll: Whether a result that is a list counts as several results (with `single`).

    Attributes:
        columns: The columns that a table or a CSV file of the results has; None if the results
            are unchanged records.
        paths: The places in a record that the expression uses, in results or conditions; the empty
            path stands for the whole record. A path leads through lists to their elements.

    Raises:
        UsageError: The expression is not JMESPath, or needs the whole list at once.
    """

    def __init__(self, expression: str, *, single: bool = False, unroll: bool = False) -> None:
        self._expression = expression
        self._single = single
        self._unroll = unroll
        try:
            self._compiled = jmespath.compile(expression)
        except jmespath.exceptions.JMESPathError as error:
            raise UsageError(
                f"--query {expression!r} is not JMESPath: {str(error).splitlines()[0]}",
                code="query_invalid",
                hint="See https://jmespath.org. Texts need single quotation marks; names with "
                "characters other than letters, digits and _ need double ones.",
            ) from None
        if not single and not _is_distributive(self._compiled.parsed):
            raise UsageError(
                f"--query {expression!r} needs the whole list at once",
                code="query_invalid",
                hint="Begin with [] for every record, such as '[].{name: displayName}', or with "
                "[?CONDITION] for some; to count, sort or cut, use `graphdaemon count`, --sort or "
                "--limit.",
            )
        self.columns = _columns_of(self._compiled.parsed)
        self.paths = _find_paths(self._compiled.parsed)

    def apply(self, records: Sequence[Record]) -> list[Record]:
        """
        Return the results for some records.

        Raises:
            UsageError: The expression fails for one of them, such as `length(mail)` for `null`.
        """
        values = [decode(record) for record in records]
        results: list[Any] = []
        for value in values if self._single else [values]:
            try:
                result = self._compiled.search(value)
            except jmespath.exceptions.JMESPathError as error:
                raise UsageError(
                    f"--query {self._expression!r} does not fit a record: {error}",
                    code="query_invalid",
                    hint="Guard against null, as in '[?mail && starts_with(mail, `\"a\"`)]'.",
                ) from None
            several = isinstance(result, list) if self._unroll else not self._single
            results += (result or []) if several else [result]
        return [msgspec.Raw(msgspec.json.encode(result)) for result in results]


def _is_distributive(node: dict[str, Any]) -> bool:
    """Return whether `node` gives for two lists joined the results of each list, joined."""
    kind, children = node["type"], node["children"]
    if kind in {"identity", "current"}:
        return True
    if kind == "pipe":
        return all(_is_distributive(child) for child in children)
    # What follows a projection is applied to one element at a time, so it may be anything.
    is_projection = kind in {"projection", "filter_projection", "flatten"}
    return is_projection and _is_distributive(children[0])


def _columns_of(node: dict[str, Any]) -> tuple[str, ...] | None:
    kind, children = node["type"], node["children"]
    if kind in {"identity", "current"}:
        return None
    if kind == "multi_select_dict":
        return tuple(pair["value"] for pair in children)
    if kind == "multi_select_list":
        return tuple(f"column{number}" for number, _ in enumerate(children, 1))
    if kind in {"projection", "filter_projection", "pipe", "subexpression"}:
        behind = _columns_of(children[1])
        return _columns_of(children[0]) if behind is None else behind
    if kind == "flatten":
        return _columns_of(children[0])
    return ("value",)


def _find_paths(node: dict[str, Any]) -> tuple[Path, ...]:
    taken: dict[Path, None] = {}
    _take(taken, _follow(taken, node, ()))
    return tuple(taken)


def _follow(taken: dict[Path, None], node: dict[str, Any], at: Path | None) -> Path | None:
    """
    Add the paths in a record that `node` uses to `taken`, and return the path of its own value.

    Args:
        taken: The paths so far.
        node: A part of an expression.
        at: The path of the value to which `node` is applied; None if that value is not a part of
            the record, but made by the expression. What is returned has the same meaning.
    """
    kind, children = node["type"], node["children"]
    if kind == "literal":
        return None
    if kind == "field":
        return None if at is None else (*at, node["value"])
    if kind in {"subexpression", "index_expression", "pipe", "projection", "flatten"}:
        # Each child is applied to the value of the one before it; after a list, to its elements.
        for child in children:
            at = _follow(taken, child, at)
        return at
    if kind == "filter_projection":
        at = _follow(taken, children[0], at)
        _take(taken, _follow(taken, children[2], at))
        return _follow(taken, children[1], at)
    if kind == "value_projection":
        _take(taken, _follow(taken, children[0], at))
        return _follow(taken, children[1], None)
    if kind in {"identity", "current", "index", "slice"}:
        return at
    _combine(taken, children, at)
    return None


def _combine(taken: dict[Path, None], children: list[Any], at: Path | None) -> None:
    """Add the paths of the values that the expression combines to a new one."""
    expressions = [child for child in children if child["type"] == "expref"]
    places = [_follow(taken, child, at) for child in children if child["type"] != "expref"]
    for place in places:
        _take(taken, place)
    # In `sort_by(tags, &name)`, `name` belongs to each element of the argument beside it.
    inner = next((place for place in places if place is not None), None)
    for expression in expressions:
        _take(taken, _follow(taken, expression["children"][0], inner))


def _take(taken: dict[Path, None], at: Path | None) -> None:
    if at is not None:
        taken[at] = None
