"""Which link of an answer may be followed."""

from urllib.parse import unquote, urlsplit

from graphdaemon.errors import GraphError


def follow(link: str, current: str) -> str:
    """
    Return `link` if it may be followed from `current`, byte for byte.

    The bearer token goes with the request, so a link must stay on the same https origin; and a
    link to itself would never end.

    Raises:
        GraphError: `link_foreign` or `page_malformed`; naming origins only, since links hold
            names of users.
    """
    here, there = origin_of(current), origin_of(link)
    if here != there:
        raise GraphError(
            f"a next link points to {there}, not to {here}; it was not followed",
            code="link_foreign",
            status=200,
            hint="If a gateway stands before Graph, put its address into endpoint; otherwise "
            "somebody alters Graph's answers: find out who.",
        )
    if link == current or not link.isascii() or not link.isprintable() or " " in link:
        raise GraphError(
            f"the next link of {path_of(current)} "
            + ("points to its own page" if link == current else "is no address"),
            code="page_malformed",
            status=200,
            hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
        )
    return link


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


def origin_of(url: str) -> str:
    """Scheme, host and port, in one spelling."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host.removesuffix(':443')}"


def path_of(url: str) -> str:
    """The part of an address that may be shown: its options may hold a page token."""
    return urlsplit(url).path
