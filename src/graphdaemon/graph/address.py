"""The address that a person means by a path such as `users` or `/beta/me`."""

import re
from urllib.parse import quote, urlsplit

from graphdaemon.errors import UsageError
from graphdaemon.graph.links import origin_of

_VERSION = r"v\d+(\.\d+)?|beta"
# Characters that may stand in a path or a query as they are.
_UNESCAPED = "/$,:@'()!*;=+&~?"
_ESCAPED = r"%(?![0-9A-Fa-f]{2})"


def resolve(root: str, text: str, *, graph: bool = True) -> str:
    """
    Return the whole address that `text` means.

    With a root that ends in `/v1.0`, the paths `users`, `/users` and `/v1.0/users` mean the same;
    `/beta/users` means the beta version at the same origin. A whole address must have the origin
    of `root`, because the bearer token is sent with the request.

    Args:
        root: Origin and version, such as `https://graph.microsoft.com/v1.0`.
        text: A path with or without options, or a whole address.
        graph: Whether the API is Graph. In any other API, a path that begins with a version is
            appended to `root` like every other path.

    Raises:
        UsageError: `text` is empty, is not a valid address (`option_invalid`), or is an address
            with another origin (`origin_foreign`).
    """
    if "://" in text.partition("?")[0]:
        try:
            here, there = origin_of(root), origin_of(text)
        except ValueError as error:
            raise UsageError(
                f"this is not an address: {error}",
                code="option_invalid",
                hint="Give a path, such as users or /beta/me.",
            ) from None
        if here != there:
            raise UsageError(
                f"{there} is not {here}, which is where the token goes",
                code="origin_foreign",
                hint="Give a path, or settings whose endpoint is at that address (and whose scope "
                "is that API's).",
            )
        parts = urlsplit(text)
        text = parts.path + (f"?{parts.query}" if parts.query else "")
        return origin_of(root) + escape(text or "/")
    path = text.strip().lstrip("/")
    if not path:
        raise UsageError(
            "there is no path", code="option_invalid", hint="Give one, such as users or /me."
        )
    version = split_version(path)[0] if graph else None
    return f"{origin_of(root) if version else root}/{escape(path)}"


def split_version(path: str) -> tuple[str | None, str]:
    """Return the version that `path` begins with (None if there is none), and the rest of it."""
    bare = path.strip("/")
    first = re.split(r"[/?]", bare, maxsplit=1)[0]
    if re.fullmatch(_VERSION, first) is None:
        return None, bare
    return first, bare[len(first) :].lstrip("/")


def choose_root(root: str, path: str) -> str:
    """Return `root`, with the version of Graph that `path` begins with, if it begins with one."""
    version, _ = split_version(path)
    return f"{origin_of(root)}/{version}" if version else root


def escape(text: str) -> str:
    """Percent-encode what may not stand in an address; what is encoded already is kept."""
    # The user principal name of a guest contains #EXT#, and a bare # would end the path.
    return quote(re.sub(_ESCAPED, "%25", text), safe=_UNESCAPED + "%")
