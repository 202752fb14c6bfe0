"""
What a protected API takes for a request: with a token it has seen, with a new one, with a bad one;
and how often the keys are fetched when a thousand requests at once name one that is not known.

    .venv/bin/python -m bench.protect
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from graphdaemon import protect
from tests.support.certificates_and_assertions import make_key
from tests.support.protected_api_scene import API, ROLE, Scene, sign, staging

ROUNDS = 9
# What the documentation promises, in microseconds.
SEEN_LIMIT, NEW_LIMIT = 5.0, 150.0


def measure(work: Callable[[int], None], times: int) -> float:
    """Microseconds of CPU for each, the median of some rounds; it waits for nothing."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work(times)
        rounds.append((time.thread_time() - started) / times * 1e6)
    return statistics.median(rounds)


def seen(api: protect.ProtectedApi, token: str) -> float:
    header = f"Bearer {token}"

    def work(times: int) -> None:
        for _ in range(times):
            api.check(header)

    return measure(work, 20_000)


def seen_async(api: protect.ProtectedApi, token: str) -> float:
    header = f"Bearer {token}"

    async def call(times: int) -> None:
        for _ in range(times):
            await api.check_async(header)

    return measure(lambda times: asyncio.run(call(times)), 20_000)


def new(api: protect.ProtectedApi, scene: Scene) -> float:
    headers = iter([f"Bearer {scene.token(uti=str(n))}" for n in range(500 * ROUNDS)])

    def work(times: int) -> None:
        for _ in range(times):
            api.check(next(headers))

    return measure(work, 500)


def bad(api: protect.ProtectedApi, token: str) -> float:
    def work(times: int) -> None:
        for _ in range(times):
            try:
                api.check(f"Bearer {token}")
            except protect.CallerRefusedError:
                continue
            raise AssertionError("it was let in")

    return measure(work, 1_000)


def count_fetches(scene: Scene) -> int:
    """Requests for keys that a thousand tokens of unknown keys cause, all sent at once."""
    api = scene.api()
    api.validate(scene.token())
    before = scene.key_fetches
    claims, key = scene.claims(), make_key(9)
    tokens = [sign({"alg": "RS256", "kid": f"kid {n}"}, claims, key) for n in range(1000)]

    async def call_all() -> None:
        calls = (api.validate_async(token) for token in tokens)
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(call_all())
    return scene.key_fetches - before


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, staging(Path(folder)) as scene:
        # As long as real ones are, which have 1,200 to 1,600 signs.
        more = {"aio": "a" * 90, "rh": "r" * 50, "idtyp": "app", "azpacr": "1"}
        token = scene.token(**more)
        strange = scene.token(aud="https://graph.microsoft.com", **more)
        forged = f"{token[:-8]}AAAAAAAA"
        print(
            f"a token of {len(token)} signs for {API}, with the role {ROLE}; medians, in µs of CPU"
        )
        api = scene.api()
        api.validate(token)
        rows = [
            ("seen before", seen(api, token), SEEN_LIMIT),
            ("seen before, async", seen_async(api, token), SEEN_LIMIT),
            ("new", new(scene.api(), scene), NEW_LIMIT),
            ("for another API", bad(api, strange), NEW_LIMIT),
            ("with a wrong signature", bad(api, forged), NEW_LIMIT),
        ]
        for name, microseconds, limit in rows:
            print(f"  {name:24} {microseconds:7.1f}   (at most {limit:g})")
        print(f"1,000 requests at once with unknown keys: {count_fetches(scene)} fetch of keys")


if __name__ == "__main__":
    main()
