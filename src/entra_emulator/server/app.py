"""The emulator as one ASGI application: its routes, and how refusals are answered."""

import random
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from entra_emulator.audit import Audit
from entra_emulator.control.control import PREFIX
from entra_emulator.control.control_settings import ControlSettings
from entra_emulator.control.controls import create_control
from entra_emulator.directory.directory import Directory
from entra_emulator.errors import GraphRefusal, TokenRefusal, deny, refuse
from entra_emulator.faults.schedule import Faults
from entra_emulator.faults.throttle import Throttle
from entra_emulator.graph import dispatch
from entra_emulator.graph.error_object import answer_refusal
from entra_emulator.graph.router import VERSIONS
from entra_emulator.graph.routes import ROUTER
from entra_emulator.portal.lazy import make_portal
from entra_emulator.resource_manager import subscriptions
from entra_emulator.server.fault_middleware import inject_faults
from entra_emulator.server.open_files import answer_out_of_files
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.server.storage import answer_full_disk
from entra_emulator.token_service import (
    admin_consent,
    authorize,
    device_code,
    discovery,
    sign_in_page,
    token_endpoint,
)
from entra_emulator.token_service.userinfo import show_userinfo
from entra_emulator.tokens.fetch import make_fetch
from entra_emulator.tokens.foreign_keys import IssuerKeys
from entra_emulator.tokens.signing import KeyRing, draw_lifetime
from entra_emulator.web.audit_middleware import audit_requests
from entra_emulator.web.context import LOOPBACK_NAMES, Context, host_name
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.request_notes import notes_of
from entra_emulator.web.token_service_answers import answer_oauth, describe_refusal

# Characters of path and query. Windows' http.sys, which real answers show in front of the service,
# takes 16 KB of request line and headers (quoted in microsoft-graph-explorer-v4#3184).
LONGEST_ADDRESS = 16_384


class ServiceRoute(NamedTuple):
    """A route of the token service or Azure Resource Manager; others are in their packages."""

    method: str
    path: str
    answer: Callable[..., object]


ROUTES = (
    # Azure Resource Manager's, before those that begin with a tenant.
    ServiceRoute("GET", "/subscriptions", subscriptions.list_subscriptions),
    ServiceRoute("GET", "/subscriptions/{subscription}", subscriptions.show_subscription),
    ServiceRoute("GET", "/tenants", subscriptions.list_tenants),
    ServiceRoute("GET", "/metadata/endpoints", subscriptions.show_endpoints),
    ServiceRoute("GET", "/common/discovery/instance", discovery.show_instance),
    ServiceRoute(
        "GET", "/{tenant}/v2.0/.well-known/openid-configuration", discovery.show_configuration
    ),
    ServiceRoute(
        "GET", "/{tenant}/.well-known/openid-configuration", discovery.show_configuration_v1
    ),
    ServiceRoute("GET", "/{tenant}/discovery/v2.0/keys", discovery.show_keys),
    ServiceRoute("GET", "/{tenant}/discovery/keys", discovery.show_keys_v1),
    ServiceRoute("POST", "/{tenant}/oauth2/v2.0/token", token_endpoint.issue_token),
    ServiceRoute("POST", "/{tenant}/oauth2/token", token_endpoint.issue_token_v1),
    ServiceRoute("GET", "/{tenant}/oauth2/v2.0/authorize", authorize.authorize),
    ServiceRoute("POST", "/{tenant}/oauth2/v2.0/authorize", authorize.authorize_by_form),
    ServiceRoute("GET", "/{tenant}/oauth2/v2.0/logout", sign_in_page.sign_out),
    ServiceRoute("POST", "/{tenant}/oauth2/v2.0/devicecode", device_code.authorize_device),
    ServiceRoute("GET", "/devicelogin", device_code.show_device_page),
    ServiceRoute("POST", "/devicelogin", device_code.answer_device_page),
    # Where the real https://microsoft.com/devicelogin leads to.
    ServiceRoute("GET", "/common/oauth2/deviceauth", device_code.show_device_page),
    ServiceRoute("GET", "/{tenant}/signin", sign_in_page.show_sign_in),
    ServiceRoute("POST", "/{tenant}/signin", sign_in_page.sign_in),
    ServiceRoute("POST", "/{tenant}/consent", authorize.answer_consent_page),
    ServiceRoute("GET", "/{tenant}/adminconsent", admin_consent.show_admin_consent),
    ServiceRoute("POST", "/{tenant}/adminconsent", admin_consent.answer_admin_consent),
    ServiceRoute("GET", "/{tenant}/v2.0/adminconsent", admin_consent.show_admin_consent_v2),
    ServiceRoute("POST", "/{tenant}/v2.0/adminconsent", admin_consent.answer_admin_consent_v2),
    ServiceRoute("GET", "/oidc/userinfo", show_userinfo),
    ServiceRoute("POST", "/oidc/userinfo", show_userinfo),
)


def create_app(
    directory: Directory,
    keys: KeyRing,
    settings: EmulatorSettings | None = None,
    *,
    fetch: Callable[[str], bytes] | None = None,
    faults: Faults | None = None,
    throttle: Throttle | None = None,
    audit: Audit | None = None,
    control: ControlSettings | None = None,
    ca_pem: bytes = b"",
) -> Starlette:
    """
    The emulator for this directory.

    Args:
        directory: the tenants; its clock is everybody's.
        keys: sign and verify access tokens.
        settings: what the emulator is told; by default the defaults.
        fetch: gets documents of foreign token issuers; by default see `make_fetch`.
        faults: which requests are to fail; by default none.
        throttle: how much everybody may ask for; by default Graph's documented limits.
        audit: remembers what was asked.
        control: serve the control API, and what it needs.
        ca_pem: the certificate of the authority that clients are to trust.
    """
    settings = settings or EmulatorSettings()
    lifetime = settings.token_lifetime
    draws = random.SystemRandom()
    context = Context(
        directory,
        keys,
        directory.clock,
        lambda long: draw_lifetime(draws, long=long) if lifetime is None else lifetime,
        frozenset(name.lower() for name in (*LOOPBACK_NAMES, *settings.hostnames)),
        # Kept in the store, so that next links outlive a restart.
        directory.setting("page_key", lambda: draws.randbytes(32)),
        settings.page_token_age,
        settings.strict_filter,
        IssuerKeys(fetch or make_fetch(settings.federation_ca), directory.clock),
        faults or Faults(directory.clock),
        throttle or Throttle(directory.clock),
        audit or Audit(),
        settings.device_interval,
        settings.delta,
        ca_pem,
        rules=settings.rules,
    )
    # The portal comes first: behind the others `portal` would be taken for a tenant's name.
    routes = [*make_portal(), *map(_make_route, ROUTES)]
    routes += [route for version in VERSIONS for route in _make_graph_routes(version)]
    if control is not None:
        routes.insert(0, Mount(PREFIX, app=create_control(context, control)))
    return _assemble(context, routes)


def _assemble(context: Context, routes: list[BaseRoute]) -> Starlette:
    app = Starlette(
        routes=routes,
        # The first is the outermost: requests for other hosts are not even logged, and the log sees
        # what faults made of an answer.
        middleware=[
            Middleware(_admit),
            Middleware(audit_requests),
            Middleware(inject_faults),
            Middleware(answer_out_of_files),
            Middleware(answer_full_disk),
        ],
        exception_handlers={
            TokenRefusal: _answer_token_refusal,
            GraphRefusal: answer_refusal,
            subscriptions.ResourceManagerRefusal: subscriptions.answer_refusal,
            HTTPException: _answer_unrouted,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_failure,
        },
    )
    app.router.redirect_slashes = False
    app.state.context = context
    return app


def _make_route(route: ServiceRoute) -> Route:
    made = Route(route.path, route.answer, methods=[route.method])
    made.methods = {route.method}  # without the HEAD that Starlette adds
    return made


def _make_graph_routes(version: str) -> list[Route]:
    """Routes that hand every path below a version to Graph's own router, whatever the method."""
    routes = [
        Route(f"/{version}", dispatch.serve),
        Route(f"/{version}/{{rest:path}}", dispatch.serve),
    ]
    for route in routes:
        route.methods = None
    return routes


def _admit(app: ASGIApp) -> ASGIApp:
    """Refuse host names that are not ours, and resolve Graph's paths in any spelling."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            host = request.headers.get("host", "")
            # A page whose own name was made to lead here (DNS rebinding) must get no tokens.
            if host_name(host) not in scope["app"].state.context.hostnames:
                refused = answer_refusal(request, deny("host_unknown", host=host))
                await refused(scope, receive, send)
                return
            length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
            if length > LONGEST_ADDRESS:
                refused = answer_refusal(request, deny("address_too_long", length=length))
                await refused(scope, receive, send)
                return
            # Not the decoded path, in which a slash within a key looks like one between segments.
            raw = scope.get("raw_path") or scope["path"].encode()
            resolved = ROUTER.resolve(raw.decode("latin-1"))
            if resolved is not None:
                notes_of(scope).graph_path, scope["path"] = resolved, resolved.path
        await app(scope, receive, send)

    return answer


def _answer_token_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, TokenRefusal)
    content = describe_refusal(request, refusal)
    # Browsers name the type; programs ask for JSON, or for anything.
    if "text/html" in request.headers.get("accept", ""):
        description = content["error_description"]
        return render_dialog(
            request,
            None,
            "token_refusal.html",
            status=refusal.status,
            code=refusal.code,
            description=description,
        )
    # Discovery's errors carry the caching headers of its answers (recorded 2021).
    cached = "/discovery/" in request.scope["path"] or "/.well-known/" in request.scope["path"]
    return answer_oauth(request, content, status=refusal.status, code=refusal.code, cached=cached)


def _answer_unrouted(request: Request, error: Exception) -> Response:
    """Refuse an unknown path as Graph does, and a wrong method as the token service does."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        refusal = refuse(900561, allowed=allowed, method=request.method)
        return _answer_token_refusal(request, refusal)
    segments = [unquote(segment) for segment in request.scope["path"].split("/") if segment]
    return answer_refusal(request, deny("version_unknown", version="".join(segments[:1])))


def _answer_nobody(_: Request, __: Exception) -> Response:
    """End a request whose client has hung up, with a status that only the audit log shows."""
    return Response(status_code=400)


def _answer_failure(request: Request, _: Exception) -> Response:
    """Answer a bug of ours; Starlette raises the exception again, so that the log shows it."""
    return answer_refusal(request, deny("internal"))
