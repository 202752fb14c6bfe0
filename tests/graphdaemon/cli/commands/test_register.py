"""`graphdaemon register` as people run it: who signs in, what is shown, how it ends."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.diagnosis.token_claims import read_claims
from tests.support.emulator_probe import register
from tests.support.leak_search import Relay
from tests.support.places import DOCS, ROOT
from tests.support.register_process import Desk
from tests.support.run_command import Command, clean_environment
from tests.support.user_flows import ordinary

PERMISSIONS = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(users=20, device_interval=1) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def relay(running: Emulator) -> Iterator[Relay]:
    """Stands before it, and remembers what nobody may see."""
    with Relay(running) as relay:
        yield relay


@pytest.fixture
def desk(running: Emulator, relay: Relay, tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "here"
    folder.mkdir()
    made = Desk(running, relay, folder)
    yield made
    running.faults.clear()
    made.probe.close()


def test_by_a_code_in_any_browser(desk: Desk) -> None:
    """An administrator enters it; the tenant is theirs; it ends with a call of the app's own."""
    code, out, err = desk.run("--device-code", meet=desk.enter(desk.administrator))

    assert code == 0, err
    assert out.splitlines()[0] == f"Application (client) ID  {desk.settings['client_id']}"
    assert "Proved: the app called GET /users." in err
    assert desk.settings["authority"] == f"{desk.relay.url}/{desk.emulator.tenant.id}"
    done = subprocess.run(
        [sys.executable, "-m", "graphdaemon", "users", "--format", "ndjson"],
        cwd=desk.folder,
        env=clean_environment(),
        capture_output=True,
        check=True,
        timeout=300,
    )
    assert len(done.stdout.splitlines()) == 20
    assert desk.list_leaks() == []


def test_whoever_declines_has_not_signed_in(desk: Desk) -> None:
    """Exit code 4, nothing made, and what to do."""
    code, _, err = desk.run("--device-code", meet=desk.enter(desk.administrator, "cancel"))

    assert code == 4
    assert "Try: Run it again, and accept the request." in err
    assert list(desk.folder.iterdir()) == []


BROWSER = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from types import SimpleNamespace
from tests.support.scripted_browser import Browser, deliver
from tests.support.user_flows import sign_in
from tests.support.emulator_probe import Probe
browser = Browser(Probe(SimpleNamespace(url={url!r}, ca_file={ca!r})))
arrival = browser.open(sys.argv[1].replace({relay!r}, {url!r}))
arrival = arrival or sign_in(browser, {user!r}) or browser.press("accept")
deliver(arrival)
"""


def test_in_the_browser_of_this_machine(desk: Desk) -> None:
    """The code comes back to a port of this machine; it is not logged."""
    program = desk.folder.parent / "browser"
    program.write_text(
        BROWSER.format(
            python=sys.executable,
            root=str(ROOT),
            url=desk.emulator.url,
            ca=str(desk.emulator.ca_file),
            relay=desk.relay.url,
            user=desk.administrator,
        )
    )
    program.chmod(0o755)
    desk.environment |= {"BROWSER": f"{program} %s &"}

    code, _, err = desk.run("--browser", "--secret")

    assert code == 0, err
    assert "Sign in in the browser that opens." in err
    assert "Got auth response" not in err
    assert desk.settings["secret"] not in err
    assert desk.list_leaks() == []


def test_by_azure_clis_sign_in(desk: Desk) -> None:
    """Its token comes over a pipe: it is in no list of processes and no log; the tenant is its."""
    desk.put_az(desk.administrator)

    code, _, err = desk.run("--az")

    assert code == 0, err
    assert desk.called == (
        "account get-access-token --output json --resource https://graph.microsoft.com"
    )
    assert desk.settings["authority"].endswith(f"/{desk.emulator.tenant.id}")
    assert desk.list_leaks() == []
    code, _, err = desk.run("--az", "--tenant", desk.emulator.tenant.id)
    assert (code, err.splitlines()[-1]) == (0, "Nothing was to be changed.")
    assert desk.called.endswith(f"--tenant {desk.emulator.tenant.id}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sys.exit('Please run az login: eyJhbGciOi.secret.part')", "ended with exit code 1"),
        ("print('[]')", "answered something else than a token"),
        (None, "is not installed"),
    ],
    ids=["not signed in", "strange", "absent"],
)
def test_azure_cli_that_is_of_no_use(desk: Desk, line: str | None, words: str) -> None:
    """Exit code 3 with what to do; what it printed is not repeated."""
    if line is None:
        desk.environment["PATH"] = str(desk.folder)
    else:
        desk.put_program(line)

    code, _, err = desk.run("--az")

    assert (code, f"Azure CLI {words}" in err) == (3, True)
    assert "Run `az login`" in err
    assert "eyJ" not in err


def test_an_ordinary_user_is_told_who_may_consent(desk: Desk) -> None:
    """The app is made, as the tenant lets everybody; exit code 5 with the page, as the doctor's."""
    desk.put_az(ordinary(desk.emulator))

    code, _, err = desk.run("--az")

    assert code == 5
    assert f"/adminconsent?client_id={desk.settings['client_id']}" in err.splitlines()[-1]
    assert "Privileged Role Administrator" in err.splitlines()[-1]
    assert "Proved: the app gets tokens, with: no role yet." in err


def test_as_an_app_that_may(desk: Desk) -> None:
    """Nobody signs in."""
    path = desk.use_app(*PERMISSIONS)

    code, _, err = desk.run("--as", path)

    assert code == 0, err
    assert desk.list_leaks() == []


def test_an_app_may_register_what_it_owns(desk: Desk) -> None:
    """The least that an app needs; a second run finds its own."""
    roles = ("Application.ReadWrite.OwnedBy", "Application.Read.All", PERMISSIONS[1])
    path = desk.use_app(*roles)

    assert desk.run("--as", path)[0] == 0
    assert desk.run("--as", path)[2].splitlines()[-1] == "Nothing was to be changed."
    assert desk.run("--as", path, "--delete", "--purge")[0] == 0


def test_an_app_that_may_not_is_told_what_it_lacks(desk: Desk) -> None:
    """Exit code 5."""
    code, _, err = desk.run("--as", desk.use_app("Application.Read.All"))

    assert code == 5
    assert "Application.ReadWrite.OwnedBy" in err.splitlines()[-1]


def list_writes(desk: Desk, since: int) -> list[str]:
    return [
        one.method
        for one in desk.relay.requests[since:]
        if one.target.startswith("/v1.0/") and one.method != "GET"
    ]


@pytest.mark.parametrize("kind", ["--certificate", "--secret", "--federated=github:a/b:ref:c"])
def test_a_dry_run_shows_and_does_not(desk: Desk, kind: str) -> None:
    """Each request with its body, and no write; registered, there is nothing left to show."""
    path, since = desk.use_app(*PERMISSIONS), len(desk.relay.requests)

    code, out, err = desk.run("--as", path, kind, "--dry-run")

    assert code == 0, err
    assert list_writes(desk, since) == []
    assert list(desk.folder.iterdir()) == []
    root = f"{desk.relay.url}/v1.0"
    shown = [line for line in out.splitlines() if f" {root}/" in line]
    assert shown[:2] == [
        f"PATCH {root}/applications(uniqueName='graphdaemon-{desk.name}')",
        f"POST {root}/servicePrincipals",
    ]
    assert shown[3].startswith(f"POST {root}/servicePrincipals/")
    assert '"requiredResourceAccess"' in out
    assert desk.run("--as", path, kind)[0] == 0
    since = len(desk.relay.requests)
    assert desk.run("--as", path, kind, "--dry-run")[1:] != ("", "")
    assert list_writes(desk, since) == []


def test_it_is_deleted(desk: Desk) -> None:
    """Shown first, then done: the app, the settings, the key; a second time there is nothing."""
    path = desk.use_app(*PERMISSIONS)
    desk.run("--as", path)
    code, out, _ = desk.run("--as", path, "--delete", "--purge", "--dry-run")
    assert (code, [line.split()[0] for line in out.splitlines()]) == (0, ["DELETE", "DELETE"])

    code, _, err = desk.run("--as", path, "--delete", "--purge")

    assert code == 0, err
    assert f"Removed {desk.folder / 'parameters.pem'}" in err
    assert list(desk.folder.iterdir()) == []
    assert f"There is no app {desk.name}" in desk.run("--as", path, "--delete")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("--federated", "github:a/b:c", "--secret"),
        ("--federated", "gitlab:a"),
        ("--purge",),
        ("--name", "a'b"),
        ("--as", "registrar.json", "--az"),
        ("--cloud", "mars"),
    ],
    ids=" ".join,
)
def test_what_does_not_go_together_is_said_before_anything_is_sent(
    desk: Desk, words: tuple[str, ...]
) -> None:
    """With exit code 2."""
    since = len(desk.relay.requests)

    code, _, err = desk.run(*words)

    assert code == 2, err
    assert len(desk.relay.requests) == since


PAGE = DOCS / "how-to" / "register-the-app.md"
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def read_words(line: str, folder: Path) -> list[str]:
    """The words of a command line, as a shell in the folder reads them."""
    script = f"printf '%s\\0' {line}"
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, capture_output=True, check=True, text=True
    )
    return done.stdout.split("\0")[:-1]


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
def test_every_command_of_the_how_to_page_works(desk: Desk) -> None:
    """One after the other, as its reader would: by a code first, then with Azure CLI signed in."""
    desk.put_az(desk.administrator)
    (desk.folder / "registrar.json").write_text(Path(desk.use_app(*PERMISSIONS)).read_text())
    desk.environment["PATH"] += f":{Path(sys.executable).parent}"
    lines = [line for block in BLOCKS for line in block.splitlines()]
    assert len(lines) > 9
    for number, line in enumerate(lines):
        _, command, *words = read_words(line, desk.folder)
        if command != "register":
            done = subprocess.run(
                [sys.executable, "-m", "graphdaemon", command, *words],
                cwd=desk.folder,
                env=desk.environment,
                capture_output=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
            continue
        if number and not {"--az", "--as"} & set(words):
            words.append("--az")
        code, _, err = desk.run(*words, named=False, meet=desk.enter(desk.administrator))
        assert code == 0, f"{line}\n{err}"
    assert sorted(path.name for path in desk.folder.iterdir()) == [
        "nightly.json",
        "orders-api.json",
        "orders-caller.json",
        "orders-caller.pem",
        "registrar.json",
    ]


def test_an_api_and_its_caller(desk: Desk) -> None:
    """`--expose`: its settings, the scope of its callers, and a caller's role; then undone."""
    caller = register(desk.probe, name=f"Caller of {desk.name}")
    words = ("--expose", "api://", "--role", "Orders.Read.All", "--device-code")
    code, out, err = desk.run(
        *words,
        "--assign",
        f"{caller.client_id}:Orders.Read.All",
        meet=desk.enter(desk.administrator),
    )

    client_id = desk.settings["client_id"]
    assert code == 0, err
    assert out.splitlines()[:2] == [
        f"Application (client) ID  {client_id}",
        f"Scope of its callers     api://{client_id}/.default",
    ]
    assert f"Assign the app role Orders.Read.All to {caller.client_id}" in err
    claims = read_claims(caller.token(scope=f"api://{client_id}/.default")) or {}
    assert claims["roles"] == ["Orders.Read.All"]

    code, _, err = desk.run("--device-code")
    assert code == 2
    assert "is for an API, and --expose is missing" in err

    code, _, err = desk.run(*words, "--delete", meet=desk.enter(desk.administrator))
    assert code == 0, err
    assert list(desk.folder.iterdir()) == []


def test_a_caller_of_an_api_of_ones_own_asks_for_nothing_of_graph(desk: Desk) -> None:
    """`--scope`: a token for that API proves it, and later runs need not be told again."""
    code, _, err = desk.run(
        *("--expose", "api://", "--output", "api.json", "--device-code"),
        meet=desk.enter(desk.administrator),
    )
    assert code == 0, err
    (uri,) = json.loads((desk.folder / "api.json").read_text())["audience"]
    words = ("--name", f"Caller of {desk.name}", "--secret", "--device-code")
    code, _, err = desk.run(
        *words, "--scope", f"{uri}/.default", named=False, meet=desk.enter(desk.administrator)
    )

    assert code == 0, err
    assert "Proved: the app gets tokens, with: no role yet." in err
    assert "Write the API's address into endpoint" in err
    assert desk.settings["scope"] == [f"{uri}/.default"]
    assert "endpoint" not in desk.settings
    assert "User.Read.All" not in err

    before = desk.settings
    code, _, err = desk.run(*words, named=False, meet=desk.enter(desk.administrator))
    assert (code, desk.settings) == (0, before)
    assert "Nothing was to be changed." in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scope", "api://orders"), "is not what an app asks a token for"),
        (("--expose", "api://", "--scope", "api://a/.default"), "neither a credential nor"),
        (("--role", "A"), "--role and --assign work only together with --expose"),
        (("--assign", "a:B"), "--role and --assign work only together with --expose"),
        (("--expose", "api://", "--secret"), "needs neither a credential nor permissions"),
        (("--expose", "api://", "--permission", "User.Read.All"), "neither a credential nor"),
        (("--expose", "orders"), "cannot be an App ID URI"),
    ],
)
def test_an_api_is_not_an_app_that_calls(
    command: Command, words: tuple[str, ...], said: str
) -> None:
    """What belongs to the other is refused before anybody signs in."""
    outcome = command("register", *words)

    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())
