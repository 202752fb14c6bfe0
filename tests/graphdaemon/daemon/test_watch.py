"""What runs beside the daemon's loop: here, finding out when credentials end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from graphdaemon.daemon.events import DaemonEvent
from graphdaemon.daemon.options import DaemonOptions, TenantFiles
from graphdaemon.daemon.run import Daemon
from graphdaemon.daemon.watch import examine_daily
from graphdaemon.settings.tenants import read_tenant_file
from graphdaemon.store.credential_ends import CredentialEnd, read_credential_ends
from graphdaemon.store.store import open_store
from tests.support.run_command import WriteParameters

PATIENCE_S = 30.0


@pytest.fixture
def daemon(parameters: WriteParameters, store_url: str) -> Daemon:
    """One that has begun, with the settings of one tenant."""
    open_store(store_url).close()
    told: list[DaemonEvent] = []
    files = TenantFiles(list, lambda file: file)
    made = Daemon(DaemonOptions(store_url, 300, files, ()), told.append)
    made.state.ready = True
    made.state.files = [read_tenant_file(parameters(), {})]
    return made


def test_ends_are_noted_once_the_daemon_is_ready_and_again_when_settings_change(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S), examine_daily(daemon):
            (first,) = await wait_for(daemon, 1)
            assert (first.name, first.kind, first.ends) == ("parameters", "secret", "")
            other = tmp_path / "other.json"
            other.write_bytes((tmp_path / "parameters.json").read_bytes())
            other.chmod(0o600)
            daemon.state.files = [*daemon.state.files, read_tenant_file(other, {})]
            rows = await wait_for(daemon, 2)
            assert [row.name for row in rows] == ["other", "parameters"]
            # Only what is new was examined.
            assert rows[1] == first

    asyncio.run(main())


async def wait_for(daemon: Daemon, count: int) -> list[CredentialEnd]:
    """Look again and again until so many are noted."""
    while True:
        with open_store(daemon.options.store, create=False) as store:
            rows = read_credential_ends(store)
        if len(rows) == count:
            return rows
        await asyncio.sleep(0.05)
