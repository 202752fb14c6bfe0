"""
`$filter`: a tokenizer, a recursive descent parser, a predicate.

The grammar is the part of OData 4.0 that directory objects support, without
lambda operators. Strings compare without regard to case, as observed (Microsoft
Q&A 1274766).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from graphdaemon.emulator import schema
from graphdaemon.emulator.clock import parse_iso
from graphdaemon.emulator.errors import deny

__all__ = [
    "Compare",
    "Junction",
    "Match",
    "Member",
    "Moment",
    "Negation",
    "Node",
    "Predicate",
    "compile_filter",
    "parse_filter",
]

# Parentheses and nots deeper than this are nobody's query but an attack on the stack.
DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
    |(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-]))
    |(?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d))?(?![\w:.-]))
    |(?P<number>-?\d+(?:\.\d+)?(?![\w.-]))
    |(?P<name>[A-Za-z_][\w.]*(?:/[\w$.]+)*)
    |(?P<sign>[(),])
    )""",
    re.VERBOSE,
)
_COMPARISONS = frozenset({"eq", "ne", "ge", "le", "gt", "lt"})


class Moment(NamedTuple):
    """A date or time, in seconds since 1970."""

    epoch: float


class Token(NamedTuple):
    """A lexical element; `kind` is a group of the expression above, or "end"."""

    kind: str
    text: str
    at: int


Literal = str | bool | int | float | Moment | None
Predicate = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Compare:
    """`name operator value`; the operator is eq, ne, ge, le, gt or lt."""

    name: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Member:
    """`name in (values)`."""

    name: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """`startswith(name, 'value')`, `endswith` or `contains`; the function in lower case."""

    function: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Negation:
    """`not operand`."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Junction:
    """Two or more operands joined by `and` or by `or`."""

    operator: str
    operands: tuple["Node", ...]


Node = Compare | Member | Match | Negation | Junction


def parse_filter(kind: str, text: str) -> Node:
    """
    The expression in `text`, with properties as the type's schema writes them.

    Raises:
        GraphFault: 400 "Invalid filter clause: …" for wrong syntax, unknown
            properties and literals of the wrong type.
    """
    return _Parser(kind, text).parse()


def compile_filter(node: Node) -> Predicate:
    """A function that tells whether an object matches."""
    match node:
        case Junction("and", operands):
            parts = tuple(map(compile_filter, operands))
            return lambda doc: all(part(doc) for part in parts)
        case Junction(_, operands):
            parts = tuple(map(compile_filter, operands))
            return lambda doc: any(part(doc) for part in parts)
        case Negation(operand):
            inner = compile_filter(operand)
            return lambda doc: not inner(doc)
        case Match(function, name, value):
            return _compile_match(function, name, value.casefold())
        case Member(name, values):
            wanted = frozenset(map(_fold, values))
            return lambda doc: _fold(doc.get(name)) in wanted
        case Compare(name, operator, value):
            return _compile_comparison(name, operator, value)


def _compile_match(function: str, name: str, value: str) -> Predicate:
    test = {"startswith": str.startswith, "endswith": str.endswith}[function]

    def matches(doc: Mapping[str, Any]) -> bool:
        actual = doc.get(name)
        return isinstance(actual, str) and test(actual.casefold(), value)

    return matches


def _compile_comparison(name: str, operator: str, value: Literal) -> Predicate:
    read = _read_moment if isinstance(value, Moment) else _fold
    expected: Any = value.epoch if isinstance(value, Moment) else _fold(value)
    if operator == "eq":
        return lambda doc: read(doc.get(name)) == expected
    if operator == "ne":
        return lambda doc: read(doc.get(name)) != expected

    def compares(doc: Mapping[str, Any]) -> bool:
        actual: Any = read(doc.get(name))
        if actual is None or expected is None:
            return False
        return bool(actual >= expected if operator == "ge" else actual <= expected)

    return compares


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _read_moment(value: Any) -> float | None:
    return parse_iso(value) if isinstance(value, str) else None


class _Parser:
    """One text's way through the grammar; `_token` is the next element."""

    def __init__(self, kind: str, text: str) -> None:
        self._kind = kind
        self._text = text
        self._tokens = self._tokenize()
        self._token = next(self._tokens)
        self._depth = 0

    def parse(self) -> Node:
        node = self._parse_junction("or", lambda: self._parse_junction("and", self._parse_term))
        if self._token.kind != "end":
            self._fail()
        return node

    def _parse_junction(self, operator: str, parse: Callable[[], Node]) -> Node:
        operands = [parse()]
        while self._token == ("name", operator, self._token.at):
            self._advance()
            operands.append(parse())
        return operands[0] if len(operands) == 1 else Junction(operator, tuple(operands))

    def _parse_term(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH:
            raise deny("filter_malformed", reason="The expression is nested too deeply.")
        token = self._advance()
        if token.text == "(":
            node = self._parse_junction("or", lambda: self._parse_junction("and", self._parse_term))
            self._expect(")")
        elif token[:2] == ("name", "not"):
            node = Negation(self._parse_term())
        elif token.kind == "name" and self._token.text == "(":
            node = self._parse_function(token)
        elif token.kind == "name":
            node = self._parse_comparison(token)
        else:
            self._fail(token)
        self._depth -= 1
        return node

    def _parse_function(self, token: Token) -> Node:
        function = token.text.casefold()
        if "/" in token.text:
            raise deny("not_emulated", what="lambda operators in $filter")
        if function not in {"startswith", "endswith", "contains"}:
            reason = (
                f"An unknown function with name '{token.text}' was found. This may also be a "
                "function import or a key lookup on a navigation property, which is not allowed."
            )
            raise deny("filter_malformed", reason=reason)
        self._expect("(")
        name = self._resolve(self._advance())
        self._expect(",")
        value = self._read_literal()
        self._expect(")")
        if not isinstance(value, str) or schema.declared(self._kind).get(name) != "Edm.String":
            reason = (
                "No function signature for the function with name "
                f"'{function}' matches the specified arguments."
            )
            raise deny("filter_malformed", reason=reason)
        node = Match(function, name, value)
        if self._token[:2] == ("name", "eq"):
            self._advance()
            truth = self._advance()
            if truth.text not in {"true", "false"}:
                self._fail(truth)
            return node if truth.text == "true" else Negation(node)
        return node

    def _parse_comparison(self, token: Token) -> Node:
        name = self._resolve(token)
        operator = self._advance()
        if operator[:2] == ("name", "in"):
            self._expect("(")
            values = [self._read_operand(name, operator)]
            while self._token.text == ",":
                self._advance()
                values.append(self._read_operand(name, operator))
            self._expect(")")
            return Member(name, tuple(values))
        if operator.kind != "name" or operator.text not in _COMPARISONS:
            self._fail(operator)
        return Compare(name, operator.text, self._read_operand(name, operator))

    def _resolve(self, token: Token) -> str:
        if token.kind != "name":
            self._fail(token)
        if "/" in token.text:
            raise deny("not_emulated", what=f"the path '{token.text}' in $filter")
        name = schema.canonical(self._kind, token.text)
        if name is None:
            reason = (
                f"Could not find a property named '{token.text}' on type "
                f"'microsoft.graph.{self._kind}'."
            )
            raise deny("filter_malformed", reason=reason)
        return name

    def _read_operand(self, name: str, operator: Token) -> Literal:
        """A literal that the property can be compared with."""
        value = self._read_literal()
        edm = schema.declared(self._kind).get(name, "Edm.String")
        fitting: dict[str, Any] = {
            "Edm.String": str,
            "Edm.Boolean": bool,
            "Edm.DateTimeOffset": Moment,
            "Edm.Int32": int,
        }
        if value is not None and type(value) is not fitting.get(edm):
            kinds = {str: "Edm.String", bool: "Edm.Boolean", Moment: "Edm.DateTimeOffset"}
            given = kinds.get(type(value), "Edm.Decimal")
            reason = (
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{edm}' and '{given}' for operator kind '{operator.text}'."
            )
            raise deny("filter_malformed", reason=reason)
        return value

    def _read_literal(self) -> Literal:
        token = self._advance()
        words: dict[str, Literal] = {"null": None, "true": True, "false": False}
        if token.kind == "name" and token.text in words:
            return words[token.text]
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "guid":
            return token.text
        if token.kind == "number":
            return (
                float(token.text) if "." in token.text or len(token.text) > 18 else int(token.text)
            )
        if token.kind == "date":
            try:
                return Moment(parse_iso(token.text))
            except (ValueError, OverflowError):
                self._fail(token)
        return self._fail(token)

    def _expect(self, sign: str) -> None:
        token = self._advance()
        if token[:2] != ("sign", sign):
            self._fail(token)

    def _advance(self) -> Token:
        token = self._token
        self._token = next(self._tokens, token)
        return token

    def _tokenize(self) -> Iterator[Token]:
        at, end = 0, len(self._text.rstrip())
        while at < end:
            found = _TOKEN.match(self._text, at)
            if found is None:
                self._fail(Token("", "", at))
            group = found.lastgroup
            assert group is not None
            yield Token(group, found[group], found.start(group))
            at = found.end()
        yield Token("end", "", end)

    def _fail(self, token: Token | None = None) -> NoReturn:
        at = (token or self._token).at
        reason = f"Syntax error at position {at} in '{self._text}'."
        raise deny("filter_malformed", reason=reason)
