"""Real daemons on one PostgreSQL: one is killed, and the other one has all of its tenants."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from graphdaemon.store.leases import read_leases
from graphdaemon.store.store import open_store
from tests.support.daemon_process import run_daemon_process
from tests.support.gated_graph import is_listing, serving_gated
from tests.support.postgres_server import PostgresServer
from tests.support.pretend_graph import PretendGraph

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

TENANTS = [f"{number:08}-2222-4333-8444-555555555555" for number in range(1, 5)]


def test_a_daemon_takes_over_from_one_that_was_killed(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """A lease ends within a part of the interval, so that nobody is late by more than one."""
    world = PretendGraph([{"userPrincipalName": "ana@contoso.example"}])
    url = postgres_server.make_schema()
    folder = tmp_path / "tenants"
    folder.mkdir()
    arguments = ("users", "--tenants", folder, "--store", url, "--every", "6s")
    with serving_gated(world) as (server, gate):
        for tenant in TENANTS:
            path = folder / f"{tenant[:8]}.json"
            path.write_text(json.dumps(server.settings(authority=f"{server.url}/{tenant}")))
            path.chmod(0o600)
        gate.close(is_listing)
        with run_daemon_process(*arguments, folder=tmp_path) as first:
            gate.wait_until_reached()
            first.process.send_signal(signal.SIGSTOP)
            with open_store(url) as store:
                held = {lease.holder for lease in read_leases(store)} - {""}
            assert len(held) == 1
            with run_daemon_process(*arguments, folder=tmp_path) as second:
                second.wait_for("ready")
                first.process.kill()
                gate.open()
                second.wait_for("(baseline,", len(TENANTS))
                assert second.end(signal.SIGTERM) == 0

    with open_store(url) as store:
        leases = read_leases(store)
    assert {(lease.tenant, lease.rows, lease.failures) for lease in leases} == {
        (tenant, 1, 0) for tenant in TENANTS
    }
    assert {lease.holder for lease in leases} == {""}
