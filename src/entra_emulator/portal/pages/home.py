"""The tenant's first page."""

from starlette.responses import Response

from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import Visit

_COUNTED = ("user", "group", "device", "application")


def show_home(visit: Visit) -> Response:
    """`GET /portal/{tenant}`: what the tenant is, and how much is in it."""
    counts = {kind: visit.directory.count(visit.tenant, kind) for kind in _COUNTED}
    return render(visit, "home.html", counts=counts)
