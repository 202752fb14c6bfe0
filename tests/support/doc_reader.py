"""Somebody who reads a page and types what it says, at a desk with a pretend tenant."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entra_emulator.server.emulator import Emulator
from entra_emulator.server.serve import READY_PERMISSIONS
from tests.support.doc_blocks import Step
from tests.support.emulator_probe import Probe
from tests.support.run_command import clean_environment
from tests.support.scripted_browser import Browser
from tests.support.user_flows import AZURE_CLI, NATIVE, Client, holder, sign_in

_PATIENCE_S = 60
_DIFFERS = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|127\.0\.0\.1:\d+|\d+(?:[.,]\d+)*"
)


@dataclass
class Reader:
    """
    A reader of one page.

    Attributes:
        emulator: The pretend tenant.
        probe: What reaches it without the client.
        folder: Where the page's commands are typed.
        programs: The folder of `graphdaemon` and `python`.
        replaced: What stands for what pages write.
        environment: The variables of the shell.
    """

    emulator: Emulator
    probe: Probe
    folder: Path
    programs: Path
    replaced: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    _serving: subprocess.Popen[str] | None = None
    _reading: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        self.environment = clean_environment() | {"PATH": path, "PYTHONUTF8": "1"}

    @property
    def administrator(self) -> str:
        """The user principal name of somebody who may consent."""
        return holder(self.emulator, "Global Administrator")

    def write_settings(
        self,
        name: str = "parameters.json",
        permissions: tuple[str, ...] = READY_PERMISSIONS,
        *,
        consent: bool = True,
        display_name: str = "Daemon-console",
    ) -> str:
        """The settings of a new app; returns its client ID."""
        app = self.emulator.add_application(display_name, permissions, consent=consent)
        self.write_json(name, app.parameters)
        return app.client_id

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a file that nobody else may read."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
        path.chmod(0o600)

    def copy(self, folder: Path) -> None:
        """Have what is in a folder of the checkout."""
        shutil.copytree(folder, self.folder, dirs_exist_ok=True)

    def sign_in_to_azure(self) -> None:
        """An Azure CLI that the administrator is signed in to; the tenant is the only cloud."""
        url = self.emulator.url
        self.environment |= {
            "GRAPHDAEMON_AUTHORITY_HOST": url,
            "GRAPHDAEMON_ENDPOINT": f"{url}/v1.0/users",
            "GRAPHDAEMON_CA_FILE": str(self.emulator.ca_file),
        }
        client = Client(self.probe, self.emulator.tenant, AZURE_CLI, NATIVE)
        tokens = client.tokens(self.administrator, "https://graph.microsoft.com/.default openid")
        answer = {
            "accessToken": tokens["access_token"],
            "expires_on": 1e10,
            "tenant": self.emulator.tenant.id,
            "tokenType": "Bearer",
        }
        folder = self.folder.parent / "azure"
        folder.mkdir()
        (folder / "az").write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
        (folder / "az").chmod(0o755)
        self.environment["PATH"] += f"{os.pathsep}{folder}"

    def do(self, step: Step, *, up: str | None = None, code: int = 0) -> None:
        """
        Do what the page says, and compare what is shown.

        Args:
            step: One step of the page.
            up: What a command without an end says once it works; it runs on, until the next.
            code: The exit code that the page speaks of.
        """
        text = self._replace(step.text)
        if step.language == "python":
            self._run_program(step, text, code)
        elif up is not None:
            self._serve(step, text, up)
        else:
            self._run_line(step, text, code)

    def leave(self) -> None:
        """End what is still running, as its reader would: by Ctrl-C."""
        if self._serving is None:
            return
        process, self._serving = self._serving, None
        with process:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            ended = process.wait(_PATIENCE_S)
            for thread in self._reading:
                thread.join()
        assert ended in {0, 130}, f"it ended with {ended}"

    def _replace(self, text: str) -> str:
        for written, meant in self.replaced.items():
            text = text.replace(written, meant)
        return text

    def _run_program(self, step: Step, code: str, exit_code: int) -> None:
        named = re.match(r"# (\w+\.py)\b", code)
        file = named[1] if named else "program.py"
        (self.folder / file).write_text(code, "utf-8")
        if named is None:
            self._run_line(step, f"python {file} parameters.json", exit_code)

    def _run_line(self, step: Step, line: str, code: int) -> None:
        process = self._start(line)
        with process:
            said = "".join(self._hear(process, lambda _: False))
            ended = process.wait()
        assert ended == code, f"{step.place}: {line}: ended with {ended}\n{said}"
        if step.output is not None:
            compare(step, said)

    def _serve(self, step: Step, line: str, up: str) -> None:
        self.leave()
        process = self._serving = self._start(line)
        said = self._hear(process, lambda text: re.search(up, text) is not None)
        assert said, f"{step.place}: it said nothing"
        assert re.search(up, said[-1]), f"{step.place}: {line}\n{''.join(said)}"
        # What nobody reads would fill the pipe.
        assert process.stdout is not None
        thread = threading.Thread(target=process.stdout.read, daemon=True)
        thread.start()
        self._reading = [thread]

    def _start(self, line: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def _hear(self, process: subprocess.Popen[str], is_enough: Callable[[str], bool]) -> list[str]:
        """What a process says; where it asks for a sign-in, the administrator signs in."""
        said: list[str] = []
        guard = threading.Timer(_PATIENCE_S, os.killpg, (process.pid, signal.SIGTERM))
        guard.start()
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said.append(line)
                entered = re.search(r"devicelogin.* code (\w+)", line)
                if entered is not None:
                    self._enter(entered[1])
                if is_enough(line):
                    break
        finally:
            guard.cancel()
        return said

    def _enter(self, code: str) -> None:
        browser = Browser(self.probe)
        browser.open(f"/devicelogin?user_code={code}")
        sign_in(browser, self.administrator)
        browser.press("accept")


def compare(step: Step, said: str) -> None:
    """Every line shown is said, in that order; … stands for what is left out."""
    assert step.output is not None
    rest = iter(said.splitlines())
    for line in step.output.splitlines():
        pattern = re.compile(".*".join(map(_generalise, line.rstrip().split("…"))))
        if line.strip("… ") and not any(pattern.match(one) for one in rest):
            raise AssertionError(f"{step.place}: it does not say\n{line}\n\nbut\n{said}")


def _generalise(text: str) -> str:
    """A pattern of the text, in which numbers and IDs are any."""
    pattern, end = "", 0
    for match in _DIFFERS.finditer(text):
        pattern += re.escape(text[end : match.start()])
        pattern += r"[0-9a-f-]{36}" if len(match[0]) == 36 else r"[\d.,:]+"
        end = match.end()
    return pattern + re.escape(text[end:])
