"""
The ring around every request that writes the audit log.

What the endpoints learn on their way stands in the request's state: who asks, on which route, why
it was refused. It is noted when the answer begins, so that nobody sees an answer whose entry is
not there yet.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entra_emulator.audit import BROKEN
from entra_emulator.errors import OAuthFault
from entra_emulator.web.context import context_of, trace_of

# Parameters that say nothing which must not be read, and those that are known to be there.
_PLAIN = frozenset(
    "$count $expand $filter $format $orderby $search $select $skip $top".split()
    + "api-version resource".split()
)
_NAMED = frozenset("$deltatoken $skiptoken".split())

# What is sent is as long as its sender likes.
LONGEST = 500
MOST_NAMED = 100


def witness(app: ASGIApp) -> ASGIApp:
    """The application, of whose token and Graph requests each leaves an entry."""

    async def witnessed(scope: Scope, receive: Receive, send: Send) -> None:
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
            if not noted:
                _note(scope, service, BROKEN)

    return witnessed


def _find_service(scope: Scope) -> str:
    if "graph" in scope:
        return "graph"
    return "token" if scope["path"].endswith("/token") else ""


def _note(scope: Scope, service: str, status: int) -> None:
    request, state = Request(scope), scope["state"]
    trace = state.get("trace") or trace_of(request)
    refusal = state.get("refusal") if status >= 400 else None
    path = _show_address(scope)
    facts = _describe_caller(state) if service == "graph" else _describe_client(scope, state)
    context_of(request).audit.note(
        trace.now,
        service,
        scope["method"],
        path,
        *facts,
        status,
        *(_explain(refusal) if refusal is not None else ("", "")),
        trace.request_id,
        state.get("correlation") or trace.client_request_id or trace.request_id,
        state.get("faults", ()),
    )


def _explain(refusal: Any) -> tuple[str, str]:
    """The code and the sentence of either service's refusal."""
    if isinstance(refusal, OAuthFault):
        return f"AADSTS{refusal.code}", refusal.text
    return refusal.code, refusal.message


def _describe_caller(state: Mapping[str, Any]) -> tuple[Any, ...]:
    """Who asked Graph on which route, if it came so far: from `Entry.route` to `permissions`."""
    endpoint, caller = state.get("endpoint"), state.get("caller")
    route = endpoint.path if endpoint is not None else ""
    if caller is None:
        return (route, "", "", "", "", False, ())
    tenant, app_id, object_id, permissions, delegated, _ = caller
    return (route, "", tenant.id, app_id, object_id, delegated, permissions)


def _describe_client(scope: Scope, state: Mapping[str, Any]) -> tuple[Any, ...]:
    """Who asked for a token: by the token's own claims, or else by what was sent."""
    form, claims = state.get("form", {}), state.get("issued", {})
    scopes = claims.get("scp")
    tenant = claims.get("tid") or scope.get("path_params", {}).get("tenant", "")
    named = state.get("client_id") or form.get("client_id", "")
    app_id = claims.get("appid") or claims.get("azp") or named
    return (
        "",
        form.get("grant_type", "")[:MOST_NAMED],
        str(tenant)[:MOST_NAMED],
        str(app_id)[:MOST_NAMED],
        str(claims.get("oid", "")),
        scopes is not None,
        frozenset(claims.get("roles", ()) if scopes is None else scopes.split()),
    )


def _show_address(scope: Scope) -> str:
    """The path with those parts of the query that may be read."""
    path, query = str(scope["path"])[:LONGEST], scope["query_string"]
    if not query:
        return path
    shown = "&".join(map(_show_parameter, query.decode("latin-1").split("&")))
    return f"{path}?{shown[:LONGEST]}"


def _show_parameter(part: str) -> str:
    name, _, value = part.partition("=")
    if name in _PLAIN and "%" not in value:  # the usual case
        return part
    plain = unquote(name)
    if plain.lower() in _PLAIN:
        return f"{plain}={unquote(value)}"
    return f"{plain}=…" if plain.lower() in _NAMED else "…"
