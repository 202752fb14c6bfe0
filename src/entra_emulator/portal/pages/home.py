"""The tenant's first page."""

from starlette.responses import Response

from entra_emulator.portal.menu import MenuItem
from entra_emulator.portal.routes import TENANT, PageRoute
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

_COUNTED = ("user", "group", "device", "application")


def show_home(request: PageRequest) -> Response:
    """`GET /portal/{tenant}`: what the tenant is, and how much is in it."""
    counts = {kind: request.directory.count(request.tenant, kind) for kind in _COUNTED}
    return render(request, "home.html", counts=counts)


ROUTES = (PageRoute("GET", TENANT, show_home),)
MENU = (MenuItem("tenant", 10, "home", "menu.home"),)
