"""The example of an API of one's own, installed and run as its README says."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import App, Probe, register
from tests.support.places import ROOT
from tests.support.run_command import clean_environment
from tests.support.shipped_package import environment_with

EXAMPLE = ROOT / "examples" / "4-Call-Own-Api"
READ, WRITE = "Orders.Read.All", "Orders.ReadWrite.All"


@pytest.fixture(scope="module")
def programs(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what requirements.txt asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("example")
    first, *others = (EXAMPLE / "requirements.txt").read_text().splitlines()
    assert first == "graphdaemon[api]"
    return environment_with(uv, folder / "venv", f"{first} @ {wheel.as_uri()}", *others)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """A tenant of its own, since its keys are rotated."""
    with Emulator(users=5) as emulator:
        yield emulator


class Place:
    """The example's folder, filled in for a tenant; a caller with a role, and its API running."""

    def __init__(self, folder: Path, programs: Path, emulator: Emulator, probe: Probe) -> None:
        shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
        self.folder, self.programs, self.emulator = folder, programs, emulator
        directory, tenant = emulator.directory, emulator.tenant
        self.api = directory.applications.register(tenant, "Orders API").app_id
        directory.applications.expose_api(
            tenant, self.api, app_roles=[(READ, "Read"), (WRITE, "Write")], token_version=2
        )
        self.caller: App = register(probe, name="Orders caller")
        self.probe = probe
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.authority = f"{emulator.url}/{tenant.id}"

    def fill(self, name: str, **values: Any) -> None:
        path = self.folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
        path.chmod(0o600)

    def fill_in(self, **changes: Any) -> None:
        """What step 5 and step 6 of the README say."""
        trusted = self.folder / "trusted"
        trusted.mkdir(exist_ok=True)
        shutil.copy(self.emulator.ca_file, trusted / "tenant.pem")
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(trusted / "api.pem"))
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(str(self.folder / "api.key"))
        issued.cert_chain_pems[0].write_to_path(str(self.folder / "api.pem"))
        self.fill(
            "api_parameters.json",
            authority=self.authority,
            client_id=self.api,
            ca_file=str(self.emulator.ca_file),
        )
        values = {
            "authority": self.authority,
            "client_id": self.caller.client_id,
            "secret": self.caller.secret,
            "scope": [f"api://{self.api}/.default"],
            "endpoint": f"https://localhost:{self.port}/orders",
            "ca_file": "trusted",
        }
        self.fill("parameters.json", **(values | changes))

    def grant(self, role: str) -> None:
        directory, tenant = self.emulator.directory, self.emulator.tenant
        directory.applications.add_application_permission(
            tenant, self.caller.client_id, role, resource_app_id=self.api
        )
        directory.consents.grant_admin_consent(tenant, self.caller.client_id)

    def run(self, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.programs / words[0]), *words[1:]],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            input=text,
            timeout=120,
        )

    def call(self) -> subprocess.CompletedProcess[str]:
        return self.run("python", "call_orders.py", "parameters.json")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The API, by the command of the README but for the port."""
        words = ["--port", str(self.port), "--ssl-keyfile", "api.key", "--ssl-certfile", "api.pem"]
        process = subprocess.Popen(
            [self.programs / "uvicorn", "orders_api:app", *words],
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            self._await(process)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)
            assert process.stderr is not None
            process.stderr.close()

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, process.stderr and process.stderr.read()
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("it does not listen")


@pytest.fixture
def place(tmp_path: Path, programs: Path, running: Emulator) -> Iterator[Place]:
    with closing(Probe(running)) as probe:
        yield Place(tmp_path / "example", programs, running, probe)


def test_the_example_runs_as_its_readme_says(place: Place) -> None:
    """From the role to the orders, over TLS, and on when the tenant has rotated its keys."""
    place.fill_in()
    with place.serving():
        refused = place.call()
        assert refused.returncode == 5
        assert (
            f"The token has no app role of this API, so it lacks the app role {READ}"
            in refused.stderr
        )
        assert "Try: Add the app role" in refused.stderr

        place.grant(READ)
        assert place.call().stdout == "1 ink\n2 paper\n"

        place.emulator.keys.rotate()
        done = place.call()
        assert (done.stdout, done.stderr) == ("1 ink\n2 paper\n", "")
        listed = place.run("graphdaemon", "list", "orders", "parameters.json", "-f", "csv")
        assert listed.stdout.splitlines() == ["number,item", "1,ink", "2,paper"]
        assert "complete: one answer holds everything" in listed.stderr
        assert listed.returncode == 0

        words = ("request", "POST", "orders", "parameters.json", "--body", "-")
        added = place.run("graphdaemon", *words, text='{"item": "pens"}')
        assert (added.returncode, WRITE in added.stderr) == (5, True)
        place.grant(WRITE)
        added = place.run("graphdaemon", *words, text='{"item": "pens"}')
        assert json.loads(added.stdout) == {"number": 3, "item": "pens"}


def test_each_step_left_out_is_named(place: Place) -> None:
    """Graph's token, and the token that the doctor is shown; an API that was never exposed."""
    place.fill_in(scope=["https://graph.microsoft.com/.default"])
    place.grant(READ)
    with place.serving():
        refused = place.call()
        assert "The token is for Microsoft Graph, not for this API" in refused.stderr
    token = place.run("graphdaemon", "token", "parameters.json", "--raw").stdout
    examined = place.run(
        "graphdaemon", "doctor", "--api", "api_parameters.json", "--token", "-", text=token
    )
    assert "401: The token is for Microsoft Graph, not for this API" in examined.stdout

    bare = place.emulator.directory.applications.register(place.emulator.tenant, "Bare API")
    place.fill("parameters.json", scope=[f"api://{bare.app_id}/.default"])
    unset = place.call()
    assert "'Bare API' of this tenant has no Application ID URI" in unset.stderr
    assert "Try: Set the App ID URI on the API's registration" in unset.stderr


def test_both_readmes_say_the_same() -> None:
    """The same steps, the same commands, and each names the other."""
    english, portuguese = (
        (EXAMPLE / name).read_text("utf-8") for name in ("README.md", "README.pt-BR.md")
    )

    blocks = [text.split("```")[1::2] for text in (english, portuguese)]
    assert blocks[0] == blocks[1]
    assert [text.count("\n1. ") + text.count("\n7. ") for text in (english, portuguese)] == [2, 2]
    assert "README.pt-BR.md" in english
    assert "README.md" in portuguese
    assert len((EXAMPLE / "orders_api.py").read_text().splitlines()) < 50
