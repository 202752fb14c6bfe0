"""Users: everybody in the directory, and one of them."""

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import Links
from entra_emulator.model.records import Record
from entra_emulator.portal.lists import list_called, list_linked, list_properties
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import Visit

_decode = msgspec.json.Decoder(Record).decode


def list_users(visit: Visit) -> Response:
    """`GET /portal/{tenant}/users`: everybody by name, or those looked for."""
    return list_called(visit, "user", "users.html")


def show_user(visit: Visit) -> Response:
    """`GET /portal/{tenant}/users/{user}`: properties, assigned roles, groups."""
    key = visit.key("user")
    found = visit.directory.find(visit.tenant, key, kind="user")
    if found is None:
        raise PortalFault(404, "object", name=key)
    record = _decode(found.doc)
    groups = Links("members", found.seq, reverse=True, kinds=["group"])
    return render(
        visit,
        "user.html",
        record=record,
        properties=list_properties(record),
        roles=[
            visit.say(f"role.{role}")
            for role in visit.directory.roles_of(visit.tenant, record["id"])
        ],
        linked=list_linked(visit, groups),
    )
