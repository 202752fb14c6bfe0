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

# Where pages about a tenant stand.
TENANT = f"{PREFIX}/{{tenant}}"

_Answer = Callable[[PageRequest], Response]
_ApplicationAnswer = Callable[[PageRequest, ApplicationView], Response]


class PageRoute(NamedTuple):
    """
    A line of the route table.

    Args:
        path: the address, with parameters in braces; with `{tenant}` among them, the user who is
            signed in there is meant.
        answer: the function that makes the page; it runs in a thread.
        public: the page is shown to people who are not signed in too.
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
        menu: that of the tenant, or that of an application.
        position: where it stands; the order is that of the Microsoft Entra admin center.
        section: what a template sets as its `section` to be marked as the current one.
        label: the key of its text.
        path: its address below the tenant, or below the application.
        group: the key of the heading it stands under; without one it stands first.
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
    """Declare a page about an application; `path` stands behind the application's address."""

    def declare(answer: _ApplicationAnswer) -> _ApplicationAnswer:
        @page(method, f"{TENANT}/applications/{{app}}/{path}".rstrip("/"))
        @wraps(answer)
        def find_and_answer(request: PageRequest) -> Response:
            return answer(request, find_application(request))

        return answer

    return declare


@cache
def load_pages() -> tuple[ModuleType, ...]:
    """Every module of pages/, imported; those that stand in a menu have `MENU`, of `MenuItem`."""
    # Found in the folder, so that a new page needs no line anywhere else.
    names = (module.name for module in iter_modules(pages.__path__))
    return tuple(import_module(f"{pages.__name__}.{name}") for name in names)


def list_routes() -> list[PageRoute]:
    """The routes of all pages by address, a fixed part of it before a parameter."""
    load_pages()
    # The first that fits answers, and `{app}` would fit `new` too.
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
