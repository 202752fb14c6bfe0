"""The same small protected API in each web framework, and servers that serve it over TLS."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import trustme
import uvicorn

from graphdaemon import protect
from tests.support.emulator_probe import Answer

READ = "Orders.Read.All"
WRITE = "Orders.Write.All"
HEALTH = "/health"
"""Every app answers at `/orders` whoever has READ, at `/stock` whoever has WRITE, at HEALTH all."""


def describe(caller: protect.Caller) -> dict[str, Any]:
    return {"client": caller.client_id, "roles": sorted(caller.roles)}


def make_starlette(api: protect.ProtectedApi) -> Any:
    """A middleware around the whole, and another around one route."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def show(request: Request) -> JSONResponse:
        return JSONResponse(describe(request.state.caller))

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "up"})

    needs = protect.require(WRITE)
    writing = Middleware(protect.asgi_middleware, api=api, requirement=needs)
    return Starlette(
        routes=[
            Route("/orders", show),
            Route("/stock", show, middleware=[writing]),
            Route(HEALTH, live),
        ],
        middleware=[Middleware(protect.asgi_middleware, api=api, exempt={HEALTH})],
    )


def make_starlette_routes(api: protect.ProtectedApi) -> Any:
    """A dependency, called by each route."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    may_read = protect.dependency(api)
    may_write = protect.dependency(api, protect.require(WRITE))

    async def show_orders(request: Request) -> JSONResponse:
        return JSONResponse(describe(await may_read(request)))

    async def show_stock(request: Request) -> JSONResponse:
        return JSONResponse(describe(await may_write(request)))

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "up"})

    return Starlette(
        routes=[
            Route("/orders", show_orders),
            Route("/stock", show_stock),
            Route(HEALTH, live),
        ]
    )


def make_fastapi(api: protect.ProtectedApi) -> Any:
    """A dependency, which FastAPI calls."""
    from fastapi import Depends, FastAPI

    app = FastAPI()
    may_read = protect.dependency(api)
    may_write = protect.dependency(api, protect.require(WRITE))

    # FastAPI reads the annotations, which are texts in this module.
    def show(caller: protect.Caller) -> dict[str, Any]:
        return describe(caller)

    def show_stock(caller: protect.Caller) -> dict[str, Any]:
        return describe(caller)

    show.__annotations__["caller"] = Annotated[protect.Caller, Depends(may_read)]
    show_stock.__annotations__["caller"] = Annotated[protect.Caller, Depends(may_write)]
    for function in (show, show_stock):
        function.__annotations__["return"] = dict[str, Any]
    app.get("/orders")(show)
    app.get("/stock")(show_stock)
    app.get(HEALTH)(lambda: {"status": "up"})
    return app


def make_fastapi_middleware(api: protect.ProtectedApi) -> Any:
    """A middleware around the whole, and a dependency of one route."""
    from fastapi import Depends, FastAPI
    from starlette.requests import Request

    app = FastAPI()
    app.add_middleware(protect.asgi_middleware, api=api, exempt={HEALTH})
    may_write = protect.dependency(api, protect.require(WRITE))

    def show(request: Any) -> dict[str, Any]:
        return describe(request.state.caller)

    show.__annotations__.update({"request": Request, "return": dict[str, Any]})
    app.get("/orders")(show)
    app.get("/stock", dependencies=[Depends(may_write)])(show)
    app.get(HEALTH)(lambda: {"status": "up"})
    return app


def make_flask(api: protect.ProtectedApi) -> Any:
    """A middleware around the whole, and a plain check in one route."""
    from flask import Flask, request

    app = Flask("orders")
    needs = protect.require(WRITE)
    app.wsgi_app = protect.wsgi_middleware(app.wsgi_app, api, exempt={HEALTH})  # type: ignore[assignment, method-assign]  # as Flask's documentation does

    @app.errorhandler(protect.CallerRefusedError)
    def refuse(error: protect.CallerRefusedError) -> Any:
        return error.body, error.status, error.headers

    @app.get("/orders")
    def show_orders() -> Any:
        return describe(request.environ["graphdaemon.caller"])

    @app.get("/stock")
    def show_stock() -> Any:
        return describe(api.check(request.headers.get("Authorization"), needs))

    @app.get(HEALTH)
    def live() -> Any:
        return {"status": "up"}

    return app


def make_django(api: protect.ProtectedApi) -> Any:
    """A middleware around the whole, and a plain check in one view."""
    from django.core.handlers.wsgi import WSGIHandler

    _set_up_django(api, lambda request: request.META["graphdaemon.caller"])
    return protect.wsgi_middleware(WSGIHandler(), api, exempt={HEALTH})


def make_django_asgi(api: protect.ProtectedApi) -> Any:
    """The same by the other way in which Django is served."""
    from django.core.handlers.asgi import ASGIHandler

    _set_up_django(api, lambda request: request.scope["state"]["caller"])
    return protect.asgi_middleware(ASGIHandler(), api, exempt={HEALTH})


def _set_up_django(api: protect.ProtectedApi, find_caller: Callable[[Any], protect.Caller]) -> None:
    """Let Django, which has one project in a process, serve this API from now on."""
    import django
    from django.conf import settings
    from django.http import HttpResponse, JsonResponse
    from django.urls import path

    needs = protect.require(WRITE)

    def show_orders(request: Any) -> Any:
        return JsonResponse(describe(find_caller(request)))

    def show_stock(request: Any) -> Any:
        try:
            return JsonResponse(describe(api.check(request.headers.get("Authorization"), needs)))
        except protect.CallerRefusedError as error:
            return HttpResponse(error.body, status=error.status, headers=dict(error.headers))

    def live(_: Any) -> Any:
        return JsonResponse({"status": "up"})

    class Urls:
        urlpatterns = (
            path("orders", show_orders),
            path("stock", show_stock),
            path(HEALTH.removeprefix("/"), live),
        )

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["localhost"], SECRET_KEY="x", USE_TZ=True)
        django.setup()
    settings.ROOT_URLCONF = Urls


ASGI: dict[str, Callable[[protect.ProtectedApi], Any]] = {
    "starlette": make_starlette,
    "starlette routes": make_starlette_routes,
    "fastapi": make_fastapi,
    "fastapi middleware": make_fastapi_middleware,
    "django asgi": make_django_asgi,
}
WSGI: dict[str, Callable[[protect.ProtectedApi], Any]] = {
    "flask": make_flask,
    "django": make_django,
}


class Served:
    """A server on a free port, and a client that trusts it."""

    def __init__(self, port: int, ca_file: Path) -> None:
        self.url = f"https://localhost:{port}"
        self.ca_file = ca_file
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(ca_file))

    def get(self, path: str, *authorization: str) -> Answer:
        """Send a request with these headers `Authorization`."""
        connection = HTTPSConnection("localhost", self._port, context=self._tls, timeout=30)
        try:
            connection.putrequest("GET", path)
            for value in authorization:
                connection.putheader("Authorization", value)
            connection.endheaders()
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()


@contextmanager
def serve(app: Any, folder: Path, *, is_asgi: bool) -> Iterator[Served]:
    """Serve an app on a free port, over TLS."""
    authority = trustme.CA()
    ca_file = folder / "server-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with (_serve_asgi if is_asgi else _serve_wsgi)(app, tls) as port:
        yield Served(port, ca_file)


@contextmanager
def _serve_asgi(app: Any, tls: ssl.SSLContext) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", http="h11")
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def start(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = start  # type: ignore[method-assign]  # the server tells nobody else
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert started.wait(30)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
        """Say nothing."""


@contextmanager
def _serve_wsgi(app: Any, tls: ssl.SSLContext) -> Iterator[int]:
    server = make_server("localhost", 0, app, WSGIServer, _QuietHandler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def read(answer: Answer) -> Any:
    """The JSON that was answered."""
    return json.loads(answer.body)
