from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from entra_emulator.clock import Clock
from tests.support.emulator_probe import Probe
from tests.support.scripted_browser import Browser
from tests.support.user_flows import WEB, Client, ordinary, sign_in, web_client


def test_session_ends(launch: Callable[..., Probe]) -> None:
    """A session ends after a day, or when the user's sign-ins are revoked."""
    clock = Clock(at=1_800_000_000)
    probe = launch(users=40, clock=clock)
    client, user = web_client(probe), ordinary(probe.emulator)
    browser = Browser(probe)
    client.visit(user, browser)

    def code(browser: Browser) -> int | None:
        arrival = browser.open(client.link(prompt="none"))
        assert arrival is not None
        return None if "code" in arrival.values else arrival.code

    found = [code(browser)]
    clock.move(86_399)
    found.append(code(browser))
    clock.move(1)
    found.append(code(browser))
    browser.open(client.link())
    sign_in(browser, user)
    found.append(code(browser))
    clock.move(1)
    probe.emulator.directory.users.revoke_sign_ins(client.tenant, user)
    found.append(code(browser))

    assert found == [None, None, 50058, None, 50058]


def test_session_survives_restart(launch: Callable[..., Probe], tmp_path: Path) -> None:
    """Sessions, consent and codes are in the directory's file."""
    first = launch(users=20, data=tmp_path / "kept")
    client, user = web_client(first), ordinary(first.emulator)
    browser = Browser(first)
    code = client.visit(user, browser).values["code"]
    first.close()
    first.emulator.stop()
    second = launch(users=20, data=tmp_path / "kept")
    again = Client(second, client.tenant, client.client_id, WEB, client.secret)
    browser.probe = second

    arrival = browser.open(again.link(prompt="none"))

    assert arrival is not None
    assert "code" in arrival.values
    assert again.redeem(code=code).status == 200
