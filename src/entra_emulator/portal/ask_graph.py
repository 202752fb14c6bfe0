"""
Send requests to Graph as the signed-in user; the portal makes all its changes in this way.

So Graph validates each change, checks ownership and directory roles, and records it for delta
queries. If it refuses, a `GraphRefusal` is raised.
"""

import inspect
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request

from entra_emulator.graph.access.authorize import Permit, authorize
from entra_emulator.graph.audit_logs.activity_log import answer_logged
from entra_emulator.graph.call import Call
from entra_emulator.graph.routes import ROUTER
from entra_emulator.web.caller import Caller, list_roles
from entra_emulator.web.pages.request import PageRequest

# The client ID with which the real portal calls Graph: "Azure Portal" in "First-party Microsoft
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
    Send a request to Graph as the signed-in user; return the JSON of the answer, or None.

    The target is e.g. `/v1.0/applications?$top=20`; keys in it are percent-encoded.

    Raises:
        GraphRefusal: Graph refuses.
    """
    path, _, query = target.partition("?")
    resolved = ROUTER.resolve(path)
    assert resolved is not None, f"{path} is no path of Graph's"
    endpoint = resolved.endpoints[method]
    caller, permit = authorize_user(request, method, endpoint.path)
    scope = {
        **request.http.scope,
        "method": method,
        "path": path,
        "raw_path": quote(path, safe=_SAFE).encode(),
        "query_string": quote(query, safe=_SAFE).encode(),
        # Only this header, which links need: others, such as `Prefer`, would change the answer.
        "headers": [pair for pair in request.http.scope["headers"] if pair[0] == b"host"],
        # Notes of its own for the logs, because the browser's request is not a request to Graph.
        "state": {},
    }
    context, keys = request.context, resolved.keys
    call = Call(Request(scope), context, caller, permit, resolved.path, keys, 1, body)
    response: Any = answer_logged(endpoint, call) if endpoint.blocking else endpoint.answer(call)
    if inspect.iscoroutine(response):
        response = context.work.wait_for(response)
    return msgspec.json.decode(response.body) if response.body else None


def authorize_user(request: PageRequest, method: str, path: str) -> tuple[Caller, Permit]:
    """
    The signed-in user as a caller of Graph, and what they may do at a path of its route table.

    Raises:
        GraphRefusal: Graph refuses them this method and path for every object.
    """
    user_id = request.signed_in.user_id
    caller = Caller(request.tenant, PORTAL_APP_ID, user_id, _PERMISSIONS, True, {})
    return caller, authorize(caller, method, path, partial(list_roles, request.directory, caller))
