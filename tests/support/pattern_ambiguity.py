"""
Which regular expressions can take more than linear time, told from their structure alone.

A backtracking matcher takes quadratic time or worse on some text exactly where its automaton is
ambiguous in a certain way (Weber and Seidl, "On the degree of ambiguity of finite automata", 1991):
where one word leads from a state p back to p, from p to another state q, and from q back to q, each
part of a long repetition of that word can be read in one of two ways. With p the search for the
beginning of a match, this is also why `\\s+x` is quadratic on blanks.

The automaton is that of Glushkov: a state for each place of the pattern that reads a character.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from re import _constants as ops  # type: ignore[attr-defined]  # typeshed knows it by its old name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

# More repetitions than this count as endless.
_MANY = 40
_START = -1
_SAMPLE = "aZ09_ \t\n-'\"\\é中٣\x00\xff"

State = int


class _Fragment(NamedTuple):
    """
    A part of a pattern.

    Attributes:
        first: The states that it can begin with.
        last: Those that it can end with.
        ends: Those of `last` after which nothing more is demanded.
        empty: It can match nothing.
        free: It can match nothing, and then demands nothing of what is around.
    """

    first: frozenset[State] = frozenset()
    last: frozenset[State] = frozenset()
    ends: frozenset[State] = frozenset()
    empty: bool = True
    free: bool = True


class _Automaton:
    """
    What a pattern reads, built from its parsed form.

    Attributes:
        reads: The characters that each state reads, of those that tell states apart.
        follow: How many ways there are from one state to the next.
        anchored: States that only the beginning of the text leads to.
        whole: The pattern.
    """

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        parsed = parser.parse(pattern, flags)
        self._flags: int = parsed.state.flags
        self._alphabet = sorted(set(_SAMPLE) | set(_list_characters(parsed)))
        self.reads: list[frozenset[str]] = []
        self.follow: Counter[tuple[State, State]] = Counter()
        self.anchored: set[State] = set()
        self.whole = self._sequence(list(parsed))

    def _sequence(self, items: Iterable[tuple[Any, Any]]) -> _Fragment:
        whole, is_anchored = _Fragment(), False
        for op, value in items:
            part = self._fragment(op, value)
            is_anchored |= op is ops.AT and self._is_beginning(value) and not whole.first
            if is_anchored and whole.empty:
                self.anchored |= part.first
            whole = self._join(whole, part)
        return whole

    def _is_beginning(self, place: Any) -> bool:
        multiline = self._flags & re.MULTILINE
        return place is ops.AT_BEGINNING_STRING or (place is ops.AT_BEGINNING and not multiline)

    def _join(self, left: _Fragment, right: _Fragment) -> _Fragment:
        self._link(left.last, right.first)
        return _Fragment(
            left.first | (right.first if left.empty else frozenset()),
            right.last | (left.last if right.empty else frozenset()),
            right.ends | (left.ends if right.free else frozenset()),
            left.empty and right.empty,
            left.free and right.free,
        )

    def _link(self, sources: Iterable[State], targets: Iterable[State]) -> None:
        self.follow.update((source, target) for source in sources for target in targets)

    def _fragment(self, op: Any, value: Any) -> _Fragment:
        if op in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
            return self._place(op, value)
        if op is ops.BRANCH:
            return _unite([self._sequence(list(branch)) for branch in value[1]])
        if op is ops.SUBPATTERN:
            return self._sequence(list(value[3]))
        if op is ops.ATOMIC_GROUP:
            return self._sequence(list(value))
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            return self._repeat(*value)
        if op in (ops.AT, ops.GROUPREF):
            return _Fragment(free=False)
        if op in (ops.ASSERT, ops.ASSERT_NOT):
            # What looks ahead reads on from here, and leads nowhere.
            ahead = self._sequence(list(value[1])).first if value[0] > 0 else frozenset[State]()
            return _Fragment(first=ahead, free=False)
        raise NotImplementedError(f"{op} is not judged")

    def _repeat(self, least: int, most: int, body: Any) -> _Fragment:
        whole = _Fragment()
        for _ in range(min(least, _MANY)):
            whole = self._join(whole, self._sequence(list(body)))
        if most is ops.MAXREPEAT or most > _MANY:
            loop = self._sequence(list(body))
            self._link(loop.last, loop.first)
            return self._join(whole, loop._replace(empty=True, free=True))
        rest = _Fragment()
        for _ in range(most - least):
            rest = self._join(self._sequence(list(body)), rest)._replace(empty=True, free=True)
        return self._join(whole, rest)

    def _place(self, op: Any, value: Any) -> _Fragment:
        read = frozenset(one for one in self._alphabet if self._matches(op, value, one))
        self.reads.append(read)
        place = frozenset({len(self.reads) - 1})
        return _Fragment(place, place, place, empty=False, free=False)

    def _matches(self, op: Any, value: Any, one: str) -> bool:
        cases = {one, *((one.lower(), one.upper()) if self._flags & re.IGNORECASE else ())}
        if op is ops.ANY:
            return bool(self._flags & re.DOTALL) or one != "\n"
        if op is ops.LITERAL:
            return chr(value) in cases
        if op is ops.NOT_LITERAL:
            return chr(value) not in cases
        members = [member for member in value if member[0] is not ops.NEGATE]
        is_member = any(_is_member(member, case) for member in members for case in cases)
        return is_member if len(members) == len(value) else not is_member


def _unite(fragments: list[_Fragment]) -> _Fragment:
    return _Fragment(
        frozenset().union(*(one.first for one in fragments)),
        frozenset().union(*(one.last for one in fragments)),
        frozenset().union(*(one.ends for one in fragments)),
        any(one.empty for one in fragments),
        any(one.free for one in fragments),
    )


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    ops.CATEGORY_DIGIT: str.isdecimal,
    ops.CATEGORY_SPACE: str.isspace,
    ops.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    ops.CATEGORY_NOT_DIGIT: lambda one: not one.isdecimal(),
    ops.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    ops.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
}


def _is_member(member: tuple[Any, Any], one: str) -> bool:
    op, value = member
    if op is ops.LITERAL:
        return bool(ord(one) == value)
    if op is ops.RANGE:
        return bool(value[0] <= ord(one) <= value[1])
    return _CATEGORIES[value](one)


def _list_characters(value: Any) -> Iterator[str]:
    """List the characters that a pattern names, and their neighbours."""
    # By identity: what names an operation is a number as well.
    op = value[0] if isinstance(value, tuple) and value else None
    if op is ops.LITERAL or op is ops.NOT_LITERAL:
        yield from (chr(value[1]), chr(value[1]).swapcase()[:1])
    elif op is ops.RANGE:
        low, high = value[1]
        yield from (chr(code) for code in (max(low - 1, 0), low, high, min(high + 1, 0x10FFFF)))
    elif isinstance(value, tuple | list | parser.SubPattern):
        for part in value:
            yield from _list_characters(part)


def find_ambiguity(pattern: str | bytes, flags: int, *, searches: bool, whole: bool) -> str | None:
    """
    Say why a pattern can take more than linear time; None if it cannot.

    Args:
        pattern: The regular expression.
        flags: Those that it is compiled with.
        searches: A match may begin anywhere in the text.
        whole: A match has to end with the text (`fullmatch`).
    """
    automaton = _Automaton(pattern, flags)
    follow = dict(automaton.follow)
    reads = dict(enumerate(automaton.reads))
    if searches:
        reads[_START] = frozenset().union(*automaton.reads)
        begins = automaton.whole.first - automaton.anchored
        follow |= {(_START, target): 1 for target in (_START, *begins)}
    targets: dict[State, list[State]] = {}
    for source, target in follow:
        targets.setdefault(source, []).append(target)
    loops = _find_loops(targets)
    certain = frozenset() if whole else automaton.whole.ends
    for state, loop in loops.items():
        if any(follow.get((source, target), 0) > 1 for source in loop for target in loop):
            return f"a repetition in itself, {_show(loop, reads)}"
        if _splits(state, loop, targets, reads):
            return f"two ways through one repetition, {_show(loop, reads)}"
    for first, before in loops.items():
        for second, after in loops.items():
            # Where nothing more is demanded, the match has succeeded, and nothing is tried again.
            if first == second or not certain.isdisjoint(before | after):
                continue
            if _overlap(first, second, before, after, targets, reads):
                where = "the search" if first == _START else _show(before, reads)
                return f"{where} and then {_show(after, reads)}"
    return None


def _show(loop: frozenset[State], reads: dict[State, frozenset[str]]) -> str:
    return " ".join(repr("".join(sorted(reads[state]))[:12]) for state in sorted(loop)[:4])


def _find_loops(targets: dict[State, list[State]]) -> dict[State, frozenset[State]]:
    """Return, for each state that can be reached from itself, all that lie on such ways."""
    reached = {state: _reach(state, targets) for state in targets}
    return {
        state: frozenset(one for one in reached[state] if state in reached.get(one, ()))
        for state in targets
        if state in reached[state]
    }


def _reach(state: State, targets: dict[State, list[State]]) -> set[State]:
    reached: set[State] = set()
    waiting = [state]
    while waiting:
        for target in targets.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def _splits(
    state: State,
    loop: frozenset[State],
    targets: dict[State, list[State]],
    reads: dict[State, frozenset[str]],
) -> bool:
    """Whether a word leads from `state` back to it in two ways."""
    seen = {(state, state, False)}
    waiting = [(state, state, False)]
    while waiting:
        left, right, differ = waiting.pop()
        for one in targets[left]:
            for other in targets[right]:
                if {one, other} <= loop and reads[one] & reads[other]:
                    step = (one, other, differ or one != other)
                    if step == (state, state, True):
                        return True
                    if step not in seen:
                        seen.add(step)
                        waiting.append(step)
    return False


def _overlap(
    first: State,
    second: State,
    before: frozenset[State],
    after: frozenset[State],
    targets: dict[State, list[State]],
    reads: dict[State, frozenset[str]],
) -> bool:
    """Whether a word leads from `first` to itself and to `second`, and from there to itself."""
    begin, end = (first, first, second), (first, second, second)
    seen, waiting = {begin}, [begin]
    while waiting:
        left, middle, right = waiting.pop()
        for one in targets[left]:
            if one not in before:
                continue
            for three in targets[right]:
                common = reads[one] & reads[three] if three in after else frozenset()
                if not common:
                    continue
                for two in targets.get(middle, ()):
                    step = (one, two, three)
                    if common & reads[two] and step not in seen:
                        if step == end:
                            return True
                        seen.add(step)
                        waiting.append(step)
    return False
