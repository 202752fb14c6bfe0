"""ASGI: a middleware that passes a request to the application if its caller may call."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from graphdaemon.errors import CallerRefusedError
from graphdaemon.protect.api import ProtectedApi
from graphdaemon.protect.refusal import refuse
from graphdaemon.protect.requirement import Requirement, as_texts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# "Policy violation" (RFC 6455, 7.4.1); before the handshake, servers answer 403 to it.
_CLOSE_CODE = 1008


def asgi_middleware(
    app: Application,
    api: ProtectedApi,
    requirement: Requirement | None = None,
    *,
    exempt: Iterable[str] | str = (),
) -> Application:
    """
    Return an application that answers refused callers itself and passes all others to `app`.

    The caller is `request.state.caller` in Starlette and FastAPI, `scope["state"]["caller"]` in
    others.

    Args:
        app: The application to protect.
        api: The protected API.
        requirement: What every call requires; by default, the requirement in the settings.
        exempt: Paths of `app` that anybody may call, such as `/health`. They must match exactly.

    Raises:
        SettingsError: Nothing is required of a caller.

    Example:
        .. code-block:: python

            app.add_middleware(protect.asgi_middleware, api=api, exempt={"/health"})
    """
    needed, paths = api.choose(requirement), as_texts(exempt)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        # The lifespan has no caller; whatever else a server knows has one, unless shown otherwise.
        if scope["type"] == "lifespan" or _own_path(scope) in paths:
            await app(scope, receive, send)
            return
        try:
            caller = await api.check_async(_find_authorization(scope), needed)
        except CallerRefusedError as refusal:
            await _answer(scope, receive, send, refusal)
            return
        # The server's own may be shared by all requests.
        state = {**scope.get("state", {}), "caller": caller}
        await app({**scope, "state": state}, receive, send)

    return serve


def _own_path(scope: Scope) -> str:
    """The path below the one where the application is mounted, as its routes are written."""
    return str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))


def _find_authorization(scope: Scope) -> str | None:
    headers = scope.get("headers", ())
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if len(values) > 1:
        raise refuse("bearer_repeated")
    return values[0].decode("latin-1") if values else None


async def _answer(scope: Scope, receive: Receive, send: Send, refusal: CallerRefusedError) -> None:
    kind = "http"
    if scope["type"] not in ("http", "websocket"):
        raise refusal
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await receive()
            await send({"type": "websocket.close", "code": _CLOSE_CODE, "reason": refusal.case})
            return
        kind = "websocket.http"
    body = refusal.body
    headers = [*refusal.headers, ("Content-Length", str(len(body)))]
    await send(
        {
            "type": f"{kind}.response.start",
            "status": refusal.status,
            "headers": [
                (name.lower().encode(), value.encode("latin-1")) for name, value in headers
            ],
        }
    )
    # An answer to HEAD has the headers alone, and not every server sees to that (RFC 9110, 9.3.2).
    shown = b"" if scope.get("method") == "HEAD" else body
    await send({"type": f"{kind}.response.body", "body": shown})
