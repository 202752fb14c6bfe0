"""
`--query`: JMESPath over the list of records, page by page, and the only home of jmespath.

An expression is taken only where working on each page and putting the results together is the same
as working on the whole list: filters, projections and flattening of the list itself. So memory
stays flat, and a listing of any size can be queried.
"""

from collections.abc import Sequence
from typing import Any

import jmespath
import jmespath.exceptions
import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.output.fields import Record, decode

Path = tuple[str, ...]
"""How something is reached from a record: names, one within the other; none for the record."""


class Projection:
    """
    A JMESPath expression, such as `[?accountEnabled].{name: displayName, mail: mail}`.

    A `single` one is applied to one object instead of a list, and may be any; with `unroll`, a list
    that comes of it is several results.

    Attributes:
        columns: What a table or a CSV file of the results has as columns; None where the results
            are records as they were.
        paths: What of a record goes into results and conditions; `()` where all of it does. Lists
            on the way are looked through.

    Raises:
        UsageError: It is not JMESPath, or needs the whole list at once.
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
        Return what the expression makes of some records.

        Raises:
            UsageError: It does not fit one of them, such as `length(mail)` of `null`.
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
    """Say whether `node` makes of two lists in a row what it makes of each, in a row."""
    kind, children = node["type"], node["children"]
    if kind in {"identity", "current"}:
        return True
    if kind == "pipe":
        return all(_is_distributive(child) for child in children)
    # What stands behind a projection sees one element at a time, whatever it is.
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
    Add what `node` takes of a record to `taken`; return where its own value stands in the record.

    Args:
        taken: The paths so far.
        node: A part of an expression.
        at: Where the value before it stands; None where the expression has made it.
    """
    kind, children = node["type"], node["children"]
    if kind == "literal":
        return None
    if kind == "field":
        return None if at is None else (*at, node["value"])
    if kind in {"subexpression", "index_expression", "pipe", "projection", "flatten"}:
        # One behind the other; of a list, what stands behind sees each element.
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
    """Add what goes into a value that the expression makes of several."""
    expressions = [child for child in children if child["type"] == "expref"]
    places = [_follow(taken, child, at) for child in children if child["type"] != "expref"]
    for place in places:
        _take(taken, place)
    # `sort_by(tags, &name)`: of an element of what stands beside it.
    inner = next((place for place in places if place is not None), None)
    for expression in expressions:
        _take(taken, _follow(taken, expression["children"][0], inner))


def _take(taken: dict[Path, None], at: Path | None) -> None:
    if at is not None:
        taken[at] = None
