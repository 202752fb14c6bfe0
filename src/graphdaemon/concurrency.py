"""Several things at once, of which nothing is left when one of them fails."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def gather(*works: Coroutine[Any, Any, T]) -> list[T]:
    """
    Do `works` at the same time; the first failure ends the others, and is raised when they have.

    `asyncio.gather` lets them go on, with nobody to hear of it.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
