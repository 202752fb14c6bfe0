"""
The least permissions that cover what a program did.

Least means that they open the fewest routes together, then that they are few. All ways to choose
are gone through, up to a number.
"""

from collections.abc import Collection, Iterable

from entra_emulator.traffic.report.requirements import (
    Alternative,
    Requirement,
    is_covered,
    narrowest,
    opened_by,
)

# So many steps find the best choice for hundreds of routes; a program that needs more gets the best
# that was seen by then.
MOST_STEPS = 20_000


def find_least(requirements: Iterable[Requirement]) -> frozenset[str]:
    """The permissions that fulfil every requirement and open least."""
    search = _Search(_drop_implied(requirements))
    search.choose(frozenset())
    return search.best or frozenset()


def find_missing(requirements: Iterable[Requirement], held: Collection[str]) -> list[Requirement]:
    """The requirements that these permissions do not fulfil."""
    return [one for one in requirements if not is_covered(one, held)]


class _Search:
    """The best choice so far, and how much may still be tried."""

    def __init__(self, requirements: list[Requirement]) -> None:
        self.best: frozenset[str] | None = None
        self._requirements = requirements
        self._steps = 0
        self._rank: tuple[int, int, list[str]] = (0, 0, [])

    def choose(self, chosen: frozenset[str]) -> None:
        """Go through the ways to fulfil the requirements besides what is chosen already."""
        self._steps += 1
        if self.best is not None and self._steps > MOST_STEPS:
            return
        rest = find_missing(self._requirements, chosen)
        if not rest:
            self._keep(self._thin_out(chosen))
            return
        # The one with the fewest ways first: it is what the others have to go by.
        first = min(rest, key=lambda one: len(one.advised))
        for alternative in narrowest(first.advised):
            self.choose(chosen | alternative)

    def _keep(self, chosen: frozenset[str]) -> None:
        rank = _rank(chosen)
        if self.best is None or rank < self._rank:
            self.best, self._rank = chosen, rank

    def _thin_out(self, chosen: frozenset[str]) -> frozenset[str]:
        """Without those that a later choice made needless, broad ones first."""
        for name in sorted(chosen, key=lambda one: (-len(opened_by(one)), one)):
            if not find_missing(self._requirements, chosen - {name}):
                chosen -= {name}
        return chosen


def _rank(permissions: frozenset[str]) -> tuple[int, int, list[str]]:
    opened = frozenset[tuple[str, str]]().union(*map(opened_by, permissions))
    return len(opened), len(permissions), sorted(permissions)


def _drop_implied(requirements: Iterable[Requirement]) -> list[Requirement]:
    """The requirements without those that are fulfilled whenever another one is."""
    kept: list[Requirement] = []
    for one in sorted(set(requirements), key=lambda r: len(r.accepted)):
        if not any(_implies(other.accepted, one.accepted) for other in kept):
            kept.append(one)
    return kept


def _implies(stronger: frozenset[Alternative], weaker: frozenset[Alternative]) -> bool:
    return all(any(w <= s for w in weaker) for s in stronger)
