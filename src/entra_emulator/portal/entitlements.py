"""Functions for the pages of scopes and of app roles, which Graph calls entitlements."""

from collections.abc import Iterable, Mapping

from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView, try_update
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.request import PageRequest


def find_entitlement(
    entitlements: Iterable[Record], entitlement_id: str, new: Record | None = None
) -> Record:
    """
    The scope or app role of this ID; for the ID `add` it is `new`, if there is one.

    Raises:
        PortalRefusal: 404.
    """
    if new is not None and entitlement_id == "add":
        return new
    for entitlement in entitlements:
        if entitlement["id"] == entitlement_id:
            return entitlement
    raise PortalRefusal(404, "entitlement", sought=entitlement_id)


def try_save(
    request: PageRequest,
    app: ApplicationView,
    changes: Record,
    problems: Mapping[str, str],
    value: str,
    *,
    field: str = "value",
) -> dict[str, str]:
    """
    Change these properties of the application; return what is wrong, by field.

    Args:
        request: the request for the page.
        app: the application.
        changes: the properties.
        problems: what is wrong with the form, by field, as keys of texts; if there is anything,
            nothing is changed.
        value: the value that the next page names as saved.
        field: the field to blame if Graph refuses.
    """
    errors = {name: request.say(key) for name, key in problems.items()}
    if not errors and (refusal := try_update(request, app, changes)):
        errors = {field: request.say("exposure.problem.refused", message=refusal.message)}
    if not errors:
        request.notify("exposure.saved", value=value)
    return errors
