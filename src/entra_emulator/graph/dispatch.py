"""
Handle every Graph request: find its endpoint and its caller, check the permissions, and answer.

The order is that of the real service: an invalid token is refused before the path is checked, and a
missing permission before wrong query options. If Graph has a path and the emulator does not serve
it, the answer to a valid token is 501, which says so.
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
    # Charged before it is authorized, so that repeating a refused request is throttled, too.
    admission = admit(request, caller, endpoint.method, endpoint.path)
    roles = partial(list_roles, context_of(request).directory, caller)
    permit = authorize(caller, endpoint.method, endpoint.path, roles)
    if permit.itself:
        _check_itself(request, caller, resolved.keys["key"])
    # The body is read last, so that nobody without permission can make the server parse 4 MB.
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
    The refusal of a request that fits no route.

    Raises:
        GraphRefusal: 401, the token is invalid; this is checked before the path, as recorded in
            2025 at a path of OneDrive's.
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
    # In a thread, because a request that reads much, or waits for the database, would block all
    # others in the event loop. Coroutines decide themselves what to run in threads.
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
    """The JSON in the body; None without a body."""
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
    # RecursionError: a body with thousands of nested brackets is a bad request.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise deny("body_malformed") from error
