"""A Node program with @azure/identity, axios and Graph's own client through `emulator exec`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.exec_run import METHODS, run_exec

SCRIPT = Path(__file__).parent / "node/identity.mjs"


@pytest.mark.parametrize("method", METHODS)
def test_a_node_program_lists(method: str) -> None:
    """Node's own fetch and https, which heed no proxy, among them."""
    done = run_exec(method, "node", SCRIPT)

    assert (done.returncode, done.stdout) == (0, "250 250 250 200\n"), done.stderr
