"""Two syncs of one store: one works, and the other waits or says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.store.store import open_store
from graphdaemon.sync.record import SyncRecord
from tests.graphdaemon.sync.test_collection import add_users
from tests.support.sync_scene import SyncScene


def test_a_second_sync_says_that_the_store_is_busy(scene: SyncScene) -> None:
    """It does nothing, and can be run again."""
    add_users(scene, 3)
    scene.sync()
    with (
        open_store(scene.url) as other,
        other.hold(1, "users"),
        pytest.raises(StoreError) as caught,
    ):
        scene.sync()

    assert caught.value.code == "store_busy"
    assert scene.sync().how == "round"


class OnWaiting(logging.Handler):
    """Calls a function when something is said of waiting."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def emit(self, record: logging.LogRecord) -> None:
        if "waiting" in record.getMessage():
            self._act()


def test_a_second_sync_may_wait_for_the_first(scene: SyncScene) -> None:
    """It goes on when the first one has ended, and says meanwhile what it waits for."""
    add_users(scene, 3)
    scene.sync()

    assert sync_behind_another(scene).how == "round"


def test_the_first_sync_of_a_tenant_may_wait_as_well(scene: SyncScene) -> None:
    """Entering the tenant writes, too."""
    add_users(scene, 3)
    with open_store(scene.url):
        pass

    assert sync_behind_another(scene).how == "baseline"


def sync_behind_another(scene: SyncScene) -> SyncRecord:
    """Sync while another process works, which ends once this one says that it waits."""
    with open_store(scene.url) as other, ExitStack() as held:
        held.enter_context(other.hold(1, "users"))
        handler = OnWaiting(held.close)
        logger = logging.getLogger("graphdaemon.sync.store_lock")
        logger.addHandler(handler)
        try:
            return scene.sync(wait=60.0)
        finally:
            logger.removeHandler(handler)
