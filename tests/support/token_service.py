"""What the tests of the token service share: headers, keys, and a session for MSAL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msal
import requests

from tests.support.emulator_probe import App

ERROR_KEYS = (
    "error error_description error_codes timestamp trace_id correlation_id error_uri"
).split()
COMMON_HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "p3p": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    "x-xss-protection": "0",
    "content-type": "application/json; charset=utf-8",
}


class Session(requests.Session):
    """Keeps `verify` although the environment names a bundle of its own."""

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        merged = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {**merged, "verify": self.verify, "proxies": {}}


@contextmanager
def msal_daemon(
    app: App, credential: object, *, segment: str | None = None, **settings: Any
) -> Iterator[msal.ConfidentialClientApplication]:
    """Unmodified MSAL for an application that acts as itself."""
    emulator = app.probe.emulator
    with Session() as session:
        session.verify = str(emulator.ca_file)
        yield msal.ConfidentialClientApplication(
            app.client_id,
            authority=f"{emulator.url}/{segment or app.tenant.id}",
            client_credential=credential,
            instance_discovery=False,
            http_client=session,
            **settings,
        )
