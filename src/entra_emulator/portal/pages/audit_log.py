"""The audit log: the list of token requests and Graph calls, and one of them in full."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from entra_emulator.audit import VERDICTS, Entry
from entra_emulator.graph.access.needed import list_needed
from entra_emulator.portal.application import name_application
from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("tenant", 50, "audit", "audit.title", ("audit",), "menu.watch"),)

# How many entries a page shows.
SHOWN = 50


@page("GET", f"{TENANT}/audit")
def show_log(request: PageRequest) -> Response:
    """List the requests that match the filter, newest first."""
    audit = request.context.audit
    chosen = {name: request.query(name) for name in ("app", "verdict", "q")}
    if chosen["verdict"] not in VERDICTS:
        chosen["verdict"] = ""
    before, after = _read_number(request.query("before")), _read_number(request.query("after"))
    read = partial(audit.entries, app=chosen["app"], verdict=chosen["verdict"], text=chosen["q"])
    entries = read(before=before, after=after, limit=SHOWN)
    first, last = (entries[0].number, entries[-1].number) if entries else (0, 0)
    newer = entries and read(after=first, limit=1)
    older = entries and read(before=last, limit=1)
    return render(
        request,
        "audit.html",
        entries=entries,
        names={one: name_application(request, one) for one in {entry.app_id for entry in entries}},
        apps=[(app_id, name_application(request, app_id)) for app_id in audit.apps()],
        chosen=chosen,
        newer=_link(request, chosen, "after", first) if newer else None,
        older=_link(request, chosen, "before", last) if older else None,
    )


@page("POST", f"{TENANT}/audit")
def clear_log(request: PageRequest) -> Response:
    """Empty the audit log."""
    request.context.audit.clear()
    request.notify("audit.cleared")
    return go_to(request.at("audit"))


@page("GET", f"{TENANT}/audit/{{entry}}")
def show_entry(request: PageRequest) -> Response:
    """Show all facts about a request."""
    number = _read_number(request.param("entry"))
    entry = request.context.audit.find(number) if number else None
    if entry is None:
        raise PortalRefusal(404, "entry", number=request.param("entry"))
    needed = list_needed(entry)
    return render(
        request,
        "audit_entry.html",
        entry=entry,
        app_name=name_application(request, entry.app_id),
        who=_name_caller(request, entry),
        tenant=request.directory.tenants.find(entry.tenant) if entry.tenant else None,
        needed=needed,
        lacking=entry.status == 403 and bool(needed) and not set(needed) & set(entry.permissions),
    )


def _name_caller(request: PageRequest, entry: Entry) -> str:
    """The name of the user or the service principal for whom the token was issued."""
    tenant = request.directory.tenants.find(entry.tenant) if entry.tenant else None
    if tenant is None or not entry.object_id:
        return ""
    if entry.delegated:
        user = request.directory.users.find(tenant, entry.object_id)
        return str(user["userPrincipalName"]) if user else ""
    principal = request.directory.service_principals.find(tenant, entry.app_id)
    return principal.display_name if principal else ""


def _read_number(text: str) -> int | None:
    # No log has a number with more digits, and reading one of any length could take long.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _link(request: PageRequest, chosen: Mapping[str, Any], name: str, number: int) -> str:
    options = {key: value for key, value in chosen.items() if value} | {name: number}
    return f"{request.at('audit')}?{urlencode(options)}"
