"""What systemd hears, by a socket as it has one."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdaemon.daemon.events import make_event
from graphdaemon.daemon.service_manager import ServiceManager


class Receiver:
    """The other end of the socket."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(10)

    def hear(self) -> list[str]:
        return self._socket.recv(4096).decode().split("\n")

    def hears_nothing(self) -> bool:
        self._socket.setblocking(False)
        try:
            self._socket.recv(4096)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """What `NOTIFY_SOCKET` says."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = str(Path(folder) / "notify")
        yield path if request.param == "path" else f"@{path}"


@pytest.fixture
def receiver(address: str) -> Iterator[Receiver]:
    made = Receiver(address.replace("@", "\0"))
    yield made
    made.close()


def test_the_life_of_a_service(address: str, receiver: Receiver) -> None:
    """Ready, reading settings, ready again, ending; each with what it does, in one line."""
    manager = ServiceManager({"NOTIFY_SOCKET": address})

    manager.tell(make_event("ready"))
    assert receiver.hear() == ["READY=1", "STATUS=ready"]
    manager.note_reload()
    reloading, at = receiver.hear()
    assert reloading == "RELOADING=1"
    assert at.removeprefix("MONOTONIC_USEC=").isdecimal()
    manager.tell(
        make_event("reload_failed", name="n", code="c", message="bad\nSTOPPING=1", hint="")
    )
    assert receiver.hear() == ["READY=1", "STATUS=the old settings stay: bad STOPPING=1"]
    manager.tell(make_event("stopping", running=1))
    assert receiver.hear() == ["STOPPING=1", "STATUS=ending (tenants being worked at: 1)"]
    manager.tell(make_event("lease_lost", tenant="t", name="t", collection="users"))
    assert receiver.hears_nothing()


def test_the_watchdog_is_fed_twice_in_its_time(address: str, receiver: Receiver) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000000"})

    manager.feed_watchdog(100.0)
    assert receiver.hear() == ["WATCHDOG=1"]
    manager.feed_watchdog(109.0)
    assert receiver.hears_nothing()
    manager.feed_watchdog(110.0)
    assert not receiver.hears_nothing()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "much"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": ""},
    ],
)
def test_no_watchdog_that_is_for_this_process(environment: dict[str, str]) -> None:
    assert ServiceManager(environment).watchdog is None


def test_the_watchdog_of_this_process() -> None:
    environment = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    assert ServiceManager(environment).watchdog == 30


@pytest.mark.parametrize("address", ["", "vsock:1:2", "/nowhere/at/all"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    ServiceManager({"NOTIFY_SOCKET": address}).send("READY=1")
