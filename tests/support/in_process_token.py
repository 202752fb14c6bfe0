"""A token from an emulator that is reached without a socket, by unmodified MSAL."""

from typing import Any

import msal

from entra_emulator.server.emulator import Emulator
from entra_emulator.server.emulator_application import EmulatorApplication

SCOPE = ["https://graph.microsoft.com/.default"]


def get_token(
    emulator: Emulator,
    application: EmulatorApplication | None = None,
    credential: Any = None,
) -> str:
    application = application or emulator.application
    with emulator.requests_session() as session:
        client = msal.ConfidentialClientApplication(
            application.client_id,
            authority=emulator.authority,
            client_credential=credential or application.secret,
            http_client=session,
            # Only Microsoft's own hosts are known to it.
            instance_discovery=None if emulator.settings.in_process else False,
        )
        answer = client.acquire_token_for_client(SCOPE)
    assert "access_token" in answer, answer
    token: str = answer["access_token"]
    return token
