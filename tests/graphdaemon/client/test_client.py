"""The library over real TLS: proved listings, leaving them, blocking, and who sees the token."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError, UnprovedError, UsageError
from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

Script = Callable[[Request], Answer]


def serve_users(server: ScriptedServer, count: int, *, size: int = 10, told: Any = ()) -> Script:
    """A directory of ``count`` users in pages, with a delta that tells ``told`` once."""
    news = list(told)

    def answer(request: Request) -> Answer:
        parts = urlsplit(request.target)
        options = dict(parse_qsl(parts.query))
        if parts.path.endswith("/$count"):
            return Answer(200, str(count).encode(), {"Content-Type": "text/plain"})
        if parts.path.endswith("/delta"):
            link = f"{server.url}/v1.0/users/delta?$deltatoken=next"
            value = [news.pop(0)] if options["$deltatoken"] == "next" and news else []
            return json_answer({"@odata.deltaLink": link, "value": value})
        if "in (" in options.get("$filter", ""):
            return page({"id": "u0", "displayName": "new"})
        at = int(options.get("$skiptoken", 0))
        link = f"{server.url}/v1.0/users?$skiptoken={at + size}"
        records = [{"id": f"u{number}"} for number in range(at, min(at + size, count))]
        return page(*records, next_link=link if at + size < count else None)

    return answer


def make_client(server: ScriptedServer) -> Client:
    return Client(read_settings(None, {}, server.settings()))


CHAIN = ListingOptions(method="chain", learn=False)


def test_a_listing_that_ends_is_proved(scripted: ScriptedServer) -> None:
    """The delta before, the pages, the delta after: then it ends, and not before."""
    scripted.script = serve_users(scripted, 35)

    async def read() -> list[str]:
        async with make_client(scripted) as client:
            return [user["id"] async for user in client.list("users", options=CHAIN)]

    assert asyncio.run(read()) == [f"u{number}" for number in range(35)]


def test_what_changed_after_it_was_yielded_is_raised_at_the_end(scripted: ScriptedServer) -> None:
    """An iterator cannot take back what it gave: it says so when it ends."""
    scripted.script = serve_users(scripted, 15, told=[{"id": "u0", "displayName": "new"}])
    read: list[str] = []

    async def walk() -> None:
        async with make_client(scripted) as client:
            async for user in client.list("users", options=CHAIN):
                read.append(user["id"])  # noqa: PERF401  what came before the failure counts

    with pytest.raises(UnprovedError, match="1 written record changed meanwhile") as caught:
        asyncio.run(walk())

    assert len(read) == 15
    assert caught.value.exit_code == 8
    account: Any = caught.value.listing
    assert account.replay.late == 1


def test_who_collects_can_put_it_right(scripted: ScriptedServer) -> None:
    """The same, with a place for corrections."""
    scripted.script = serve_users(scripted, 15, told=[{"id": "u0", "displayName": "new"}])
    found: dict[str, Any] = {}

    async def collect() -> str:
        async with make_client(scripted) as client:
            record = await client.collect(
                "users",
                Query(),
                write=lambda records: found.update(
                    {json.loads(bytes(one))["id"]: bytes(one) for one in records}
                ),
                correct=lambda changes: found.update(
                    {key: record and bytes(record) for key, record in changes.items()}
                ),
                options=CHAIN,
            )
            return record.verdict

    assert asyncio.run(collect()) == "complete"
    assert json.loads(found["u0"]) == {"id": "u0", "displayName": "new"}


def test_scripts_without_async_read_the_same(scripted: ScriptedServer) -> None:
    """Pages and records, raw and decoded."""
    scripted.script = serve_users(scripted, 25)
    with make_client(scripted) as client:
        records = list(client.list("users", options=CHAIN))
        pages = list(client.pages("users", options=CHAIN))

    assert [user["id"] for user in records] == [f"u{number}" for number in range(25)]
    assert [len(one.records) for one in pages][:3] == [10, 10, 5]
    assert bytes(pages[0].records[0]) == b'{"id": "u0"}'


def test_leaving_in_the_middle_leaves_nothing_behind(scripted: ScriptedServer) -> None:
    """No task goes on, no thread waits for a host that does not answer."""
    release = threading.Event()
    users = serve_users(scripted, 100)

    def answer(request: Request) -> Answer:
        if "skiptoken=30" in request.target:
            release.wait(120)
        return users(request)

    scripted.script = answer

    async def leave() -> int:
        async with make_client(scripted) as client:
            async for _ in client.list("users", options=CHAIN):
                break
            async for user in client.list("users", options=CHAIN):
                if user["id"] == "u19":
                    break
            for _ in range(100):
                await asyncio.sleep(0)
            return len(asyncio.all_tasks())

    try:
        assert asyncio.run(asyncio.wait_for(leave(), 60)) <= 2
    finally:
        release.set()


def test_the_token_is_seen_by_no_other_origin(scripted: ScriptedServer) -> None:
    """Not through a next link, a delta link, a redirect, nor what a batch answers."""
    seen: list[str] = []
    with ScriptedServer() as other:

        def spy(request: Request) -> Answer:
            seen.append(request.headers.get("authorization", ""))
            return page()

        other.script = spy
        elsewhere = f"{other.url}/v1.0/users?$skiptoken=x"
        users = serve_users(scripted, 5)

        def delta_elsewhere(request: Request) -> Answer:
            if "/delta" in request.target:
                return json_answer({"@odata.deltaLink": elsewhere, "value": []})
            return users(request)

        def moved(_: Request) -> Answer:
            return Answer(307, b"", {"Location": elsewhere})

        scripts: list[Script] = [
            lambda _: page({"id": "1"}, next_link=elsewhere),
            delta_elsewhere,
            moved,
        ]
        for script in scripts:
            scripted.script = script

            async def read() -> None:
                async with make_client(scripted) as client:
                    async for _ in client.list("users", options=CHAIN):
                        pass

            with pytest.raises(GraphError) as caught:
                asyncio.run(read())
            assert caught.value.code in ("link_foreign", "request_refused", "page_malformed")

    assert seen == []


def test_no_token_or_link_is_in_what_is_said(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Neither in the log, nor in the record, whatever goes wrong."""
    caplog.set_level("DEBUG")
    users = serve_users(scripted, 30)
    troubles = iter([Answer(503), Answer(429), Answer(400), Answer(200, b"{")])

    def answer(request: Request) -> Answer:
        if "skiptoken" in request.target:
            return next(troubles, None) or users(request)
        return users(request)

    scripted.script = answer
    told = b""

    async def collect() -> bytes:
        async with make_client(scripted) as client:
            record = await client.collect("users", Query(), write=lambda _: None, options=CHAIN)
            return record.to_json()

    told = asyncio.run(collect())

    text = caplog.text + told.decode()
    assert "attempt" in text
    assert "token-1" not in text
    assert "skiptoken=" not in text
    assert "deltatoken=" not in text


OWN = {"scope": ["api://orders/.default"]}


def test_an_api_of_ones_own_is_read_as_it_answers(scripted: ScriptedServer) -> None:
    """Records without IDs, an object, a list where one object was meant: each in one request."""
    settings = scripted.settings(endpoint=f"{scripted.url}/orders") | OWN
    client = Client(read_settings(None, {}, settings))

    async def work() -> tuple[list[Any], dict[str, Any]]:
        async with client:
            orders = [order async for order in client.list("orders")]
            one = await client.get("orders/7")
            with pytest.raises(UsageError, match="is a list"):
                await client.get("orders")
            with pytest.raises(UsageError, match="is not JSON but text/html"):
                await client.get("nowhere")
            return orders, one

    scripted.script = [
        json_answer([{"item": "ink"}, {"item": "ink"}]),
        json_answer({"item": "ink"}),
        json_answer([]),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
    ]
    assert asyncio.run(work()) == ([{"item": "ink"}, {"item": "ink"}], {"item": "ink"})
    assert [one.target for one in scripted.requests] == [
        "/orders",
        "/orders/7",
        "/orders",
        "/nowhere",
    ]


def test_a_proof_can_be_demanded_of_an_api_of_ones_own(scripted: ScriptedServer) -> None:
    """What its count does not prove raises after the last record, as for Graph."""
    settings = scripted.settings(endpoint=f"{scripted.url}/orders") | OWN
    client = Client(read_settings(None, {}, settings))
    scripted.script = [json_answer([1, 2])]

    async def work() -> None:
        async with client:
            async for _ in client.pages("orders", options=ListingOptions(proved=True)):
                pass

    with pytest.raises(UnprovedError, match="sends no count"):
        asyncio.run(work())
