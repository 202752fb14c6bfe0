"""The templates of the status page made into answers."""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from graphdaemon.daemon.page.texts import (
    LANGUAGES,
    choose_language,
    say,
    show_age,
    show_day,
    show_number,
    show_span,
)
from graphdaemon.daemon.server import WatchAnswer, WatchRequest
from graphdaemon.output.page.template import make_environment, read_style

# No script at all, no inline style, nothing from other hosts; its forms lead to itself.
_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)
STYLE_PATH = "/status.css"


def render(
    request: WatchRequest, template: str, *, status: int = 200, **values: Any
) -> WatchAnswer:
    """
    Return a page, from a file in templates/, which escapes each of the values.

    Args:
        request: What was asked for.
        template: The name of the file.
        status: The HTTP status.
        values: What the template shows.
    """
    chosen = request.query.get("lang", "")
    language = choose_language(chosen, request.languages)
    shared: Mapping[str, Any] = {
        "language": language,
        "languages": LANGUAGES,
        "t": partial(say, language),
        "link": _make_links(language if chosen in LANGUAGES else ""),
        "here": partial(_link_here, request),
        "age": partial(show_age, language),
        "day": partial(show_day, language),
        "number": partial(show_number, language),
        "span": partial(show_span, language),
        "style": f"{STYLE_PATH}?{_digest_style()}",
    }
    text = make_environment(__package__).get_template(template).render({**shared, **values})
    headers = (*_HEADERS, ("Content-Language", language), ("Vary", "Accept-Language"))
    return WatchAnswer(status, text.encode("utf-8", "replace"), "text/html; charset=utf-8", headers)


def answer_style() -> WatchAnswer:
    """Return the stylesheet, at an address that changes whenever its content does."""
    headers = (("Cache-Control", "max-age=31536000, immutable"),)
    return WatchAnswer(200, read_style(), "text/css; charset=utf-8", headers)


def _make_links(language: str) -> Callable[..., str]:
    """Return what makes the address of a page, which keeps the language that was chosen."""

    def link(path: str, **parameters: object) -> str:
        given = {name: value for name, value in parameters.items() if value not in {None, ""}}
        if language:
            given["lang"] = language
        return quote(path) + (f"?{urlencode(given)}" if given else "")

    return link


def _link_here(request: WatchRequest, language: str) -> str:
    """Return the address of the same page in another language."""
    return f"{quote(request.path)}?{urlencode({**request.query, 'lang': language})}"


def _digest_style() -> str:
    return sha256(read_style()).hexdigest()[:12]
