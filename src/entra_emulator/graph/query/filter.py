"""
`$filter`: a tokenizer and a recursive descent parser.

The grammar is the part of OData 4.0 that directory objects support. Operators
and functions are known in any case of letters, as the documentation writes them
(`NOT(companyName eq 'Microsoft')`).
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, NoReturn

from entra_emulator.clock import parse_iso
from entra_emulator.errors import deny
from entra_emulator.graph.query.condition import (
    Compare,
    Count,
    Guid,
    Literal,
    Match,
    Member,
    Moment,
    Negation,
    Node,
    Some,
    join,
)
from entra_emulator.model import schema

# Parentheses and nots deeper than this are nobody's query but an attack on the stack.
DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
    |(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-]))
    |(?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d))?(?![\w:.-]))
    |(?P<number>-?\d+(?:\.\d+)?(?![\w.-]))
    |(?P<name>[A-Za-z_][\w.]*(?:/[\w$.]+)*)
    |(?P<sign>[(),:])
    )""",
    re.VERBOSE,
)

# With the names that OData's own texts have for them.
_COMPARISONS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "ge": "GreaterThanOrEqual",
    "le": "LessThanOrEqual",
    "gt": "GreaterThan",
    "lt": "LessThan",
}
_FUNCTIONS = frozenset({"startswith", "endswith", "contains"})
_WORDS: dict[str, Literal] = {"null": None, "true": True, "false": False}

# Which literals a property of an EDM type can be compared with. Quotes around a GUID are
# refused as by OData; a bare GUID is let pass for the IDs, which are strings.
_FITTING: dict[str, tuple[type, ...]] = {
    "Edm.String": (str, Guid),
    "Edm.Guid": (Guid,),
    "Edm.Boolean": (bool,),
    "Edm.DateTimeOffset": (Moment,),
    "Edm.Int32": (int,),
}
_GIVEN = {
    str: "Edm.String",
    Guid: "Edm.Guid",
    bool: "Edm.Boolean",
    Moment: "Edm.DateTimeOffset",
    int: "Edm.Int32",
    float: "Edm.Double",
}


class Token(NamedTuple):
    """A lexical element; `kind` is a group of the expression above, or "end"."""

    kind: str
    text: str
    at: int


class _Scope(NamedTuple):
    """Where paths start: at an object, or in a lambda at its variable."""

    edm: str
    variable: str | None = None


class _Place(NamedTuple):
    """A path and the type of what is there; "" when nothing is known of it."""

    path: str
    edm: str


def parse_filter(kind: str, text: str) -> Node:
    """
    The expression in `text`, with properties as the type's schema writes them.

    Raises:
        GraphFault: 400 "Invalid filter clause: …" for wrong syntax, unknown
            properties and literals of the wrong type.
    """
    return _Parser(kind, text).parse()


class _Parser:
    """One text's way through the grammar; `_token` is the next element."""

    def __init__(self, kind: str, text: str) -> None:
        self._text = text
        self._scope = _Scope(f"microsoft.graph.{kind}")
        self._tokens = self._tokenize()
        self._token = next(self._tokens)
        self._depth = 0

    def parse(self) -> Node:
        node = self._parse_expression()
        if self._token.kind != "end":
            self._fail()
        return node

    def _parse_expression(self) -> Node:
        return self._parse_junction("or", lambda: self._parse_junction("and", self._parse_term))

    def _parse_junction(self, operator: str, parse: Callable[[], Node]) -> Node:
        operands = [parse()]
        while self._token.kind == "name" and self._token.text.lower() == operator:
            self._advance()
            operands.append(parse())
        return join(operator, operands)

    def _parse_term(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH:
            raise deny("filter_malformed", reason="The expression is nested too deeply.")
        token = self._advance()
        if token.text == "(":
            node = self._parse_expression()
            self._expect(")")
        elif token.kind != "name":
            self._fail(token)
        elif token.text.lower() == "not":
            node = Negation(self._parse_term())
        elif self._token.text == "(":
            node = self._parse_call(token)
        else:
            node = self._parse_comparison(token)
        self._depth -= 1
        return node

    def _parse_call(self, token: Token) -> Node:
        path, _, last = token.text.rpartition("/")
        if path and last.lower() == "any":
            return self._parse_lambda(self._resolve(token, path))
        if path and last.lower() == "all":
            raise deny("lambda_refused")
        return self._parse_function(token)

    def _parse_lambda(self, place: _Place) -> Node:
        """`(x:…)` or `()` behind `path/any`."""
        self._require_collection(place)
        self._expect("(")
        if self._token.text == ")":
            self._advance()
            return Some(place.path, None)
        variable = self._advance()
        if variable.kind != "name" or "/" in variable.text:
            self._fail(variable)
        self._expect(":")
        outer, self._scope = self._scope, _Scope(_item_type(place.edm), variable.text)
        body = self._parse_expression()
        self._scope = outer
        self._expect(")")
        return Some(place.path, body)

    def _parse_function(self, token: Token) -> Node:
        function = token.text.lower()
        if function not in _FUNCTIONS:
            reason = (
                f"An unknown function with name '{token.text}' was found. This may also be a "
                "function import or a key lookup on a navigation property, which is not allowed."
            )
            raise deny("filter_malformed", reason=reason)
        self._expect("(")
        name = self._advance()
        if name.kind != "name":
            self._fail(name)
        place = self._resolve(name, name.text)
        self._expect(",")
        value = self._read_literal()
        self._expect(")")
        if type(value) is not str or place.edm not in {"Edm.String", ""}:
            reason = (
                f"No function signature for the function with name '{function}' matches the "
                "specified arguments."
            )
            raise deny("filter_malformed", reason=reason)
        return self._read_truth(Match(function, place.path, value))

    def _read_truth(self, node: Node) -> Node:
        """The node as it is, or `eq true`, or turned by `eq false`."""
        if self._token.kind != "name" or self._token.text.lower() != "eq":
            return node
        self._advance()
        truth = self._advance()
        if truth.text not in {"true", "false"}:
            self._fail(truth)
        return node if truth.text == "true" else Negation(node)

    def _parse_comparison(self, token: Token) -> Node:
        path, _, last = token.text.rpartition("/")
        if path and last.lower() == "$count":
            return self._parse_count(self._resolve(token, path))
        place = self._resolve(token, token.text)
        operator = self._advance()
        word = operator.text.lower()
        if operator.kind == "name" and word == "in":
            self._expect("(")
            values = [self._read_operand(place, "Equal")]
            while self._token.text == ",":
                self._advance()
                values.append(self._read_operand(place, "Equal"))
            self._expect(")")
            return Member(place.path, tuple(values))
        if operator.kind != "name" or word not in _COMPARISONS:
            self._fail(operator)
        return Compare(place.path, word, self._read_operand(place, _COMPARISONS[word]))

    def _parse_count(self, place: _Place) -> Node:
        operator = self._advance()
        word = operator.text.lower()
        if operator.kind != "name" or word not in _COMPARISONS:
            self._fail(operator)
        self._require_collection(place)
        number = self._read_operand(_Place("", "Edm.Int32"), _COMPARISONS[word])
        return Count(place.path, word, number)

    def _require_collection(self, place: _Place) -> None:
        if place.edm and not place.edm.startswith("Collection("):
            raise deny("filter_malformed", reason=f"'{place.path}' is not a collection.")

    def _resolve(self, token: Token, text: str) -> _Place:
        """The place that a path in the text leads to."""
        edm, segments = self._scope.edm, text.split("/")
        if self._scope.variable is not None:
            if segments[0] != self._scope.variable:
                raise deny("filter_malformed", reason=_describe_unknown(segments[0], edm))
            segments = segments[1:]
        path: list[str] = []
        for segment in segments:
            if not segment.replace("_", "").isalnum():
                self._fail(token)
            name, edm = _step(edm, segment)
            path.append(name)
        return _Place("/".join(path), edm)

    def _read_operand(self, place: _Place, operator: str) -> Literal:
        """A literal that what is there can be compared with."""
        value = self._read_literal()
        if value is None or not place.edm:
            return value
        edm = place.edm.split(".")[-1]
        fitting = (str,) if schema.enumerated(edm) else _FITTING.get(place.edm, ())
        if type(value) not in fitting:
            reason = (
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{place.edm}' and '{_GIVEN[type(value)]}' for operator kind '{operator}'."
            )
            raise deny("filter_malformed", reason=reason)
        return value

    def _read_literal(self) -> Literal:
        token = self._advance()
        if token.kind == "name" and token.text in _WORDS:
            return _WORDS[token.text]
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "guid":
            return Guid(token.text)
        if token.kind == "number":
            whole = "." not in token.text and len(token.text) <= 18
            return int(token.text) if whole else float(token.text)
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


def _step(edm: str, segment: str) -> tuple[str, str]:
    """From a type to one of its properties: the canonical name, and what is there."""
    if edm.startswith("Collection("):
        reason = (
            f"The parent value for a property access of a property '{segment}' is not a single "
            "value. Property access can only be applied to a single value."
        )
        raise deny("filter_malformed", reason=reason)
    owner = edm.removeprefix("microsoft.graph.")
    if not schema.knows(owner):
        if not edm or edm.startswith("microsoft."):
            return segment, ""
        raise deny("filter_malformed", reason=_describe_unknown(segment, edm))
    name = schema.canonical(owner, segment)
    if name is not None:
        return name, schema.declared(owner).get(name, "")
    for link, target in schema.navigation(owner).items():
        if link.casefold() == segment.casefold():
            return link, target
    raise deny("filter_malformed", reason=_describe_unknown(segment, edm))


def _describe_unknown(name: str, edm: str) -> str:
    return f"Could not find a property named '{name}' on type '{edm}'."


def _item_type(edm: str) -> str:
    return edm.removeprefix("Collection(").removesuffix(")")
