"""
Whether a service honours ranges of a key, and prefixes: asked of it, and looked at in its answers.

No answer is believed because it is an answer: Graph's documentation and Graph itself disagree on
what it filters by.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from graphdaemon.errors import GraphError
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.links import follow
from graphdaemon.graph.page import Page, texts_of
from graphdaemon.listing.chain import Chain, of_interval, of_prefix
from graphdaemon.listing.intervals import (
    Interval,
    choose_boundaries,
    condition_of,
    fold,
    is_ordered,
)
from graphdaemon.listing.target import Target

# Microsoft's own list of what a userPrincipalName may contain, and what else was seen there.
_FIRST_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789'.-_!#^~$@ ("
# Keys of each page to look at, of all that are on it.
_KEYS_TO_LOOK_AT = 100
# Pages to look at for one that is not empty.
_MOST_LOOKS = 5
# The first range, of which a page is read before the others are cut: one of so many.
_FIRST_OF = 64


async def try_ranges(target: Target, name: str, keys: Sequence[str]) -> str:
    """
    Return why ranges of the property `name` cannot be had; nothing where they can.

    A range of one key brings that record and none of another name. Of two ranges between two
    keys, one way round and the other, exactly one is empty.

    Args:
        target: What is listed.
        name: The property.
        keys: Some of its values.

    Raises:
        IdentityError, GraphError, NetworkError: It could not be asked.
    """
    key, other = _choose_two(keys)
    intervals = (Interval(key, key), Interval(key, other), Interval(other, key))
    try:
        exact, forth, back = await gather(
            *(look(target, name, condition_of(interval, name)) for interval in intervals)
        )
    except GraphError as error:
        return _explain_refusal(name, error)
    same = key in exact[0] and all(_plain(text) == _plain(key) for text in exact[0])
    if same and any(forth) != any(back):
        return ""
    return f"ranges of {name} are not honoured: no ranges"


async def read_first_range(
    target: Target, name: str, keys: Sequence[str]
) -> tuple[Chain | None, str]:
    """
    Read the first page of the first range, which has to be read in any case, and look at it.

    Ranges are honoured where it holds keys of the range and no others. A service that has another
    order than we shows others, too, and is asked.

    Returns:
        The range with its page, if one could be cut; why ranges cannot be had, or nothing.
    """
    end = _find_first_end(keys)
    if not end:
        return None, await try_ranges(target, name, keys)
    first = of_interval(Interval(None, end), name)
    try:
        page = await target.page(target.url(first.condition))
    except GraphError as error:
        return None, _explain_refusal(name, error)
    within = [fold(key) <= fold(end) for key in texts_of(page.records, name)]
    refusal = "" if within and all(within) else await try_ranges(target, name, keys)
    first.first_page = page
    return (None if refusal else first), refusal


async def try_prefixes(target: Target, name: str, keys: Sequence[str]) -> str:
    """Return why prefixes of the property `name` cannot be had, as `try_ranges` does."""
    key, _ = _choose_two(keys)
    try:
        matching, _ = await look(target, name, of_prefix(key, name).condition)
    except GraphError as error:
        if error.status != 400:
            raise
        return f"prefixes of {name} were refused ({error.graph_code}): one chain"
    if key in matching and all(fold(text).startswith(fold(key)) for text in matching):
        return ""
    return f"prefixes of {name} are not honoured: one chain"


def _explain_refusal(name: str, error: GraphError) -> str:
    """
    Say that ranges of `name` were refused.

    Raises:
        GraphError: The error means something else.
    """
    if error.status != 400:
        raise error
    return f"ranges of {name} were refused ({error.graph_code}): no ranges"


def choose_signs(keys: Iterable[str]) -> str:
    """Return the characters that keys may begin with: those known, and those of `keys`."""
    return "".join(dict.fromkeys([*_FIRST_CHARACTERS, *(fold(key[:1]) for key in keys)]))


def some_keys(page: Page, name: str) -> list[str]:
    """Return about a hundred keys of a page, from its beginning to its end."""
    return texts_of(page.records[:: max(1, len(page.records) // _KEYS_TO_LOOK_AT)], name)


async def look(target: Target, name: str, condition: str) -> tuple[list[str], bool]:
    """Return the keys on the first page of `condition` with any, and whether more follow."""
    url = target.url(condition, select=("id", name))
    for _ in range(_MOST_LOOKS):
        page = await target.page(url)
        if page.records or page.next_link is None:
            break
        url = follow(page.next_link, url)
    return texts_of(page.records, name), page.next_link is not None


def _find_first_end(keys: Sequence[str]) -> str:
    """Return where the first range ends: a small part of all, or a page that came in order."""
    if is_ordered(keys):
        return next(iter(choose_boundaries(keys[-len(keys) // 5 :], 2)), "")
    return next(iter(choose_boundaries(keys, _FIRST_OF)), "")


def _choose_two(keys: Sequence[str]) -> tuple[str, str]:
    """Two keys that no order takes for the same; plain ones, if there are any."""
    plain = [key for key in keys if key.isascii() and key.isprintable() and len(key) < 100]
    usable = plain or list(keys)
    one = usable[len(usable) // 2]
    other = next((key for key in usable if _plain(key) != _plain(one)), one)
    return one, other


def _plain(text: str) -> str:
    """What the most forgiving order compares: letters and digits, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in decomposed if sign.isalnum()) or decomposed
