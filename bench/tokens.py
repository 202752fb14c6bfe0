"""
What a token costs once there is one, how many are asked for when a thousand want one, and whether
ten thousand tenants slow that down.

    .venv/bin/python bench/tokens.py
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable

import msal

from graphdaemon.auth.token import Demand, Token, TokenSource

ROUNDS = 5
TENANTS = 10_000


def on_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def issue(_: Demand) -> Token:
    return Token("t" * 1800, time.time() + 3600, None, time.time())


def measure(work: Callable[[int], None], times: int) -> float:
    """Microseconds for each, the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work(times)
        rounds.append((time.perf_counter() - started) / times * 1e6)
    return statistics.median(rounds)


def hit(sources: list[TokenSource]) -> float:
    async def take(times: int) -> None:
        for number in range(times):
            await sources[number % len(sources)].token()

    return measure(lambda times: asyncio.run(take(times)), 200_000)


def miss(sources: list[TokenSource]) -> float:
    """Beside full ones: what an empty one adds to the request itself."""

    async def take(times: int) -> None:
        for number in range(times):
            await TokenSource(issue, lambda work: work(), key=("new", number)).token()

    assert sources
    return measure(lambda times: asyncio.run(take(times)), 2000)


def stampede(askers: int) -> tuple[int, float]:
    """How many requests ``askers`` tasks cause that find nothing, and how long they all wait."""
    asked: list[Demand] = []

    def slow(demand: Demand) -> Token:
        asked.append(demand)
        time.sleep(0.1)
        return issue(demand)

    async def all_of_them() -> None:
        source = TokenSource(slow, on_a_thread)
        await asyncio.gather(*(source.token() for _ in range(askers)))

    started = time.perf_counter()
    asyncio.run(all_of_them())
    return len(asked), time.perf_counter() - started


def msal_miss(entries: int) -> float:
    """Milliseconds that MSAL's own cache searches for what it does not hold."""
    cache = msal.TokenCache()
    for number in range(entries):
        cache.add(
            {
                "client_id": "app",
                "scope": ["https://graph.microsoft.com/.default"],
                "token_endpoint": f"https://login.microsoftonline.com/tenant{number}/v2.0/token",
                "response": {"access_token": "t" * 1800, "expires_in": 3600},
            }
        )
    query = {"client_id": "app", "environment": "login.microsoftonline.com", "realm": "none"}
    started = time.perf_counter()
    list(cache.search("AccessToken", target=["https://graph.microsoft.com/.default"], query=query))
    return (time.perf_counter() - started) * 1000


async def fill(sources: list[TokenSource]) -> None:
    for source in sources:
        await source.token()


def main() -> None:
    one = [TokenSource(issue, lambda work: work())]
    many = [TokenSource(issue, lambda work: work(), key=("t", n)) for n in range(TENANTS)]
    asyncio.run(fill(one + many))
    print(f"a token that is there, 1 tenant             {hit(one):8.2f} µs")
    print(f"a token that is there, {TENANTS} tenants        {hit(many):8.2f} µs")
    print(f"one more tenant beside {TENANTS}, request apart {miss(many):8.2f} µs")
    print(f"the same search in MSAL's own cache         {msal_miss(TENANTS) * 1000:8.0f} µs")
    requests, seconds = stampede(1000)
    print(f"1000 askers, token service at 100 ms        {requests} request, {seconds:.2f} s")


if __name__ == "__main__":
    main()
