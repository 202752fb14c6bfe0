"""An emulator that is killed while it writes has kept every write that it acknowledged."""

from __future__ import annotations

import http.client
import json
import os
import random
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

KILLS = int(os.environ.get("EMULATOR_KILLS", "2"))
SEED = os.environ.get("LISTING_SEED", "0")
WRITERS = 3

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]

SERVE = """
import json, sys, threading
from pathlib import Path
from entra_emulator.server.emulator import Emulator
with Emulator(data=Path(sys.argv[1]), users=5, throttle=False) as emulator:
    application = emulator.add_application("Writer", ["User.ReadWrite.All"])
    print(
        json.dumps([emulator.url, emulator.tenant.id, application.client_id, application.secret]),
        flush=True,
    )
    threading.Event().wait()
"""


@dataclass
class Served:
    """One life of the emulator, and a token for it."""

    process: subprocess.Popen[str]
    address: tuple[str, int]
    tls: ssl.SSLContext
    token: str = ""
    acknowledged: list[str] = field(default_factory=list)

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(*self.address, context=self.tls, timeout=60)

    def send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: str = ""
    ) -> tuple[int, bytes]:
        kind = "application/json" if self.token else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self.token}"}
        headers["ConsistencyLevel"] = "eventual"
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def write(self, prefix: str) -> None:
        """Make users until the emulator is gone; note those that it said it made."""
        connection = self.connect()
        with suppress(OSError, http.client.HTTPException):
            for number in range(100_000):
                name = f"{prefix}-{number}"
                user = {
                    "accountEnabled": True,
                    "displayName": name,
                    "mailNickname": name,
                    "userPrincipalName": f"{name}@contoso.example",
                    "passwordProfile": {"password": "Str0ng-and-long!"},
                }
                status, _ = self.send(connection, "POST", "/v1.0/users", json.dumps(user))
                if status == 201:
                    self.acknowledged.append(name)
        connection.close()

    def list_users(self) -> list[str]:
        """The names of all users."""
        connection, names = self.connect(), list[str]()
        link = "/v1.0/users?$select=displayName&$top=999"
        while link:
            status, body = self.send(connection, "GET", link)
            assert status == 200, body
            page = json.loads(body)
            names += [user["displayName"] for user in page["value"]]
            parts = urlsplit(page.get("@odata.nextLink", ""))
            link = f"{parts.path}?{parts.query}" if parts.path else ""
        status, body = self.send(connection, "GET", "/v1.0/users/$count")
        assert (status, int(body)) == (200, len(names)), "the kept number is that of the objects"
        connection.close()
        return names


@contextmanager
def serve(data: Path) -> Iterator[Served]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url, tenant_id, client_id, secret = json.loads(process.stdout.readline())
            parts = urlsplit(url)
            tls = ssl.create_default_context(cafile=str(data / "ca.pem"))
            served = Served(process, (parts.hostname or "", parts.port or 0), tls)
            form = {
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": secret,
                "scope": "https://graph.microsoft.com/.default",
            }
            connection = served.connect()
            path = f"/{tenant_id}/oauth2/v2.0/token"
            status, body = served.send(connection, "POST", path, urlencode(form))
            connection.close()
            assert status == 200, body
            served.token = json.loads(body)["access_token"]
            yield served
        finally:
            process.kill()


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    draws, acknowledged = random.Random(SEED), set[str]()
    for life in range(KILLS):
        with serve(tmp_path) as served:
            assert acknowledged <= set(served.list_users())
            writers = [
                threading.Thread(target=served.write, args=(f"life{life}-writer{number}",))
                for number in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            enough, pause = draws.randint(5, 400), threading.Event()
            while len(served.acknowledged) < enough:
                pause.wait(0.001)
            served.process.kill()
            for writer in writers:
                writer.join()
            acknowledged |= set(served.acknowledged)
    with serve(tmp_path) as served:
        assert acknowledged <= set(served.list_users())
    sys.stdout.write(f"{len(acknowledged)} acknowledged writes, {KILLS} kills")
