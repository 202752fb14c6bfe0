"""Changing an application as the signed-in user, and what is wrong with that in their language."""

from collections.abc import Iterable, Mapping

from entra_emulator.errors import GraphFault
from entra_emulator.model.records import Record
from entra_emulator.portal.application import Registration
from entra_emulator.portal.ask_graph import ask
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.request import Visit


def amend(visit: Visit, app: Registration, body: Record) -> None:
    """
    Give the application these properties.

    Raises:
        GraphFault: Graph refuses.
    """
    ask(visit, "PATCH", app.path, body)


def try_to_amend(visit: Visit, app: Registration, body: Record) -> GraphFault | None:
    """
    Give the application these properties; why Graph refuses, if it does.

    Raises:
        GraphFault: 403, who is signed in may not.
    """
    try:
        amend(visit, app, body)
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


def say_each(visit: Visit, problems: Mapping[str, str]) -> dict[str, str]:
    """Problems in the visitor's language, by field."""
    return {field: visit.say(key) for field, key in problems.items()}
