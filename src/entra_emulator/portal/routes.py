"""The portal's route table, gathered from what the modules in pages/ declare."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import NamedTuple

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


def _order(route: PageRoute) -> list[tuple[bool, str]]:
    return [(part.startswith("{"), part) for part in route.path.split("/")]
