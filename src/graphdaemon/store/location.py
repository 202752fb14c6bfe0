"""Read the URL of a store, `sqlite:PATH` or `postgresql://…`, and show it without a password."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from graphdaemon.errors import StoreError
from graphdaemon.settings.setting import Secret

DEFAULT = "sqlite:graphdaemon.db"
_EXAMPLE = (
    "Write sqlite:graphdaemon.db for a file, or postgresql://USER@HOST:5432/DATABASE for a server."
)
_SECRET_OPTIONS = {"password", "sslpassword"}


class Location(NamedTuple):
    """
    The place of a store.

    Attributes:
        shown: Its URL without a password, which anybody may see.
        path: The SQLite file; None for PostgreSQL.
        url: The URL for PostgreSQL, which may contain a password; None for SQLite.
    """

    shown: str
    path: Path | None = None
    url: Secret | None = None


def read_location(url: str) -> Location:
    """
    Read a store's URL.

    Raises:
        StoreError: `store_url_invalid`; its message never shows what may be a password.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme.lower() == "sqlite":
        return _read_path(rest)
    if scheme.lower() in {"postgresql", "postgres"} and rest.startswith("//"):
        return _read_server(url)
    # The text may be a path without a scheme, or may contain a password, so only a word is quoted.
    named = f"the scheme {scheme}" if colon and scheme.isalnum() else "no scheme"
    raise _refuse(f"The store's URL has {named}; sqlite and postgresql are known")


def holds_password(url: str) -> bool:
    """Return whether the URL of a store contains a password."""
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query)
    except ValueError:
        return False
    is_secret = any(name.lower() in _SECRET_OPTIONS and value for name, value in options)
    return bool(parts.password) or is_secret


def _read_path(text: str) -> Location:
    if text.startswith("//"):
        raise _refuse("The store's URL has // after sqlite:, where the file's path belongs")
    if not text or "\0" in text or text == ":memory:":
        raise _refuse("The store's URL names no file after sqlite:")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise _refuse(f"The store's path {text} begins with a user that is not known") from None
    return Location(f"sqlite:{text}", path)


def _read_server(url: str) -> Location:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refuse("The store's URL has a host or a port that cannot be read") from None
    if any(sign.isspace() or ord(sign) < 32 for sign in url):
        raise _refuse("The store's URL has a blank in it; write %20")
    return Location(_hide_password(parts), url=Secret(url))


def _hide_password(parts: SplitResult) -> str:
    user, at, host = parts.netloc.rpartition("@")
    login = f"{user.partition(':')[0]}{at}"
    options = [
        (name, "***" if name.lower() in _SECRET_OPTIONS else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    query = "&".join(f"{name}={quote(value, safe='/:=-,*')}" for name, value in options)
    shown = f"{parts.scheme}://{login}{host}{parts.path}"
    return f"{shown}?{query}" if query else shown


def _refuse(message: str) -> StoreError:
    return StoreError(message, code="store_url_invalid", hint=_EXAMPLE)
