"""
Regular expressions that take linear time on every text. Pure.

Membership rules come from clients, and Python's own matcher would let a short one such as `(a+)+$`
run for hours. The expression becomes a graph of steps, and the text is read once, with the set of
all steps that it may be at; the sets are remembered, so that the next text is a walk through them.

What is understood is what rules use: characters, classes, groups, alternatives, repetition, anchors
and word boundaries, without regard to case. References back and looks ahead have no linear form.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

# The most that a repetition such as `a{3,40}` may name: each of them is a step of its own.
MOST_REPEATED = 200
# The most steps of an expression; chosen, a rule has 3,072 characters.
MOST_STEPS = 10_000
# The deepest that groups may stand in one another.
DEEPEST = 50
# The most sets that are remembered of one expression.
MOST_SETS = 5_000

# What stands before the first character and behind the last.
_EDGE = ""

_Accepts = Callable[[str], bool]
# Takes the characters before and behind a place.
_Holds = Callable[[str, str], bool]


class Pattern:
    """
    A regular expression that is searched for, in any case of letters.

    Raises:
        ValueError: it is none, or one of those that have no linear form.
    """

    def __init__(self, text: str) -> None:
        self._steps = _Parser(text).parse()
        self._known: dict[tuple[frozenset[int], str, str], frozenset[int]] = {}

    def search(self, text: str) -> bool:
        """Whether the expression matches some part of the text."""
        before, at = _EDGE, frozenset({0})
        for character in (*text, _EDGE):
            key = (at, before, character)
            reached = self._known.get(key)
            if reached is None:
                reached = self._advance(at, before, character)
                if len(self._known) < MOST_SETS:
                    self._known[key] = reached
            if len(self._steps) in reached:
                return True
            # A match may begin at every character.
            before, at = character, reached | {0}
        return False

    def _advance(self, at: frozenset[int], before: str, character: str) -> frozenset[int]:
        """Where the next character leads; the end, if that is reached without it."""
        end = len(self._steps)
        here = self._spread(at, before, character)
        if end in here:
            return frozenset({end})
        if character == _EDGE:
            return frozenset()
        return frozenset(
            place + 1
            for place in here
            if (accepts := self._steps[place].accepts) is not None and accepts(character)
        )

    def _spread(self, at: frozenset[int], before: str, behind: str) -> set[int]:
        """Every step that is reached without a character."""
        reached, waiting = set(at), list(at)
        while waiting:
            place = waiting.pop()
            if place == len(self._steps):
                continue
            step = self._steps[place]
            if step.holds is None or not step.holds(before, behind):
                continue
            for jump in step.jumps:
                if place + jump not in reached:
                    reached.add(place + jump)
                    waiting.append(place + jump)
        return reached


class _Step(NamedTuple):
    """
    One step: over a character, or to other steps where a condition holds.

    Args:
        accepts: says whether a character leads to the next step; None for a jump.
        holds: says whether the jump may be made here; None for a character.
        jumps: how far the other steps are.
    """

    accepts: _Accepts | None = None
    holds: _Holds | None = None
    jumps: tuple[int, ...] = ()


def _always(_before: str, _behind: str) -> bool:
    return True


def _jump(*jumps: int) -> _Step:
    return _Step(holds=_always, jumps=jumps)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_CLASSES: dict[str, _Accepts] = {"d": str.isdecimal, "s": str.isspace, "w": _is_word}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_ANCHORS: dict[str, _Holds] = {
    "^": lambda before, _: before == _EDGE,
    "$": lambda _, behind: behind == _EDGE,
    "A": lambda before, _: before == _EDGE,
    "z": lambda _, behind: behind == _EDGE,
    "Z": lambda _, behind: behind == _EDGE,
    "b": lambda before, behind: _is_word(before) != _is_word(behind),
    "B": lambda before, behind: _is_word(before) == _is_word(behind),
}


class _Parser:
    """Makes the steps of an expression."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def parse(self) -> list[_Step]:
        steps = self._read_alternatives()
        if self._at < len(self._text):
            raise ValueError(f"a bracket too many at {self._at}")
        return steps

    def _read_alternatives(self) -> list[_Step]:
        branches = [self._read_sequence()]
        while self._take("|"):
            branches.append(self._read_sequence())
        steps = branches.pop()
        for branch in reversed(branches):
            # Into the branch or past it; behind the branch, past all that follows.
            steps = [_jump(1, len(branch) + 2), *branch, _jump(len(steps) + 1), *steps]
            _check_size(steps)
        return steps

    def _read_sequence(self) -> list[_Step]:
        steps: list[_Step] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            steps += self._read_repeated()
            _check_size(steps)
        return steps

    def _read_repeated(self) -> list[_Step]:
        steps = self._read_one()
        while (span := self._read_repetition()) is not None:
            steps = _repeat(steps, *span)
            # A lazy repetition finds the same matches.
            self._take("?")
        return steps

    def _read_repetition(self) -> tuple[int, int | None] | None:
        """The least and the greatest number of times; None without a repetition."""
        for sign, span in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return span
        end = self._text.find("}", self._at)
        if not self._text.startswith("{", self._at) or end < 0:
            return None
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        # Braces around something else are characters like others.
        if not _is_number(least) or (most and not _is_number(most)):
            return None
        self._at = end + 1
        least_times, most_times = int(least), int(most) if most else None
        if not comma:
            most_times = least_times
        if max(least_times, most_times or 0) > MOST_REPEATED:
            raise ValueError(f"repeated more than {MOST_REPEATED} times")
        if most_times is not None and most_times < least_times:
            raise ValueError("repeated fewer times than the least")
        return least_times, most_times

    def _read_one(self) -> list[_Step]:
        character = self._next()
        if character == "(":
            return self._read_group()
        if character == "[":
            return [_Step(accepts=self._read_class())]
        if character == ".":
            return [_Step(accepts=lambda one: one != "\n")]
        if character in "^$":
            return [_Step(holds=_ANCHORS[character], jumps=(1,))]
        if character in "*+?":
            raise ValueError(f"nothing to repeat at {self._at - 1}")
        if character != "\\":
            return [_Step(accepts=_fold(character))]
        escaped = self._next()
        if escaped in _ANCHORS:
            return [_Step(holds=_ANCHORS[escaped], jumps=(1,))]
        return [_Step(accepts=_escape(escaped))]

    def _read_group(self) -> list[_Step]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} groups in one another")
        if self._take("?") and not self._take(":"):
            raise ValueError("a group that looks ahead, back, or has a name")
        steps = self._read_alternatives()
        if not self._take(")"):
            raise ValueError("a group without its end")
        self._depth -= 1
        return steps

    def _read_class(self) -> _Accepts:
        negative = self._take("^")
        parts: list[_Accepts] = []
        while not self._take("]") or not parts:
            if self._text.startswith("]", self._at - 1) and not parts and self._at > 0:
                # The first bracket in a class is a character like others.
                parts.append(_fold("]"))
                continue
            first = self._next()
            if first == "\\":
                parts.append(_escape(self._next()))
                continue
            following = self._text[self._at : self._at + 2]
            if following.startswith("-") and following != "-]" and len(following) == 2:
                self._at += 1
                parts.append(_range(first, self._next()))
            else:
                parts.append(_fold(first))
        accepted = tuple(parts)
        return lambda one: any(accepts(one) for accepts in accepted) is not negative

    def _take(self, sign: str) -> bool:
        """Whether this sign stands here, which is passed then."""
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _next(self) -> str:
        if self._at == len(self._text):
            raise ValueError("it ends too early")
        self._at += 1
        return self._text[self._at - 1]


def _repeat(steps: list[_Step], least: int, most: int | None) -> list[_Step]:
    """The steps so many times, None without end."""
    copies = max(least, most or 0, 1)
    if len(steps) * copies > MOST_STEPS:
        raise ValueError("too long")
    repeated = steps * least
    if most is None:
        # Into the steps or past them, and back from behind them.
        size = len(steps)
        return [*repeated, _jump(1, size + 2), *steps, _jump(-size - 1)]
    for _ in range(most - least):
        repeated += [_jump(1, len(steps) + 1), *steps]
    return repeated


def _check_size(steps: list[_Step]) -> None:
    if len(steps) > MOST_STEPS:
        raise ValueError("too long")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MOST_REPEATED)) + 1


def _escape(character: str) -> _Accepts:
    """What a character behind a backslash stands for."""
    kind = _CLASSES.get(character.lower())
    if kind is not None:
        accepts, negative = kind, character.isupper()
        return lambda one: accepts(one) is not negative
    if character in _CONTROLS:
        return _fold(_CONTROLS[character])
    if character.isascii() and character.isalnum():
        raise ValueError(f"\\{character} is not understood")
    return _fold(character)


def _fold(character: str) -> _Accepts:
    folded = character.casefold()
    return lambda one: one.casefold() == folded


def _range(first: str, last: str) -> _Accepts:
    if last == "\\" or first > last:
        raise ValueError(f"{first}-{last} is no range")
    return lambda one: any(first <= other <= last for other in _list_cases(one))


def _list_cases(character: str) -> Iterator[str]:
    yield character
    yield character.lower()
    yield character.upper()


@lru_cache(maxsize=256)
def read_pattern(text: str) -> Pattern:
    """The expression of this text; `ValueError` as `Pattern`."""
    return Pattern(text)
