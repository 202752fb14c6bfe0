"""What the emulator's tests send, and the application they send it as."""

import http.client
import json
import shutil
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from entra_emulator.model.records import Tenant
from entra_emulator.server.emulator import Emulator
from entra_emulator.server.shared_parts import SharedParts

GRAPH_SCOPE = "https://graph.microsoft.com/.default"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        code: str = self.json()["error"]["code"]
        return code

    @property
    def message(self) -> str:
        message: str = self.json()["error"]["message"]
        return message


class Probe:
    """A bare HTTPS client: what is sent is what the test says, and nothing else."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._tls = ssl.create_default_context(cafile=str(emulator.ca_file))
        self._local = threading.local()

    def send(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        target = target.removeprefix(self.emulator.url)
        reused = getattr(self._local, "connection", None) is not None
        connection = self._connect()
        sent = False
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            sent = True
            # Its file keeps the socket open when the body is broken off, whatever else is closed.
            with connection.getresponse() as response:
                content = response.read()
        except (ConnectionError, ssl.SSLEOFError) as error:
            self.close()
            closed = not sent or isinstance(error, http.client.RemoteDisconnected)
            if not (reused and closed):
                raise
            # A server may close an idle connection at any time (RFC 9112, 9.3).
            return self.send(method, target, headers=headers, body=body)
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, content)

    def get(self, target: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("GET", target, headers=named)

    def post(self, target: str, form: Mapping[str, str], **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return self.send("POST", target, headers=named, body=urlencode(form).encode())

    def close(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connect(self) -> http.client.HTTPSConnection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            parts = urlsplit(self.emulator.url)
            assert parts.hostname
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, context=self._tls, timeout=60
            )
            self._local.connection = connection
        assert isinstance(connection, http.client.HTTPSConnection)
        return connection


@dataclass(frozen=True)
class App:
    """A registered application with a secret, and the probe it speaks through."""

    probe: Probe
    tenant: Tenant
    client_id: str
    secret: str

    @property
    def token_path(self) -> str:
        return f"/{self.tenant.id}/oauth2/v2.0/token"

    def form(self, **changes: str | None) -> dict[str, str]:
        values: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": GRAPH_SCOPE,
        }
        return {k: v for k, v in (values | changes).items() if v is not None}

    def token(self, **changes: str | None) -> str:
        answer = self.probe.post(self.token_path, self.form(**changes))
        assert answer.status == 200, answer.body
        token: str = answer.json()["access_token"]
        return token

    def get(self, target: str, token: str | None = None, **headers: str) -> Answer:
        bearer = f"Bearer {token or self.token()}"
        return self.probe.get(target, Authorization=bearer, **headers)


def register(
    probe: Probe,
    *roles: str,
    name: str = "Nightly sync",
    redirects: tuple[str, ...] = (),
    tenant: Tenant | None = None,
) -> App:
    tenant = tenant or probe.emulator.tenant
    app = probe.emulator.add_application(name, roles, redirect_uris=redirects, tenant=tenant)
    return App(probe, tenant, app.client_id, app.secret)


@contextmanager
def running(keys: Path, data: Path, **settings: Any) -> Iterator[Probe]:
    """An emulator of the test's own; it borrows signing keys, which take long to make."""
    data.mkdir(exist_ok=True)
    if not (data / "signing-keys.pem").exists():
        shutil.copy(keys, data / "signing-keys.pem")
    with Emulator(data=data, **settings) as emulator:
        probe = Probe(emulator)
        yield probe
        probe.close()


@contextmanager
def running_in_memory(shared: SharedParts, **settings: Any) -> Iterator[Probe]:
    """An emulator of the test's own that took a hundredth of a second to make."""
    with Emulator(shared=shared, **settings) as emulator:
        probe = Probe(emulator)
        yield probe
        probe.close()
