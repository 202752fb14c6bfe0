"""The library without async: the same methods, which return when they are done."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator
from typing import Any, assert_type

import pytest

import graphdaemon
from graphdaemon.client.blocking_client import BlockingClient
from graphdaemon.client.client import Client
from tests.graphdaemon.client.test_client import CHAIN, make_client, serve_users
from tests.support.scripted_server import ScriptedServer, json_answer


def test_a_plain_with_gives_it_and_closes_the_client(scripted: ScriptedServer) -> None:
    scripted.script = serve_users(scripted, 25)
    made = make_client(scripted)
    with made as client:
        users = list(client.list("users", select="displayName", options=CHAIN))
        assert client.awaited is made
        assert client.settings is made.settings

    assert [user["id"] for user in users] == [f"u{number}" for number in range(25)]
    with pytest.raises(graphdaemon.Error):
        list(client.list("users", options=CHAIN))


def test_it_works_where_a_loop_runs_already(scripted: ScriptedServer) -> None:
    """As in a notebook, whose cells no `with` can span."""
    scripted.script = [json_answer({"id": "1"}), json_answer({"id": "2"})]

    async def cell() -> list[object]:
        client = BlockingClient(make_client(scripted))
        with client:
            return [client.get("users/1")["id"], client.get("users/2")["id"]]

    assert asyncio.run(cell()) == ["1", "2"]


def check_types(client: BlockingClient) -> None:
    """What type checkers see, which is all that this is for: nothing runs it."""
    assert_type(client.list("users"), Generator[dict[str, Any]])
    assert_type(client.pages("users"), Generator[graphdaemon.Page])
    assert_type(client.get("organization"), dict[str, Any])
    assert_type(client.changes("users", None), graphdaemon.Round)
    assert_type(client.report("stale"), graphdaemon.Report[graphdaemon.StaleRow])
    assert_type(client.report("credentials"), graphdaemon.Report[graphdaemon.CredentialRow])
    assert_type(client.report("permissions"), graphdaemon.Report[graphdaemon.PermissionRow])
    client.report("nothing like it")  # type: ignore[call-overload]
    client.list("users", selct="mail")  # type: ignore[call-arg]


def test_it_takes_what_the_client_takes() -> None:
    """Same names, same parameters, same words; `locate` alone needs no other form."""
    methods = {name for name, one in vars(Client).items() if inspect.isfunction(one)}
    public = {name for name in methods if not name.startswith("_")}

    assert {name for name in vars(BlockingClient) if not name.startswith("_")} - {"settings"} == (
        public - {"locate"}
    )
    for name in public - {"locate", "close"}:
        own, other = getattr(BlockingClient, name), getattr(Client, name)
        assert inspect.signature(own) == inspect.signature(other)
        assert own.__doc__ == other.__doc__
