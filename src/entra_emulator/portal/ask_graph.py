"""
Requests to Graph as the signed-in user, which is how the portal changes anything.

So Graph validates the change, checks ownership and directory roles, and records it for delta
queries. Where it refuses, a `GraphRefusal` is raised.
"""

import asyncio
import inspect
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request

from entra_emulator.graph.access.authorize import authorize
from entra_emulator.graph.call import Call
from entra_emulator.graph.routes import ROUTER
from entra_emulator.web.caller import Caller, list_roles
from entra_emulator.web.pages.request import PageRequest

# The client ID by which the real portal asks Graph: "Azure Portal" in "First-party Microsoft
# applications in sign-in reports".
PORTAL_APP_ID = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"

# The portal has every permission that a user can use, so that the user's rights alone decide.
_PERMISSIONS = frozenset(
    {
        "AppRoleAssignment.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.AccessAsUser.All",
    }
)

# Characters that need no encoding; `%` is one, as keys are encoded already.
_SAFE = "%/:@!$&'()*+,;=?"


def ask_graph(request: PageRequest, method: str, target: str, body: Any = None) -> Any:
    """
    What Graph answers to the signed-in user: its JSON, or None when there is none.

    Args:
        request: whose user asks.
        method: e.g. "POST".
        target: e.g. `/v1.0/applications?$top=20`; keys in it are percent-encoded.
        body: the JSON to send.

    Raises:
        GraphRefusal: Graph refuses.
    """
    path, _, query = target.partition("?")
    resolved = ROUTER.resolve(path)
    assert resolved is not None, f"{path} is no path of Graph's"
    endpoint = resolved.endpoints[method]
    caller = make_caller(request)
    roles = partial(list_roles, request.context, caller)
    permit = authorize(caller, method, endpoint.path, roles)
    graph_request = Request(_make_scope(request, method, path, query))
    call = Call(
        graph_request, request.context, caller, permit, resolved.path, resolved.keys, 1, body
    )
    answer: Any = endpoint.answer(call)
    response = asyncio.run(_wait(answer)) if inspect.isawaitable(answer) else answer
    return msgspec.json.decode(response.body) if response.body else None


def make_caller(request: PageRequest) -> Caller:
    """The signed-in user, as Graph knows who asks."""
    user_id = request.signed_in.user_id
    return Caller(request.tenant, PORTAL_APP_ID, user_id, _PERMISSIONS, True, {})


async def _wait(answer: Any) -> Any:
    return await answer


def _make_scope(request: PageRequest, method: str, path: str, query: str) -> dict[str, Any]:
    outer = request.http.scope
    raw = quote(path, safe=_SAFE).encode()
    names = ("type", "app", "asgi", "http_version", "scheme", "root_path", "client", "server")
    return {
        **{name: outer[name] for name in names if name in outer},
        "method": method,
        "path": path,
        "raw_path": raw,
        "query_string": quote(query, safe=_SAFE).encode(),
        "headers": [pair for pair in outer["headers"] if pair[0] == b"host"],
        "state": {},
    }
