"""Groups: all in the directory, and one group with owners and members."""

import msgspec
from starlette.responses import Response

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.records import Record
from entra_emulator.portal.lists import (
    LinkedPage,
    find_object,
    list_by_name,
    list_linked,
    list_properties,
)
from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("tenant", 30, "groups", "group.title", ("groups",)),)

# For a larger group the page only says that it has more members than this: counting takes long.
COUNTED = 1000
# How many owners are shown.
OWNERS = 100

_decode = msgspec.json.Decoder(Record).decode


@page("GET", f"{TENANT}/groups")
def list_groups(request: PageRequest) -> Response:
    """List the groups by name, or those that a search finds."""
    return render(request, "groups.html", **list_by_name(request, "group"))


@page("GET", f"{TENANT}/groups/{{group}}")
def show_group(request: PageRequest) -> Response:
    """Show a group's properties, its owners, and its members page by page."""
    row, record = find_object(request, "group")
    hidden = record.get("visibility") == "HiddenMembership" and not _may_see_members(request, row)
    members, links = LinkQuery("members", row.seq), request.directory.links
    owners = links.list_neighbours(request.tenant, LinkQuery("owners", row.seq), limit=OWNERS)
    return render(
        request,
        "group.html",
        record=record,
        properties=list_properties(record),
        hidden=hidden,
        linked=LinkedPage([], None, None) if hidden else list_linked(request, members),
        count=links.count_neighbours(request.tenant, members, most=COUNTED + 1),
        counted=COUNTED,
        owners=[_decode(owner.doc) for owner in owners],
    )


def _may_see_members(request: PageRequest, group: StoredObject) -> bool:
    """A group that hides its members shows them to its members and to administrators."""
    user_id, directory = request.signed_in.user_id, request.directory
    user = directory.objects.find(request.tenant, user_id)
    if user is None:
        return False
    is_member = directory.links.find_linked("members", group.seq, [user.seq])
    return bool(is_member or directory.role_members.list_roles(request.tenant, user_id))
