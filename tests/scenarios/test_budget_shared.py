"""One throttle budget for many: strangers, processes on a host, processes on many hosts."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.graph.throttling.bucket import WINDOW_S, Totals
from graphdaemon.graph.throttling.budget import Budget, Outcome
from graphdaemon.graph.throttling.ledger import MemoryLedger
from graphdaemon.graph.throttling.open import find_budget
from graphdaemon.graph.throttling.redis_totals import RedisTotals
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.setting import Secret
from tests.support import virtual_time
from tests.support.budget_world import make_world, swarm
from tests.support.redis_server import RedisServer
from tests.support.run_command import Run, clean_environment
from tests.support.scripted_server import Answer, Request, ScriptedServer, page


@pytest.mark.parametrize("tells_load", [True, False], ids=["told", "not told"])
def test_strangers_get_equal_shares_and_nothing_is_wasted(*, tells_load: bool) -> None:
    """Three that know nothing of each other: no storm, all of the budget, about a third each."""
    world = make_world(800, tells_load=tells_load)
    graphs = [world.graph() for _ in range(3)]

    virtual_time.run(swarm(graphs, 60, workers=16))

    asked = [sum(f"by={id(graph)}" in one.url for one in world.requests) for graph in graphs]
    assert world.units >= 0.95 * (800 + 80 * 60)
    assert min(asked) > 0.15 * sum(asked)
    assert world.refusals < 0.06 * len(world.requests)


def test_who_comes_late_is_let_in() -> None:
    """One that has had everything to itself makes room for another, and neither fails."""
    world = make_world(800, tells_load=True)
    first, second = world.graph(), world.graph()

    async def scenario() -> tuple[int, int]:
        async def later() -> int:
            await asyncio.sleep(20)
            return await swarm([second], 60, workers=16)

        return await asyncio.gather(swarm([first], 80, workers=16), later())

    _, late = virtual_time.run(scenario())

    assert late > 0.1 * 80 * 60


def test_who_is_polite_leaves_room_and_gets_its_share() -> None:
    """30 % beside one that takes whatever there is: about that, and together all of it."""
    world = make_world(3_500, tells_load=True)
    polite, greedy = world.graph(share=0.3), world.graph()

    virtual_time.run(swarm([polite, greedy], 25, workers=16))

    part = sum(f"by={id(polite)}" in one.url for one in world.requests) / len(world.requests)
    assert 0.2 < part < 0.33
    assert world.units >= 0.95 * (3_500 + 350 * 25)


def test_two_shares_of_one_app_are_in_one_budget() -> None:
    """A polite client beside another: what each uses, both count; the wish is its own."""
    ledger = MemoryLedger()
    polite, other = (Budget(share=share, ledger=ledger) for share in (0.3, 1.0))

    async def scenario() -> None:
        polite.leave(await polite.enter("x", 20), Outcome(20))
        other.leave(await other.enter("x", 5), Outcome(5))

    asyncio.run(scenario())

    with ledger.open() as bucket:
        assert bucket.used == 25
    assert (polite.unit_limit, other.unit_limit) == (105, None)
    assert find_budget("shares", 0.3) is find_budget("shares", 0.3)


# ---- Redis -------------------------------------------------------------------------------------


def serve_slowly(server: ScriptedServer, limit: float, pages: int = 120) -> Counter[bool]:
    """A Graph of one endless collection that allows `limit` units in ten seconds."""
    level, at, lock, counts = 0.0, time.monotonic(), threading.Lock(), Counter[bool]()

    def answer(request: Request) -> Answer:
        nonlocal level, at
        if "/users?" not in request.target:
            return Answer(400)
        with lock:
            now = time.monotonic()
            level, at = max(0.0, level - (now - at) * limit / WINDOW_S), now
            full = level + 1 > limit
            counts[full] += 1
            level += not full
            load = level / limit
        if full:
            return Answer(429, headers={"Retry-After": "1"})
        number = int(request.target.partition("$skiptoken=")[2] or 0) + 1
        link = f"{server.url}/v1.0/users?$skiptoken={number}" if number < pages else None
        told = page({"id": str(number)}, next_link=link)
        headers = {**(told.headers or {}), "x-ms-resource-unit": "1"}
        if load >= 0.8:
            headers["x-ms-throttle-limit-percentage"] = f"{load:.1f}"
        return told._replace(headers=headers)

    server.script = answer
    return counts


def test_processes_on_many_hosts_share_a_budget_by_redis(
    scripted: ScriptedServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Two real commands: hardly anything is refused, and Redis holds what they used together."""
    counts = serve_slowly(scripted, 150)
    path = scripted.write_parameters(tmp_path, budget_url=redis_server.url)
    words = ["-m", "graphdaemon", "users", path, "-f", "ndjson", "--allow-unproved"]
    running = [
        subprocess.Popen(
            [sys.executable, *map(str, words), "--proof", str(tmp_path / f"proof-{number}")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment() | {"XDG_CACHE_HOME": str(tmp_path / str(number))},
        )
        for number in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in running]

    assert [process.returncode for process in running] == [0, 0], outputs
    assert [len(out.splitlines()) for out, _ in outputs] == [120, 120]
    assert counts[False] == 240
    assert counts[True] <= 16
    assert redis_server.url.encode() not in outputs[0][1]
    proofs = [json.loads((tmp_path / f"proof-{number}").read_text()) for number in range(2)]
    assert find_used(redis_server, path) == sum(proof["units"] for proof in proofs)


COMMAND = """
import sys
from graphdaemon.cli import main
main(["users", sys.argv[1], "--allow-unproved"])
"""
WITH = """
import os, sys
import graphdaemon
with graphdaemon.load(sys.argv[1]) as client:
    list(client.list("users", proved=False))
os._exit(0)
"""
ASYNC_WITH = """
import asyncio, os, sys
import graphdaemon
async def work():
    async with graphdaemon.load(sys.argv[1]) as client:
        return [user async for user in client.list("users", proved=False)]
asyncio.run(work())
os._exit(0)
"""


@pytest.mark.parametrize(
    "program", [COMMAND, WITH, ASYNC_WITH], ids=["command", "with", "async with"]
)
def test_the_shortest_process_tells_what_it_used(
    scripted: ScriptedServer, redis_server: RedisServer, tmp_path: Path, program: str
) -> None:
    """Also one that works in a pool, whose processes end without Python's own end."""
    serve_slowly(scripted, 10_000, pages=1)
    path = scripted.write_parameters(tmp_path, budget_url=redis_server.url)

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert find_used(redis_server, path) >= 1


def find_used(server: RedisServer, path: Path) -> float:
    return RedisTotals(Secret(server.url), None, whose(path)).exchange(Totals()).used


def whose(path: Path) -> tuple[str | None, ...]:
    settings = read_settings(path, {})
    return settings.graph_root, settings.authority, settings.client_id


def test_a_listing_does_not_fail_with_redis(
    run: Run, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """No server at that address: one warning, without the password, and the whole listing."""
    answers = {"/v1.0/users": page({"id": "1"}), "/v1.0/users/$count": Answer(200, b"1")}
    scripted.script = lambda request: answers.get(request.target.partition("?")[0], Answer(400))
    url = "redis://:hunter2@127.0.0.1:1/0"

    # A process of its own: the thread that looks for Redis ends with it, and not in another test.
    done = run("users", scripted.write_parameters(tmp_path, budget_url=url), "-f", "ndjson")

    assert (done.returncode, done.stdout) == (0, '{"id": "1"}\n')
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget_url": "http://u:hunter2@h"}, "budget_url in the test is not a Redis address"),
        ({"budget_url": "redis://h", "budget_file": "x"}, "is given in addition to budget_file"),
    ],
)
def test_bad_settings_are_named(
    scripted: ScriptedServer, changes: dict[str, str], message: str
) -> None:
    """And the password in them is not."""
    with pytest.raises(SettingsError) as caught:
        read_settings(None, {}, scripted.settings(**changes))

    assert message.partition(" in the test ")[2] in str(caught.value)
    assert "hunter2" not in str(caught.value)
