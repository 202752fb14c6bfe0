"""
Find out whether a service supports ranges of a key, or prefixes, by checking its answers.

A successful answer alone proves nothing: Graph's documentation and Graph itself disagree on the
properties by which it filters.
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

# The characters that a userPrincipalName may contain by Microsoft's list, and others seen there.
_FIRST_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789'.-_!#^~$@ ("
# How many keys of each page are checked.
_KEYS_TO_LOOK_AT = 100
# How many pages are read to find one that is not empty.
_MOST_LOOKS = 5
# The first range is one of so many; a page of it is read before the others are made.
_FIRST_OF = 64


async def try_ranges(target: Target, name: str, keys: Sequence[str]) -> str:
    """
    Return why ranges of the property `name` cannot be used; empty if they can.

    A range from a key to itself must contain that record, and none with another key. Of the range
    from one key to another, and that from the other to the one, exactly one must be empty.

    Args:
        target: What is listed.
        name: The property.
        keys: Some of its values.

    Raises:
        IdentityError, GraphError, NetworkError: The service could not be asked.
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
    Read the first page of the first range, which has to be read anyway, and check its keys.

    If all keys lie in the range, the service supports ranges. If some do not, the service may only
    sort them differently, so it is tested with `try_ranges`.

    Returns:
        The chain of the range, with its page; None if there is none. And why ranges cannot be used;
        empty if they can.

    Raises:
        IdentityError, GraphError, NetworkError: The service could not be asked.
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
    """Return why prefixes of the property `name` cannot be used, as `try_ranges` does."""
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
    Return the sentence that says that ranges of `name` were refused.

    Raises:
        GraphError: `error` itself, if its status is not 400.
    """
    if error.status != 400:
        raise error
    return f"ranges of {name} were refused ({error.graph_code}): no ranges"


def choose_signs(keys: Iterable[str]) -> str:
    """Return the characters with which keys may begin: known ones, and those of `keys`."""
    return "".join(dict.fromkeys([*_FIRST_CHARACTERS, *(fold(key[:1]) for key in keys)]))


def some_keys(page: Page, name: str) -> list[str]:
    """Return about a hundred keys of a page, from its beginning to its end."""
    return texts_of(page.records[:: max(1, len(page.records) // _KEYS_TO_LOOK_AT)], name)


async def look(target: Target, name: str, condition: str) -> tuple[list[str], bool]:
    """Return the keys on the first page of `condition` that has any, and whether more follow."""
    url = target.url(condition, select=("id", name))
    for _ in range(_MOST_LOOKS):
        page = await target.page(url)
        if page.records or page.next_link is None:
            break
        url = follow(page.next_link, url)
    return texts_of(page.records, name), page.next_link is not None


def _find_first_end(keys: Sequence[str]) -> str:
    """Return the end of the first range, which is a small part of all, or about a sorted page."""
    if is_ordered(keys):
        return next(iter(choose_boundaries(keys[-len(keys) // 5 :], 2)), "")
    return next(iter(choose_boundaries(keys, _FIRST_OF)), "")


def _choose_two(keys: Sequence[str]) -> tuple[str, str]:
    """Return two keys that differ in every possible order; plain ASCII ones, if there are any."""
    plain = [key for key in keys if key.isascii() and key.isprintable() and len(key) < 100]
    usable = plain or list(keys)
    one = usable[len(usable) // 2]
    other = next((key for key in usable if _plain(key) != _plain(one)), one)
    return one, other


def _plain(text: str) -> str:
    """Return the letters and digits of a text without case and accents, by which orders compare."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in decomposed if sign.isalnum()) or decomposed
