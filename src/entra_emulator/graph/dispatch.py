"""
The way of every Graph request: its endpoint, its caller, whether the caller may, its answer.

The order is that of the real service: a bad token is refused before the path is looked at, a
missing permission before wrong query options. A path that Graph has and the emulator does not
serve says so, with 501, to whoever has a token.
"""

import inspect
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.directory.steps import in_one_step
from entra_emulator.errors import GraphRefusal, deny
from entra_emulator.graph.access.admission import admit
from entra_emulator.graph.access.authorize import authorize
from entra_emulator.graph.access.published_paths import find_published
from entra_emulator.graph.audit_logs.activity_log import answer_logged
from entra_emulator.graph.call import Call
from entra_emulator.graph.router import Endpoint, ResolvedPath
from entra_emulator.web.caller import Caller, identify, list_roles
from entra_emulator.web.context import context_of
from entra_emulator.web.request_notes import notes_of

# The largest body of a request ("Microsoft Graph: request size limit of 4 MB").
MOST_BYTES = 4 * 1024 * 1024

_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})


async def serve(request: Request) -> Response:
    """Answer a request to a Graph path, or raise a `GraphRefusal`."""
    notes = notes_of(request.scope)
    resolved = notes.graph_path
    assert resolved is not None, "the routes of this function are those of Graph's paths"
    endpoint = resolved.endpoints.get(request.method)
    if endpoint is None:
        raise _refuse_unserved(request, resolved)
    notes.route = endpoint.path
    if endpoint.public:
        description = endpoint.answer(request)
        assert isinstance(description, Response), "no public endpoint is a coroutine"
        return description
    notes.caller = caller = identify(request)
    # Charged before it is authorized, so that who repeats a refused request is throttled too.
    admission = admit(request, caller, endpoint.method, endpoint.path)
    roles = partial(list_roles, context_of(request).directory, caller)
    permit = authorize(caller, endpoint.method, endpoint.path, roles)
    if permit.itself:
        _check_itself(request, caller, resolved.keys["key"])
    # Bodies come last: nobody without permission can make the server parse 4 MB.
    body = await _read_body(request) if request.method in _WITH_BODY else None
    context = context_of(request)
    call = Call(
        request, context, caller, permit, resolved.path, resolved.keys, admission.units, body
    )
    response = await _answer(endpoint, call)
    response.headers.update(admission.headers)
    return response


def _refuse_unserved(request: Request, resolved: ResolvedPath) -> GraphRefusal:
    """
    What a request is told that fits no route.

    Raises:
        GraphRefusal: 401, before the path is looked at: a bad token was answered so at a path of
            OneDrive's (recorded 2025).
    """
    published = find_published(resolved.path)
    known = published.takes(request.method)
    if known or resolved.unknown is not None:
        notes_of(request.scope).caller = caller = identify(request)
        if known and published.template.startswith("/me/") and not caller.delegated:
            return deny("me_without_user")
    if known:
        return deny("path_unserved", method=request.method, path=published.template)
    if published.unknown is not None and resolved.unknown is not None:
        return deny("segment_unknown", segment=published.unknown)
    return deny("method_wrong")


async def _answer(endpoint: Endpoint, call: Call) -> Response:
    # In the event loop, one request that reads a lot, or waits for the database, would hold up all
    # others. Coroutines know themselves what they hand to threads.
    if endpoint.blocking:
        answer: Any = await call.context.work.write(answer_logged, endpoint, call)
    elif inspect.iscoroutinefunction(endpoint.answer):
        answer = await endpoint.answer(call)
    else:
        answer = await call.read(in_one_step(endpoint.answer, call))
    assert isinstance(answer, Response)
    return answer


def _check_itself(request: Request, caller: Caller, key: str) -> None:
    """Refuse an object that is not the signed-in user, with permissions for that user only."""
    user = context_of(request).directory.users.find(caller.tenant, caller.object_id)
    if user is None or key.casefold() not in {user["id"], user["userPrincipalName"].casefold()}:
        raise deny("forbidden")


async def _read_body(request: Request) -> Any:
    """The JSON that was sent; None when nothing was."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        # Checked as it arrives, because `Content-Length` may be absent or wrong.
        if len(content) > MOST_BYTES:
            raise deny("body_too_large")
    if not content.strip():
        return None
    try:
        return msgspec.json.decode(content)
    # RecursionError: thousands of brackets are a bad request, and no fault of the server.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise deny("body_malformed") from error
