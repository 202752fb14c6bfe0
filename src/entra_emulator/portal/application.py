"""Find, name and change the application that a page is about, as the signed-in user."""

from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.objects.find import read_record
from entra_emulator.model.records import Record
from entra_emulator.portal.ask_graph import ask_graph, authorize_user
from entra_emulator.web.context import origin_of
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to
from entra_emulator.web.pages.request import PageRequest

_decode = msgspec.json.Decoder(Record).decode


class ApplicationView(NamedTuple):
    """
    An app registration, as its pages show it.

    The signed-in user may change it as its owner or by a directory role.
    """

    record: Record
    may_change: bool

    @property
    def app_id(self) -> str:
        """The application (client) ID, by which addresses name it."""
        return str(self.record["appId"])

    @property
    def path(self) -> str:
        """Its path in Graph."""
        return f"/v1.0/applications/{self.record['id']}"


def find_application(request: PageRequest) -> ApplicationView:
    """
    The app registration that the address names by its client ID.

    Raises:
        PortalRefusal: 404, there is no such application in this tenant.
    """
    app_id = request.param("app")
    row = request.directory.objects.find(request.tenant, app_id, kind="application")
    if row is None:
        raise PortalRefusal(404, "application", app=app_id)
    return ApplicationView(read_record(row), _may_change(request, row))


def list_owned_applications(request: PageRequest) -> list[Record]:
    """The app registrations that the signed-in user owns."""
    user = request.directory.objects.find(request.tenant, request.signed_in.user_id)
    assert user is not None, "somebody is signed in"
    links = LinkQuery("owners", user.seq, reverse=True, kinds=["application"])
    owned = request.directory.links.list_neighbours(request.tenant, links)
    return [_decode(app.doc) for app in owned]


def update_application(request: PageRequest, app: ApplicationView, properties: Record) -> None:
    """
    Change these properties of the application.

    Raises:
        GraphRefusal: Graph refuses the change.
    """
    ask_graph(request, "PATCH", app.path, properties)


def try_update(
    request: PageRequest, app: ApplicationView, properties: Record
) -> GraphRefusal | None:
    """
    Change these properties of the application, or return the refusal of Graph.

    Raises:
        GraphRefusal: 403, the signed-in user may not change the application.
    """
    try:
        update_application(request, app, properties)
    except GraphRefusal as refusal:
        if refusal.status == 403:  # no other entry in the form would help
            raise
        return refusal
    return None


def go_to_application(request: PageRequest, app: ApplicationView, *parts: str) -> Response:
    """Answer a form by a redirect to one of the application's pages."""
    return go_to(request.at("applications", app.app_id, *parts))


def link_consent(request: PageRequest, app: ApplicationView) -> str:
    """The admin consent page of the application, to send to an administrator."""
    query = urlencode({"client_id": app.app_id})
    return f"{origin_of(request.http)}/{request.tenant.id}/adminconsent?{query}"


def name_application(request: PageRequest, app_id: str) -> str:
    """The name of an application of any tenant; its client ID if it does not exist."""
    client = request.directory.applications.find_client(app_id) if app_id else None
    return client.display_name if client else app_id


def _may_change(request: PageRequest, row: StoredObject) -> bool:
    # Decided by Graph's own rules, so that a button is shown only if Graph would allow its request.
    try:
        _, permit = authorize_user(request, "PATCH", "/applications/{key}")
    except GraphRefusal:
        return False
    if not permit.owned:
        return True
    owners = request.directory.links.list_neighbours(request.tenant, LinkQuery("owners", row.seq))
    user = request.directory.objects.find(request.tenant, request.signed_in.user_id)
    return user is not None and user.seq in {owner.seq for owner in owners}
