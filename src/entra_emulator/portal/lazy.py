"""The portal, whose modules are imported with its first request, so that start-up is fast."""

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from entra_emulator.web.pages.request import PREFIX


def make_portal() -> list[BaseRoute]:
    """What answers below `/portal`, whatever the path and the method."""
    portal = _Portal()
    routes = [Route(PREFIX, portal), Route(f"{PREFIX}/{{rest:path}}", portal)]
    for route in routes:
        route.methods = None
    return list[BaseRoute](routes)


class _Portal:
    """The portal's router, made when its first request comes."""

    def __init__(self) -> None:
        self._router: Router | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on to the portal's own router."""
        # A second request that comes meanwhile waits, and does not make the router again.
        async with self._loading:
            if self._router is None:
                self._router = await run_in_threadpool(_load)
        await self._router(scope, receive, send)


def _load() -> Router:
    from entra_emulator.portal.serve import make_router

    return make_router()
