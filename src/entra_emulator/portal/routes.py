"""The portal's routes and menus, gathered from what the modules in pages/ declare."""

from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal, NamedTuple

from starlette.responses import Response

from entra_emulator.portal import pages
from entra_emulator.portal.application import ApplicationView, find_application
from entra_emulator.web.pages.request import PREFIX, PageRequest

# The beginning of the addresses of pages about a tenant.
TENANT = f"{PREFIX}/{{tenant}}"

_Answer = Callable[[PageRequest], Response]
_ApplicationAnswer = Callable[[PageRequest, ApplicationView], Response]


class PageRoute(NamedTuple):
    """
    A line of the route table.

    Args:
        path: the address, with parameters in braces; if `{tenant}` is among them, the page is for
            the user who is signed in to that tenant.
        answer: the function that makes the page; it runs in a thread.
        public: whether the page is also shown to people who are not signed in.
    """

    method: str
    path: str
    answer: _Answer
    public: bool = False


# Filled when the modules of pages/ are imported.
_ROUTES: list[PageRoute] = []


class MenuItem(NamedTuple):
    """
    A line of one of the two menus.

    Args:
        menu: the menu: that of the tenant, or that of an application.
        position: its place; the order is that of the Microsoft Entra admin center.
        section: the value that the template of a page sets as `section`, to mark this line as the
            current one.
        label: the key of its text.
        path: its address below the tenant, or below the application.
        group: the key of its heading; lines without one come first.
    """

    menu: Literal["tenant", "application"]
    position: int
    section: str
    label: str
    path: tuple[str, ...] = ()
    group: str = ""


def page(method: str, path: str, *, public: bool = False) -> Callable[[_Answer], _Answer]:
    """Declare that the function below answers the requests for a page, see `PageRoute`."""

    def declare(answer: _Answer) -> _Answer:
        _ROUTES.append(PageRoute(method, path, answer, public))
        return answer

    return declare


def application_page(
    method: str, path: str = ""
) -> Callable[[_ApplicationAnswer], _ApplicationAnswer]:
    """Declare a page about an application; `path` follows the application's address."""

    def declare(answer: _ApplicationAnswer) -> _ApplicationAnswer:
        @page(method, f"{TENANT}/applications/{{app}}/{path}".rstrip("/"))
        @wraps(answer)
        def find_and_answer(request: PageRequest) -> Response:
            return answer(request, find_application(request))

        return answer

    return declare


@cache
def load_pages() -> tuple[ModuleType, ...]:
    """Import and return every module of pages/; those for a menu have `MENU`, of `MenuItem`."""
    # The folder is searched, so that a new page needs no line anywhere else.
    names = (module.name for module in iter_modules(pages.__path__))
    return tuple(import_module(f"{pages.__name__}.{name}") for name in names)


def list_routes() -> list[PageRoute]:
    """The routes of all pages by address, a fixed part of it before a parameter."""
    load_pages()
    # The first route that fits answers, and `{app}` would also fit `new`.
    return sorted(_ROUTES, key=_order)


def make_menus() -> dict[str, list[MenuItem]]:
    """The items of each menu in their order."""
    menus: dict[str, list[MenuItem]] = {"tenant": [], "application": []}
    items = [item for module in load_pages() for item in getattr(module, "MENU", ())]
    for item in sorted(items, key=lambda item: item.position):
        menus[item.menu].append(item)
    return menus


def _order(route: PageRoute) -> list[tuple[bool, str]]:
    return [(part.startswith("{"), part) for part in route.path.split("/")]
