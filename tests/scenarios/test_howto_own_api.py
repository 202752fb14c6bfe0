"""The page about one's own API, followed to the letter from an empty tenant, in both its ways."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme

from entra_emulator.server.emulator import Emulator
from entra_emulator.web.pages.texts import read_texts
from tests.support.emulator_probe import Probe
from tests.support.leak_search import Relay
from tests.support.places import DOCS
from tests.support.portal_visitor import Sheet, Visitor
from tests.support.register_process import Desk
from tests.support.run_command import clean_environment

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")

PAGE = (DOCS / "how-to" / "call-your-own-api.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
REGISTER, SERVE, CALL, DOCTOR = (text for language, text in BLOCKS if not language)
CALLER, API = (text for language, text in BLOCKS if language == "json")
SERVER, CLIENT = (text for language, text in BLOCKS if language == "python")
STEPS = re.findall(
    r"\*\*([^*]+)\*\*", PAGE.partition("## Or in the portal")[2].partition("\n\nIn [the pretend")[0]
)
ROLE = "Orders.Read.All"
ROWS = ["number,item", "1,ink", "2,paper"]


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """An empty tenant: people, and no application."""
    with Emulator(users=5) as emulator:
        yield emulator


class Reader:
    """Somebody with the page, a folder and a shell."""

    def __init__(self, folder: Path, *authorities: Path) -> None:
        self.folder = folder
        trusted = folder.parent / "trusted"
        trusted.mkdir()
        for number, file in enumerate(authorities):
            shutil.copy(file, trusted / f"{number}.pem")
        own = trustme.CA()
        own.cert_pem.write_to_path(str(trusted / "api.pem"))
        issued = own.issue_cert("localhost")
        issued.private_key_pem.write_to_path(str(folder / "api.key"))
        issued.cert_chain_pems[0].write_to_path(str(folder / "api.pem"))
        (folder / "orders.py").write_text(SERVER)
        self.environment = clean_environment() | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GRAPHDAEMON_CA_FILE": str(trusted),
        }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The API, by the command of the page."""
        process = subprocess.Popen(
            shlex.split(SERVE.replace("8444", self.port)),
            cwd=self.folder,
            env=self.environment,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if b"running on" in line:
                    break
            else:
                raise AssertionError("it did not begin")
            yield
        finally:
            process.terminate()
            process.stderr.read()
            process.wait(timeout=30)
            process.stderr.close()

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line.replace("8444", self.port)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done


def expand(line: str, folder: Path) -> str:
    """The line as a shell would have it: each `$(…)` is what that command prints."""

    def run(match: re.Match[str]) -> str:
        done = subprocess.run(
            ["bash", "-c", match[1]], cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return re.sub(r"\$\(([^)]*)\)", run, line)


def test_by_command(running: Emulator, tmp_path: Path) -> None:
    """Three commands register both, and the caller, which has no permission of Graph, lists."""
    folder = tmp_path / "here"
    folder.mkdir()
    with Relay(running) as relay:
        desk = Desk(running, relay, folder)
        desk.put_az(desk.administrator)
        for line in REGISTER.splitlines():
            _, command, *words = shlex.split(expand(line, folder))
            assert command == "register"
            code, _, err = desk.run(*words, "--az", named=False)
            assert code == 0, f"{line}\n{err}"
        desk.probe.close()
        reader = Reader(folder, relay.ca_file)
        for name in ("orders-api.json", "orders-caller.json"):
            _forget(folder / name, "ca_file")
        (line,) = (line for line in CALL.splitlines() if "orders-caller.json" in line)
        with reader.serving():
            done = reader.run(f"{line} -f csv")

    assert done.stdout.splitlines() == ROWS
    assert "2 records, complete: " in done.stderr


def test_in_the_portal(running: Emulator, tmp_path: Path) -> None:
    """Its five steps, click by click; then each command, the program and the doctor."""
    folder = tmp_path / "here"
    folder.mkdir()
    with closing(Probe(running)) as probe:
        values = _walk(Visitor(probe), tenant=f"{running.url}/{running.tenant.id}")
    reader = Reader(folder, running.ca_file)
    for name, example in (("parameters.json", CALLER), ("orders-api.json", API)):
        text = example.replace("8444", reader.port)
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    (folder / "client.py").write_text(CLIENT)
    table, ndjson = (line for line in CALL.splitlines() if "orders-caller.json" not in line)

    with reader.serving():
        listed = reader.run(table)
        assert [line.split() for line in listed.stdout.splitlines()[2:]] == [
            ["1", "ink"],
            ["2", "paper"],
        ]
        assert "2 records, complete: " in listed.stderr
        lines = reader.run(ndjson).stdout.splitlines()
        assert [json.loads(line)["item"] for line in lines] == ["ink", "paper"]
        assert reader.run("python client.py").stdout == "1 ink\n2 paper\n"
    assert f"may call, with {ROLE}" in reader.run(DOCTOR).stdout


def test_the_portals_words_are_the_portals() -> None:
    """What the steps print in bold stands on its pages, or begins a text there."""
    known = [texts["en"] for texts in read_texts().values()]

    assert len(STEPS) > 20
    assert [words for words in STEPS if not any(text.startswith(words) for text in known)] == []


def test_the_step_that_was_left_out_is_named(running: Emulator, tmp_path: Path) -> None:
    """Without step 2, the caller meets what the page says: AADSTS500011, and the unset URI."""
    with closing(Probe(running)) as probe:
        app = probe.emulator.add_application("Hasty caller")
        api = probe.emulator.directory.applications.register(running.tenant, "Hasty API").app_id
    settings = app.parameters | {
        "scope": [f"api://{api}/.default"],
        "endpoint": "https://localhost:1/",
    }
    (tmp_path / "parameters.json").write_text(json.dumps(settings, default=str))
    done = subprocess.run(
        [sys.executable, "-m", "graphdaemon", "list", "orders", "parameters.json"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 4
    assert "AADSTS500011" in done.stderr
    assert "The application 'Hasty API' of this tenant has no Application ID URI" in done.stderr
    assert "Try: Set the App ID URI on the API's registration: Expose an API" in done.stderr


def _walk(visitor: Visitor, tenant: str) -> dict[str, str]:
    """
    Press what the steps print in bold, one after the other, and nothing else.

    Returns what the placeholders of the page's settings stand for.
    """
    visitor.open("/portal")
    visitor.press("Global Administrator")
    names = iter(("Orders API", "Orders caller"))
    typed: dict[str, Callable[[], dict[str, str]]] = {
        "Register": lambda: {"name": next(names)},
        "Apply": lambda: {"displayName": "Read orders", "value": ROLE, "description": "Reads all."},
        "Add": lambda: {"description": "page"},
    }
    ids, secret = list[str](), ""
    for words in STEPS:
        page = visitor.page
        if words == "Applications":  # a choice of the form that is filled in next
            continue
        if words == "Value":
            secret = page.ids["secret-value"]
        elif any(words in named for form in page.forms for _, _, named in form.buttons):
            fill = typed.get(words, dict)
            visitor.press(words, fill(), ticked=_tick(page))
        else:
            if words == "App registrations":
                visitor.open("/portal")
            visitor.open(next(at for name, at in visitor.page.links.items() if words in name))
        if words == "Register":
            ids.append(visitor.page.ids["client-id"])
        if words == "My APIs":
            visitor.open(visitor.page.links["Orders API"])
    assert "Not granted" not in visitor.page.text
    return {
        "https://login.microsoftonline.com/{tenant}": tenant,
        "{client ID of the caller}": ids[1],
        "{client ID of the API}": ids[0],
        "{Value}": secret,
    }


def _tick(page: Sheet) -> list[tuple[str, str]]:
    """What the steps choose of a form: the role is for applications, and the only one there is."""
    inputs = [values for tag, values in page.elements if tag == "input"]
    choices = [(values.get("name", ""), values.get("value", "")) for values in inputs]
    return [one for one in choices if one[0] == "permission" or one == ("members", "applications")]


def _forget(path: Path, name: str) -> None:
    """Leave the authority of the test's tenant to the environment, which trusts the API's too."""
    values = json.loads(path.read_text())
    del values[name]
    path.write_text(json.dumps(values))
