"""Tokens that processes share: one request for all, sealed on disk and in Redis, never in clear."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.auth.cache import TokenCache, identify, open_cache
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import IdentityError
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret
from tests.support.cloud_machine import fetch
from tests.support.run_command import WriteParameters, clean_environment
from tests.support.scripted_server import ScriptedServer, json_answer
from tests.support.shared_tokens import ASKED, settings_of, shared


def keep(settings: Settings, token: Token) -> None:
    cache = open_cache(settings)
    assert cache is not None
    cache.write(token, time.time())


def test_fifty_processes_that_start_at_once_cause_one_request(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """Real processes, the real command, a cold cache: one of them asks, and all of them list."""
    path = parameters(**shared(tmp_path / "tokens"))
    command = [sys.executable, "-m", "graphdaemon", "users", str(path), "--limit", "1", "-v"]
    running = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        for _ in range(50)
    ]
    talk = [process.communicate(timeout=300)[1] for process in running]

    assert [process.returncode for process in running] == [0] * 50
    assert sum(ASKED in one for one in talk) == 1


def test_a_warm_cache_needs_neither_msal_nor_more_of_cryptography_than_the_seal(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """The second run loads nothing that only a token request needs."""
    path = parameters(**shared(tmp_path / "tokens"))
    code = (
        "import sys; from graphdaemon.cli import run; code = run(sys.argv[1:]); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, "users", str(path), "--limit", "1"],
            capture_output=True,
            text=True,
            check=True,
            env=clean_environment(),
            timeout=300,
        )
    loaded = done.stderr.split()

    assert "0" in loaded
    assert not {"msal", "requests", "graphdaemon.auth.kinds", "graphdaemon.auth.msal_app"} & set(
        loaded
    )
    assert not {"filelock", "graphdaemon.graph.claims_challenge"} & set(loaded)
    assert not [name for name in loaded if name.startswith(("cryptography.x509", "jwt"))]


def test_a_first_token_needs_no_second_http_client(parameters: WriteParameters) -> None:
    """MSAL is given our transport, and brings neither requests nor what it consists of."""
    code = (
        "import sys; from graphdaemon.cli import run; code = run(sys.argv[1:]); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "users", str(parameters()), "--limit", "1"],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        timeout=300,
    )
    loaded = done.stderr.split()

    assert "0" in loaded
    assert "graphdaemon.auth.msal_app" in loaded
    # Only a sealed cache and a certificate need cryptography.
    others = {"requests", "urllib3", "charset_normalizer", "msal_extensions", "cryptography"}
    assert not others & set(loaded)


CHANGES: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "another~secret"},
    "another client": {"client_id": "33333333-2222-4333-8444-555555555555"},
    "another scope": {"scope": ["api://own/.default"]},
    "another key": {"token_cache_key": base64.b64encode(bytes(32)).decode()},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_token_is_found_only_with_all_it_was_made_with(
    scripted: ScriptedServer, tmp_path: Path, change: dict[str, Any]
) -> None:
    """A corrected secret is tried, not covered up by what the old one got."""
    fetch(settings_of(scripted, tmp_path))

    fetch(settings_of(scripted, tmp_path, **change))

    assert scripted.tokens_issued == 2


def test_a_new_key_file_is_another_identity(scripted: ScriptedServer, tmp_path: Path) -> None:
    """It is the content that counts: after a rotation under the same name nothing old is found."""
    path = tmp_path / "app.pem"
    found = []
    for content in ("one", "two"):
        path.write_text(content)
        path.chmod(0o600)
        changes = {"secret": None, "private_key_file": str(path)}
        found.append(identify(settings_of(scripted, tmp_path, **changes)))

    assert found[0] != found[1]


def test_a_token_about_to_end_serves_through_an_outage(
    scripted: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With three minutes left a new one is asked for; while there is none, the old one is used."""
    settings = settings_of(scripted, tmp_path)
    old = Token("old", time.time() + 180, None, time.time() - 3400)
    keep(settings, old)
    scripted.token_answer = json_answer({}, 503)

    assert fetch(settings) == old
    assert "the old one still serves" in caplog.text
    with pytest.raises(IdentityError):
        fetch(settings, Demand(old))


def test_a_token_that_has_ended_is_kept_for_a_second() -> None:
    """A store that forgets by itself, such as Redis, takes no life of nothing."""
    lives: list[float] = []

    class Backend:
        def read(self, _name: str) -> None:
            """Hold nothing."""

        def write(self, _name: str, _content: bytes, life: float) -> None:
            lives.append(life)

        def lock(self, _name: str) -> contextlib.AbstractContextManager[None]:
            return contextlib.nullcontext()

    backend: Any = Backend()
    cache = TokenCache(backend, bytes(32), b"whose")
    for now in (40, 100, 160):
        cache.write(Token("value", 100), now)

    assert lives == [60, 1, 1]


def test_a_refused_token_is_not_found_again(scripted: ScriptedServer, tmp_path: Path) -> None:
    """Graph took it back, so it is replaced for everybody; who comes later finds the new one."""
    settings = settings_of(scripted, tmp_path)
    refused = fetch(settings)

    assert fetch(settings, Demand(refused)).value == "token-2"
    assert fetch(settings, Demand(refused)).value == "token-2"
    assert fetch(settings).value == "token-2"


OTHER_VALUES: dict[str, Any] = {"send_chain": True, "federated_command": ("print-token",)}


@pytest.mark.parametrize("field", [name for name in CredentialSettings._fields if name != "source"])
def test_every_field_of_a_credential_names_another_identity(
    scripted: ScriptedServer, tmp_path: Path, field: str
) -> None:
    """None is left out of the description: who changes it is not given the old token."""
    settings = settings_of(scripted, tmp_path)
    (tmp_path / "key").write_text("content")
    annotation = str(CredentialSettings.__annotations__[field])
    value = (
        Secret("another")
        if "Secret" in annotation
        else tmp_path / "key"
        if "Path" in annotation
        else OTHER_VALUES.get(field, "another")
    )
    bare = CredentialSettings("secret", "secret in parameters.json")
    change: dict[str, Any] = {field: value}
    changed = bare._replace(**change)

    before, after = (
        identify(dataclasses.replace(settings, credentials=(one,))) for one in (bare, changed)
    )

    assert before != after


def test_where_a_credential_is_configured_makes_no_difference(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    """The file of one process and the variable of another share a token."""
    settings = settings_of(scripted, tmp_path)
    (credential,) = settings.credentials
    moved = (credential._replace(source="AZURE_CLIENT_SECRET"),)

    assert identify(settings) == identify(dataclasses.replace(settings, credentials=moved))
    assert identify(settings) != identify(dataclasses.replace(settings, credentials=moved * 2))


@pytest.mark.parametrize(
    ("field", "same"), [("federated_token_file", True), ("private_key_file", False)]
)
def test_a_file_that_the_platform_renews_counts_by_its_name(
    scripted: ScriptedServer, tmp_path: Path, field: str, same: bool
) -> None:
    """Every other file counts by its content."""
    path = tmp_path / "file"
    named: dict[str, Any] = {field: path}
    credential = CredentialSettings("secret", "here")._replace(**named)
    settings = dataclasses.replace(settings_of(scripted, tmp_path), credentials=(credential,))
    path.write_text("one")
    before = identify(settings)
    path.write_text("two")

    assert (identify(settings) == before) == same
