"""A disk that fills up while the emulator serves."""

import logging
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.emulator_probe import Probe, register
from tests.support.graph_writer import Writer


def test_a_change_without_room_is_refused_and_leaves_no_trace(
    launch: Callable[..., Probe], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Reading goes on, and so do changes once there is room."""
    probe = launch(users=3, data=tmp_path / "data", throttle=False)
    app = register(probe, "Group.ReadWrite.All")
    writer = Writer(app, app.token())
    before = app.get("/v1.0/groups", writer.token).body
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = tmp_path / "data" / "directory.sqlite-wal"
    group = {
        "displayName": "G",
        "mailNickname": "g",
        "mailEnabled": False,
        "securityEnabled": True,
        "description": "x" * 1000,
    }

    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, limits[1]))
    try:
        with caplog.at_level(logging.WARNING):
            refused = writer.send("POST", "/groups", group)
        read = app.get("/v1.0/groups", writer.token)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert refused.status == 507
    assert "make room on the disk" in caplog.text
    assert (read.status, read.body) == (200, before)
    assert writer.send("POST", "/groups", group).status == 201
