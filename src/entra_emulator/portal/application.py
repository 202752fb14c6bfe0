"""The application that a page is about, and whether who is signed in may change it."""

from functools import partial
from typing import NamedTuple

from entra_emulator.directory.link_rows import Links
from entra_emulator.directory.object_rows import Found
from entra_emulator.errors import GraphFault
from entra_emulator.graph.access.authorize import authorize
from entra_emulator.graph.objects.find import read_record
from entra_emulator.model.records import Record
from entra_emulator.portal.ask_graph import make_caller
from entra_emulator.web.caller import list_roles
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.request import PageRequest


class ApplicationView(NamedTuple):
    """
    An app registration, as its pages show it.

    Args:
        record: Graph's `application`.
        may_change: who is signed in owns it, or has a directory role that lets change it.
    """

    record: Record
    may_change: bool

    @property
    def app_id(self) -> str:
        """The application (client) ID, by which addresses name it."""
        return str(self.record["appId"])

    @property
    def path(self) -> str:
        """Graph's path of it."""
        return f"/v1.0/applications/{self.record['id']}"


def find_application(request: PageRequest) -> ApplicationView:
    """
    The app registration that the address names by its client ID.

    Raises:
        PortalFault: 404, there is none in this tenant.
    """
    app_id = request.param("app")
    found = request.directory.find(request.tenant, app_id, kind="application")
    if found is None:
        raise PortalFault(404, "application", app=app_id)
    return ApplicationView(read_record(found), _may_change(request, found))


def _may_change(request: PageRequest, found: Found) -> bool:
    """Whether Graph would let the signed-in user change the application."""
    caller = make_caller(request)
    roles = partial(list_roles, request.context, caller)
    try:
        permit = authorize(caller, "PATCH", "/applications/{key}", roles)
    except GraphFault:
        return False
    if not permit.owned:
        return True
    owners = request.directory.neighbours(request.tenant, Links("owners", found.seq))
    mine = request.directory.find(request.tenant, request.signed_in.user_id)
    return mine is not None and mine.seq in {one.seq for one in owners}
