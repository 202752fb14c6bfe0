"""Changing an application as the signed-in user, and what is wrong with that in their language."""

from collections.abc import Iterable, Mapping

from entra_emulator.errors import GraphFault
from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.request import PageRequest


def update_application(request: PageRequest, app: ApplicationView, body: Record) -> None:
    """
    Give the application these properties.

    Raises:
        GraphFault: Graph refuses.
    """
    ask_graph(request, "PATCH", app.path, body)


def try_update(request: PageRequest, app: ApplicationView, body: Record) -> GraphFault | None:
    """
    Give the application these properties; why Graph refuses, if it does.

    Raises:
        GraphFault: 403, who is signed in may not.
    """
    try:
        update_application(request, app, body)
    except GraphFault as fault:
        if fault.status == 403:
            raise
        return fault
    return None


def find_entitlement(present: Iterable[Record], key: str) -> Record:
    """
    The scope or app role of this ID.

    Raises:
        PortalFault: 404.
    """
    for one in present:
        if one["id"] == key:
            return one
    raise PortalFault(404, "entitlement", sought=key)


def say_each(request: PageRequest, problems: Mapping[str, str]) -> dict[str, str]:
    """Problems in the visitor's language, by field."""
    return {field: request.say(key) for field, key in problems.items()}
