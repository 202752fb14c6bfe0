"""The audit log: every token request and Graph call, and one of them in full."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from entra_emulator.audit import VERDICTS, Entry
from entra_emulator.graph.access.needed import list_needed
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

SHOWN = 50


def show_log(visit: Visit) -> Response:
    """`GET /portal/{tenant}/audit`: the newest entries that match, page by page."""
    audit = visit.context.audit
    chosen = {name: visit.query(name) for name in ("app", "verdict", "q")}
    if chosen["verdict"] not in VERDICTS:
        chosen["verdict"] = ""
    before, after = _number(visit.query("before")), _number(visit.query("after"))
    read = partial(audit.entries, app=chosen["app"], verdict=chosen["verdict"], text=chosen["q"])
    found = read(before=before, after=after, limit=SHOWN)
    first, last = (found[0].number, found[-1].number) if found else (0, 0)
    newer = found and read(after=first, limit=1)
    older = found and read(before=last, limit=1)
    return render(
        visit,
        "audit.html",
        entries=found,
        names={one: _name_app(visit, one) for one in {entry.app_id for entry in found}},
        apps=[(one, _name_app(visit, one)) for one in audit.apps()],
        chosen=chosen,
        newer=_link(visit, chosen, "after", first) if newer else None,
        older=_link(visit, chosen, "before", last) if older else None,
    )


def clear_log(visit: Visit) -> Response:
    """`POST /portal/{tenant}/audit`: forget what was asked."""
    visit.context.audit.clear()
    visit.notify("audit.cleared")
    return go_to(visit.at("audit"))


def show_entry(visit: Visit) -> Response:
    """`GET /portal/{tenant}/audit/{entry}`: everything that is known of one request."""
    number = _number(visit.key("entry"))
    entry = visit.context.audit.find(number) if number else None
    if entry is None:
        raise PortalFault(404, "entry", number=visit.key("entry"))
    needed = list_needed(entry)
    return render(
        visit,
        "audit_entry.html",
        entry=entry,
        app_name=_name_app(visit, entry.app_id),
        who=_name_caller(visit, entry),
        tenant=visit.directory.tenant(entry.tenant) if entry.tenant else None,
        needed=needed,
        lacking=entry.status == 403 and bool(needed) and not set(needed) & set(entry.permissions),
    )


def _name_app(visit: Visit, app_id: str) -> str:
    client = visit.directory.client(app_id) if app_id else None
    return client.display_name if client else app_id


def _name_caller(visit: Visit, entry: Entry) -> str:
    """The user, or the service principal, that the token is about."""
    tenant = visit.directory.tenant(entry.tenant) if entry.tenant and entry.object_id else None
    if tenant is None:
        return ""
    if entry.delegated:
        user = visit.directory.read_user(tenant, entry.object_id)
        return str(user["userPrincipalName"]) if user else ""
    principal = visit.directory.service_principal(tenant, entry.app_id)
    return principal.display_name if principal else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _link(visit: Visit, chosen: Mapping[str, Any], name: str, number: int) -> str:
    options = {key: value for key, value in chosen.items() if value} | {name: number}
    return f"{visit.at('audit')}?{urlencode(options)}"
