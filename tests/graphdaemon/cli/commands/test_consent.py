"""`graphdaemon consent`: the page, opened on request, and waited for with a limit."""

import sys
import threading
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.client_app import App, register
from tests.support.emulator_probe import Probe
from tests.support.run_command import Command, Run, WriteParameters
from tests.support.scripted_browser import Browser
from tests.support.user_flows import holder, sign_in


@pytest.fixture
def waiting(emulator: Emulator, key_pair: tuple[str, bytes]) -> App:
    """An app that asks for User.Read.All, and has no consent."""
    return register(emulator, key_pair, consent=False)


def agree(emulator: Emulator, url: str) -> None:
    """What an administrator does in a browser."""
    probe = Probe(emulator)
    browser = Browser(probe)
    browser.open(url)
    sign_in(browser, holder(emulator, "Global Administrator"))
    browser.press("accept")
    probe.close()


def test_the_page_grants_what_the_app_asks_for(
    command: Command, parameters: WriteParameters, emulator: Emulator, waiting: App
) -> None:
    """An administrator who opens what is printed, and accepts, has consented."""
    path = parameters(client_id=waiting.client_id, secret=waiting.secret)
    outcome = command("consent", path)

    agree(emulator, outcome.out.decode().strip())

    assert outcome.code == 0
    assert "AADSTS500113" in outcome.err
    assert command("users", path).code == 0


def test_waiting_ends_when_consent_is_visible(
    run: Run, parameters: WriteParameters, emulator: Emulator, waiting: App
) -> None:
    """The real command waits while an administrator consents in a browser."""
    path = parameters(client_id=waiting.client_id, secret=waiting.secret)
    url = f"{emulator.url}/{emulator.tenant.id}/adminconsent?client_id={waiting.client_id}"
    administrator = threading.Thread(target=agree, args=(emulator, url))
    administrator.start()

    done = run("consent", path, "--wait", "30")
    administrator.join()

    assert (done.returncode, done.stdout.strip()) == (0, url)
    assert "Waiting up to 30 s for User.Read.All" in done.stderr
    assert done.stderr.splitlines()[-1] == "Granted: User.Read.All"


def test_waiting_has_a_limit_and_an_exit_code(
    command: Command, parameters: WriteParameters, waiting: App
) -> None:
    """What the newest token has is said, and where to consent."""
    path = parameters(client_id=waiting.client_id, secret=waiting.secret)

    outcome = command("consent", path, "--wait", "0.05")

    assert outcome.code == 4
    assert "the newest token has: no role" in outcome.err
    assert "adminconsent?client_id=" in outcome.err.splitlines()[-1]


def test_the_file_may_stand_behind_a_bare_wait(
    command: Command, parameters: WriteParameters
) -> None:
    """`--wait parameters.json` is what people write."""
    outcome = command("consent", "--wait", parameters())

    assert outcome.code == 0
    assert outcome.err.splitlines()[-1] == "Granted: User.Read.All"


@pytest.mark.parametrize("wait", ["soon", "0", "-1", "1e9", "nan"])
def test_a_wait_that_is_none_is_a_usage_error(
    command: Command, parameters: WriteParameters, wait: str
) -> None:
    """Seconds, and not too many."""
    assert command("consent", parameters(), "--wait", wait).code == 2


def test_the_page_is_opened_on_request(
    run: Run, parameters: WriteParameters, tmp_path: Path
) -> None:
    """In the browser that $BROWSER names."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n"
    )
    browser.chmod(0o755)

    done = run("consent", parameters(), "--open", env={"BROWSER": f"{browser} %s"})

    assert done.returncode == 0
    assert opened.read_text() == done.stdout.strip()
