"""`graphdaemon sync --tenants`: the directories of several tenants, each into its store."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.interrupt import run_async
from graphdaemon.cli.run_sync import SyncOrder, describe_gone, describe_report, sync_one
from graphdaemon.cli.sync_arguments import add_store
from graphdaemon.cli.tenants.each import (
    AT_A_TIME,
    DOCUMENT_BEGINNING,
    conclude,
    describe_error,
    do_for_each,
    render_document,
)
from graphdaemon.cli.tenants.folder import load_folder
from graphdaemon.client.client import Client
from graphdaemon.errors import Error
from graphdaemon.output.atomic_file import AtomicFile
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import TenantFile
from graphdaemon.store.location import read_location
from graphdaemon.sync.run import SyncReport

_Synced = tuple[SyncReport, list[Error]]
_Outcomes = Mapping[str, _Synced | Error]


def sync_tenants(folder: Path, parameters: Path | None, order: SyncOrder) -> int:
    """
    Sync each tenant of a folder, and return the exit code.

    Raises:
        SettingsError: The folder has no settings file.
        UsageError: The options contradict each other.
        OutputError: The report could not be written.
    """
    files = load_folder(folder, parameters)
    _add_stores(files, order)
    proof = order.arguments["proof"]
    document = None if proof is None else AtomicFile(proof, beginning=DOCUMENT_BEGINNING)
    try:
        outcomes = run_async(_sync_each(files, order))
        failures = {name: failed for name, one in outcomes.items() if (failed := _failures(one))}
        code = conclude(failures, len(files))
        members = {name: _describe(outcome) for name, outcome in outcomes.items()}
        rendered = render_document(members, code)
        if order.arguments["as_json"]:
            terminal.print_lines(rendered.decode().rstrip())
        if document is not None:
            document.write(rendered)
            document.commit()
        return code
    finally:
        if document is not None:
            document.discard()


async def _sync_each(files: Sequence[TenantFile], order: SyncOrder) -> _Outcomes:
    # SQLite has one writer, and PostgreSQL any number.
    room: defaultdict[Path | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))
    room[None] = asyncio.Semaphore(AT_A_TIME)

    async def work(name: str, settings: Settings) -> _Synced:
        path = read_location(order.choose_store(settings)).path
        # A tenant that gives no token would otherwise keep the others from the store meanwhile.
        async with Client(settings, share=order.share) as client:
            await client.graph.tokens.token()
            async with room[path]:
                report, failures = await sync_one(client, order)
        if failures or not order.arguments["quiet"]:
            for line in describe_report(report):
                terminal.say(f"{name}: {line}", hang=2)
        for failure in failures:
            for line in describe_gone(failure):
                terminal.say(f"{name}: gone: {line}", hang=2)
        return report, failures

    return await do_for_each(files, work)


def _add_stores(files: Sequence[TenantFile], order: SyncOrder) -> None:
    """Note the file of each store once, since any number of tenants may share one."""
    usable = [file.settings for file in files if isinstance(file.settings, Settings)]
    for url in sorted({order.choose_store(settings) for settings in usable}):
        add_store(click.get_current_context(), url)


def _failures(outcome: _Synced | Error) -> list[Error]:
    return [outcome] if isinstance(outcome, Error) else outcome[1]


def _describe(outcome: _Synced | Error) -> dict[str, Any]:
    """What the report says of one tenant."""
    report = None if isinstance(outcome, Error) else outcome[0]
    return {"error": describe_error(next(iter(_failures(outcome)), None)), "report": report}
