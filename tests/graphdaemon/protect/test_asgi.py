"""The ASGI middleware where the frameworks' tests do not reach: sockets, lifespan, shared state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from graphdaemon import protect
from graphdaemon.errors import CallerRefusedError, SettingsError
from tests.support.protected_api_scene import CALLER, Scene

SHARED: dict[str, Any] = {"pool": "a pool"}


def call(
    scene: Scene, scope: dict[str, Any], token: str | None = None
) -> tuple[list[Any], list[Any]]:
    """The scopes that the application got, and the messages that the server got."""
    reached: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"Authorization", f"Bearer {token}".encode())] if token else []
    protected = protect.asgi_middleware(app, scene.api(), exempt={"/health"})
    asyncio.run(protected({"headers": headers, "path": "/orders"} | scope, receive, send))  # type: ignore[arg-type]  # a coroutine, as all applications'
    return reached, sent


def test_the_lifespan_of_an_application_is_its_own(scene: Scene) -> None:
    """It has no caller."""
    assert call(scene, {"type": "lifespan"})[0] == [
        {"headers": [], "path": "/orders", "type": "lifespan"}
    ]


def test_a_kind_of_connection_that_is_not_known_is_closed(scene: Scene) -> None:
    """Servers learn new ones (WebTransport), and each has a caller unless it is shown otherwise."""
    assert call(scene, {"type": "webtransport"}, scene.token())[0] != []
    with pytest.raises(CallerRefusedError):
        call(scene, {"type": "webtransport"})


@pytest.mark.parametrize(
    ("root", "path", "status"),
    [
        ("/api", "/api/health", None),
        ("/api", "/health", None),
        ("/api", "/apihealth", 401),
        ("/api", "/api/api/health", 401),
        ("/health", "/health", 401),
        ("/health", "/health/health", None),
    ],
)
def test_an_exempt_path_is_one_of_the_application(
    scene: Scene, root: str, path: str, status: int | None
) -> None:
    """Wherever it is mounted, as its own routes are."""
    reached, sent = call(scene, {"type": "http", "root_path": root, "path": path})

    assert (bool(reached), [said["status"] for said in sent[:1]]) == (
        status is None,
        [] if status is None else [status],
    )


def test_head_is_answered_by_headers_alone(scene: Scene) -> None:
    """The length is that of the answer to GET (RFC 9110, 9.3.2)."""
    (start, body), (_, whole) = (
        call(scene, {"type": "http", "method": method})[1] for method in ("HEAD", "GET")
    )

    assert body["body"] == b""
    assert (b"content-length", str(len(whole["body"])).encode()) in start["headers"]


@pytest.mark.parametrize(
    "path", ["/health/", "/health/x", "//health", "/Health", "/health/../orders"]
)
def test_an_exempt_path_is_that_one_alone(scene: Scene, path: str) -> None:
    """What only looks like it is protected."""
    assert call(scene, {"type": "http", "path": "/health"})[0] != []
    reached, sent = call(scene, {"type": "http", "path": path})

    assert (reached, sent[0]["status"]) == ([], 401)


def test_one_exempt_path_may_be_a_text(scene: Scene) -> None:
    """Its beginning, which is a part of the text, is not exempt."""
    app = protect.asgi_middleware(None, scene.api(), exempt="/health")  # type: ignore[arg-type]  # never called
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": []}
    asyncio.run(app(scope, None, send))  # type: ignore[arg-type]  # nothing is received

    assert sent[0]["status"] == 401


def test_the_servers_state_is_shared_and_the_caller_is_not(scene: Scene) -> None:
    """One request's caller does not appear in another's."""
    reached, _ = call(scene, {"type": "http", "state": SHARED}, scene.token())

    assert reached[0]["state"]["pool"] == "a pool"
    assert reached[0]["state"]["caller"].client_id == CALLER
    assert SHARED == {"pool": "a pool"}


@pytest.mark.parametrize("extensions", [{}, {"websocket.http.response": {}}], ids=["old", "new"])
def test_a_web_socket_is_opened_for_callers_alone(scene: Scene, extensions: dict[str, Any]) -> None:
    """The others get the answer, where the server can send one, or are closed at once."""
    scope = {"type": "websocket", "extensions": extensions}
    assert call(scene, scope, scene.token())[0][0]["state"]["caller"].client_id == CALLER
    reached, sent = call(scene, scope)

    assert reached == []
    if extensions:
        assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 401)
        assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]
        assert sent[1]["type"] == "websocket.http.response.body"
    else:
        assert sent == [{"type": "websocket.close", "code": 1008, "reason": "bearer_missing"}]


MAKE: dict[str, Callable[[protect.ProtectedApi], object]] = {
    "asgi": lambda api: protect.asgi_middleware(None, api),  # type: ignore[arg-type]  # never called
    "wsgi": lambda api: protect.wsgi_middleware(None, api),  # type: ignore[arg-type]  # never called
    "dependency": protect.dependency,
}


@pytest.mark.parametrize("face", MAKE)
def test_a_face_that_protects_nothing_is_not_made(scene: Scene, face: str) -> None:
    """The program ends when it starts, not at the first request."""
    with pytest.raises(SettingsError, match="nothing is required"):
        MAKE[face](scene.api(roles=None))
