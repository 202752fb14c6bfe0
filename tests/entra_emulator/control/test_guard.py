"""Who may use the controls."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Scope

from entra_emulator.clock import Clock
from entra_emulator.content.life import Life
from entra_emulator.content.seed import choose_sizes, seed_directory
from entra_emulator.control.control_settings import ControlSettings
from entra_emulator.directory.directory import Directory
from entra_emulator.server.app import create_app
from entra_emulator.tokens.signing import KeyRing
from tests.support.control_api import control
from tests.support.emulator_probe import Probe, running


@pytest.fixture(scope="module")
def controlled(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("controlled")
    with running(keys, data, users=5, control=True) as probe:
        yield probe


@pytest.fixture(autouse=True)
def tidy(controlled: Probe) -> Iterator[None]:
    yield
    controlled.emulator.clock.resume()


def test_other_sites(controlled: Probe) -> None:
    """A web page cannot make a browser use the controls, whatever it sends."""
    url = controlled.emulator.url
    answers = [
        control(controlled, "POST", "/reset", {}, Origin="https://evil.example"),
        control(controlled, "POST", "/reset", {}, Origin="null"),
        control(controlled, "POST", "/reset", {}, Sec_Fetch_Site="cross-site"),
        control(controlled, "POST", "/reset", {}, Content_Type="text/plain"),
        control(controlled, "GET", "/", None, Host="graph.microsoft.com"),
        control(controlled, "POST", "/clock/freeze", {}, Origin=url, Sec_Fetch_Site="same-origin"),
    ]

    assert [answer.status for answer in answers] == [403, 403, 403, 415, 421, 200]


def test_other_names(launch: Callable[..., Probe]) -> None:
    """Under another of its names the emulator has no controls."""
    probe = launch(users=0, control=True, hostnames=("graph.contoso.example",))

    answer = control(probe, "GET", "/", Host="graph.contoso.example")

    assert (answer.status, answer.json()["error"]["code"]) == (403, "forbidden")


def test_off_unless_asked(probe: Probe) -> None:
    """An emulator that was not asked for it has no control API."""
    assert control(probe, "GET", "/").status == 404
    assert control(probe, "POST", "/reset", {}).status == 404


def call(app: Any, peer: tuple[str, int] | None, path: str) -> int:
    """The status of a GET from that peer, without a network."""
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": peer,
        "http_version": "1.1",
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    coroutine = app(scope, receive, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)  # it waits for nobody, so it needs no event loop
    status: int = sent[0]["status"]
    return status


def test_other_machines(keys: Path, tmp_path: Path) -> None:
    """Other machines have no controls."""
    directory = Directory(clock=Clock())
    seed_directory(directory, users=0)
    ring = KeyRing(keys, directory.clock)
    settings = ControlSettings(tmp_path, choose_sizes(0), 0, Life(directory), lambda _: None)
    app = create_app(directory, ring, control=settings)
    peers = [("127.0.0.1", 1), ("::1", 1), ("192.0.2.7", 1), None, ("testclient", 1)]

    statuses = [call(app, peer, "/_emulator/") for peer in peers]

    assert statuses == [200, 200, 403, 403, 403]
    directory.close()
