"""Which links of an answer may be followed, and what of an address may be shown."""

from typing import final
from urllib.parse import unquote, urlsplit

from graphdaemon.errors import GraphError
from graphdaemon.received.text import quote


@final
class DeltaLink:
    """
    Where the changes of a collection go on, as Graph gave it: opaque, and not shown by accident.

    It opens nothing without a token, but its text may hold names of users. Two links are equal if
    their texts are.

    Args:
        text: What `reveal` returned of a link that was kept.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, to be kept until the changes are asked for; never log or print it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeltaLink) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "DeltaLink(…)"


def follow(link: str, current: str) -> str:
    """
    Return `link` unchanged if it may be followed from the address `current`.

    The bearer token goes with the request, so a link must stay on the same https origin. And a
    page that links to itself would never end.

    Raises:
        GraphError: `link_foreign` or `page_malformed`. The message names origins only, since links
            hold names of users.
    """
    here, there = origin_of(current), _read_origin(link, current)
    if here != there:
        raise GraphError(
            f"a next link points to {quote(there)}, not to {here}; it was not followed",
            code="link_foreign",
            status=200,
            hint="If a gateway stands before Graph, put its address into endpoint; otherwise "
            "somebody alters Graph's answers: find out who.",
        )
    if link == current or not link.isascii() or not link.isprintable() or " " in link:
        problem = "points to its own page" if link == current else "is not an address"
        raise altered(f"the next link of {path_of(current)} {problem}")
    return link


def follow_within(link: str, current: str) -> str:
    """
    Return `link` if `follow` allows it and it stays in the same collection.

    Raises:
        GraphError: `link_foreign`, if its path names another collection, version or tenant; and
            whatever `follow` raises.
    """
    followed = follow(link, current)
    here, there = urlsplit(current).path, urlsplit(followed).path
    # Graph compares the names in a path without regard to case, and may escape them otherwise.
    if unquote(here).casefold() != unquote(there).casefold():
        raise GraphError(
            f"a next link of {here} points to {quote(there)}; it was not followed",
            code="link_foreign",
            status=200,
            hint="Look for a gateway or proxy that alters Graph's answers.",
        )
    return followed


def origin_of(url: str) -> str:
    """Return scheme, host and port in one spelling; the port is left out if it is 443."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host.removesuffix(':443')}"


def _read_origin(link: str, current: str) -> str:
    try:
        return origin_of(link)
    except ValueError:
        # Python refuses hosts with half a bracket, or with signs that others may read otherwise.
        raise altered(f"the next link of {path_of(current)} is not an address") from None


def path_of(url: str) -> str:
    """Return the part of an address that may be shown: its options may hold a page token."""
    return urlsplit(url).path


def altered(problem: str, status: int = 200) -> GraphError:
    """Return the error for an answer that Graph would not give: somebody may have altered it."""
    return GraphError(
        problem,
        code="page_malformed",
        status=status,
        hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
    )
