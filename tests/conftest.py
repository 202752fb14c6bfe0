"""The emulator over real TLS, a server that misbehaves on command, and the real command."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon import cli
from graphdaemon.auth.key_files import make_key_pair
from tests.support.client_app import App, register
from tests.support.hostile_server import HostileServer
from tests.support.hypothesis_profiles import register_profiles
from tests.support.redis_server import RedisServer
from tests.support.run_command import Command, Outcome, Run, WriteParameters, clean_environment
from tests.support.scripted_server import ScriptedServer

pytest_plugins = [
    "tests.support.emulator_fixtures",
    "tests.support.postgres_server",
    "tests.support.store_fixtures",
    # After those that it stands on.
    "tests.support.lived_store",
]
register_profiles()

# A shell starts what runs in the background with Ctrl-C ignored, and every child would inherit it:
# the programs that tests interrupt would never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Waits between attempts are drawn: let every run draw the same, whatever ran before."""
    random.seed(0)


@pytest.fixture(scope="session", autouse=True)
def _cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is learnt is learnt for the tests alone, child processes included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """A pretend tenant with 250 users, shared by all tests of one worker."""
    with Emulator(users=250, seed=0) as running:
        yield running


@pytest.fixture(scope="session")
def key_pair() -> tuple[str, bytes]:
    """An RSA key with its certificate, made once: it costs a tenth of a second."""
    return make_key_pair("tests")


@pytest.fixture(scope="session")
def app(emulator: Emulator, key_pair: tuple[str, bytes]) -> App:
    """An app with consent."""
    return register(emulator, key_pair)


@pytest.fixture
def parameters(tmp_path: Path, emulator: Emulator, app: App) -> WriteParameters:
    """Write a parameters.json that works, but for ``changes``; None deletes a key."""

    def write(**changes: Any) -> Path:
        values: dict[str, Any] = {
            "authority": f"{emulator.url}/{emulator.tenant.id}",
            "oidc_authority": None,
            "client_id": app.client_id,
            "scope": ["https://graph.microsoft.com/.default"],
            "secret": app.secret,
            "endpoint": f"{emulator.url}/v1.0/users",
            "ca_file": str(emulator.ca_file),
        }
        values |= changes
        path = tmp_path / "parameters.json"
        path.write_text(json.dumps({name: v for name, v in values.items() if v is not None}))
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the real command as a child process, in a folder with no settings."""

    def run_command(
        *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        empty = tmp_path / "empty"
        empty.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "graphdaemon", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            cwd=cwd or empty,
            env={**clean_environment(), "PYTHONUTF8": "1", **(env or {})},
            timeout=300,
        )

    return run_command


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A TLS server that answers what the test tells it to."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    """A TLS server whose answers the test writes byte by byte."""
    with HostileServer() as server:
        yield server


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A real Redis."""
    pytest.importorskip("redis")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def command(
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Command]:
    """Run the command line in this process, in a folder and an environment with no settings."""
    for name in os.environ:
        if name.startswith(("GRAPHDAEMON_", "AZURE_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run_command(*arguments: object) -> Outcome:
        capfdbinary.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Outcome(code, out, err.decode())

    yield run_command
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
