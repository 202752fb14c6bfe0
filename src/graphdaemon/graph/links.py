"""Check the links of an answer before they are followed, and show addresses without secrets."""

from typing import final
from urllib.parse import unquote, urlsplit

from graphdaemon.errors import GraphError
from graphdaemon.received.text import quote


@final
class DeltaLink:
    """
    A delta link: the address at which the next changes of a collection can be read.

    Its text is opaque. It gives no access without a token, but it may contain names of users, so
    `repr` and `str` do not show it. Two links are equal if their texts are.

    Args:
        text: The address as Graph sent it, or as `reveal` returned it before it was stored.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the address, to be stored or requested; never log or print it."""
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

    The bearer token is sent with the request, so a link must have the origin of `current`. A page
    that links to itself is refused, because the listing would never end.

    Raises:
        GraphError: `link_foreign`, if the link has another origin; `page_malformed`, if it is not
            a valid address or is the address of its own page. The message names origins only,
            because links may contain names of users.
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
        GraphError: `link_foreign`, if the path of the link differs from that of `current`, except
            in case and escaping; and whatever `follow` raises.
    """
    followed = follow(link, current)
    here, there = urlsplit(current).path, urlsplit(followed).path
    # Graph ignores case in a path, and may percent-encode other characters than the client did.
    if unquote(here).casefold() != unquote(there).casefold():
        raise GraphError(
            f"a next link of {here} points to {quote(there)}; it was not followed",
            code="link_foreign",
            status=200,
            hint="Look for a gateway or proxy that alters Graph's answers.",
        )
    return followed


def origin_of(url: str) -> str:
    """
    Return scheme, host and port in lower case; the port is left out if it is 443.

    Raises:
        ValueError: `url` is not a valid address.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host.removesuffix(':443')}"


def _read_origin(link: str, current: str) -> str:
    try:
        return origin_of(link)
    except ValueError:
        # Python refuses a host with a single bracket, or with characters that become / or : when
        # they are normalised.
        raise altered(f"the next link of {path_of(current)} is not an address") from None


def path_of(url: str) -> str:
    """Return the path of an address, which may be shown; its query may contain a page token."""
    return urlsplit(url).path


def altered(problem: str, status: int = 200) -> GraphError:
    """Return the `page_malformed` error for an answer that may have been altered on its way."""
    return GraphError(
        problem,
        code="page_malformed",
        status=status,
        hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
    )
