"""The tenant's first page, and all tenants, to switch to another."""

from starlette.responses import Response

from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PREFIX, PageRequest

MENU = (MenuItem("tenant", 10, "home", "menu.home"),)

_COUNTED = ("user", "group", "device", "application")


@page("GET", TENANT)
def show_home(request: PageRequest) -> Response:
    """Show the tenant's ID and domains, and how many objects it has."""
    counts = {kind: request.directory.collections.count(request.tenant, kind) for kind in _COUNTED}
    return render(request, "home.html", counts=counts)


@page("GET", f"{PREFIX}/tenants")
def list_tenants(request: PageRequest) -> Response:
    """List all tenants, to switch to another."""
    tenants = request.directory.tenants.list_all()
    users = {tenant.id: request.directory.collections.count(tenant, "user") for tenant in tenants}
    return render(request, "tenants.html", tenants=tenants, users=users)
