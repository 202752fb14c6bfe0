"""The WSGI middleware where the frameworks' tests do not reach: HEAD, and mounted applications."""

from __future__ import annotations

from typing import Any

import pytest

from graphdaemon import protect
from tests.support.protected_api_scene import Scene


def call(scene: Scene, **environment: str) -> tuple[str, dict[str, str], bytes]:
    """The status, the headers and the body that are answered; the application says `through`."""
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        said.extend((status, dict(headers)))

    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"through"]

    protected = protect.wsgi_middleware(app, scene.api(), exempt={"/health"})
    body = b"".join(protected(dict(environment), start))
    return said[0], said[1], body


def test_head_is_answered_by_headers_alone(scene: Scene) -> None:
    """The length is that of the answer to GET (RFC 9110, 9.3.2)."""
    status, headers, body = call(scene, REQUEST_METHOD="HEAD", PATH_INFO="/orders")
    _, _, whole = call(scene, REQUEST_METHOD="GET", PATH_INFO="/orders")

    assert (status, body) == ("401 Unauthorized", b"")
    assert headers["Content-Length"] == str(len(whole))


@pytest.mark.parametrize(
    ("script", "path", "is_exempt"),
    [
        ("", "/health", True),
        ("/shop", "/health", True),
        ("/health", "", False),
        ("", "//health", False),
        ("", "/Health", False),
        ("", "/health/", False),
    ],
)
def test_an_exempt_path_is_one_of_the_application(
    scene: Scene, script: str, path: str, is_exempt: bool
) -> None:
    """Wherever it is mounted, and to the letter."""
    body = call(scene, SCRIPT_NAME=script, PATH_INFO=path)[2]

    assert (body == b"through") is is_exempt
