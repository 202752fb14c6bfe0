"""No secret, assertion, token, passphrase or page link gets out, whatever happens."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import make_key_pair
from tests.support.client_app import App
from tests.support.doctor_states import PROXY_PASSWORD, STATES, Scene, denied
from tests.support.foreign_issuer import Foreign, serving
from tests.support.leak_search import Relay, find_leaks, forms_of, list_secrets, read_files
from tests.support.run_command import WriteParameters, clean_environment
from tests.support.scripted_key_tenant import OBJECT_ID, Registry
from tests.support.scripted_server import Answer, ScriptedServer, json_answer, page
from tests.support.unsigned_tokens import make_token

PASSPHRASE = "a passphrase that nobody: may=see"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    with serving(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture(scope="module")
def own(issuer: Foreign) -> Iterator[Emulator]:
    with Emulator(users=2, federation_ca=issuer.ca_file) as running:
        yield running


@pytest.fixture(scope="module")
def relays(emulator: Emulator, own: Emulator) -> Iterator[dict[str, Relay]]:
    with Relay(emulator) as one, Relay(own) as other:
        yield {emulator.url: one, own.url: other}


@pytest.fixture
def scene(
    emulator: Emulator,
    own: Emulator,
    issuer: Foreign,
    app: App,
    key_pair: tuple[str, bytes],
    parameters: WriteParameters,
    scripted: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    for name in clean_environment().keys() ^ dict(**_environment()).keys():
        monkeypatch.delenv(name, raising=False)
    with contextlib.ExitStack() as stack:
        yield Scene(
            emulator=emulator,
            own=own,
            issuer=issuer,
            app=app,
            key_pair=key_pair,
            parameters=parameters,
            scripted=scripted,
            folder=tmp_path,
            patch=monkeypatch,
            stack=stack,
        )


def _environment() -> Mapping[str, str]:
    import os

    return os.environ


@dataclass
class Ran:
    """What children said and left behind."""

    texts: dict[str, bytes] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)


def run_children(folder: Path, runs: Iterable[tuple[str, ...]], stdin: bytes = b"") -> Ran:
    """Run the real command with everything it could write to in one folder, which is then read."""
    before = [path for path in folder.rglob("*") if path.is_file()]
    places = {name: folder / name.lower() for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    for place in places.values():
        place.mkdir(exist_ok=True)
    settings = {k: v for k, v in _environment().items() if k.startswith(("GRAPHDAEMON_", "AZURE_"))}
    environment = clean_environment() | settings
    environment |= {name: str(place) for name, place in places.items()} | {"PYTHONUTF8": "1"}

    def run(arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            cwd=folder,
            env=environment,
            timeout=300,
        )

    ran = Ran()
    with ThreadPoolExecutor(2) as pool:
        for arguments, done in zip(runs := list(runs), pool.map(run, runs), strict=True):
            ran.codes.append(done.returncode)
            ran.texts[f"{arguments} stdout"] = done.stdout
            ran.texts[f"{arguments} stderr"] = done.stderr
    ran.texts |= read_files(folder, before)
    return ran


def through_relay(path: Path | None, scene: Scene, relays: dict[str, Relay]) -> None:
    """Have the settings lead to the relay instead of the emulator behind it."""
    if path is None:
        return
    text = path.read_text()
    for emulator in (scene.emulator, scene.own):
        relay = relays[emulator.url]
        text = text.replace(emulator.url, relay.url)
        text = text.replace(str(emulator.ca_file), str(relay.ca_file))
    path.write_text(text)


def known_values(path: Path | None, scene: Scene, relays: dict[str, Relay]) -> set[str]:
    """Everything that must not be seen: from files, from variables, from the wire."""
    values = {value for relay in relays.values() for value in relay.heard} | {PROXY_PASSWORD}
    for request in (*scene.scripted.requests, *scene.scripted.token_requests):
        values |= set(list_secrets(request))
    for name, value in _environment().items():
        if name in ("GRAPHDAEMON_CACHE_KEY", "GRAPHDAEMON_PASSPHRASE"):
            values.add(value)
    if path is not None:
        secret = json.loads(path.read_text()).get("secret")
        values |= {secret} if secret else set()
    for name in ("key.pem", "federated"):
        file = scene.folder / name
        if file.exists():
            values |= {line for line in _private_lines(file.read_text()) if len(line) >= 16}
    return values


def _private_lines(text: str) -> list[str]:
    return text.partition("-----BEGIN CERT")[0].splitlines()[1:-1] or [text.strip()]


COMMANDS = (("users", "-vv"), ("doctor", "-vv"))

# Those whose secrets are all in other states too, or that wait.
SKIPPED = {"blocked by silence", "blocked by name", "throttled"}


@pytest.mark.parametrize("name", sorted(STATES.keys() - SKIPPED))
def test_no_state_leaks(scene: Scene, relays: dict[str, Relay], name: str) -> None:
    """With everything logged, in every state the doctor knows, nothing secret is seen."""
    path = STATES[name](scene)
    through_relay(path, scene, relays)
    given = (str(path),) if path else ()

    ran = run_children(scene.folder, [("-m", "graphdaemon", *words, *given) for words in COMMANDS])

    values = known_values(path, scene, relays)
    shown = {k: v for k, v in ran.texts.items() if "parameters.json" not in Path(k).name}
    assert find_leaks(values, shown) == []
    assert not any(b"Traceback" in text for text in ran.texts.values())


def test_the_test_would_notice(scene: Scene, relays: dict[str, Relay]) -> None:
    """What --raw prints on purpose is found, and with it that the values are known."""
    path = scene.parameters()
    through_relay(path, scene, relays)

    ran = run_children(scene.folder, [("-m", "graphdaemon", "token", str(path), "--raw")])

    values = known_values(path, scene, relays)
    assert scene.app.secret in values
    assert any("stdout" in leak for leak in find_leaks(values, ran.texts))
    assert find_leaks(values, {k: v for k, v in ran.texts.items() if "stdout" not in k}) == []


@pytest.mark.parametrize(
    "words",
    [
        ("users", "-vv", "--format", "table"),
        ("token", "-vv", "--json"),
        ("doctor", "-vv", "--json"),
        ("consent", "-vv"),
        ("consent", "-vv", "--wait", "5"),
    ],
    ids=" ".join,
)
def test_no_command_leaks_when_all_is_well(
    scene: Scene, relays: dict[str, Relay], words: tuple[str, ...]
) -> None:
    """Success is logged too."""
    path = scene.parameters()
    through_relay(path, scene, relays)

    ran = run_children(scene.folder, [("-m", "graphdaemon", *words, str(path))])

    assert ran.codes == [0]
    assert find_leaks(known_values(path, scene, relays), ran.texts) == []


def test_an_encrypted_key_and_a_shared_cache_leak_nothing(
    scene: Scene, relays: dict[str, Relay]
) -> None:
    """Neither passphrase nor key nor assertion is seen; the cache does not show the token."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(scene.app.pem.encode(), None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    ).decode()
    certificate = "-----BEGIN CERT" + scene.app.pem.partition("-----BEGIN CERT")[2]
    scene.patch.setenv("GRAPHDAEMON_PASSPHRASE", PASSPHRASE)
    scene.patch.setenv("GRAPHDAEMON_CACHE_KEY", base64.b64encode(b"k" * 31 + b"!").decode())
    path = scene.parameters(
        secret=None,
        private_key_file=scene.key_file(pem + certificate),
        token_cache="file",
        token_cache_folder=str(scene.folder / "cache"),
    )
    through_relay(path, scene, relays)

    ran = run_children(scene.folder, [("-m", "graphdaemon", "users", "-vv", str(path))] * 2)

    values = known_values(path, scene, relays)
    values |= set(_private_lines(scene.app.pem)) | {PASSPHRASE}
    assert ran.codes == [0, 0]
    assert any("cache" in name and "std" not in name for name in ran.texts), "a cache was written"
    assert any(base64.urlsafe_b64encode(b'{"alg":"PS256"')[:18].decode() in one for one in values)
    assert find_leaks(values, ran.texts) == []


SKIPTOKEN = "RFNwdAIAAQAAAB86YW5hQGNvbnRvc28uZXhhbXBsZQ"


@pytest.mark.parametrize("second", ["served", "refused", "cut", "foreign"])
def test_page_links_stay_inside(scene: Scene, second: str) -> None:
    """A next link holds names of users: it is seen neither on success nor on failure."""
    server = scene.scripted
    link = f"{server.url}/v1.0/users?$top=999&$skiptoken={SKIPTOKEN}"
    if second == "foreign":
        link = link.replace(server.url, "https://evil.example")
    answers = {
        "served": page({"id": "2"}),
        "refused": json_answer({"error": {"code": "Directory_ExpiredPageToken"}}, 400),
        "cut": Answer(400, b'{"error": {"code": "x"}}', cut=3),
        "foreign": page(),
    }
    rest = [answers[second]] * 1 if second != "cut" else [answers["cut"], page({"id": "2"})]
    server.script = [page({"id": "1"}, next_link=link), *rest]
    path = scene.scripted_parameters(make_token(roles=["User.Read.All"]))

    ran = run_children(scene.folder, [("-m", "graphdaemon", "users", "-vv", str(path))])

    values = known_values(path, scene, {}) | {SKIPTOKEN}
    assert find_leaks(values, ran.texts) == []


def test_a_gateway_that_quotes_the_request_does_not_make_us_repeat_it(scene: Scene) -> None:
    """An error page with the token in it, as debugging proxies write them."""
    token = make_token(roles=["User.Read.All"])
    scene.scripted.script = [denied("Blocked", f"Request was: Authorization: Bearer {token}")]
    path = scene.scripted_parameters(token)

    ran = run_children(
        scene.folder, [("-m", "graphdaemon", *words, str(path)) for words in COMMANDS]
    )

    assert find_leaks([token], ran.texts) == []


def test_explain_repeats_no_token(scene: Scene) -> None:
    """Neither as JSON nor as text, whatever surrounds it."""
    token = make_token(roles=["User.Read.All"], sub="somebody")
    text = f'AADSTS7000215 {{"access_token": "{token}"}} Bearer {token}'.encode()

    ran = run_children(
        scene.folder,
        [("-m", "graphdaemon", "explain"), ("-m", "graphdaemon", "explain", "--json")],
        stdin=text,
    )

    assert ran.codes == [0, 0]
    assert find_leaks([token, token.split(".")[1], token.split(".")[2]], ran.texts) == []


LIBRARY = """\
import logging, sys, graphdaemon
logging.basicConfig(level=logging.DEBUG)
with graphdaemon.load(sys.argv[1]) as client:
    awaited = client.awaited
    print(repr(client), repr(client.settings), repr(awaited), vars(awaited))
    print(list(client.list("users")))
"""


@pytest.mark.parametrize("name", ["secret wrong", "beyond roles", "certificate not uploaded"])
def test_a_traceback_of_the_library_leaks_nothing(
    scene: Scene, relays: dict[str, Relay], name: str
) -> None:
    """A program that catches nothing, logs everything and prints its objects shows no secret."""
    path = STATES[name](scene)
    assert path is not None
    through_relay(path, scene, relays)
    script = scene.folder / "program.py"
    script.write_text(LIBRARY)

    ran = run_children(scene.folder, [(str(script), str(path))])

    assert ran.codes == [1]
    assert b"Traceback" in b"".join(ran.texts.values())
    assert find_leaks(known_values(path, scene, relays), ran.texts) == []


def test_making_a_certificate_shows_its_public_half_alone(tmp_path: Path) -> None:
    """The key is in the one file that is made for it, and nowhere else."""
    ran = run_children(tmp_path, [("-m", "graphdaemon", "certificate", "new")])

    key = ran.texts.pop("graphdaemon.pem").decode()
    assert ran.codes == [0]
    assert "graphdaemon.crt" in ran.texts
    assert find_leaks(_private_lines(key), ran.texts) == []


@pytest.mark.parametrize("unlike", [False, True], ids=["accepted", "refused"])
def test_rotating_leaks_neither_key_nor_proof(scene: Scene, *, unlike: bool) -> None:
    """Both keys, the assertions and the proofs of possession stay where they belong."""
    server = scene.scripted
    pem, der = make_key_pair("another") if unlike else (scene.app.pem, scene.key_pair[1])
    Registry(server, der)
    path = server.write_parameters(
        scene.folder, secret=None, private_key_file=scene.key_file(scene.app.pem)
    )
    path.write_text(json.dumps(json.loads(path.read_text()) | {"secret": None}))

    ran = run_children(
        scene.folder,
        [
            (
                "-m",
                "graphdaemon",
                "certificate",
                "rotate",
                "-vv",
                "--object-id",
                OBJECT_ID,
                str(path),
            )
        ],
    )

    ran.texts.pop("key.pem.old", None)  # the old key, kept aside on purpose
    values = known_values(path, scene, {}) | set(_private_lines(pem))
    values |= {json.loads(one.body).get("proof", "") for one in server.requests if one.body}
    assert ran.codes == [4 if unlike else 0]
    assert values
    assert find_leaks(values, ran.texts) == []


def test_quickstart_leaks_nothing(tmp_path: Path) -> None:
    """Secret and key are in the files that are named, for their owner alone, and nowhere else."""
    ran = run_children(tmp_path, [("-m", "graphdaemon", "quickstart", "-vv", "--users", "3")])

    folder = tmp_path / ".graphdaemon"
    values = {json.loads((folder / "parameters.json").read_text())["secret"]}
    values |= set(_private_lines((folder / "daemon-console.pem").read_text()))
    elsewhere = {
        place: text for place, text in ran.texts.items() if ".graphdaemon" not in Path(place).parts
    }
    assert ran.codes == [0]
    assert {path.stat().st_mode & 0o077 for path in folder.glob("*.*")} == {0}
    assert find_leaks(values, elsewhere) == []
    assert not any(b"eyJ" in text for text in elsewhere.values())


@pytest.mark.parametrize("offset", range(4))
def test_a_value_is_found_in_each_of_its_forms(offset: int) -> None:
    """The search itself: at any place of base64, quoted, escaped, as hex."""
    value = 'kM~8Q.a"b+c/d=e f\u00e9g-1234567890'
    surrounded = ("x" * offset + value + "tail").encode()
    texts: dict[str, Any] = {
        "plain": surrounded,
        "base64": base64.b64encode(surrounded),
        "base64url": base64.urlsafe_b64encode(surrounded),
        "json": json.dumps({"a": value}).encode(),
        "hex": surrounded.hex().encode(),
        "repr": repr(value).encode(),
    }

    for name, text in texts.items():
        assert find_leaks([value], {name: text}), name
    assert find_leaks([value], {"other": b"nothing of the kind"}) == []
    assert all(forms_of(value))
