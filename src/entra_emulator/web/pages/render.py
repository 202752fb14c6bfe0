"""
Templates made into answers.

This is the only module that uses Jinja2, and imports it for the first page alone.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from starlette.responses import HTMLResponse, RedirectResponse, Response

from entra_emulator.clock import format_iso
from entra_emulator.web.pages.assets import SCRIPT_PATH, STYLE_PATH, read_style
from entra_emulator.web.pages.request import PREFIX, PageRequest
from entra_emulator.web.pages.texts import LANGUAGES

# No inline styles or scripts, nothing from other hosts; forms are sent to the portal alone.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)

# No Strict-Transport-Security: on `localhost` it would forbid http to every program that listens
# there, such as the one to which MSAL has the browser redirected.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # With no-referrer browsers would send `Origin: null` with forms, and these would be refused.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


# A part of an address up to its punctuation, or eight digits of a thumbprint.
_PIECE = re.compile(r"[0-9A-F]{8}|[^-@./:?&=_]+[-@./:?&=_]*|[-@./:?&=_]+")


class _Errors(dict[str, str]):
    """What is wrong with which field; an empty text for fields that are right."""

    def __missing__(self, name: str) -> str:
        return ""


def render(request: PageRequest, template: str, *, status: int = 0, **values: Any) -> Response:
    """
    A page, from a file in templates/, which escapes each of the values.

    Of these, `errors` says what is wrong with which field; the status is by default 400 where there
    are errors, 200 otherwise.
    """
    shared: Mapping[str, Any] = {
        "request": request,
        "t": request.say,
        "at": request.at,
        "notice": request.take("notice"),
        "here": _find_here(request),
        **_FIXED,
    }
    errors = _Errors(values.pop("errors", {}))
    text = _make_environment().get_template(template).render({**shared, **values, "errors": errors})
    status = status or (400 if errors else 200)
    return HTMLResponse(text, status, {**HEADERS, "Content-Language": request.language})


def render_document(template: str, **values: Any) -> str:
    """A page that is no answer, but a file of its own; it has the portal's style as `style`."""
    return str(_make_environment().get_template(template).render(style=read_style(), **values))


def go_to(address: str) -> Response:
    """Send the browser to a page of the portal, as the answer to a form."""
    return RedirectResponse(address, 303, HEADERS)


def _find_here(request: PageRequest) -> str:
    """The address of the page, for links that lead back to it, and for its forms."""
    scope = request.http.scope
    query = scope["query_string"].decode("latin-1")
    return f"{quote(scope['path'])}?{query}" if query else quote(scope["path"])


def _show_day(language: str, moment: str | float) -> str:
    """A date as people of the language write it."""
    text = moment if isinstance(moment, str) else format_iso(moment)
    day = datetime.fromisoformat(text[:10])
    return f"{day:%d/%m/%Y}" if language == "pt-BR" else f"{day.month}/{day.day}/{day.year}"


def _show_moment(language: str, moment: str | float) -> str:
    """A date with its time, in UTC."""
    text = moment if isinstance(moment, str) else format_iso(moment)
    return f"{_show_day(language, text)} {text[11:19]} UTC"


def _show_number(language: str, number: int) -> str:
    """A number with its thousands set apart."""
    return f"{number:,}".replace(",", "." if language == "pt-BR" else ",")


_FIXED: Mapping[str, Any] = {
    "day": _show_day,
    "languages": LANGUAGES,
    "moment": _show_moment,
    "number": _show_number,
    "prefix": PREFIX,
    "script_path": SCRIPT_PATH,
    "style_path": STYLE_PATH,
}


@cache
def _make_environment() -> Any:
    # Not at the top: most emulators show no page, and would start later.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files(__package__) / "templates")),
        autoescape=True,
        # The templates are part of the program: they are few, and do not change while it runs.
        auto_reload=False,
        cache_size=-1,
        lstrip_blocks=True,
        trim_blocks=True,
        # A misspelt name is to fail in a test, not to leave a gap on the page.
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = _allow_breaks
    return environment


def _allow_breaks(text: str) -> Any:
    """A long word with the places where a line of it may end, so that no single letter is left."""
    from markupsafe import Markup

    return Markup("<wbr>").join(_PIECE.findall(text))
