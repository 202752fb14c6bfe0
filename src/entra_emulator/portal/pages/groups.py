"""Groups: all in the directory, and one group with owners and members."""

import msgspec
from starlette.responses import Response

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.records import Record
from entra_emulator.portal.lists import LinkedPage, list_by_name, list_linked, list_properties
from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("tenant", 30, "groups", "group.title", ("groups",)),)

# A large group has "more than so many" members, as counting them all takes long.
COUNTED = 1000
# How many owners are shown.
OWNERS = 100

_decode = msgspec.json.Decoder(Record).decode


@page("GET", f"{TENANT}/groups")
def list_groups(request: PageRequest) -> Response:
    """All by name, or those looked for."""
    return render(request, "groups.html", **list_by_name(request, "group"))


@page("GET", f"{TENANT}/groups/{{group}}")
def show_group(request: PageRequest) -> Response:
    """Properties, owners, members page by page."""
    key = request.param("group")
    row = request.directory.objects.find(request.tenant, key, kind="group")
    if row is None:
        raise PortalRefusal(404, "object", name=key)
    record = _decode(row.doc)
    hidden = record.get("visibility") == "HiddenMembership" and not _may_see_members(request, row)
    members, owners = LinkQuery("members", row.seq), LinkQuery("owners", row.seq)
    return render(
        request,
        "group.html",
        record=record,
        properties=list_properties(record),
        hidden=hidden,
        linked=LinkedPage([], None, None) if hidden else list_linked(request, members),
        count=request.directory.links.count_neighbours(request.tenant, members, most=COUNTED + 1),
        counted=COUNTED,
        owners=[
            _decode(owner.content)
            for owner in request.directory.links.list_neighbours(
                request.tenant, owners, limit=OWNERS
            )
        ],
    )


def _may_see_members(request: PageRequest, group: StoredObject) -> bool:
    """A group that hides its members shows them to its members and to administrators."""
    user = request.directory.objects.find(request.tenant, request.signed_in.user_id)
    if user is None:
        return False
    is_member = request.directory.links.find_linked("members", group.seq, [user.seq])
    return bool(
        is_member
        or request.directory.role_members.list_roles(request.tenant, request.signed_in.user_id)
    )
