"""Users: everybody in the directory, and one user with roles and groups."""

from starlette.responses import Response

from entra_emulator.directory.links import LinkQuery
from entra_emulator.portal.lists import find_object, list_by_name, list_linked, list_properties
from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("tenant", 20, "users", "user.title", ("users",)),)


@page("GET", f"{TENANT}/users")
def list_users(request: PageRequest) -> Response:
    """List the users by name, or those that a search finds."""
    return render(request, "users.html", **list_by_name(request, "user"))


@page("GET", f"{TENANT}/users/{{user}}")
def show_user(request: PageRequest) -> Response:
    """Show a user's properties, assigned roles and groups."""
    row, record = find_object(request, "user")
    groups = LinkQuery("members", row.seq, reverse=True, kinds=["group"])
    return render(
        request,
        "user.html",
        record=record,
        properties=list_properties(record),
        roles=[
            request.say(f"role.{role}")
            for role in request.directory.role_members.list_roles(request.tenant, record["id"])
        ],
        linked=list_linked(request, groups),
    )
