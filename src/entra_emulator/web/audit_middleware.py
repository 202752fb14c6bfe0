"""
The middleware that writes the audit log.

The entry is made of the request's notes when the answer begins, so that nobody sees an answer
whose entry is not there yet.
"""

from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entra_emulator.audit import BROKEN, Entry
from entra_emulator.errors import GraphRefusal, TokenRefusal
from entra_emulator.web.context import context_of, trace_of
from entra_emulator.web.request_notes import RequestNotes, notes_of

# Query parameters whose values are no secret: they are shown.
_PLAIN = frozenset(
    "$count $expand $filter $format $orderby $search $select $skip $top".split()
    + "api-version resource".split()
)
# Of these the name is shown and the value, which opens a page, is not.
_NAMED = frozenset("$deltatoken $skiptoken".split())

# A sender may send addresses and names of any length; the log cuts them to so many characters.
LONGEST_ADDRESS = 500
LONGEST_NAME = 100


def audit_requests(app: ASGIApp) -> ASGIApp:
    """Enter every token request and every Graph request that the application gets in the log."""

    async def audited(scope: Scope, receive: Receive, send: Send) -> None:
        service = _find_service(scope) if scope["type"] == "http" else ""
        if not service:
            await app(scope, receive, send)
            return
        noted = False

        async def watch(message: Message) -> None:
            nonlocal noted
            if message["type"] == "http.response.start" and not noted:
                noted = True
                _note(scope, service, message["status"])
            await send(message)

        try:
            await app(scope, receive, watch)
        finally:
            # No answer ever began: the connection was reset, or there is a fault of ours.
            if not noted:
                _note(scope, service, BROKEN)

    return audited


def _find_service(scope: Scope) -> str:
    if notes_of(scope).graph_path is not None:
        return "graph"
    return "token" if scope["path"].endswith("/token") else ""


def _note(scope: Scope, service: str, status: int) -> None:
    request, notes = Request(scope), notes_of(scope)
    trace = trace_of(request)
    code, message = _explain(notes.refusal) if notes.refusal and status >= 400 else ("", "")
    entry = Entry(
        0,
        trace.now,
        service,
        scope["method"],
        _show_address(scope),
        status=status,
        code=code,
        message=message,
        request_id=trace.request_id,
        correlation_id=notes.correlation_id or trace.client_request_id or trace.request_id,
        faults=tuple(fault.kind for fault in notes.faults),
    )
    context_of(request).audit.note(
        _add_client(entry, notes, scope) if service == "token" else _add_caller(entry, notes)
    )


def _explain(refusal: TokenRefusal | GraphRefusal) -> tuple[str, str]:
    """The code and the sentence of either service's refusal."""
    if isinstance(refusal, TokenRefusal):
        return f"AADSTS{refusal.code}", refusal.text
    return refusal.code, refusal.message


def _add_caller(entry: Entry, notes: RequestNotes) -> Entry:
    """The entry with the route in Graph, and who asked, as far as the request came."""
    caller = notes.caller
    if caller is None:
        return entry._replace(route=notes.route)
    return entry._replace(
        route=notes.route,
        tenant=caller.tenant.id,
        app_id=caller.app_id,
        object_id=caller.object_id,
        delegated=caller.delegated,
        permissions=caller.permissions,
    )


def _add_client(entry: Entry, notes: RequestNotes, scope: Scope) -> Entry:
    """The entry with who asked for a token: as the issued token says, or else the request."""
    form, claims = notes.form, notes.claims
    scopes = claims.get("scp")
    tenant = claims.get("tid") or scope.get("path_params", {}).get("tenant", "")
    app_id = claims.get("appid") or claims.get("azp") or notes.client_id
    return entry._replace(
        grant=form.get("grant_type", "")[:LONGEST_NAME],
        tenant=str(tenant)[:LONGEST_NAME],
        app_id=str(app_id or form.get("client_id", ""))[:LONGEST_NAME],
        object_id=str(claims.get("oid", "")),
        delegated=scopes is not None,
        permissions=frozenset(claims.get("roles", ()) if scopes is None else scopes.split()),
    )


def _show_address(scope: Scope) -> str:
    """The path with those parts of the query that may be read."""
    path, query = str(scope["path"])[:LONGEST_ADDRESS], scope["query_string"]
    if not query:
        return path
    # As Latin-1 every byte is a character: no query, however malformed, breaks the log.
    shown = "&".join(map(_show_parameter, query.decode("latin-1").split("&")))
    return f"{path}?{shown[:LONGEST_ADDRESS]}"


def _show_parameter(part: str) -> str:
    name, _, value = part.partition("=")
    if name in _PLAIN and "%" not in value:  # the usual case
        return part
    plain = unquote(name)
    if plain.lower() in _PLAIN:
        return f"{plain}={unquote(value)}"
    return f"{plain}=…" if plain.lower() in _NAMED else "…"
