"""Run several coroutines at the same time, and leave none of them running when one fails."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def gather(*works: Coroutine[Any, Any, T]) -> list[T]:
    """
    Await `works` at the same time, and return their results in the same order.

    If one fails, the others are cancelled, and its exception is raised when they have stopped.
    `asyncio.gather` alone would let the others run on, and nobody would see their exceptions.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
