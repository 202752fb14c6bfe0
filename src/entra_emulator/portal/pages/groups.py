"""Groups: all of the directory's, and one of them with its members."""

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import Links
from entra_emulator.directory.object_rows import Found
from entra_emulator.model.records import Record
from entra_emulator.portal.lists import (
    LinkedPage,
    list_by_name,
    list_linked,
    list_properties,
)
from entra_emulator.portal.menu import MenuItem
from entra_emulator.portal.routes import TENANT, PageRoute
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

# Nobody counts the members of a group to the end.
COUNTED = 1000
OWNERS = 100

_decode = msgspec.json.Decoder(Record).decode


def list_groups(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/groups`: all by name, or those looked for."""
    return list_by_name(request, "group", "groups.html")


def show_group(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/groups/{group}`: properties, owners, members page by page."""
    key = request.param("group")
    found = request.directory.find(request.tenant, key, kind="group")
    if found is None:
        raise PortalFault(404, "object", name=key)
    record = _decode(found.doc)
    hidden = record.get("visibility") == "HiddenMembership" and not _may_see(request, found)
    members, owners = Links("members", found.seq), Links("owners", found.seq)
    return render(
        request,
        "group.html",
        record=record,
        properties=list_properties(record),
        hidden=hidden,
        linked=LinkedPage([], None, None) if hidden else list_linked(request, members),
        count=request.directory.count_neighbours(request.tenant, members, most=COUNTED + 1),
        counted=COUNTED,
        owners=[
            _decode(one.content)
            for one in request.directory.neighbours(request.tenant, owners, limit=OWNERS)
        ],
    )


def _may_see(request: PageRequest, group: Found) -> bool:
    """Who is in a group that hides its members is shown to them, and to administrators."""
    user = request.directory.find(request.tenant, request.signed_in.user_id)
    if user is None:
        return False
    inside = request.directory.linked("members", group.seq, [user.seq])
    return bool(inside or request.directory.roles_of(request.tenant, request.signed_in.user_id))


ROUTES = (
    PageRoute("GET", f"{TENANT}/groups", list_groups),
    PageRoute("GET", f"{TENANT}/groups/{{group}}", show_group),
)
MENU = (MenuItem("tenant", 30, "groups", "group.title", ("groups",)),)
