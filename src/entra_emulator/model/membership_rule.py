"""
Membership rules of dynamic groups: read, and tried on a user or a device. Pure.

Source: "Manage rules for dynamic membership groups in Microsoft Entra ID", whose examples write
operators with and without a hyphen, with a dash in its place, and property names in any case.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from entra_emulator.clock import parse_iso
from entra_emulator.model.records import Record
from entra_emulator.model.regular_expression import read_pattern
from entra_emulator.model.rule_properties import (
    ITEMS,
    OPERATORS,
    RuleMoment,
    RuleProperty,
    RuleValue,
    compare,
    find_property,
    read_property,
)

# "Each dynamic group can have up to 50 member groups" (memberOf, preview limitations).
MOST_GROUPS = 50
# The deepest that parentheses may stand in one another; chosen.
DEEPEST = 50

_DAY = 86_400.0

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DURATION = re.compile(r"p(\d{1,5})d", re.IGNORECASE)
_BREAKS = frozenset("()[],\"'")

# Takes what a condition is about (a record, or an item of a collection) and the time now.
_Test = Callable[[Any, float], bool]


class MembershipRule(NamedTuple):
    """
    A membership rule.

    Args:
        kind: whom it chooses, "user" or "device".
        matches: says of a record, and of seconds since 1970, whether it is chosen.
        manager: the object ID of the manager whose direct reports are chosen; empty without.
        groups: the object IDs of the groups whose members are chosen; none without.
    """

    kind: str
    matches: _Test
    manager: str = ""
    groups: tuple[str, ...] = ()


class MembershipRuleError(ValueError):
    """
    A membership rule that cannot be.

    Args:
        reason: what is wrong, in the service's words where they are known.
        untyped: a property stands there without `user.` or `device.` before it.
    """

    def __init__(self, reason: str, *, untyped: bool = False) -> None:
        super().__init__(reason)
        self.untyped = untyped


@lru_cache(maxsize=4096)
def read_rule(text: str) -> MembershipRule:
    """
    The rule of this text.

    Raises:
        MembershipRuleError: it is none.
    """
    return _Parser(list(_split(text))).parse()


class _Token(NamedTuple):
    """A word, a sign, or a text that stood in quotes."""

    text: str
    quoted: bool = False


def _split(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
        elif character in "\"'":
            value, at = _read_quoted(text, at)
            yield _Token(value, quoted=True)
        elif text.startswith('`"', at):
            # "user.department -eq `"Sales`" is the proper syntax when "Sales" is the value".
            end = text.find('`"', at + 2)
            if end < 0:
                raise MembershipRuleError("Invalid rule syntax. A text has no end.")
            yield _Token(f'"{text[at + 2 : end]}"', quoted=True)
            at = end + 2
        elif character in _BREAKS:
            at += 1
            yield _Token(character)
        else:
            start = at
            while at < len(text) and not (text[at].isspace() or text[at] in _BREAKS):
                at += 1
            yield _Token(text[start:at])


def _read_quoted(text: str, start: int) -> tuple[str, int]:
    """The text in quotes that begins here, and where it ends."""
    quote, at, parts = text[start], start + 1, []
    while at < len(text):
        # "Both quotes should be escaped using the ` character … Single quotes should be escaped by
        # using two single quotes".
        doubled = quote == "'" and text.startswith("''", at)
        if doubled or (text[at] == "`" and text[at + 1 : at + 2] in {'"', "'", "`"}):
            parts.append(text[at + 1])
            at += 2
        elif text[at] == quote:
            return "".join(parts), at + 1
        else:
            parts.append(text[at])
            at += 1
    raise MembershipRuleError("Invalid rule syntax. A text has no end.")


class _Parser:
    """Reads the words of one rule."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0
        self._kinds: set[str] = set()
        self._groups: tuple[str, ...] = ()

    def parse(self) -> MembershipRule:
        manager = self._read_direct_reports()
        if manager:
            return MembershipRule("user", lambda _, __: False, manager=manager)
        test = self._read_or(None)
        if self._at < len(self._tokens):
            raise _refuse_syntax(self._tokens[self._at].text)
        if len(self._kinds) > 1:
            raise MembershipRuleError("Mixed use of properties from different types of object.")
        (kind,) = self._kinds
        return MembershipRule(kind, test, groups=self._groups)

    def _read_direct_reports(self) -> str:
        """The manager of `Direct Reports for "{id}"`; empty for any other rule."""
        words = [token.text.lower() for token in self._tokens[:3]]
        if words != ["direct", "reports", "for"]:
            return ""
        if len(self._tokens) != 4 or not _GUID.fullmatch(self._tokens[3].text):
            raise MembershipRuleError("Invalid rule syntax. The manager is no object ID.")
        return self._tokens[3].text.lower()

    def _read_or(self, item: RuleProperty | None) -> _Test:
        tests = [self._read_and(item)]
        while self._take_operator("or"):
            tests.append(self._read_and(item))
        return tests[0] if len(tests) == 1 else _join(any, tests)

    def _read_and(self, item: RuleProperty | None) -> _Test:
        tests = [self._read_not(item)]
        while self._take_operator("and"):
            tests.append(self._read_not(item))
        return tests[0] if len(tests) == 1 else _join(all, tests)

    def _read_not(self, item: RuleProperty | None) -> _Test:
        # In a loop, since a rule can have a thousand of them.
        negative = False
        while self._take_operator("not"):
            negative = not negative
        test = self._read_one(item)
        return (lambda one, now: not test(one, now)) if negative else test

    def _read_one(self, item: RuleProperty | None) -> _Test:
        """What is in parentheses, or one comparison."""
        if not self._take_sign("("):
            return self._read_comparison(item)
        self._depth += 1
        if self._depth > DEEPEST:
            raise MembershipRuleError("Invalid rule syntax. Too many parentheses.")
        test = self._read_or(item)
        if not self._take_sign(")"):
            raise MembershipRuleError("Invalid rule syntax. A parenthesis is missing.")
        self._depth -= 1
        return test

    def _read_comparison(self, item: RuleProperty | None) -> _Test:
        name = self._next()
        if name.quoted:
            raise _refuse_syntax(name.text)
        if item is not None:
            return self._read_of_item(item, name.text)
        owner, dot, rest = name.text.partition(".")
        if not dot or owner.lower() not in {"user", "device"}:
            raise MembershipRuleError("No object type", untyped=True)
        kind = owner.lower()
        self._kinds.add(kind)
        if rest.lower() == "memberof":
            return self._read_groups()
        known = find_property(kind, rest)
        if known is None:
            raise _refuse_property(rest, kind)
        operator = self._read_operator(known.type)
        if operator in {"any", "all"}:
            return self._read_quantified(known, operator)
        return _compare_property(known.path, operator, self._read_value(known.type, operator))

    def _read_of_item(self, item: RuleProperty, name: str) -> _Test:
        """A comparison of an item of a collection: `_`, or `assignedPlan.{property}`."""
        if item.type == "texts":
            if name not in {"_", "\\_"}:
                raise MembershipRuleError(_describe_operands("any"))
            operator = self._read_operator("text")
            value = self._read_value("text", operator)
            return lambda one, now: compare(one, operator, value, now)
        owner, properties = ITEMS[item.type]
        first, _, rest = name.partition(".")
        known = {one.casefold(): one for one in properties}.get(rest.casefold())
        if first.casefold() != owner.casefold() or known is None:
            raise _refuse_property(rest or first, owner)
        operator = self._read_operator("text")
        return _compare_property(known, operator, self._read_value("text", operator))

    def _read_quantified(self, known: RuleProperty, operator: str) -> _Test:
        """`-any` or `-all` with a condition on each item."""
        body = self._read_one(known)
        decide = any if operator == "any" else all
        path = known.path

        def test(record: Record, now: float) -> bool:
            items = read_property(record, path) or ()
            return decide(body(item, now) for item in items)

        return test

    def _read_groups(self) -> _Test:
        """`user.memberOf -any (group.objectId -in ['{id}'])`, which stands by itself."""
        # "The memberOf attribute can't be used with other rules … with other operators".
        alone = all(token.text == "(" for token in self._tokens[: self._at - 1])
        if not (alone and self._take_operator("any") and self._take_sign("(")):
            raise MembershipRuleError(_describe_operands("any"))
        name = self._next().text
        if name.lower() != "group.objectid":
            raise _refuse_property(name.partition(".")[2] or name, "group")
        if not self._take_operator("in"):
            raise MembershipRuleError(_describe_operands("any"))
        self._groups = tuple(one.lower() for one in self._read_list())
        ended = self._take_sign(")") and all(t.text == ")" for t in self._tokens[self._at :])
        if not ended or not all(map(_GUID.fullmatch, self._groups)):
            raise MembershipRuleError(_describe_operands("any"))
        if len(self._groups) > MOST_GROUPS:
            raise MembershipRuleError(f"A rule can name {MOST_GROUPS} groups.")
        return lambda _, __: False

    def _read_operator(self, type_: str) -> str:
        operator = _name_operator(self._next())
        if operator is None:
            raise _refuse_syntax(self._tokens[self._at - 1].text)
        if operator not in OPERATORS[type_]:
            raise MembershipRuleError(_describe_operands(operator))
        return operator

    def _read_value(self, type_: str, operator: str) -> RuleValue:
        if operator in {"in", "notin"}:
            return self._read_list()
        token = self._next()
        word = token.text.lower()
        if not token.quoted and word in {"null", "$null"}:
            if operator not in {"eq", "ne"}:
                raise MembershipRuleError(_describe_operands(operator))
            return None
        if type_ == "boolean":
            if token.quoted or word not in {"true", "false"}:
                raise MembershipRuleError(_describe_operands(operator))
            return word == "true"
        if type_ == "time":
            return self._read_moment(token, operator)
        if not token.quoted:
            raise MembershipRuleError(_describe_operands(operator))
        if operator in {"match", "notmatch"}:
            try:
                read_pattern(token.text)
            except ValueError as error:
                raise MembershipRuleError(f"Invalid regular expression: {error}.") from error
        return token.text

    def _read_moment(self, token: _Token, operator: str) -> RuleMoment:
        """A time, or `system.now` with so many days added or taken away."""
        if token.quoted or token.text.lower() != "system.now":
            try:
                return RuleMoment(parse_iso(token.text))
            except ValueError as error:
                raise MembershipRuleError(_describe_operands(operator)) from error
        sign = 1.0 if self._take_operator("plus") else -1.0
        if sign < 0 and not self._take_operator("minus"):
            return RuleMoment(0.0, relative=True)
        days = _DURATION.fullmatch(self._next().text)
        if days is None:
            raise MembershipRuleError(_describe_operands(operator))
        return RuleMoment(sign * int(days[1]) * _DAY, relative=True)

    def _read_list(self) -> tuple[str, ...]:
        """Texts in brackets, separated by commas."""
        if not self._take_sign("["):
            raise MembershipRuleError(_describe_operands("in"))
        values = [self._next().text]
        while self._take_sign(","):
            values.append(self._next().text)
        if not self._take_sign("]"):
            raise MembershipRuleError(_describe_operands("in"))
        return tuple(values)

    def _next(self) -> _Token:
        if self._at == len(self._tokens):
            raise MembershipRuleError("Invalid rule syntax. The rule ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take_sign(self, sign: str) -> bool:
        return self._take(lambda token: not token.quoted and token.text == sign)

    def _take_operator(self, name: str) -> bool:
        return self._take(lambda token: _name_operator(token) == name)

    def _take(self, fits: Callable[[_Token], bool]) -> bool:
        """Whether the next word is such, which is passed then."""
        if self._at < len(self._tokens) and fits(self._tokens[self._at]):
            self._at += 1
            return True
        return False


_WORDS = frozenset({"and", "or", "not", "plus", "minus"}).union(*OPERATORS.values())


def _name_operator(token: _Token) -> str | None:
    """The operator in small letters and without hyphen; None for any other word."""
    word = token.text.lower().lstrip("-\u2013")
    return word if not token.quoted and word in _WORDS else None


def _join(decide: Callable[[Iterator[bool]], bool], tests: list[_Test]) -> _Test:
    several = tuple(tests)
    return lambda one, now: decide(test(one, now) for test in several)


def _compare_property(path: str, operator: str, value: RuleValue) -> _Test:
    return lambda record, now: compare(read_property(record, path), operator, value, now)


def _refuse_property(name: str, owner: str) -> MembershipRuleError:
    # The form is quoted: "Property 'objectid' cannot be applied to object 'Group'"
    # (MicrosoftDocs/entra-docs#921).
    kind = owner[:1].upper() + owner[1:]
    return MembershipRuleError(
        f"Wrong property applied. Property '{name.lower()}' cannot be applied to object '{kind}'"
    )


def _refuse_syntax(word: str) -> MembershipRuleError:
    return MembershipRuleError(f"Invalid rule syntax. '{word[:100]}' stands in the wrong place.")


def _describe_operands(operator: str) -> str:
    # The form is quoted: "Invalid operands found for operator -all" (azure-docs#16182).
    text = "Invalid operands found for operator"
    return f"{text}. {text} -{operator}"
