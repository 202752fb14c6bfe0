"""The stylesheet and the script, at addresses that change whenever their contents change."""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.web.pages.request import PREFIX

_YEAR = 365 * 86_400


async def show_style(_: Request) -> Response:
    """`GET /portal/portal.css`: how every page looks."""
    return _answer("portal.css", "text/css")


async def show_script(_: Request) -> Response:
    """`GET /portal/portal.js`: buttons that copy, menus that close; pages work without it."""
    return _answer("portal.js", "text/javascript")


def _answer(name: str, kind: str) -> Response:
    headers = {
        "Cache-Control": f"public, max-age={_YEAR}, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(_read(name), 200, headers, kind)


def read_style() -> str:
    """The stylesheet itself, for pages that are files of their own."""
    return _read("portal.css").decode()


@cache
def _read(name: str) -> bytes:
    return (files(__package__) / "static" / name).read_bytes()


def _locate(name: str) -> str:
    return f"{PREFIX}/{name}?{sha256(_read(name)).hexdigest()[:12]}"


STYLE_PATH = _locate("portal.css")
SCRIPT_PATH = _locate("portal.js")
