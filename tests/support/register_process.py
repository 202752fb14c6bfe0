"""A folder to run `graphdaemon register` in, as a child process, and somebody with a browser."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Probe, register
from tests.support.leak_search import Relay, find_leaks, read_files
from tests.support.run_command import clean_environment
from tests.support.scripted_browser import Browser
from tests.support.user_flows import AZURE_CLI, NATIVE, Client, holder, sign_in

ADMINISTRATOR = "Global Administrator"


class Desk:
    """A folder, an environment, and somebody with a browser."""

    def __init__(self, emulator: Emulator, relay: Relay, folder: Path) -> None:
        self.emulator, self.relay, self.folder = emulator, relay, folder
        self.probe = Probe(emulator)
        self.name = f"app-{uuid4().hex[:8]}"
        self.environment = clean_environment() | {
            "GRAPHDAEMON_AUTHORITY_HOST": relay.url,
            "GRAPHDAEMON_ENDPOINT": f"{relay.url}/v1.0/users",
            "GRAPHDAEMON_CA_FILE": str(relay.ca_file),
            "PYTHONUTF8": "1",
        }
        self.outputs: dict[str, bytes] = {}

    def start(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "graphdaemon", "register", "-vv", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self, *words: str, meet: Callable[[str], None] | None = None, named: bool = True
    ) -> tuple[int, str, str]:
        """Run it; ``meet`` gets the line that says how to sign in."""
        process = self.start([*(("--name", self.name) if named else ()), *words])
        assert process.stdout is not None
        assert process.stderr is not None
        out: list[bytes] = []
        reader = threading.Thread(target=lambda: out.append(process.stdout.read()))  # type: ignore[union-attr]  # asserted above
        reader.start()
        guard = threading.Timer(40, process.kill)
        guard.start()
        err = b""
        for line in process.stderr:
            err += line
            if meet is not None and b"devicelogin" in line and b"DEBUG" not in line:
                meet(line.decode())
        reader.join()
        code = process.wait(60)
        guard.cancel()
        process.stdout.close()
        process.stderr.close()
        number = len(self.outputs)
        self.outputs |= {f"stdout {number}": out[0], f"stderr {number}": err}
        return code, out[0].decode(), err.decode()

    def enter(self, user: str, button: str = "accept") -> Callable[[str], None]:
        """What somebody does with the code that is shown."""

        def act(line: str) -> None:
            match = re.search(r"code (\w+)", line)
            assert match is not None, line
            browser = Browser(self.probe)
            browser.open(f"/devicelogin?user_code={match[1]}")
            sign_in(browser, user)
            browser.press(button)

        return act

    @property
    def administrator(self) -> str:
        return holder(self.emulator, ADMINISTRATOR)

    def put_az(self, user: str) -> None:
        """An Azure CLI that somebody is signed in to; it notes how it was called."""
        client = Client(self.probe, self.emulator.tenant, AZURE_CLI, NATIVE)
        token = client.tokens(user, "https://graph.microsoft.com/.default openid")["access_token"]
        self.relay.heard.add(token)
        answer = {
            "accessToken": token,
            "expires_on": 1e10,
            "tenant": self.emulator.tenant.id,
            "tokenType": "Bearer",
        }
        self.put_program(f"print({json.dumps(answer)!r})")

    def put_program(self, line: str) -> None:
        folder = self.folder.parent / "bin"
        folder.mkdir(exist_ok=True)
        az = folder / "az"
        az.write_text(
            f"#!{sys.executable}\nimport sys\n"
            f"open({str(folder / 'called')!r}, 'w').write(' '.join(sys.argv[1:]))\n{line}\n"
        )
        az.chmod(0o755)
        self.environment["PATH"] = f"{folder}:{os.environ['PATH']}"

    @property
    def called(self) -> str:
        """What Azure CLI was asked."""
        return (self.folder.parent / "bin" / "called").read_text()

    def use_app(self, *permissions: str) -> str:
        """Settings of an app that may register others."""
        app = register(self.probe, *permissions, name="Registrar")
        settings = {
            "authority": f"{self.relay.url}/{self.emulator.tenant.id}",
            "client_id": app.client_id,
            "secret": app.secret,
            "endpoint": f"{self.relay.url}/v1.0/users",
            "ca_file": str(self.relay.ca_file),
        }
        path = self.folder.parent / "registrar.json"
        path.write_text(json.dumps(settings))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        return str(path)

    @property
    def settings(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads((self.folder / "parameters.json").read_text())
        return values

    def list_leaks(self) -> list[str]:
        """Where a token, a secret or a private key is that does not belong there."""
        key = self.folder / "parameters.pem"
        lines = key.read_text().partition("-----BEGIN CERT")[0] if key.exists() else ""
        values = {*self.relay.heard, *(line for line in lines.splitlines()[1:-1] if len(line) > 16)}
        texts = read_files(self.folder, [key, self.folder / "parameters.json"]) | self.outputs
        return find_leaks(values, texts)
