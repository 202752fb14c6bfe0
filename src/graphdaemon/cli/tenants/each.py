"""Do something for every tenant, several at a time, and tell how it went with each."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from graphdaemon.cli import terminal
from graphdaemon.errors import Error, OutputError, SettingsError
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import TenantFile

T = TypeVar("T")

AT_A_TIME = 8
"""How many tenants are worked at, so that a few slow ones hold nobody up."""

DOCUMENT_BEGINNING = b'{\n  "tenants":'
"""The first bytes of a file about several tenants."""


async def do_for_each(
    files: Sequence[TenantFile],
    work: Callable[[str, Settings], Awaitable[T]],
    at_a_time: int = AT_A_TIME,
) -> dict[str, T | Error]:
    """
    Do `work`, which gets name and settings, for each tenant; return what came of it, by name.

    Where a tenant fails, that is its failure. What all of them share ends all: an output that
    cannot be written.

    Raises:
        OutputError: The output could not be written.
        OutputClosedError: Whatever read it has closed it.
    """
    room = asyncio.Semaphore(at_a_time)

    async def do(file: TenantFile) -> T | Error:
        if isinstance(file.settings, SettingsError):
            return file.settings
        async with room:
            try:
                return await work(file.name, file.settings)
            except OutputError:
                raise
            except Error as error:
                return error

    tasks = [asyncio.ensure_future(do(file)) for file in files]
    try:
        outcomes = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {file.name: outcome for file, outcome in zip(files, outcomes, strict=True)}


def conclude(failures: Mapping[str, Sequence[Error]], count: int) -> int:
    """
    Show why tenants failed, by name, and return the exit code: that of the first of them.

    Args:
        failures: The failures of each tenant that has some.
        count: How many tenants there are.
    """
    # Not at the top: the package loads this module.
    from graphdaemon.cli import show

    for name, errors in failures.items():
        terminal.say(f"{name}:")
        for error in errors:
            show(error, "  ")
    if failures:
        names = ", ".join(failures)
        terminal.say(f"{len(failures)} of {count} tenants failed: {names}", hang=2)
    return next((errors[0].exit_code for errors in failures.values()), 0)


def describe_error(error: Error | None) -> dict[str, Any] | None:
    """Return an error as the documents about several tenants have it."""
    if error is None:
        return None
    from graphdaemon.log import redact

    return {
        "code": error.code,
        "message": redact(str(error)),
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


def render_document(members: Mapping[str, Any], exit_code: int) -> bytes:
    """Return the JSON about several tenants: a member for each, and the exit code of the whole."""
    whole = {"tenants": members, "exit_code": exit_code}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
