"""Which link of an answer may be followed."""

from urllib.parse import unquote, urlsplit

from graphdaemon.errors import GraphError
from graphdaemon.graph.page import follow


def follow_within(link: str, current: str) -> str:
    """
    Return `link` if `follow` allows it and it stays in the same collection.

    Raises:
        GraphError: `link_foreign`, if its path names another collection, version or tenant; or
            what `follow` raises.
    """
    followed = follow(link, current)
    here, there = urlsplit(current).path, urlsplit(followed).path
    if unquote(here).casefold() != unquote(there).casefold():
        raise GraphError(
            f"a next link of {here} points to {there}; it was not followed",
            code="link_foreign",
            status=200,
            hint="Look for a gateway or proxy that alters Graph's answers.",
        )
    return followed
