"""What proves the app's identity is never shown, however it is asked to talk and whatever fails."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.settings.setting import Secret
from tests.support.leak_search import find_leaks, read_files
from tests.support.run_command import Command
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

SECRET = 'sEcr3t/with+signs="and\\more~.'
PASSPHRASE = "pa55-phrase/+="
TOKEN = "0paque-Access+Token/that=is.no~JWT"
REFRESHED = "an0ther-Access+Token"
PLATFORM_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGF0Zm9ybSJ9.c2lnbmF0dXJl"
CACHE_KEY = base64.b64encode(bytes(range(100, 132))).decode()
REDIS = "r3dis-passw0rd"


CREDENTIALS = ["secret", "secret_file", "certificate", "federated_file", "federated_command"]
TROUBLE: dict[str, Answer | None] = {
    "none": None,
    "refused": json_answer(
        {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret."}, 401
    ),
    "out of order": Answer(503, b"<html>busy</html>"),
    "no answer of its kind": Answer(200, b"<html>sign in</html>"),
}


def configure(kind: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The settings, and what in them is secret."""

    def private(name: str, content: str) -> str:
        path = folder / name
        path.write_text(content)
        path.chmod(0o600)
        return str(path)

    if kind == "certificate":
        pem, _ = make_key_pair("app", passphrase=Secret(PASSPHRASE))
        lines = pem.partition("-----END")[0].splitlines()
        given = {"private_key_file": private("a.pem", pem), "passphrase": PASSPHRASE}
        return given, [PASSPHRASE, *lines[1:]]
    token = private("token", PLATFORM_TOKEN)
    command = [sys.executable, "-c", f"print(open({token!r}).read())"]
    settings: dict[str, dict[str, Any]] = {
        "secret": {"secret": SECRET},
        "secret_file": {"secret_file": private("secret", SECRET)},
        "federated_file": {"federated_token_file": token},
        "federated_command": {"federated_command": command},
    }
    return settings[kind], [SECRET, PLATFORM_TOKEN]


def one_user(*before: Answer) -> Callable[[Request], Answer]:
    """A directory of one user, whom the count knows of, behind what is answered before."""
    answers = list(before)

    def answer(request: Request) -> Answer:
        if answers:
            return answers.pop(0)
        return Answer(200, b"1") if "$count" in request.target else page({"id": "1"})

    return answer


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("kind", CREDENTIALS)
def test_nothing_secret_is_said(
    command: Command, scripted: ScriptedServer, tmp_path: Path, kind: str, trouble: str
) -> None:
    """Everything said (-vv), through every kind of credential, good days and bad, and a cache."""
    folder = tmp_path / "private"
    folder.mkdir()
    credential, secrets = configure(kind, folder)
    cache = {"token_cache": "file", "token_cache_folder": str(tmp_path / "tokens")}
    given = {"secret": None, **credential, **cache, "token_cache_key": CACHE_KEY}
    path = scripted.write_parameters(tmp_path, **given)
    scripted.script = one_user(Answer(401))
    issued = iter([TOKEN, REFRESHED])
    trouble_answer = TROUBLE[trouble]
    scripted.choose_token = lambda _: (
        trouble_answer
        or json_answer({"token_type": "Bearer", "expires_in": 3599, "access_token": next(issued)})
    )

    outcome = command("users", path, "-vv")

    assert (outcome.code == 0) == (trouble == "none"), outcome.err
    assert "DEBUG" in outcome.err
    form = parse_qs(scripted.token_requests[0].body.decode())
    secrets += [TOKEN, REFRESHED, CACHE_KEY, *form.get("client_assertion", [])]
    shown = {"stdout": outcome.out, "stderr": outcome.err.encode()}
    assert find_leaks(secrets, shown | read_files(tmp_path / "tokens", ())) == []


def test_a_cache_that_is_out_of_reach_keeps_its_password(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """The address of Redis holds one; a warning names neither."""
    pytest.importorskip("redis")
    url = f"redis://:{REDIS}@127.0.0.1:1/0"
    cache = {"token_cache": "redis", "token_cache_url": url, "token_cache_key": CACHE_KEY}
    path = scripted.write_parameters(tmp_path, **cache)
    scripted.script = one_user()

    outcome = command("users", path, "-vv")

    assert outcome.code == 0
    assert "tokens are not shared" in outcome.err
    assert find_leaks([REDIS], {"stderr": outcome.err.encode()}) == []
