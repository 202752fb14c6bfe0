"""Do several things at the same time, and leave none of them behind when one fails."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def gather(*works: Coroutine[Any, Any, T]) -> list[T]:
    """
    Await `works` at the same time, and return their results in the same order.

    If one fails: cancel the rest, wait until they have stopped, re-raise. `asyncio.gather` alone
    would let the rest go on, with nobody to notice what becomes of them.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
