"""What objects lead to: with the pages or in batches, whole in both ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from graphdaemon.client.client import Client
from graphdaemon.client.reports.related import Related, Relation, read_each
from graphdaemon.errors import GraphError
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

OWNERS = {f"a{number}": [{"id": f"o{number}"}] for number in range(45)} | {
    "a1": [{"id": f"p{number}"} for number in range(50)],
    "a2": [],
}


def answer_parts(request: Request, one: Callable[[str], tuple[int, Any]]) -> Answer:
    parts = json.loads(request.body)["requests"]
    responses = []
    for part in parts:
        status, body = one(part["url"])
        responses.append({"id": part["id"], "status": status, "body": body})
    return json_answer({"responses": responses})


def serve(server: ScriptedServer, *, can_expand: bool = True) -> list[str]:
    """Applications and their owners, twenty of each expanded; the log says what was asked."""
    asked: list[str] = []

    def one(url: str) -> tuple[int, Any]:
        id_ = url.split("/")[2]
        if id_ not in OWNERS:
            return 404, {"error": {"code": "Request_ResourceNotFound"}}
        following = f"{server.url}/v1.0{url}&$skiptoken=2"
        body: dict[str, Any] = {"value": OWNERS[id_][:30]}
        return 200, body | ({"@odata.nextLink": following} if len(OWNERS[id_]) > 30 else {})

    def answer(request: Request) -> Answer:
        path = urlsplit(request.target).path
        asked.append(path)
        if path.endswith("/$batch"):
            return answer_parts(request, one)
        if "skiptoken" in request.target:
            return page(*OWNERS["a1"][30:])
        if not can_expand:
            return Answer(400, b'{"error": {"code": "BadRequest", "message": "no"}}')
        records = [{"id": id_, "owners": owners[:20]} for id_, owners in OWNERS.items()]
        return page(*records[:-1])

    server.script = answer
    return asked


def read(server: ScriptedServer, ids: list[str], among: int | None) -> Related:
    async def work() -> Related:
        async with Client(read_settings(None, {}, server.settings()), attempts=1) as client:
            root = client.settings.graph_root
            relation = Relation(client.graph, root, "applications", "owners", ("id",))
            return await relation.read(ids, among)

    return asyncio.run(work())


def test_pages_are_read_where_they_are_fewer(scripted: ScriptedServer) -> None:
    """A list that may be cut, and what the pages lacked, is read in a batch besides."""
    asked = serve(scripted)

    assert read(scripted, list(OWNERS), 45) == OWNERS
    assert asked == ["/v1.0/applications", "/v1.0/$batch", "/v1.0/applications/a1/owners"]


def test_batches_are_sent_where_those_are_fewer(scripted: ScriptedServer) -> None:
    asked = serve(scripted)

    assert read(scripted, ["a1", "a2", "gone"], 45) == {
        "a1": OWNERS["a1"],
        "a2": [],
        "gone": [],
    }
    assert asked == ["/v1.0/$batch", "/v1.0/applications/a1/owners"]


def test_a_service_that_does_not_expand_is_asked_in_batches(scripted: ScriptedServer) -> None:
    asked = serve(scripted, can_expand=False)

    assert read(scripted, list(OWNERS), 45) == OWNERS
    assert asked.count("/v1.0/$batch") == 3


def test_nothing_is_left_out_that_is_refused(scripted: ScriptedServer) -> None:
    scripted.script = lambda request: answer_parts(
        request, lambda _: (403, {"error": {"code": "Authorization_RequestDenied"}})
    )

    with pytest.raises(GraphError) as caught:
        read(scripted, ["a1"], None)
    assert caught.value.status == 403


def test_single_objects_are_read_without_those_that_are_gone(scripted: ScriptedServer) -> None:
    def one(url: str) -> tuple[int, Any]:
        id_ = url.split("/")[2].partition("?")[0]
        return (404, {"error": {}}) if id_ == "gone" else (200, {"id": id_, "displayName": "Ana"})

    scripted.script = lambda request: answer_parts(request, one)

    async def work() -> dict[str, Any]:
        async with Client(read_settings(None, {}, scripted.settings()), attempts=1) as client:
            root = client.settings.graph_root
            return dict(await read_each(client.graph, root, "users", ["u1", "gone"], ("id",)))

    assert asyncio.run(work()) == {"u1": {"id": "u1", "displayName": "Ana"}}
