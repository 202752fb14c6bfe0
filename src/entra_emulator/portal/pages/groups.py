"""Groups: all of the directory's, and one of them with its members."""

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import Links
from entra_emulator.directory.object_rows import Found
from entra_emulator.model.records import Record
from entra_emulator.portal.lists import (
    Linked,
    list_called,
    list_linked,
    list_properties,
)
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import Visit

# Nobody counts the members of a group to the end.
COUNTED = 1000
OWNERS = 100

_decode = msgspec.json.Decoder(Record).decode


def list_groups(visit: Visit) -> Response:
    """`GET /portal/{tenant}/groups`: all by name, or those looked for."""
    return list_called(visit, "group", "groups.html")


def show_group(visit: Visit) -> Response:
    """`GET /portal/{tenant}/groups/{group}`: properties, owners, members page by page."""
    key = visit.key("group")
    found = visit.directory.find(visit.tenant, key, kind="group")
    if found is None:
        raise PortalFault(404, "object", name=key)
    record = _decode(found.doc)
    hidden = record.get("visibility") == "HiddenMembership" and not _may_see(visit, found)
    members, owners = Links("members", found.seq), Links("owners", found.seq)
    return render(
        visit,
        "group.html",
        record=record,
        properties=list_properties(record),
        hidden=hidden,
        linked=Linked([], None, None) if hidden else list_linked(visit, members),
        count=visit.directory.count_neighbours(visit.tenant, members, most=COUNTED + 1),
        counted=COUNTED,
        owners=[
            _decode(one.content)
            for one in visit.directory.neighbours(visit.tenant, owners, limit=OWNERS)
        ],
    )


def _may_see(visit: Visit, group: Found) -> bool:
    """Who is in a group that hides its members is shown to them, and to administrators."""
    user = visit.directory.find(visit.tenant, visit.signed_in.user_id)
    if user is None:
        return False
    inside = visit.directory.linked("members", group.seq, [user.seq])
    return bool(inside or visit.directory.roles_of(visit.tenant, visit.signed_in.user_id))
