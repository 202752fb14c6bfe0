"""azure-identity's device code credential, with a scripted browser in its user's place."""

from __future__ import annotations

from datetime import datetime

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DeviceCodeCredential

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Probe
from tests.support.scripted_browser import Browser
from tests.support.user_flows import AZURE_CLI, holder, sign_in


@pytest.fixture
def browser(emulator: Emulator) -> Browser:
    return Browser(Probe(emulator))


def credential(
    emulator: Emulator, browser: Browser, button: str
) -> tuple[DeviceCodeCredential, str]:
    user = holder(emulator, "Global Administrator")

    def act(_: str, user_code: str, __: datetime) -> None:
        browser.open(f"/devicelogin?user_code={user_code}")
        sign_in(browser, user)
        browser.press(button)

    made = DeviceCodeCredential(
        AZURE_CLI,
        tenant_id=emulator.tenant.id,
        prompt_callback=act,
        authority=emulator.url,
        disable_instance_discovery=True,
    )
    return made, user


def test_approved(emulator: Emulator, browser: Browser) -> None:
    """The user types the code and accepts; the token is theirs."""
    made, user = credential(emulator, browser, "accept")
    with made:
        token = made.get_token("https://graph.microsoft.com/.default").token

    assert jwt.decode(token, options={"verify_signature": False})["upn"] == user


def test_declined(emulator: Emulator, browser: Browser) -> None:
    """The user declines, and the credential says so."""
    made, _ = credential(emulator, browser, "cancel")
    with made, pytest.raises(ClientAuthenticationError, match=r"(?i)declined"):
        made.get_token("https://graph.microsoft.com/.default")
