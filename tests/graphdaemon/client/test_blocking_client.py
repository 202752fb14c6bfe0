"""The library without async: the same methods, which return when they are done."""

from __future__ import annotations

import asyncio
import inspect

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
