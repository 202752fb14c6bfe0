"""Functions for the pages of secrets, certificates and federated credentials."""

from typing import Any

from starlette.responses import Response

from entra_emulator.clock import parse_iso
from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

# Seconds. A credential that expires within this time is shown as "Expiring soon".
SOON = 30 * 86_400


def render_credentials(
    request: PageRequest, app: ApplicationView, tab: str, **values: Any
) -> Response:
    """The page that lists one kind of credentials, with the number of each kind on its tabs."""
    counts = {
        "certificates": len(app.record["keyCredentials"]),
        "secrets": len(app.record["passwordCredentials"]),
        "federated": len(request.directory.credentials.list_federated(app.app_id)),
    }
    return render(request, "credentials.html", app=app, tab=tab, counts=counts, **values)


def render_removal(request: PageRequest, app: ApplicationView, tab: str, name: str) -> Response:
    """The page that asks whether to delete the credential in the address."""
    key = request.param("key")
    return render(request, "credential_delete.html", app=app, tab=tab, name=name, key=key)


def describe_entry(request: PageRequest, entry: Record) -> dict[str, Any]:
    """A line of the list: the credential and its state."""
    return {"entry": entry, "state": name_state(request, [entry])}


def name_state(request: PageRequest, entries: list[Record]) -> str:
    """The state of the credential that expires first: "none", "current", "soon" or "expired"."""
    if not entries:
        return "none"
    left = min(parse_iso(entry["endDateTime"]) for entry in entries) - request.context.clock.now()
    return "expired" if left <= 0 else "soon" if left <= SOON else "current"


def find_entry(app: ApplicationView, name: str, key_id: str) -> Record:
    """
    The credential of this ID.

    Raises:
        PortalRefusal: 404.
    """
    entries: list[Record] = app.record[name]
    for entry in entries:
        if entry["keyId"] == key_id:
            return entry
    raise PortalRefusal(404, "credential")
