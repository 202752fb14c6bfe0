"""
`$filter`: a tokenizer and a recursive descent parser.

The grammar is the part of OData 4.0 that directory objects support. Operators and functions are
accepted in any case of letters, since the documentation writes them so, e.g.
`NOT(companyName eq 'Microsoft')`.
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
    IsOf,
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

# Parentheses and nots nested deeper than this are refused: they could exhaust the stack.
DEPTH = 50

# The order matters: a GUID may begin like a number or a name, and a date begins like a number.
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

# The comparison operators, and their names in OData's error texts.
_COMPARISONS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "ge": "GreaterThanOrEqual",
    "le": "LessThanOrEqual",
    "gt": "GreaterThan",
    "lt": "LessThan",
}
# The types that `isof` may name. The emulator has no objects of the types of agents, which the
# examples of "List users" and public programs leave out or look for.
_TYPES = (
    *schema.DIRECTORY_TYPES,
    "directoryObject",
    "agentIdentity",
    "agentIdentityBlueprint",
    "agentIdentityBlueprintPrincipal",
    "agentUser",
)
_FUNCTIONS = frozenset({"startswith", "endswith", "contains"})
_WORDS: dict[str, Literal] = {"null": None, "true": True, "false": False}

# Which literals a property of an EDM type can be compared with. A GUID in quotes is refused as by
# OData; one without quotes is accepted for strings too, since the IDs are strings.
_FITTING: dict[str, tuple[type, ...]] = {
    "Edm.String": (str, Guid),
    "Edm.Guid": (Guid,),
    "Edm.Boolean": (bool,),
    "Edm.DateTimeOffset": (Moment,),
    "Edm.Int32": (int,),
}
# The EDM type of a literal, for error texts.
_LITERAL_TYPES = {
    str: "Edm.String",
    Guid: "Edm.Guid",
    bool: "Edm.Boolean",
    Moment: "Edm.DateTimeOffset",
    int: "Edm.Int32",
    float: "Edm.Double",
}


class Token(NamedTuple):
    """A token; its kind is the name of a group in _TOKEN, or "end"."""

    kind: str
    text: str
    at: int


class _Root(NamedTuple):
    """Where paths start: at an object, or inside a lambda at its variable."""

    edm: str
    variable: str | None = None


class _Property(NamedTuple):
    """The path of a property and its EDM type; the type is empty if it is not known."""

    path: str
    edm: str


def parse_filter(kind: str, text: str) -> Node:
    """
    The condition in `text`, with the names of properties as the type's schema spells them.

    Raises:
        GraphRefusal: 400 "Invalid filter clause: …" for wrong syntax, unknown properties and
            literals of the wrong type.
    """
    return _Parser(kind, text).parse()


class _Parser:
    """A recursive descent parser of one text; `_token` is the next token."""

    def __init__(self, kind: str, text: str) -> None:
        self._text = text
        self._root = _Root(f"microsoft.graph.{kind}")
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

    def _parse_lambda(self, prop: _Property) -> Node:
        """`(x:…)` or `()` behind `path/any`."""
        self._require_collection(prop)
        self._expect("(")
        if self._token.text == ")":
            self._advance()
            return Some(prop.path, None)
        variable = self._advance()
        if variable.kind != "name" or "/" in variable.text:
            self._fail(variable)
        self._expect(":")
        outer, self._root = self._root, _Root(_item_type(prop.edm), variable.text)
        body = self._parse_expression()
        self._root = outer
        self._expect(")")
        return Some(prop.path, body)

    def _parse_function(self, token: Token) -> Node:
        function = token.text.lower()
        if function == "isof":
            return self._parse_type()
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
        prop = self._resolve(name, name.text)
        self._expect(",")
        value = self._read_literal()
        self._expect(")")
        if type(value) is not str or prop.edm not in {"Edm.String", ""}:
            reason = (
                f"No function signature for the function with name '{function}' matches the "
                "specified arguments."
            )
            raise deny("filter_malformed", reason=reason)
        return self._read_truth(Match(function, prop.path, value))

    def _parse_type(self) -> Node:
        """The type behind `isof`: in quotes as the documentation has it, or as OData has it."""
        self._expect("(")
        token = self._advance()
        if token.kind not in {"string", "name"}:
            self._fail(token)
        self._expect(")")
        written = token.text.strip("'#").lower().removeprefix("microsoft.").removeprefix("graph.")
        kind = next((name for name in _TYPES if name.lower() == written), None)
        if kind is None:
            reason = f"The type '{token.text}' is not defined in the model."
            raise deny("filter_malformed", reason=reason)
        return self._read_truth(IsOf(kind))

    def _read_truth(self, node: Node) -> Node:
        """The node as it is, also with `eq true` behind it, or negated by `eq false`."""
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
        prop = self._resolve(token, token.text)
        operator = self._advance()
        word = operator.text.lower()
        if operator.kind == "name" and word == "in":
            self._expect("(")
            values = [self._read_operand(prop, "Equal")]
            while self._token.text == ",":
                self._advance()
                values.append(self._read_operand(prop, "Equal"))
            self._expect(")")
            return Member(prop.path, tuple(values))
        if operator.kind != "name" or word not in _COMPARISONS:
            self._fail(operator)
        return Compare(prop.path, word, self._read_operand(prop, _COMPARISONS[word]))

    def _parse_count(self, prop: _Property) -> Node:
        operator = self._advance()
        word = operator.text.lower()
        if operator.kind != "name" or word not in _COMPARISONS:
            self._fail(operator)
        self._require_collection(prop)
        number = self._read_operand(_Property("", "Edm.Int32"), _COMPARISONS[word])
        return Count(prop.path, word, number)

    def _require_collection(self, prop: _Property) -> None:
        if prop.edm and not prop.edm.startswith("Collection("):
            raise deny("filter_malformed", reason=f"'{prop.path}' is not a collection.")

    def _resolve(self, token: Token, text: str) -> _Property:
        """The property that a path in the text names."""
        edm, segments = self._root.edm, text.split("/")
        if self._root.variable is not None:
            if segments[0] != self._root.variable:
                raise deny("filter_malformed", reason=_describe_unknown(segments[0], edm))
            segments = segments[1:]
        path: list[str] = []
        for segment in segments:
            if not segment.replace("_", "").isalnum():
                self._fail(token)
            name, edm = _step(edm, segment)
            path.append(name)
        return _Property("/".join(path), edm)

    def _read_operand(self, prop: _Property, operator: str) -> Literal:
        """A literal that the property can be compared with."""
        value = self._read_literal()
        if value is None or not prop.edm:
            return value
        edm = prop.edm.split(".")[-1]
        fitting = (str,) if schema.enumerated(edm) else _FITTING.get(prop.edm, ())
        if type(value) not in fitting:
            reason = (
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{prop.edm}' and '{_LITERAL_TYPES[type(value)]}' for operator kind '{operator}'."
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
            # Nineteen digits may be more than the greatest Edm.Int64.
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
        # The last token stays the next one, so that an error at the end has a position.
        self._token = next(self._tokens, token)
        return token

    def _tokenize(self) -> Iterator[Token]:
        at, end = 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                self._fail(Token("", "", at))
            group = match.lastgroup
            assert group is not None
            yield Token(group, match[group], match.start(group))
            at = match.end()
        yield Token("end", "", end)

    def _fail(self, token: Token | None = None) -> NoReturn:
        at = (token or self._token).at
        reason = f"Syntax error at position {at} in '{self._text}'."
        raise deny("filter_malformed", reason=reason)


def _step(edm: str, segment: str) -> tuple[str, str]:
    """The canonical name of a property of a type, and the property's own type."""
    if edm.startswith("Collection("):
        reason = (
            f"The parent value for a property access of a property '{segment}' is not a single "
            "value. Property access can only be applied to a single value."
        )
        raise deny("filter_malformed", reason=reason)
    owner = edm.removeprefix("microsoft.graph.")
    if not schema.knows(owner):
        # The names of a complex type whose schema is not here cannot be checked.
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
