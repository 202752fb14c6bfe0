"""A Graph with a throttle budget, and many who ask it as fast as they may."""

import asyncio

from graphdaemon.graph.graph import Graph
from tests.support import virtual_time
from tests.support.pretend_graph import ROOT, PretendGraph


def make_world(limit: float | None, **about: object) -> PretendGraph:
    return PretendGraph(
        [{"id": "x", "userPrincipalName": "x"}],
        latency=0.02,
        limit=limit,
        **about,  # type: ignore[arg-type]  # what a test says about it
    )


async def swarm(graphs: list[Graph], seconds: float, workers: int = 40) -> int:
    """Ask as fast as each graph's budget allows; return how many answers came."""
    end = virtual_time.now() + seconds
    answered = 0

    async def work(graph: Graph, name: str) -> None:
        nonlocal answered
        while virtual_time.now() < end:
            await graph.get(f"{ROOT}/users/x?by={name}", needs="User.Read.All")
            answered += 1

    names = [(graph, f"{id(graph)}-{number}") for graph in graphs for number in range(workers)]
    await asyncio.gather(*(work(*one) for one in names))
    return answered
