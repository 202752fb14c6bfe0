"""WSGI: a middleware that passes a request to the application if its caller may call."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from graphdaemon.errors import CallerRefusedError
from graphdaemon.protect.api import ProtectedApi
from graphdaemon.protect.requirement import Requirement, as_texts

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]

CALLER = "graphdaemon.caller"
"""Where the caller is in the environment of a request."""


def wsgi_middleware(
    app: Application,
    api: ProtectedApi,
    requirement: Requirement | None = None,
    *,
    exempt: Iterable[str] | str = (),
) -> Application:
    """
    Return an application that answers refused callers itself and passes all others to `app`.

    The caller is `request.environ["graphdaemon.caller"]` in Flask,
    `request.META["graphdaemon.caller"]` in Django.

    Args:
        app: The application to protect.
        api: The protected API.
        requirement: What every call requires; by default, the requirement in the settings.
        exempt: Paths of `app` that anybody may call, such as `/health`. They must match exactly.

    Raises:
        SettingsError: Nothing is required of a caller.

    Example:
        .. code-block:: python

            app.wsgi_app = protect.wsgi_middleware(app.wsgi_app, api, exempt={"/health"})
    """
    needed, paths = api.choose(requirement), as_texts(exempt)

    def serve(environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
        if environment.get("PATH_INFO", "") in paths:
            return app(environment, start_response)
        try:
            environment[CALLER] = api.check(environment.get("HTTP_AUTHORIZATION"), needed)
        except CallerRefusedError as refusal:
            status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
            body = refusal.body
            start_response(status, [*refusal.headers, ("Content-Length", str(len(body)))])
            # Not every server leaves the body out of an answer to HEAD (RFC 9110, 9.3.2).
            return [] if environment.get("REQUEST_METHOD") == "HEAD" else [body]
        return app(environment, start_response)

    return serve
