"""
`$search`: quoted `"property:words"` clauses with AND, OR and parentheses.

Source: "Use the $search query parameter", Microsoft Graph: `displayName` and
`description` are split into words, every other string property that can be
filtered is matched from its beginning.
"""

import re
from typing import NoReturn

from entra_emulator.errors import deny
from entra_emulator.graph.query.compile import split_words
from entra_emulator.graph.query.condition import Match, Node, Some, Words, join
from entra_emulator.model import schema
from entra_emulator.model.filterable import FILTERS

# Parentheses nested deeper than this are refused: they could exhaust the stack.
DEPTH = 50

_TOKEN = re.compile(r'\s*(?:"(?P<clause>(?:[^"\\]|\\.)*)"|(?P<word>AND|OR|[()]))')
_BARE = re.compile(r"\s*[\w ]*")
_TOKENIZED = frozenset({"displayName", "description"})


def parse_search(kind: str, text: str) -> Node:
    """
    The condition that the text describes; AND binds closer than OR.

    Raises:
        GraphRefusal: 400, the syntax is wrong, or a property cannot be searched.
    """
    return _Parser(kind, text).parse()


class _Parser:
    """A recursive descent parser of one text; `_at` is where the next token begins."""

    def __init__(self, kind: str, text: str) -> None:
        self._kind = kind
        self._text = text
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._parse_or()
        if self._peek() is not None:
            self._fail()
        return node

    def _parse_or(self) -> Node:
        operands = [self._parse_and()]
        while self._skip("OR"):
            operands.append(self._parse_and())
        return join("or", operands)

    def _parse_and(self) -> Node:
        operands = [self._parse_operand()]
        while self._skip("AND"):
            operands.append(self._parse_operand())
        return join("and", operands)

    def _parse_operand(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH:
            self._fail()
        if self._skip("("):
            node = self._parse_or()
            if not self._skip(")"):
                self._fail()
        else:
            token = self._peek()
            if token is None or token["clause"] is None:
                self._fail()
            self._at = token.end()
            node = self._read_clause(token["clause"])
        self._depth -= 1
        return node

    def _read_clause(self, clause: str) -> Node:
        label, colon, value = re.sub(r"\\(.)", r"\1", clause).partition(":")
        name = schema.canonical(self._kind, label.strip())
        edm = schema.declared(self._kind).get(name or "")
        table = FILTERS.get(self._kind, {})
        if not colon or name is None:
            raise deny("search_malformed", reason=f"'{clause}' does not name a property.")
        words = tuple(split_words(value))
        if name in _TOKENIZED and name in table and words:
            return Words(name, words)
        if edm == "Edm.String" and name in table and name not in {"id", *_TOKENIZED}:
            return Match("startswith", name, value.strip())
        if edm == "Collection(Edm.String)" and f"{name}/any" in table:
            return Some(name, Match("startswith", "", value.strip()))
        raise deny("search_malformed", reason=f"'{name}' cannot be searched.")

    def _peek(self) -> re.Match[str] | None:
        token = _TOKEN.match(self._text, self._at)
        if token is None and self._text[self._at :].strip():
            self._fail()
        return token

    def _skip(self, word: str) -> bool:
        token = self._peek()
        if token is None or token["word"] != word:
            return False
        self._at = token.end()
        return True

    def _fail(self) -> NoReturn:
        # Graph names the first sign that cannot belong to a word, such as the colon in a clause
        # without quotes (msgraph-sdk-javascript#525).
        bare = _BARE.match(self._text, self._at)
        at = bare.end() if bare else self._at
        if at < len(self._text):
            raise deny(
                "search_malformed",
                reason=f"Syntax error: character '{self._text[at]}' is not valid at position {at} "
                f"in '{self._text}'.",
            )
        reason = f"Syntax error: there is no clause at position {at} in '{self._text}'."
        raise deny("search_malformed", reason=reason)
