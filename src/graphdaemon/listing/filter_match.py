"""
Decide whether a record matches a `$filter` expression, if its values show that for certain.

It is Graph that evaluates filters. This module answers a single question: may a replica rightly
leave out a record that the delta reports as existing? So nothing is decided that depends on how
Graph sorts strings or compares their case, and no expression beyond comparisons, `in`, `startswith`
and `any`. A comparison of null with gt, ge, lt or le is false (OData 4.01, "URL Conventions",
logical operators).
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([\w./:+-]+)|([(),]))")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Longer ones are in no directory; Python refuses to read very long ones.
_NUMBER = re.compile(r"(-?[0-9]{1,40})(?:\.([0-9]{1,40}))?")
# A time as Graph writes it: in seconds, with or without a fraction.
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?Z")
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "null": None}
# The deepest nesting of parentheses; an expression with more is not decided.
_DEEPEST = 30

_Token = tuple[str, str]


class _UndecidedError(Exception):
    """The expression has a form that is not decided here."""


def matches(condition: str, values: Mapping[str, Any], *, all_told: bool) -> bool | None:
    """
    Return whether a record with these values matches; None if that is not certain.

    Args:
        condition: A `$filter` expression.
        values: The properties of the record.
        all_told: Whether a property that is missing in `values` is null; otherwise it may have any
            value.
    """
    try:
        tokens = _split(condition)
    except _UndecidedError:
        return None
    return _decide(tokens, values, all_told=all_told)


def _decide(
    tokens: list[_Token], values: Mapping[str, Any], *, all_told: bool, depth: int = 0
) -> bool | None:
    expression = _Expression(tokens, values, all_told)
    try:
        decided = expression.read_either(depth)
    except (_UndecidedError, IndexError):
        return None
    return decided if expression.is_at_end else None


class _Expression:
    """A recursive descent parser of one expression, which evaluates it while it reads."""

    def __init__(self, tokens: list[_Token], values: Mapping[str, Any], all_told: bool) -> None:
        self._tokens = tokens
        self._values = values
        self._all_told = all_told
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._tokens)

    def read_either(self, depth: int) -> bool | None:
        terms = [self._read_both(depth)]
        while self._takes("or"):
            terms.append(self._read_both(depth))
        return True if True in terms else None if None in terms else False

    def _read_both(self, depth: int) -> bool | None:
        terms = [self._read_term(depth)]
        while self._takes("and"):
            terms.append(self._read_term(depth))
        return False if False in terms else None if None in terms else True

    def _read_term(self, depth: int) -> bool | None:
        if depth > _DEEPEST:
            raise _UndecidedError
        if self._takes("not"):
            decided = self._read_term(depth + 1)
            return None if decided is None else not decided
        if self._takes("("):
            decided = self.read_either(depth + 1)
            self._expect(")")
            return decided
        if self._takes("startswith"):
            return self._read_startswith()
        kind, path = self._tokens[self._at]
        if kind == "word" and path.endswith("/any"):
            return self._read_any(depth)
        return self._read_comparison()

    def _read_any(self, depth: int) -> bool | None:
        """Read `path/any(x:condition)`, which is true if an element of the list matches."""
        elements = self._find(self._next()[1].removesuffix("/any"))
        self._expect("(")
        variable, colon, first = self._next()[1].partition(":")
        condition: list[_Token] = [("word", first)] if first else []
        opened = 1
        while opened:
            token = self._next()
            opened += (token == ("sign", "(")) - (token == ("sign", ")"))
            condition.append(token)
        condition.pop()
        if not colon or not isinstance(elements, list | None):
            raise _UndecidedError
        terms = [
            _decide(condition, {variable: element}, all_told=False, depth=depth + 1)
            for element in elements or ()
        ]
        return True if True in terms else None if None in terms else False

    def _read_startswith(self) -> bool | None:
        self._expect("(")
        value = self._read_value()
        self._expect(",")
        kind, start = self._next()
        self._expect(")")
        if value is None:
            return False
        if kind != "text" or not isinstance(value, str) or not (value + start).isascii():
            return None
        return value.lower().startswith(start.lower())

    def _read_comparison(self) -> bool | None:
        value = self._read_value()
        name = self._next()[1].lower()
        if name == "in":
            self._expect("(")
            terms = [_equal(value, self._next())]
            while self._takes(","):
                terms.append(_equal(value, self._next()))
            self._expect(")")
            return True if True in terms else None if None in terms else False
        if name in _ORDERS:
            return _is_in_order(value, _ORDERS[name], self._next())
        if name != "eq":
            raise _UndecidedError
        return _equal(value, self._next())

    def _read_value(self) -> object:
        kind, path = self._next()
        if kind != "word":
            raise _UndecidedError
        return self._find(path)

    def _find(self, path: str) -> object:
        value: object = self._values
        for name in path.split("/"):
            if not isinstance(value, Mapping):
                raise _UndecidedError
            if name not in value and not (self._all_told and value is self._values):
                # Its value is not known, so neither is that of the whole expression.
                raise _UndecidedError
            value = value.get(name)
        return value

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _takes(self, word: str) -> bool:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        taken = token[0] != "text" and token[1].lower() == word
        self._at += taken
        return taken

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise _UndecidedError


def _split(condition: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(condition.rstrip())
    while at < end:
        token = _TOKEN.match(condition, at)
        if token is None:
            raise _UndecidedError
        text, word, sign = token.groups()
        if text is not None:
            tokens.append(("text", text.replace("''", "'")))
        else:
            tokens.append(("word", word) if word is not None else ("sign", sign))
        at = token.end()
    return tokens


def _equal(value: object, literal: _Token) -> bool | None:
    kind, text = literal
    if kind == "sign":
        raise _UndecidedError
    if kind == "text":
        return _equal_texts(value, text)
    if text.lower() in _CONSTANTS:
        constant = _CONSTANTS[text.lower()]
        same_type = value is None or constant is None or isinstance(value, bool)
        return value is constant if same_type else None
    if isinstance(value, int) and not isinstance(value, bool) and _NUMBER.fullmatch(text):
        return _compare(value, operator.eq, text)
    if value is None:
        return False
    # The same date, or value of another type, can be written in several forms.
    return _equal_texts(value, text) if _GUID.fullmatch(text) else None


def _is_in_order(value: object, order: Callable[[Any, Any], bool], literal: _Token) -> bool | None:
    """Compare numbers, or times that differ by a second; Graph's order of strings is not known."""
    kind, text = literal
    if kind == "sign":
        raise _UndecidedError
    if value is None:
        return False
    if kind != "word" or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _compare(value, order, text)
    one = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    other = _MOMENT.fullmatch(text)
    if one is None or other is None or (one[1] == other[1] and one[0] != other[0]):
        return None
    return order(one[1], other[1])


def _compare(value: int, order: Callable[[Any, Any], bool], text: str) -> bool | None:
    """Compare a whole number with one that may have decimals: exactly, however long they are."""
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    decimals = number[2] or ""
    return order(value * 10 ** len(decimals), int(number[1] + decimals))


def _equal_texts(value: object, text: str) -> bool | None:
    """Return whether two strings are equal; None if that depends on case, blanks or accents."""
    if value is None:
        return False
    if not isinstance(value, str):
        return None
    if value == text:
        return True
    if value.strip().lower() == text.strip().lower() or not (value + text).isascii():
        return None
    return False
