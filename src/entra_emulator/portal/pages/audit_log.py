"""The audit log: every token request and Graph call, and one of them in full."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from entra_emulator.audit import VERDICTS, Entry
from entra_emulator.graph.access.needed import list_needed
from entra_emulator.portal.menu import MenuItem
from entra_emulator.portal.routes import TENANT, PageRoute
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

SHOWN = 50


def show_log(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/audit`: the newest entries that match, page by page."""
    audit = request.context.audit
    chosen = {name: request.query(name) for name in ("app", "verdict", "q")}
    if chosen["verdict"] not in VERDICTS:
        chosen["verdict"] = ""
    before, after = _number(request.query("before")), _number(request.query("after"))
    read = partial(audit.entries, app=chosen["app"], verdict=chosen["verdict"], text=chosen["q"])
    found = read(before=before, after=after, limit=SHOWN)
    first, last = (found[0].number, found[-1].number) if found else (0, 0)
    newer = found and read(after=first, limit=1)
    older = found and read(before=last, limit=1)
    return render(
        request,
        "audit.html",
        entries=found,
        names={one: _name_app(request, one) for one in {entry.app_id for entry in found}},
        apps=[(one, _name_app(request, one)) for one in audit.apps()],
        chosen=chosen,
        newer=_link(request, chosen, "after", first) if newer else None,
        older=_link(request, chosen, "before", last) if older else None,
    )


def clear_log(request: PageRequest) -> Response:
    """`POST /portal/{tenant}/audit`: forget what was asked."""
    request.context.audit.clear()
    request.notify("audit.cleared")
    return go_to(request.at("audit"))


def show_entry(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/audit/{entry}`: everything that is known of one request."""
    number = _number(request.param("entry"))
    entry = request.context.audit.find(number) if number else None
    if entry is None:
        raise PortalFault(404, "entry", number=request.param("entry"))
    needed = list_needed(entry)
    return render(
        request,
        "audit_entry.html",
        entry=entry,
        app_name=_name_app(request, entry.app_id),
        who=_name_caller(request, entry),
        tenant=request.directory.tenants.find(entry.tenant) if entry.tenant else None,
        needed=needed,
        lacking=entry.status == 403 and bool(needed) and not set(needed) & set(entry.permissions),
    )


def _name_app(request: PageRequest, app_id: str) -> str:
    client = request.directory.applications.find_client(app_id) if app_id else None
    return client.display_name if client else app_id


def _name_caller(request: PageRequest, entry: Entry) -> str:
    """The user, or the service principal, that the token is about."""
    tenant = (
        request.directory.tenants.find(entry.tenant) if entry.tenant and entry.object_id else None
    )
    if tenant is None:
        return ""
    if entry.delegated:
        user = request.directory.users.find(tenant, entry.object_id)
        return str(user["userPrincipalName"]) if user else ""
    principal = request.directory.service_principals.find(tenant, entry.app_id)
    return principal.display_name if principal else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _link(request: PageRequest, chosen: Mapping[str, Any], name: str, number: int) -> str:
    options = {key: value for key, value in chosen.items() if value} | {name: number}
    return f"{request.at('audit')}?{urlencode(options)}"


_PATH = f"{TENANT}/audit"

ROUTES = (
    PageRoute("GET", _PATH, show_log),
    PageRoute("POST", _PATH, clear_log),
    PageRoute("GET", f"{_PATH}/{{entry}}", show_entry),
)
MENU = (MenuItem("tenant", 50, "audit", "audit.title", ("audit",), "menu.watch"),)
