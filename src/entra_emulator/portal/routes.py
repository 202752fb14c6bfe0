"""The portal's routes and menus, gathered from what the modules in pages/ declare."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal, NamedTuple

from starlette.responses import Response

from entra_emulator.portal import pages
from entra_emulator.web.pages.request import PREFIX, PageRequest

# Where pages about a tenant and pages about one of its applications stand.
TENANT = f"{PREFIX}/{{tenant}}"
APPLICATION = f"{TENANT}/applications/{{app}}"


class PageRoute(NamedTuple):
    """
    A line of the route table.

    Args:
        method: the HTTP method.
        path: the path, with parameters in braces; where it names a `{tenant}`, whoever is
            signed in there is meant.
        answer: makes the response; it runs in a thread.
        public: whether people who are not signed in may have the page.
    """

    method: str
    path: str
    answer: Callable[[PageRequest], Response]
    public: bool = False


class MenuItem(NamedTuple):
    """
    A line of a menu.

    Args:
        menu: which of the two: that of the tenant, or that of an application.
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


@cache
def load_pages() -> tuple[ModuleType, ...]:
    """
    Every module of pages/, imported.

    Each has `ROUTES`, a tuple of `PageRoute`; those that stand in a menu have `MENU` too, a tuple
    of `MenuItem`.
    """
    names = (module.name for module in iter_modules(pages.__path__))
    return tuple(import_module(f"{pages.__name__}.{name}") for name in names)


def list_routes() -> list[PageRoute]:
    """The routes of all pages by address; a fixed part goes before a parameter, which it fits."""
    routes: Iterator[PageRoute] = (route for page in load_pages() for route in page.ROUTES)
    return sorted(routes, key=_order)


def make_menus() -> dict[str, list[MenuItem]]:
    """The items of each menu in their order."""
    menus: dict[str, list[MenuItem]] = {"tenant": [], "application": []}
    items = [item for page in load_pages() for item in getattr(page, "MENU", ())]
    for item in sorted(items, key=lambda item: item.position):
        menus[item.menu].append(item)
    return menus


def _order(route: PageRoute) -> list[tuple[bool, str]]:
    return [(part.startswith("{"), part) for part in route.path.split("/")]
