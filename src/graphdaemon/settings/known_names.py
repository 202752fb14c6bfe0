"""Which known name a misspelt one may be meant to be."""

from collections.abc import Iterable


def find_near(name: str, known: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """
    Return the one of `known` that `name` most resembles, whatever their case.

    None if none reaches `cutoff`, where 1 is the same name and 0 one without a letter in common.
    """
    # A run that goes well needs it not.
    import difflib

    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else None


def suggest(name: str, known: Iterable[str]) -> str | None:
    """Return the question whether another name was meant; None if none of `known` is near."""
    near = find_near(name, known)
    return f"Did you mean {near}?" if near else None
